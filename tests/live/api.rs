use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::clients;
use crate::cluster;

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

    /// Sends an object.
    pub(crate) fn send(&self, method: &str, path: &str, object: &Value) -> Result<Answer> {
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
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").context("an answer has a head")?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let warnings = lines.filter_map(|line| line.strip_prefix("Warning: ").map(str::to_owned)).collect();
        Ok(Answer { status: status.context("an answer has a status")?, warnings, body: body.to_owned() })
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}
