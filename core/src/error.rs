//! What can go wrong, as stable codes with a message and a hint.

use core::fmt;

use crate::text::json::Malformed;

/// What went wrong, the same in every language.
///
/// The order of [`ErrorCode::ALL`] is the order of the checks; bindings may pass a code as its index.
///
/// ```
/// use clarife_webhooks::ErrorCode;
/// assert_eq!(ErrorCode::SignatureMismatch.as_str(), "signature_mismatch");
/// assert!(ErrorCode::SignatureMismatch.hint().contains("raw body"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The signing secret given to the constructor cannot be one.
    InvalidSecret,
    /// The request has no signature header, or a blank one.
    MissingSignature,
    /// The signature header does not follow its grammar.
    MalformedSignature,
    /// The delivery was signed longer ago than the tolerance allows.
    TimestampTooOld,
    /// The delivery was signed further in the future than the tolerance allows.
    TimestampInFuture,
    /// No signature in the header was made from this body with one of the secrets.
    SignatureMismatch,
    /// The body is authentic but is not the JSON envelope of an event.
    MalformedPayload,
    /// The event was created longer ago than the maximum event age allows.
    EventTooOld,
    /// Something other than the raw body was given, usually the body already parsed.
    BodyNotRaw,
    /// The body is larger than an adapter was told to read.
    BodyTooLarge,
}

impl ErrorCode {
    /// Every code, in the order of the checks.
    ///
    /// ```
    /// # use clarife_webhooks::ErrorCode;
    /// let from_a_log = ErrorCode::ALL.into_iter().find(|code| code.as_str() == "event_too_old");
    /// assert_eq!(from_a_log, Some(ErrorCode::EventTooOld));
    /// ```
    pub const ALL: [Self; 10] = [
        Self::InvalidSecret,
        Self::MissingSignature,
        Self::MalformedSignature,
        Self::TimestampTooOld,
        Self::TimestampInFuture,
        Self::SignatureMismatch,
        Self::MalformedPayload,
        Self::EventTooOld,
        Self::BodyNotRaw,
        Self::BodyTooLarge,
    ];

