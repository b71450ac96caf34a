//! A caller of the API: one kept connection, as light as HTTP allows.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection to the API.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    /// Makes a request; returns the body of a successful response.
    pub(super) async fn call(&mut self, method: Method, path: &str, token: &str, body: Bytes) -> Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{path} responded with {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Posts JSON; returns a member of the response that is a string.
    pub(super) async fn create(&mut self, path: &str, token: &str, body: &Value, member: &str) -> Result<String> {
        let response = self.call(Method::POST, path, token, body.to_string().into()).await?;
        let response: Value = serde_json::from_slice(&response)?;
        let Some(Value::String(value)) = response.get(member) else { bail!("{path} returned no {member}") };
        Ok(value.clone())
    }

    /// Gets a resource.
    pub(super) async fn get(&mut self, path: &str, token: &str) -> Result<Bytes> {
        self.call(Method::GET, path, token, Bytes::new()).await
    }
}
