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
use clarife_webhooks::sender::{EndpointUrl, Outcome, SigningSecret};
use clarife_webhooks::{Event, SIGNATURE_HEADER, Webhook, WebhookError};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::failure::explain;
use super::inspect::json;
use super::{Paint, known_type, printable, webhook};
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
    /// Signing secret; repeat it during a rotation, newest first [default: a new one, which is printed]
    #[arg(long = "secret", env = "CLARIFE_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    secrets: Vec<String>,
    /// Types to show and forward, separated by commas; other events receive the status alone [default: all]
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    events: Vec<String>,
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
    events: Vec<String>,
    json: bool,
    paint: Paint,
    forward: Option<(Client, EndpointUrl)>,
    status: StatusCode,
}

impl Listen {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let forward = self.forward_to.as_deref().map(forward).transpose()?;
        self.events.iter().try_for_each(|name| known_type(name).map(drop))?;
        let made = if self.secrets.is_empty() { Some(SigningSecret::generate()?) } else { None };
        let webhook = made.as_ref().map_or_else(|| webhook(&self.secrets), |made| Ok(Webhook::new(made.expose())?))?;
        let listener = Listener {
            webhook,
            events: self.events,
            json: self.json,
            paint: Paint::for_stdout(),
            forward,
            status: StatusCode::from_u16(self.status)?,
        };
        let address = SocketAddr::new(self.host, self.port);
        let socket = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        if let Some(made) = &made {
            eprintln!("signing secret  {}", made.expose());
        }
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
            listener.show_refusal(&uri, &headers, &error);
            let refusal = json!({"error": error.to_string(), "code": error.code().as_str()});
            return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
        }
    };
    if !listener.events.is_empty() && !listener.events.iter().any(|name| name == event.event_type().as_str()) {
        return listener.status.into_response();
    }
    let (status, response_body, failure) = match &listener.forward {
        None => (listener.status, Vec::new(), None),
        Some((client, url)) => {
            let response = client.post(url, body.clone(), signatures(&headers)).await;
            match response.outcome {
                Outcome::Status(status) => {
                    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), response.body, None)
                }
                Outcome::Failure(kind) => {
                    let failure = format!("cannot forward to {url}: {}", explain(kind, url));
                    (StatusCode::BAD_GATEWAY, failure.clone().into_bytes(), Some(failure))
                }
            }
        }
    };
    listener.show(&uri, &headers, &event, status, failure.as_deref());
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

/// A line of `--json` about a verified delivery. The data has its members in the order of the body.
#[derive(Serialize)]
struct Line<'a> {
    received_at: Option<String>,
    verified: bool,
    path: &'a str,
    answered: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_error: Option<&'a str>,
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    created_at: Option<String>,
    data: Box<RawValue>,
    headers: Value,
}

/// Returns the headers as an object.
fn object(headers: &HeaderMap) -> Value {
    let pairs = headers.keys().map(|name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.to_string(), Value::from(values.collect::<Vec<_>>().join(", ")))
    });
    Value::Object(pairs.collect())
}

impl Listener {
    fn show(&self, uri: &Uri, headers: &HeaderMap, event: &Event<'_>, status: StatusCode, failure: Option<&str>) {
        let created_at = event.created_at().to_rfc3339();
        let (kind, id) = (event.event_type(), event.id());
        if self.json {
            let line = Line {
                received_at: wall().to_rfc3339(),
                verified: true,
                path: uri.path(),
                answered: status.as_u16(),
                forward_error: failure,
                id,
                event_type: kind.as_str(),
                created_at,
                data: RawValue::from_string(json::compact(event.data())).unwrap_or_default(),
                headers: object(headers),
            };
            println!("{}", serde_json::to_string(&line).unwrap_or_default());
            return;
        }
        let (paint, word) = (self.paint, if status.is_success() { "verified" } else { "verified, responded" });
        let word = if status.is_success() { paint.good(word) } else { paint.bad(format_args!("{word} {status}")) };
        let (kind, id, created_at) = (printable(kind.as_str()), printable(id), created_at.unwrap_or_default());
        println!("{word} {kind} {}", paint.dim(format_args!("{id} {created_at} {}", uri.path())));
        if let Some(failure) = failure {
            println!("  {}", paint.bad(failure));
        }
        self.show_headers(headers);
        println!("{}", printable(&json::pretty(event.data())));
    }

    fn show_headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let value = printable(&String::from_utf8_lossy(value.as_bytes()));
            println!("{}", self.paint.dim(format_args!("  {name}: {value}")));
        }
    }

    fn show_refusal(&self, uri: &Uri, headers: &HeaderMap, error: &WebhookError) {
        if self.json {
            let line = json!({
                "received_at": wall().to_rfc3339(), "verified": false, "path": uri.path(), "answered": 400,
                "error": error.to_string(), "code": error.code().as_str(), "hint": error.hint(),
                "headers": object(headers),
            });
            println!("{line}");
            return;
        }
        let paint = self.paint;
        println!("{} {error} ({}) {}", paint.bad("refused"), error.code(), paint.dim(uri.path()));
        println!("  {}", error.hint());
        self.show_headers(headers);
    }
}
