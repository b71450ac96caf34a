//! `send`: one event, once, to a URL.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use clarife_webhooks::sender::{EndpointUrl, Outcome, TestEvent};
use clarife_webhooks::{Event, EventType, SIGNATURE_HEADER};

use super::{Paint, Secrets, printable, read};
use crate::clock::wall;
use crate::deliver::{AddressPolicy, Client, Options, signature_header, standard_headers, system_lookup};

/// Sign one event, deliver it once to a URL, and show what was answered.
#[derive(Args)]
pub(super) struct Send {
    /// Where to; `http://` and this machine are fine here
    url: String,
    #[command(flatten)]
    secrets: Secrets,
    /// A sample event of this type
    #[arg(long = "type", value_name = "TYPE", default_value = "document.updated")]
    event_type: String,
    /// The body of an event instead, sent as it is; `-` for the standard input
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
        let signature = webhook.sign(&body, now.as_secs())?;
        let policy = AddressPolicy::PublicAndLoopback;
        let client =
            Client::new(Options { policy, lookup: system_lookup(), extra_roots: Vec::new(), idle_per_host: 0 })?;
        println!("POST {url}");
        let mut headers = vec![signature_header(&signature)];
        println!("{}", paint.dim(format_args!("Content-Type: application/json\n{SIGNATURE_HEADER}: {signature}")));
        // Beside it, where the id and the secret allow it.
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
        let took = format!("after {} ms", start.elapsed().as_millis());
        let success = response.outcome.is_success();
        let shown = match response.outcome {
            Outcome::Status(status) => format!("status {status}"),
            Outcome::Failure(kind) => format!("no answer: {kind}"),
        };
        println!("{} {}", if success { paint.good(&shown) } else { paint.bad(&shown) }, paint.dim(took));
        if !response.body.is_empty() {
            println!("\n{}", printable(&String::from_utf8_lossy(&response.body)));
        }
        Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn body(&self) -> Result<Vec<u8>> {
        if let Some(path) = &self.body {
            let body = read(path)?;
            Event::parse_trusted(&body).context("the body is not an event")?;
            return Ok(body);
        }
        let event_type = EventType::from_name(&self.event_type);
        if !event_type.is_known() {
            let known: Vec<_> = EventType::KNOWN.map(EventType::as_str).into();
            bail!("the type {:?} does not exist; there are {}", self.event_type, known.join(", "));
        }
        Ok(TestEvent::new(event_type, wall())?.body.into_bytes())
    }
}
