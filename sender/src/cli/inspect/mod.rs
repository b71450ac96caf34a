//! The command `inspect`: the cause of a refused delivery.
//!
//! The signature is compared with candidates: changes of the body, mistakes with the secret and other schemes, each
//! undone. A candidate that fits names the cause.

mod body;
mod cause;
pub(super) mod header;
pub(super) mod json;
mod report;
mod search;
mod secret;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;

use self::header::Lines;
use self::report::Delivery;
use super::signatures::Verification;
use super::{Paint, read};

/// Find the cause of a refused delivery
///
/// Pass the header, the secret and the body as the handler saw them. The command tries the changes that frameworks,
/// proxies and settings make, and names the one that fits. The status is 0 only if the delivery verifies. Bytes are
/// counted from 0.
#[derive(Args)]
pub(super) struct Inspect {
    /// Value of the X-Clarife-Signature header, or a line with its name; `@FILE` for a file with header lines
    #[arg(value_name = "HEADER", required_unless_present = "headers")]
    signature: Option<String>,
    /// Header line `NAME: VALUE`, such as those of Standard Webhooks; repeat it; `@FILE` for a file with header lines
    #[arg(long = "header", value_name = "LINE")]
    headers: Vec<String>,
    /// Signing secret as the handler has it; repeat it for several; `@FILE` for a file
    #[arg(long = "secret", env = "CLARIFE_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    secrets: Vec<String>,
    /// File with the body as the handler saw it; `-` or `@-` for standard input
    #[arg(long, value_name = "FILE")]
    body: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    verification: Verification,
}

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode> {
        let from_stdin = |text: &&String| text.as_str() == "@-";
        let texts = self.signature.iter().chain(&self.headers).chain(&self.secrets);
        let of_body = self.body.iter().filter(|body| matches!(body.as_str(), "-" | "@-"));
        let count = texts.filter(from_stdin).count().saturating_add(of_body.count());
        ensure!(count <= 1, "cannot read standard input {count} times: use files");
        let mut lines = Vec::new();
        for text in self.signature.iter().chain(&self.headers) {
            lines.push(String::from_utf8_lossy(&content(text)?).into_owned());
        }
        let delivery = Delivery {
            lines: Lines::parse(&lines.join("\n")),
            secrets: self.secrets.iter().map(|secret| content(secret)).collect::<Result<_>>()?,
            body: self
                .body
                .as_deref()
                .map(|body| read(Path::new(body.strip_prefix('@').unwrap_or(body))))
                .transpose()?,
        };
        let report = delivery.explain(&self.verification);
        if self.json {
            println!("{}", report.to_json());
        } else {
            report.print(Paint::for_stdout());
        }
        Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Returns the bytes of a text, or of a file for `@FILE`.
fn content(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix('@') {
        Some(path) => read(Path::new(path)),
        None => Ok(text.as_bytes().to_vec()),
    }
}
