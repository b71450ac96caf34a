//! The commands `sign` and `verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clarife_webhooks::UnixTime;
use clarife_webhooks::{DEFAULT_TOLERANCE, Webhook, WebhookError};

use super::inspect::header::Lines;
use super::{Paint, Secrets, moment, printable, read};
use crate::clock::wall;

/// Sign a body
#[derive(Args)]
pub(super) struct Sign {
    /// File with the body; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    body: PathBuf,
    #[command(flatten)]
    secrets: Secrets,
    /// Time of the signature: Unix seconds, RFC 3339, or +SECONDS or -SECONDS from now [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_negative_numbers = true)]
    at: Option<UnixTime>,
}

impl Sign {
    pub(super) fn run(self) -> Result<ExitCode> {
        let at = self.at.unwrap_or_else(wall);
        println!("{}", self.secrets.webhook()?.sign(&read(&self.body)?, at)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Options of verification.
#[derive(Args)]
pub(super) struct Verification {
    /// Time of verification: Unix seconds, RFC 3339, or +SECONDS or -SECONDS from now [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment::parse, allow_negative_numbers = true)]
    at: Option<UnixTime>,
    /// Limit of the difference between the signature's time and the time of verification, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TOLERANCE)]
    pub(super) tolerance: u64,
    /// Limit of the event's age, in seconds
    #[arg(long, value_name = "SECONDS")]
    max_event_age: Option<u64>,
}

impl Verification {
    /// Returns the time of verification.
    pub(super) fn now(&self) -> UnixTime {
        self.at.unwrap_or_else(wall)
    }

    /// Sets the limits of a verifier.
    pub(super) fn apply(&self, webhook: Webhook) -> Webhook {
        let webhook = webhook.with_tolerance(self.tolerance);
        match self.max_event_age {
            Some(age) => webhook.with_max_event_age(age),
            None => webhook,
        }
    }
}

/// Verify a delivery
#[derive(Args)]
pub(super) struct Verify {
    /// File with the body, byte for byte as received; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    body: PathBuf,
    /// Value of the X-Clarife-Signature header
    #[arg(long, value_name = "HEADER", required_unless_present = "headers")]
    signature: Option<String>,
    /// Header line `NAME: VALUE`; repeat it for the three headers of Standard Webhooks, which are verified if no
    /// X-Clarife-Signature is passed
    #[arg(long = "header", value_name = "LINE")]
    headers: Vec<String>,
    #[command(flatten)]
    secrets: Secrets,
    #[command(flatten)]
    verification: Verification,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (paint, body) = (Paint::for_stdout(), read(&self.body)?);
        let (webhook, now) = (self.verification.apply(self.secrets.webhook()?), self.verification.now());
        let mut lines = Lines::parse(&self.headers.join("\n"));
        if let Some(text) = self.signature {
            lines.clarife = Lines::parse(&text).clarife.or(Some(text));
        }
        match lines.verify(webhook, &body, now) {
            Ok(event) => {
                let created_at = event.created_at().to_rfc3339().unwrap_or_default();
                let (kind, id) = (printable(event.event_type().as_str()), printable(event.id()));
                println!("{} {kind} {id} {created_at}", paint.good("verified"));
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                refuse(paint, &error);
                Ok(ExitCode::FAILURE)
            }
        }
    }
}

fn refuse(paint: Paint, error: &WebhookError) {
    println!("{} {error} ({})\n  {}", paint.bad("refused"), error.code(), error.hint());
}
