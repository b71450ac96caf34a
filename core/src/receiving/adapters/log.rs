//! The log of errors, where the user has set no callback: the host's log, or standard error.

use std::format;
use std::string::String;
use std::sync::PoisonError;

use super::error::ReceiveError;
use super::receiver::Receiver;
use crate::receiving::refusals::REFUSALS_NOT_LOGGED;

impl Receiver {
    /// Passes an error to the callback, or logs it.
    pub(super) fn report(&self, error: &ReceiveError<'_>) {
        if let Some(on_error) = &self.on_error {
            on_error(error);
        } else if let Some(line) = self.line(error) {
            if error.is_server_error() { log_error(&line) } else { log_warning(&line) }
        }
    }

    /// Returns the line of an error for the log, if the error is to be logged.
    fn line(&self, error: &ReceiveError<'_>) -> Option<String> {
        let not_logged = match error {
            ReceiveError::Refused(refusal) => {
                let now = self.now();
                self.refusals.lock().unwrap_or_else(PoisonError::into_inner).count(refusal.code(), now)?
            }
            ReceiveError::Handler { .. } | ReceiveError::Store { .. } => 0,
        };
        Some(match not_logged {
            0 => format!("{error}"),
            count => format!("{error}{REFUSALS_NOT_LOGGED}{count}"),
        })
    }
}

/// Logs an error of the server itself.
pub(super) fn log_error(line: &str) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "clarife_webhooks", "{line}");
    #[cfg(not(feature = "tracing"))]
    print("error", line);
}

/// Logs something that the server's owner should know.
pub(super) fn log_warning(line: &str) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "clarife_webhooks", "{line}");
    #[cfg(not(feature = "tracing"))]
    print("warn", line);
}

/// Prints a line on standard error, or in JavaScript, which has none, with a method of its console.
#[cfg(not(feature = "tracing"))]
fn print(method: &str, line: &str) {
    #[cfg(all(feature = "js", target_family = "wasm", target_os = "unknown"))]
    crate::js::print(method, &format!("clarife-webhooks: {line}"));
    #[cfg(not(all(feature = "js", target_family = "wasm", target_os = "unknown")))]
    {
        let _ = method;
        std::eprintln!("clarife-webhooks: {line}");
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::adapters::BoxError;
    use crate::{ErrorCode, Event, UnixTime, Webhook};

    #[test]
    fn refusals_are_logged_once_a_minute_with_their_number() {
        static NOW: AtomicI64 = AtomicI64::new(1_774_699_200);
        let webhook = Webhook::new("whsec_c2VjcmV0").expect("a secret");
        let receiver = Receiver::new(webhook).with_clock(|| UnixTime::from_secs(NOW.load(Ordering::Relaxed)));
        let line = |code: ErrorCode| receiver.clone().line(&ReceiveError::Refused(&code.into()));
        let first =
            format!("missing_signature: the signature header is missing; {}", ErrorCode::MissingSignature.hint());
        assert_eq!(line(ErrorCode::MissingSignature), Some(first.clone()));
        assert_eq!(line(ErrorCode::MissingSignature), None);
        assert!(line(ErrorCode::BodyNotRaw).expect("a line").starts_with("body_not_raw: "));
        assert_eq!(line(ErrorCode::BodyNotRaw), None);
        NOW.fetch_add(60, Ordering::Relaxed);
        let counted = format!("{first}; not logged since the last such line: 1");
        assert_eq!(line(ErrorCode::MissingSignature), Some(counted));

        let event = Event::parse_trusted(br#"{"id":"evt_1","type":"a","created_at":"2026-03-28T12:00:00Z","data":{}}"#);
        let (event, error) = (event.expect("an event"), BoxError::from("no"));
        for _ in 0..2 {
            let line = receiver.line(&ReceiveError::Handler { event: &event, error: &error });
            assert_eq!(line, Some("the handler of \"evt_1\" failed: no".to_string()));
        }
    }
}
