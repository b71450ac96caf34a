//! The commands `sign`, `verify` and `inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clarife_webhooks::UnixTime;
use clarife_webhooks::{DEFAULT_TOLERANCE, ErrorCode, Webhook, WebhookError};

use super::{Paint, Secrets, read};
use crate::clock::wall;

/// Sign a body
#[derive(Args)]
pub(super) struct Sign {
    /// File with the body; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    body: PathBuf,
    #[command(flatten)]
    secrets: Secrets,
    /// Time of the signature, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
}

impl Sign {
    pub(super) fn run(self) -> Result<ExitCode> {
        let at = self.at.map_or_else(wall, UnixTime::from_secs);
        println!("{}", self.secrets.webhook()?.sign(&read(&self.body)?, at)?);
        Ok(ExitCode::SUCCESS)
    }
}

/// Options of verification.
#[derive(Args)]
struct Verification {
    /// Time of verification, in Unix seconds [default: now]
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    /// Limit of the difference between the signature's time and the time of verification, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TOLERANCE)]
    tolerance: u64,
    /// Limit of the event's age, in seconds
    #[arg(long, value_name = "SECONDS")]
    max_event_age: Option<u64>,
}

impl Verification {
    fn now(&self) -> UnixTime {
        self.at.map_or_else(wall, UnixTime::from_secs)
    }

    fn apply(&self, webhook: Webhook) -> Webhook {
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
    #[arg(long, value_name = "HEADER")]
    signature: String,
    #[command(flatten)]
    secrets: Secrets,
    #[command(flatten)]
    verification: Verification,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (paint, body) = (Paint::for_stdout(), read(&self.body)?);
        let webhook = self.verification.apply(self.secrets.webhook()?);
        match webhook.verify_at(&body, self.signature.as_str(), self.verification.now()) {
            Ok(event) => {
                let created_at = event.created_at().to_rfc3339().unwrap_or_default();
                println!("{} {} {} {created_at}", paint.good("verified"), event.event_type(), event.id());
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

/// Explain a signature header
#[derive(Args)]
pub(super) struct Inspect {
    /// Value of the X-Clarife-Signature header
    #[arg(value_name = "HEADER")]
    signature: String,
    /// Signing secret to check the signatures with; repeat it for several, newest first
    #[arg(long = "secret", env = "CLARIFE_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    secrets: Vec<String>,
    /// File with the body, byte for byte as received
    #[arg(long, value_name = "FILE", requires = "secrets")]
    body: Option<PathBuf>,
    #[command(flatten)]
    verification: Verification,
}

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode> {
        let (paint, now) = (Paint::for_stdout(), self.verification.now());
        let header = self.signature.as_str();
        // Any secret shows whether the header is well-formed and within the tolerance.
        let form = Webhook::new("whsec_")?.with_tolerance(u64::MAX);
        let malformed =
            form.verify_at("", header, now).err().filter(|error| error.code() != ErrorCode::SignatureMismatch);
        if let Some(error) = malformed {
            refuse(paint, &error);
            return Ok(ExitCode::FAILURE);
        }
        let elements = header.split(',').filter_map(|element| element.trim().split_once('='));
        let mut signatures: u32 = 0;
        for (key, value) in elements {
            match key {
                "t" => {
                    let seconds: i64 = value.parse()?;
                    let time = UnixTime::from_secs(seconds).to_rfc3339().unwrap_or_else(|| "out of range".to_owned());
                    let age = now.as_secs().saturating_sub(seconds);
                    let relation =
                        if age < 0 { format!("{} s ahead", age.saturating_neg()) } else { format!("{age} s ago") };
                    println!("t   {seconds} = {time}, {relation}");
                }
                "v1" => {
                    signatures = signatures.saturating_add(1);
                    println!("v1  {value}");
                }
                other => println!("{other}  ignored: {value}"),
            }
        }
        println!("    signed with {signatures} secret{}", if signatures == 1 { "" } else { "s" });
        let webhook = match (&self.body, self.secrets.is_empty()) {
            (_, true) | (None, _) => self.verification.apply(Webhook::new("whsec_")?),
            _ => self.verification.apply(Webhook::from_secrets(&self.secrets)?),
        };
        let body = self.body.as_deref().map(read).transpose()?;
        match webhook.verify_at(body.as_deref().unwrap_or_default(), header, now) {
            Ok(_) => println!("{}", paint.good("this delivery would be verified")),
            Err(error) if error.code() == ErrorCode::SignatureMismatch && body.is_none() => {
                println!(
                    "{}",
                    paint.good("well-formed and within the tolerance; pass --secret and --body to check the signature")
                );
            }
            Err(error) => {
                refuse(paint, &error);
                return Ok(ExitCode::FAILURE);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
