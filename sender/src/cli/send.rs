//! The command `send`: one event, sent once.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use clarife_webhooks::sender::{EndpointUrl, FailureKind, Outcome, TestEvent};
use clarife_webhooks::{Event, EventType, SIGNATURE_HEADER};

use super::{Paint, Secrets, printable, read};
use crate::clock::wall;
use crate::deliver::{AddressPolicy, Client, Options, signature_header, standard_headers, system_lookup};

/// Sign an event, send it once to a URL and print the response
#[derive(Args)]
pub(super) struct Send {
    /// URL to send to; `http://` and this machine are allowed
    url: String,
    #[command(flatten)]
    secrets: Secrets,
    /// Type of the sample event
    #[arg(long = "type", value_name = "TYPE", default_value = "document.updated")]
    event_type: String,
    /// File with an event to send unchanged instead of a sample; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "event_type")]
    body: Option<PathBuf>,
}

impl Send {
    pub(super) async fn run(self) -> Result<ExitCode> {
        let url = EndpointUrl::parse_allowing_plain_http(&self.url)
            .map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))?;
        let body = self.body()?;
        let (paint, now) = (Paint::for_stdout(), wall());
        let webhook = self.secrets.webhook()?;
        let signature = webhook.sign(&body, now)?;
        let policy = AddressPolicy::PublicAndLoopback;
        let client =
            Client::new(Options { policy, lookup: system_lookup(), extra_roots: Vec::new(), idle_per_host: 0 })?;
        println!("POST {url}");
        let mut headers = vec![signature_header(&signature)];
        println!("{}", paint.dim(format_args!("Content-Type: application/json\n{SIGNATURE_HEADER}: {signature}")));
        // Sent as well if the id and the secret allow it.
        let event = Event::parse_trusted(&body)?;
        if let Ok(standard) = webhook.sign_standard(&body, event.id(), now) {
            standard
                .pairs()
                .iter()
                .for_each(|(name, value)| println!("{}", paint.dim(format_args!("{name}: {value}"))));
            headers.extend(standard_headers(&standard));
        }
        println!("\n{}\n", printable(&String::from_utf8_lossy(&body)));
        let start = Instant::now();
        let response = client.post(&url, body.into(), headers).await;
        let duration = format!("after {} ms", start.elapsed().as_millis());
        let success = response.outcome.is_success();
        let result = match response.outcome {
            Outcome::Status(status) => format!("status {status}"),
            Outcome::Failure(kind) => format!("no response: {kind}; {}", hint(kind)),
        };
        println!("{} {}", if success { paint.good(&result) } else { paint.bad(&result) }, paint.dim(duration));
        if !response.body.is_empty() {
            println!("\n{}", printable(&String::from_utf8_lossy(&response.body)));
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
        let event_type = EventType::from_name(&self.event_type);
        if !event_type.is_known() {
            let known: Vec<_> = EventType::KNOWN.map(EventType::as_str).into();
            bail!("invalid event type {:?}; known types are {}", self.event_type, known.join(", "));
        }
        Ok(TestEvent::new(event_type, wall())?.body.into_bytes())
    }
}

/// Returns what to do about a failure.
const fn hint(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Timeout => "respond within 10 s, and do slow work afterwards",
        FailureKind::Dns => "check the host name",
        FailureKind::Connection => "check that a server listens on this host and port",
        FailureKind::Tls => "check the certificate: its name, its dates and its issuer",
        FailureKind::ForbiddenAddress => "use a public address or this machine",
        FailureKind::TooLarge => "send smaller headers",
        FailureKind::InvalidResponse => "check that the port speaks HTTP",
        _ => "check the endpoint",
    }
}