    /// The code as it is written in every language, for example `signature_mismatch`.
    ///
    /// ```
    /// # use clarife_webhooks::ErrorCode;
    /// assert_eq!(ErrorCode::TimestampTooOld.as_str(), "timestamp_too_old");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidSecret => "invalid_secret",
            Self::MissingSignature => "missing_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampInFuture => "timestamp_in_future",
            Self::SignatureMismatch => "signature_mismatch",
            Self::MalformedPayload => "malformed_payload",
            Self::EventTooOld => "event_too_old",
            Self::BodyNotRaw => "body_not_raw",
            Self::BodyTooLarge => "body_too_large",
        }
    }

    /// The HTTP status to answer with: 413 for a body that is too large, 500 where the receiver itself is at fault, so that
    /// clarife tries again once that is mended, and 400 for everything else.
    ///
    /// ```
    /// # use clarife_webhooks::ErrorCode;
    /// assert_eq!(ErrorCode::SignatureMismatch.status(), 400);
    /// assert_eq!(ErrorCode::BodyNotRaw.status(), 500);
    /// ```
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BodyTooLarge => 413,
            Self::InvalidSecret | Self::BodyNotRaw => 500,
            _ => 400,
        }
    }

    /// What to do about it.
    ///
    /// ```
    /// # use clarife_webhooks::ErrorCode;
    /// assert_eq!(ErrorCode::TimestampInFuture.hint(), "check that the server's clock is right");
    /// ```
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::InvalidSecret => {
                "copy the signing secret from the subscription's settings, whsec_ prefix included, and \
                 check the environment variable for spaces, quotes or a line break around it"
            }
            Self::MissingSignature => {
                "pass the X-Clarife-Signature header, or all headers of the request (Standard Webhooks need all); if it is \
                 not there, a proxy removed it or the request does not come from clarife"
            }
            Self::MalformedSignature => {
                "pass the X-Clarife-Signature header exactly as received; if it was, a proxy changed it or \
                 the request does not come from clarife"
            }
            Self::TimestampTooOld => {
                "check that the server's clock is right and that the delivery did not wait in a queue \
                 before it was verified; to verify a stored delivery again, pass the time it arrived as now"
            }
            Self::TimestampInFuture => "check that the server's clock is right",
            Self::SignatureMismatch => {
                "use this subscription's signing secret and the raw body, byte for byte as received, not \
                 one parsed and written again; after a rotation, give the current and the previous secret"
            }
            Self::MalformedPayload => {
                "the body is what the sender signed: check that the endpoint belongs to a clarife subscription and \
                 report it to clarife; an event that was stored before and read as trusted may have been cut"
            }
            Self::EventTooOld => {
                "the event is older than the maximum event age: a replay, or a delivery sent again by hand; \
                 raise the maximum event age if such deliveries are wanted"
            }
            Self::BodyNotRaw => {
                "pass the body as received, once and before any parser: express.raw({ type: \"application/json\" }) in \
                 Express, await request.text() with the Fetch API, request.get_data() in Flask, request.body in \
                 Django, await request.body() in Starlette and FastAPI, Bytes in axum and actix-web"
            }
            Self::BodyTooLarge => {
                "raise the largest size in the adapter, and in the proxies before it, if clarife sends you such events; \
                 otherwise the request does not come from clarife"
            }
        }
    }

    /// The message of an error that needs no particulars.
    pub(crate) const fn summary(self) -> &'static str {
        match self {
            Self::InvalidSecret => "the signing secret is not usable",
            Self::MissingSignature => "the signature header is missing",
            Self::MalformedSignature => "the signature header is malformed",
            Self::TimestampTooOld => "the delivery was signed too long ago",
            Self::TimestampInFuture => "the delivery was signed in the future",
            Self::SignatureMismatch => "no signature in the header matches the body",
            Self::MalformedPayload => "the body is not an event",
            Self::EventTooOld => "the event was created too long ago",
            Self::BodyNotRaw => "the raw body was expected, not a parsed one or a request that was read before",
            Self::BodyTooLarge => "the body is larger than is accepted here",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A delivery that was refused, or a secret that cannot be used.
///
/// [`code`](Self::code) is stable and meant for programs; the `Display` form is one sentence for people, and
/// [`hint`](Self::hint) says what to do. None of them holds anything of the secret or the body.
///
/// ```
/// use clarife_webhooks::{ErrorCode, UnixTime, Webhook};
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// let error = webhook.verify_at("{}", "", UnixTime::from_secs(0)).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::MissingSignature);
/// assert_eq!(error.to_string(), "the signature header is missing");
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookError(Reason);

/// The particulars of an error; kept as values so that a refused delivery costs no allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nothing to add to the code.
    Plain(ErrorCode),
    /// What is wrong with one of the secrets.
    Secret(&'static str),
    /// Which of the headers of Standard Webhooks is missing.
    Missing(&'static str),
    /// What is wrong with the header.
    Signature(&'static str),
    /// The delivery's age and the tolerance, in seconds.
    TooOld { age: i64, tolerance: u64 },
    /// How far ahead the delivery is and the tolerance, in seconds.
    InFuture { ahead: i64, tolerance: u64 },
    /// What is wrong with the body, and where.
    Payload(Malformed),
    /// The event's age, rounded down, and the maximum, in seconds.
    EventTooOld { age: i64, maximum: u64 },
}

impl From<Reason> for WebhookError {
    fn from(reason: Reason) -> Self {
        Self(reason)
    }
}

impl From<ErrorCode> for WebhookError {
    /// An error without particulars; adapters use it for [`ErrorCode::BodyNotRaw`] and [`ErrorCode::BodyTooLarge`].
    fn from(code: ErrorCode) -> Self {
        Self(Reason::Plain(code))
    }
}

impl WebhookError {
    /// The stable code.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, Webhook};
    /// let error = Webhook::new("whsec_c2VjcmV0\n").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::InvalidSecret);
    /// assert_eq!(error.to_string(), "the signing secret is not usable: it starts or ends with white space");
    /// ```
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self.0 {
            Reason::Plain(code) => code,
            Reason::Secret(_) => ErrorCode::InvalidSecret,
            Reason::Missing(_) => ErrorCode::MissingSignature,
            Reason::Signature(_) => ErrorCode::MalformedSignature,
            Reason::TooOld { .. } => ErrorCode::TimestampTooOld,
            Reason::InFuture { .. } => ErrorCode::TimestampInFuture,
            Reason::Payload(_) => ErrorCode::MalformedPayload,
            Reason::EventTooOld { .. } => ErrorCode::EventTooOld,
        }
    }

    /// What to do about it; the same as [`ErrorCode::hint`].
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let error = Webhook::new("").unwrap_err();
    /// eprintln!("{error}; {}", error.hint());
    /// assert!(error.hint().starts_with("copy the signing secret from the subscription's settings"));
    /// ```
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.code().hint()
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.code().summary();
        match &self.0 {
            Reason::Plain(_) => f.write_str(summary),
            Reason::Secret(problem) | Reason::Signature(problem) => write!(f, "{summary}: {problem}"),
            Reason::Missing(name) => write!(f, "{summary}: there is no {name}"),
            Reason::TooOld { age, tolerance } => {
                write!(f, "{summary}: {age} s ago, and the tolerance is {tolerance} s")
            }
            Reason::InFuture { ahead, tolerance } => {
                write!(f, "{summary}: {ahead} s ahead, and the tolerance is {tolerance} s")
            }
            Reason::EventTooOld { age, maximum } => {
                write!(f, "{summary}: {age} s ago, and the maximum event age is {maximum} s")
            }
            Reason::Payload(malformed) => write!(f, "{summary}: {malformed}"),
        }
    }
}

impl core::error::Error for WebhookError {}

/// A timestamp that a signature header cannot carry: below 0, or of more than 12 digits (protocol, section 2).
///
/// ```
/// # use clarife_webhooks::{InvalidTimestamp, UnixTime, Webhook};
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// assert_eq!(webhook.sign("{}", UnixTime::from_secs(-1)), Err(InvalidTimestamp));
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTimestamp;

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timestamp must be Unix seconds from 0 to 999999999999")
    }
}

impl core::error::Error for InvalidTimestamp {}
