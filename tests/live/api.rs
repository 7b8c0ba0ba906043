use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::clients;
use crate::cluster;

/// How long to wait where the proxy has hung up.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(2)];

/// The API server by way of `kubectl proxy`: one request costs milliseconds, a run of kubectl a good part of a second.
pub(crate) struct Api {
    proxy: Child,
    address: String,
}

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The texts of its warnings.
    pub(crate) warnings: Vec<String>,
    pub(crate) body: String,
}

impl Api {
    pub(crate) fn start() -> Result<Self> {
        Self::to(&cluster::kubeconfig()?)
    }

    fn to(kubeconfig: &Path) -> Result<Self> {
        let kubectl = clients::find("kubectl").map_err(anyhow::Error::msg)?;
        let mut proxy = Command::new(kubectl)
            .args(["proxy", "--port=0", "--kubeconfig"])
            .arg(kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(proxy.stdout.take().context("standard output is a pipe")?).read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        ensure!(address.contains(':'), "kubectl proxy says {line:?}");
        Ok(Self { proxy, address })
    }

    /// Sends an object; what the proxy hangs up on, under load, some times more.
    pub(crate) fn send(&self, method: &str, path: &str, object: &Value) -> Result<Answer> {
        let hung_up = |error: &anyhow::Error| {
            error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == ErrorKind::ConnectionReset)
        };
        for pause in PAUSES {
            match self.send_once(method, path, object) {
                Err(error) if hung_up(&error) => std::thread::sleep(pause),
                answer => return answer,
            }
        }
        self.send_once(method, path, object)
    }

    fn send_once(&self, method: &str, path: &str, object: &Value) -> Result<Answer> {
        let body = object.to_string();
        let content = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").context("an answer has a head")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = &bytes[end + 4..];
        let body = if is_chunked { joined(body)? } else { body.to_vec() };
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let warnings = lines.filter_map(|line| line.strip_prefix("Warning: ").map(str::to_owned)).collect();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: status.context("an answer has a status")?, warnings, body })
    }
}

/// A body that came in chunks, each with its length before it.
fn joined(mut chunks: &[u8]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.windows(2).position(|two| two == b"\r\n").context("a chunk has a length")?;
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end])?, 16)?;
        if length == 0 {
            return Ok(body);
        }
        let rest = &chunks[end + 2..];
        body.extend(rest.get(..length).context("a chunk is whole")?);
        chunks = rest.get(length + 2..).context("a chunk has an end")?;
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}
