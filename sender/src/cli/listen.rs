//! The command `listen`: a local receiver that prints deliveries.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use clap::Args;
use clarife_webhooks::sender::{EndpointUrl, Outcome};
use clarife_webhooks::{Event, SIGNATURE_HEADER, Webhook, WebhookError};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Paint, Secrets, printable};
use crate::clock::wall;
use crate::deliver::{AddressPolicy, Client, Options, system_lookup};

/// Limit of a request body.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Receive deliveries on this machine, verify and print them
#[derive(Args)]
pub(super) struct Listen {
    /// Port to listen on; every path is accepted
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Address to listen on; 0.0.0.0 in a container, and ::1 for IPv6
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    host: IpAddr,
    #[command(flatten)]
    secrets: Secrets,
    /// Print one JSON object per delivery
    #[arg(long)]
    json: bool,
    /// Forward verified deliveries to this URL, byte for byte, and return its responses
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// Status of the responses, to test the sender's retries
    #[arg(
        long = "answer",
        value_name = "STATUS",
        default_value_t = 200,
        value_parser = clap::value_parser!(u16).range(200..=599)
    )]
    status: u16,
}

struct Listener {
    webhook: Webhook,
    json: bool,
    paint: Paint,
    forward: Option<(Client, EndpointUrl)>,
    status: StatusCode,
}

impl Listen {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let forward = self.forward_to.as_deref().map(forward).transpose()?;
        let listener = Listener {
            webhook: self.secrets.webhook()?,
            json: self.json,
            paint: Paint::for_stdout(),
            forward,
            status: StatusCode::from_u16(self.status)?,
        };
        let address = SocketAddr::new(self.host, self.port);
        let socket = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        eprintln!("listening on http://{}", socket.local_addr()?);
        let app = Router::new().fallback(receive).layer(DefaultBodyLimit::max(MAX_BODY)).with_state(Arc::new(listener));
        axum::serve(socket, app).await?;
        Ok(ExitCode::SUCCESS)
    }
}

fn forward(url: &str) -> Result<(Client, EndpointUrl)> {
    let url =
        EndpointUrl::parse_allowing_plain_http(url).map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))?;
    let (policy, lookup) = (AddressPolicy::PublicAndLoopback, system_lookup());
    Ok((Client::new(Options { policy, lookup, extra_roots: Vec::new(), idle_per_host: 1 })?, url))
}

async fn receive(
    State(listener): State<Arc<Listener>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response();
    }
    let event = match listener.webhook.verify(&body, &headers) {
        Ok(event) => event,
        Err(error) => {
            listener.show_refusal(&uri, &error);
            let refusal = json!({"error": error.to_string(), "code": error.code().as_str()});
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
    };
    let (status, response_body) = match &listener.forward {
        None => (listener.status, Vec::new()),
        Some((client, url)) => {
            let response = client.post(url, body.clone(), signatures(&headers)).await;
            match response.outcome {
                Outcome::Status(status) => {
                    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), response.body)
                }
                Outcome::Failure(kind) => (StatusCode::BAD_GATEWAY, kind.as_str().into()),
            }
        }
    };
    listener.show(&uri, &event, status);
    (status, response_body).into_response()
}

/// Returns the signature headers as they were received.
fn signatures(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let signs = |name: &HeaderName| {
        name.as_str().eq_ignore_ascii_case(SIGNATURE_HEADER) || name.as_str().starts_with("webhook-")
    };
    let signing = headers.iter().filter(|(name, _)| signs(name));
    signing.map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Listener {
    fn show(&self, uri: &Uri, event: &Event<'_>, status: StatusCode) {
        let data: Value = serde_json::from_str(event.data()).unwrap_or_default();
        if self.json {
            let line = json!({
                "received_at": wall().to_rfc3339(), "verified": true, "path": uri.path(), "answered": status.as_u16(),
                "id": event.id(), "type": event.event_type().as_str(), "created_at": event.created_at().to_rfc3339(),
                "data": data,
            });
            println!("{line}");
            return;
        }
        let (paint, word) = (self.paint, if status.is_success() { "verified" } else { "verified, responded" });
        let word = if status.is_success() { paint.good(word) } else { paint.bad(format_args!("{word} {status}")) };
        let (kind, id) = (printable(event.event_type().as_str()), printable(event.id()));
        println!("{word} {kind} {}", paint.dim(format_args!("{id} {}", uri.path())));
        println!("{}", printable(&serde_json::to_string_pretty(&data).unwrap_or_default()));
    }

    fn show_refusal(&self, uri: &Uri, error: &WebhookError) {
        if self.json {
            let line = json!({
                "received_at": wall().to_rfc3339(), "verified": false, "path": uri.path(), "answered": 400,
                "error": error.to_string(), "code": error.code().as_str(), "hint": error.hint(),
            });
            println!("{line}");
            return;
        }
        let paint = self.paint;
        println!("{} {error} ({}) {}", paint.bad("refused"), error.code(), paint.dim(uri.path()));
        println!("  {}", error.hint());
    }
}
