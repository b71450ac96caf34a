//! The report on a delivery: the verdict, the causes and the details.

use clarife_webhooks::{ErrorCode, MAX_TIMESTAMP, UnixTime, Webhook, WebhookError};
use serde_json::{Value, json};

use super::body::{self, Variant};
use super::cause::{Cause, span};
use super::header::{Lines, Scheme};
use super::search::{Fit, Search, search};
use super::secret::{self, Reading};
use crate::cli::signatures::Verification;
use crate::cli::{Paint, printable};

/// A delivery as the handler saw it.
pub(super) struct Delivery {
    pub(super) lines: Lines,
    pub(super) secrets: Vec<Vec<u8>>,
    pub(super) body: Option<Vec<u8>>,
}

/// The findings about a delivery.
pub(super) struct Report {
    pub(super) verified: bool,
    verdict: String,
    causes: Vec<Cause>,
    details: Vec<(&'static str, String)>,
    compared: usize,
}

impl Delivery {
    /// Verifies the delivery, and searches for the cause of a refusal.
    pub(super) fn explain(&self, verification: &Verification) -> Report {
        let now = verification.now();
        let mut report =
            Report { verified: false, verdict: String::new(), causes: Vec::new(), details: Vec::new(), compared: 0 };
        self.describe(&mut report.details, now);
        let error = match self.verify(verification, now) {
            Ok(event) => {
                report.verified = true;
                report.verdict = format!("verified: {event}");
                None
            }
            Err(error) => Some(error),
        };
        let late = self.age(now).filter(|age| age.unsigned_abs() > verification.tolerance);
        let late = late.map(|age| Cause::of_time(age, verification.tolerance));
        let late = if self.time().is_some_and(is_milliseconds) { Some(Cause::of_milliseconds()) } else { late };
        let complete = self.body.as_deref().filter(|_| !self.secrets.is_empty());
        match (error, complete) {
            (None, _) => self.name_secret(&mut report),
            (Some(error), Some(body)) => {
                report.details.push(("code", error.code().to_string()));
                self.find(&mut report, body, &error);
                report.causes.extend(late);
                if report.causes.is_empty() {
                    report.causes.push(Cause::of_error(&error));
                }
            }
            (Some(error), None) if error.code() == ErrorCode::SignatureMismatch => {
                report.verdict =
                    "not checked: the header is well-formed and its time is within the tolerance; pass --secret \
                                  and --body to check the signature"
                        .to_owned();
            }
            (Some(error), None) => {
                report.details.push(("code", error.code().to_string()));
                let other = self.lines.signed().into_iter().find(|signed| signed.scheme != Scheme::Clarife);
                let other = other.filter(|_| !self.lines.is_standard()).map(|signed| Cause::of_scheme(signed.scheme));
                report.causes.push(late.or(other).unwrap_or_else(|| Cause::of_error(&error)));
            }
        }
        if report.verdict.is_empty() {
            let causes: Vec<&str> = report.causes.iter().map(|cause| cause.sentence.as_str()).collect();
            report.verdict = format!("refused: {}", causes.join("; "));
        }
        report
    }

    /// Verifies the delivery as a handler would; returns the event in words.
    fn verify(&self, verification: &Verification, now: UnixTime) -> Result<String, WebhookError> {
        let secrets: Vec<_> = self.secrets.iter().map(|secret| String::from_utf8_lossy(secret)).collect();
        let webhook = if secrets.is_empty() { Webhook::new("whsec_c2VjcmV0") } else { Webhook::from_secrets(&secrets) };
        let body = self.body.as_deref().unwrap_or_default();
        let event = self.lines.verify(verification.apply(webhook?), body, now)?;
        Ok(printable(&format!("{} {}", event.event_type(), event.id())))
    }

    /// Searches for the candidate that fits, and adds the causes.
    fn find(&self, report: &mut Report, body: &[u8], error: &WebhookError) {
        let variants = body::variants(body);
        let secrets = self.readings();
        let Search { fit, compared, is_cut } = search(&variants, &secrets, &self.lines.signed());
        report.compared = compared;
        if is_cut {
            report.details.push(("search", format!("ended after {compared} candidates, because the body is large")));
        }
        let Some(fit) = fit else {
            if matches!(
                error.code(),
                ErrorCode::MissingSignature | ErrorCode::MalformedSignature | ErrorCode::InvalidSecret
            ) {
                report.causes.push(Cause::of_error(error));
            } else {
                report.causes.push(Cause::probable(body, self.lines.content_length));
            }
            return;
        };
        report.causes.extend(changes(&variants, fit.variant));
        let reading = secrets.get(fit.secret.0).and_then(|readings| readings.get(fit.secret.1));
        if let Some(reading) = reading {
            report.causes.extend(reading.mistakes.iter().copied().map(Cause::of_mistake));
            if reading.decoded != (fit.scheme == Scheme::Standard) {
                report.causes.push(Cause::of_key(reading.decoded));
            }
        }
        report.causes.extend(self.foreign(&fit).then(|| Cause::of_scheme(fit.scheme)));
        if error.code() == ErrorCode::MalformedSignature
            && !self.foreign(&fit)
            && !self.time().is_some_and(is_milliseconds)
        {
            report.causes.push(Cause::of_error(error));
        }
        self.note_secret(report, fit.secret.0);
    }

