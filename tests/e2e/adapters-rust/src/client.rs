//! An HTTP/1.1 client that sends exactly the bytes of a test.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The time limit of a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server's response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    /// The body.
    pub body: Value,
}

impl Response {
    /// Returns the status, and the code in the body.
    pub fn verdict(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

/// Returns the head of a request with these headers.
pub fn head(method: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} /webhooks/clarife HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")
}

/// Posts a body with its length.
pub async fn post<N: AsRef<str>, V: AsRef<str>>(to: SocketAddr, headers: &[(N, V)], body: &[u8]) -> Response {
    let length = body.len().to_string();
    let mut all: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    all.push(("content-length", &length));
    send(to, &[head("POST", &all).as_bytes(), body]).await.expect("a response")
}

/// Posts a body in chunks, one per packet. Without `ends`, the body has no last chunk.
pub async fn post_chunks<N: AsRef<str>, V: AsRef<str>>(
    to: SocketAddr,
    headers: &[(N, V)],
    chunks: &[&[u8]],
    ends: bool,
) -> Response {
    let mut all: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    all.push(("transfer-encoding", "chunked"));
    let mut parts = vec![head("POST", &all).into_bytes()];
    for chunk in chunks {
        parts.push([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    if ends {
        parts.push(b"0\r\n\r\n".to_vec());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    send(to, &parts).await.expect("a response")
}

/// Sends the parts one after another, and reads the response. Returns `None` if the connection ends without one.
pub async fn send(to: SocketAddr, parts: &[&[u8]]) -> Option<Response> {
    let exchange = async {
        let stream = TcpStream::connect(to).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (mut reading, mut writing) = stream.into_split();
        let mut response = Vec::new();
        let written = async {
            for part in parts {
                // A server may stop reading after it has responded.
                if writing.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let read = async {
            let mut buffer = [0; 4096];
            while !is_complete(&response) {
                match reading.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => response.extend_from_slice(&buffer[..length]),
                }
            }
        };
        tokio::join!(written, read);
        parse(&response)
    };
    tokio::time::timeout(TIMEOUT, exchange).await.expect("a response in time")
}

/// Returns `true` if the response has a body of the declared length.
fn is_complete(response: &[u8]) -> bool {
    let text = String::from_utf8_lossy(response);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    content_length(head).is_some_and(|length| body.len() >= length)
}

fn content_length(head: &str) -> Option<usize> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-length:"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

fn parse(response: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(response);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Response { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or(Value::Null) })
}
