//! The outcome of an attempt.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of an attempt: the status of the response, or the failure.
///
/// See [protocol, section 6.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-1).
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
    /// The status of a response whose headers arrived in time.
    Status(u16),
    /// A failure without a response.
    Failure(FailureKind),
}

/// The kind of failure of an attempt without a response.
///
/// ```
/// use clarife_webhooks::sender::FailureKind;
/// assert_eq!(FailureKind::Tls.as_str(), "tls");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The headers of the response did not arrive within [`ATTEMPT_TIMEOUT`](super::ATTEMPT_TIMEOUT).
    Timeout,
    /// The host name did not resolve.
    Dns,
    /// The connection was refused or broke.
    Connection,
    /// The TLS handshake failed, for example because of an invalid certificate.
    Tls,
    /// The address policy forbids the address.
    ForbiddenAddress,
    /// The headers of the response exceeded the sender's limit.
    TooLarge,
    /// The response was not HTTP.
    InvalidResponse,
    /// The sender itself failed: no file descriptor, memory, port or route was left, or no name server responded.
    ///
    /// This is not an attempt. Recording it changes nothing, and the attempt is made again after a
    /// [`local_pause`](super::local_pause).
    Local,
}

impl Outcome {
    /// Returns whether the attempt delivered the event: a status of 200 to 299.
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

    /// Returns whether the sender itself failed. Such an outcome says nothing about the endpoint.
    ///
    /// ```
    /// # use clarife_webhooks::sender::{FailureKind, Outcome};
    /// assert!(Outcome::Failure(FailureKind::Local).is_local());
    /// assert!(!Outcome::Failure(FailureKind::Connection).is_local());
    /// ```
    #[must_use]
    pub const fn is_local(self) -> bool {
        matches!(self, Self::Failure(FailureKind::Local))
    }
}

impl FailureKind {
    /// Every kind.
    ///
    /// ```
    /// # use clarife_webhooks::sender::FailureKind;
    /// assert!(FailureKind::ALL.map(FailureKind::as_str).contains(&"timeout"));
    /// ```
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::Dns,
        Self::Connection,
        Self::Tls,
        Self::ForbiddenAddress,
        Self::TooLarge,
        Self::InvalidResponse,
        Self::Local,
    ];

    /// Returns the kind as text for logs and responses, for example `connection`.
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
            Self::Local => "local",
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