    /// Returns `true` if the signature that fits is not the one that the verifier expects.
    fn foreign(&self, fit: &Fit) -> bool {
        let expected = if self.lines.is_standard() { Scheme::Standard } else { Scheme::Clarife };
        fit.scheme != expected || fit.declared != expected
    }

    fn readings(&self) -> Vec<Vec<Reading>> {
        self.secrets.iter().map(|secret| secret::readings(secret)).collect()
    }

    /// Adds the number of the secret that fits to the report on a verified delivery.
    fn name_secret(&self, report: &mut Report) {
        let variant = Variant { bytes: self.body.as_deref().unwrap_or_default().into(), change: None, cost: 0 };
        if let Some(fit) = search(&[variant], &self.readings(), &self.lines.signed()).fit {
            self.note_secret(report, fit.secret.0);
        }
    }

    fn note_secret(&self, report: &mut Report, index: usize) {
        if self.secrets.len() > 1 {
            let number = index.saturating_add(1);
            report.details.push(("secret", format!("number {number} of {} fits", self.secrets.len())));
        }
    }

    /// Returns the number in the header's time.
    fn time(&self) -> Option<i64> {
        self.lines.signed().into_iter().find_map(|signed| signed.time)?.parse().ok()
    }

    /// Returns the seconds since the signature.
    fn age(&self, now: UnixTime) -> Option<i64> {
        let time = self.time().filter(|time| !is_milliseconds(*time))?;
        Some(now.as_secs().saturating_sub(time))
    }

    fn describe(&self, details: &mut Vec<(&'static str, String)>, now: UnixTime) {
        let signed = self.lines.signed();
        let count = signed.first().map_or(0, |signed| signed.tags.len());
        let plural = if count == 1 { "" } else { "s" };
        details.push(("header", format!("{}, {count} signature{plural}", self.lines.name())));
        if let Some(age) = self.age(now) {
            let time = UnixTime::from_secs(now.as_secs().saturating_sub(age)).to_rfc3339();
            let time = time.unwrap_or_else(|| "out of range".to_owned());
            let relation = if age < 0 { "ahead" } else { "ago" };
            details.push(("signed", format!("{time}, {} {relation}", span(age.unsigned_abs()))));
        }
        if let Some(body) = &self.body {
            let form = if body::is_json(body) { "JSON" } else { "not JSON" };
            details.push(("body", format!("{} bytes, {form}", body.len())));
        }
    }
}

/// Returns `true` for a number with more digits than a time in seconds may have.
const fn is_milliseconds(time: i64) -> bool {
    time > MAX_TIMESTAMP
}

/// Returns the changes that led from the sent body to the seen one, the last change first.
fn changes(variants: &[Variant<'_>], sent: usize) -> Vec<Cause> {
    let (mut causes, mut at) = (Vec::new(), variants.get(sent));
    while let Some((sent, (change, from))) = at.and_then(|sent| Some((sent, sent.change?))) {
        let Some(seen) = variants.get(from) else { break };
        causes.insert(0, Cause::of_change(change, sent, seen));
        at = Some(seen);
    }
    causes
}

impl Report {
    /// Prints the verdict, the remedies and the details.
    pub(super) fn print(&self, paint: Paint) {
        match self.verdict.split_once(':') {
            Some((word, rest)) if self.verified => println!("{}:{rest}", paint.good(word)),
            Some((word, rest)) => println!("{}:{rest}", paint.bad(word)),
            None => println!("{}", self.verdict),
        }
        for cause in &self.causes {
            println!("\n  {}\n  {}", cause.remedy, cause.page());
        }
        println!("");
        for (name, detail) in &self.details {
            println!("  {}", paint.dim(format_args!("{name:<8} {detail}")));
        }
    }

    /// Returns the report for other programs.
    pub(super) fn to_json(&self) -> Value {
        let cause = |cause: &Cause| {
            json!({
                "code": cause.code, "cause": cause.sentence, "remedy": cause.remedy, "page": cause.page(),
                "byte": cause.byte,
            })
        };
        let details = self.details.iter().map(|(name, detail)| ((*name).to_owned(), Value::from(detail.as_str())));
        json!({
            "verified": self.verified, "verdict": self.verdict, "compared": self.compared,
            "causes": self.causes.iter().map(cause).collect::<Vec<_>>(),
            "details": details.collect::<serde_json::Map<_, _>>(),
        })
    }
}
