//! The command `send`: one event, sent once.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::http::{HeaderName, HeaderValue};
use clap::Args;
use clarife_webhooks::sender::{EndpointUrl, Outcome, TestEvent};
use clarife_webhooks::{ErrorCode, Event, UnixTime};
use serde_json::Value;

use super::failure::explain;
use super::{Paint, known_type, moment, printable, read, webhook};
use crate::clock::wall;
use crate::deliver::{AddressPolicy, Client, Options, signature_header, standard_headers, system_lookup};

/// Sign an event, send it once to a URL and print the response
#[derive(Args)]
pub(super) struct Send {
    /// URL to send to; `http://` and this machine are allowed
    url: String,
    /// Signing secret; repeat it during a rotation, newest first
    #[arg(
        long = "secret",
        env = "CLARIFE_WEBHOOK_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        required_unless_present = "headers"
    )]
    secrets: Vec<String>,
    /// Type of the sample event
    #[arg(long = "type", value_name = "TYPE", default_value = "document.updated")]
    event_type: String,
    /// File with an event to send unchanged instead of a sample; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "event_type")]
    body: Option<PathBuf>,
    /// Header line `NAME: VALUE` of a stored delivery, sent in place of a new signature; repeat it
    #[arg(long = "header", value_name = "LINE", requires = "body")]
    headers: Vec<String>,
    /// Time of the signature, to test refusals: Unix seconds, RFC 3339, or +SECONDS or -SECONDS from now [default: now]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = moment::parse,
        allow_negative_numbers = true,
        conflicts_with = "headers"
    )]
    at: Option<UnixTime>,
    /// Change the body after it was signed, to test refusals
    #[arg(long)]
    tamper: bool,
}

impl Send {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = EndpointUrl::parse_allowing_plain_http(&self.url)
            .map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))?;
        let body = self.body()?;
        let paint = Paint::for_stdout();
        let headers = if self.headers.is_empty() { self.sign(&body)? } else { self.stored()? };
        let body = if self.tamper { tampered(&body) } else { body };
        let policy = AddressPolicy::PublicAndLoopback;
        let client =
            Client::new(Options { policy, lookup: system_lookup(), extra_roots: Vec::new(), idle_per_host: 0 })?;
        println!("POST {url}");
        println!("{}", paint.dim("content-type: application/json"));
        for (name, value) in &headers {
            println!(
                "{}",
                paint.dim(format_args!("{name}: {}", printable(&String::from_utf8_lossy(value.as_bytes()))))
            );
        }
        println!("\n{}\n", printable(&String::from_utf8_lossy(&body)));
        let start = Instant::now();
        let response = client.post(&url, body.into(), headers).await;
        let duration = format!("after {} ms", start.elapsed().as_millis());
        let success = response.outcome.is_success();
        let result = match response.outcome {
            Outcome::Status(status) => format!("status {status}"),
            Outcome::Failure(kind) => format!("no response: {}", explain(kind, &url)),
        };
        println!("{} {}", if success { paint.good(&result) } else { paint.bad(&result) }, paint.dim(duration));
        if !response.body.is_empty() {
            println!("\n{}", printable(&String::from_utf8_lossy(&response.body)));
        }
        if let Some(hint) = (!success).then(|| hint(&response.body)).flatten() {
            println!("\n  {}", printable(&hint));
        }
        Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn body(&self) -> Result<Vec<u8>> {
        if let Some(path) = &self.body {
            let body = read(path)?;
            Event::parse_trusted(&body)
                .map_err(|error| anyhow::anyhow!("cannot send {}: {error}; {}", path.display(), error.hint()))?;
            return Ok(body);
        }
        let event_type = known_type(&self.event_type)?;
        Ok(TestEvent::new(event_type, wall())?.body.into_bytes())
    }

    /// Returns the headers of a new signature. Those of Standard Webhooks are added if the id and the secret allow it.
    fn sign(&self, body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let (webhook, at) = (webhook(&self.secrets)?, self.at.unwrap_or_else(wall));
        let mut headers = vec![signature_header(&webhook.sign(body, at)?)];
        let event = Event::parse_trusted(body)?;
        if let Ok(standard) = webhook.sign_standard(body, event.id(), at) {
            headers.extend(standard_headers(&standard));
        }
        Ok(headers)
    }

    /// Returns the headers of a stored delivery.
    fn stored(&self) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let parse = |line: &String| {
            let (name, value) = line.split_once(':').context("invalid header: not NAME: VALUE")?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).context("invalid name of a header")?;
            Ok((name, HeaderValue::from_str(value.trim()).context("invalid value of a header")?))
        };
        self.headers.iter().map(parse).collect()
    }
}

/// Changes the id of an event, or adds a space if its id is written with escapes.
fn tampered(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let id = Event::parse_trusted(body).map(|event| format!("\"{}\"", event.id())).unwrap_or_default();
    let changed = text.replacen(&id, "\"tampered\"", 1);
    if changed == text || id.is_empty() { format!("{text} ").into_bytes() } else { changed.into_bytes() }
}

/// Returns the hint of a refusal: that of the response, or that of its code.
fn hint(response: &[u8]) -> Option<String> {
    let refusal: Value = serde_json::from_slice(response).ok()?;
    if let Some(hint) = refusal.get("hint").and_then(Value::as_str) {
        return Some(hint.to_owned());
    }
    let code = refusal.get("code")?.as_str()?;
    ErrorCode::ALL.into_iter().find(|known| known.as_str() == code).map(|known| known.hint().to_owned())
}
