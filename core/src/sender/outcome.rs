//! What came of one attempt.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What came of one attempt to deliver: the status that was answered, or why there was none (protocol, section 6).
///
/// ```
/// use clarife_webhooks::sender::{FailureKind, Outcome};
///
/// assert!(Outcome::Status(204).is_success());
/// assert!(!Outcome::Status(301).is_success()); // redirects are not followed
/// assert_eq!(Outcome::Failure(FailureKind::Timeout).to_string(), "timeout");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The headers of an answer arrived in time, with this status.
    Status(u16),
    /// No answer arrived.
    Failure(FailureKind),
}

/// Why an attempt has no answer.
///
/// ```
/// use clarife_webhooks::sender::FailureKind;
/// assert_eq!(FailureKind::Tls.as_str(), "tls");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// [`ATTEMPT_TIMEOUT`](super::ATTEMPT_TIMEOUT) was over before the last byte of the answer's headers was there.
    Timeout,
    /// The host name could not be resolved.
    Dns,
    /// The connection was refused or broke.
    Connection,
    /// There was no secure connection, for example because of a bad certificate.
    Tls,
    /// The address is one that a sender never connects to.
    ForbiddenAddress,
    /// The answer's headers were longer than the sender reads.
    TooLarge,
    /// The answer was not HTTP.
    InvalidResponse,
}

impl Outcome {
    /// Whether the event is delivered: a status of 200 to 299.
    ///
    /// ```
    /// # use clarife_webhooks::sender::Outcome;
    /// assert!(Outcome::Status(202).is_success());
    /// assert!(!Outcome::Status(410).is_success());
    /// ```
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

impl FailureKind {
    /// The kind as it is written in logs and answers, for example `connection`.
    ///
    /// ```
    /// # use clarife_webhooks::sender::FailureKind;
    /// assert_eq!(FailureKind::ForbiddenAddress.as_str(), "forbidden_address");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::ForbiddenAddress => "forbidden_address",
            Self::TooLarge => "too_large",
            Self::InvalidResponse => "invalid_response",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Failure(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
