use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

/// Starts a server that knows no object, only the kinds of the trials' charts, and returns its address.
/// Helm 3 wants one for `helm install --dry-run=client`. It ends with the process.
pub(crate) fn start() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up early is no concern of the server's.
            let _ = respond(&stream);
        }
    });
    Ok(address)
}

fn respond(mut stream: &TcpStream) -> Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|header| !header.is_empty()) {}
    let target = request.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let (status, body) = match answer(path) {
        Some(body) => ("200 OK", body),
        None => (
            "404 Not Found",
            json!({"kind": "Status", "apiVersion": "v1", "reason": "NotFound", "code": 404}),
        ),
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )?;
    Ok(())
}

fn answer(path: &str) -> Option<Value> {
    let group = |name: &str| {
        let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    match path {
        "/version" => Some(json!({"major": "1", "minor": "37", "gitVersion": "v1.37.0"})),
        "/api" => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => Some(json!({
            "kind": "APIGroupList", "apiVersion": "v1", "groups": [group("apps"), group("batch")]
        })),
        "/api/v1" => Some(kinds("v1", &["ConfigMap", "Secret", "Service", "ServiceAccount"])),
        "/apis/apps/v1" => Some(kinds("apps/v1", &["Deployment"])),
        "/apis/batch/v1" => Some(kinds("batch/v1", &["Job"])),
        _ => None,
    }
}

fn kinds(version: &str, kinds: &[&str]) -> Value {
    let resource = |kind: &&str| {
        let name = format!("{}s", kind.to_lowercase());
        json!({"name": name, "kind": kind, "namespaced": true, "verbs": ["get"]})
    };
    let resources: Vec<Value> = kinds.iter().map(resource).collect();
    json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources})
}
