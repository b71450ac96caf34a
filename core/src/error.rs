//! Errors: a stable code, a message and a hint.

use core::fmt;

use crate::text::json::Malformed;

/// A stable code for each kind of error, identical in every language.
///
/// [`ErrorCode::ALL`] lists the codes in the order of the checks. Bindings may pass a code as its index there.
///
/// ```
/// use clarife_webhooks::ErrorCode;
/// assert_eq!(ErrorCode::SignatureMismatch.as_str(), "signature_mismatch");
/// assert!(ErrorCode::SignatureMismatch.hint().contains("raw body"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The signing secret is not usable.
    InvalidSecret,
    /// The signature header is missing or blank.
    MissingSignature,
    /// The signature header violates the grammar.
    MalformedSignature,
    /// The delivery was signed longer ago than the tolerance allows.
    TimestampTooOld,
    /// The delivery was signed further in the future than the tolerance allows.
    TimestampInFuture,
    /// No signature in the header matches the body under one of the secrets.
    SignatureMismatch,
    /// The signature is valid, but the body is not the JSON envelope of an event.
    MalformedPayload,
    /// The event was created longer ago than the maximum event age allows.
    EventTooOld,
    /// The caller passed something other than the raw body, usually a parsed body.
    BodyNotRaw,
    /// The body exceeds the size limit of an adapter.
    BodyTooLarge,
    /// The connection ended, or a time limit passed, before the whole body arrived.
    BodyIncomplete,
}

impl ErrorCode {
    /// Every code, in the order of the checks.
    ///
    /// ```
    /// # use clarife_webhooks::ErrorCode;
    /// let logged = ErrorCode::ALL.into_iter().find(|code| code.as_str() == "event_too_old");
    /// assert_eq!(logged, Some(ErrorCode::EventTooOld));
    /// ```
    pub const ALL: [Self; 11] = [
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
        Self::BodyIncomplete,
    ];

    /// Returns the code as text, for example `signature_mismatch`.
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
            Self::BodyIncomplete => "body_incomplete",
        }
    }

    /// Returns the HTTP status of the response to this error.
    ///
    /// The status is 413 for a body that is too large and 400 for any other invalid delivery. It is 500 if the receiver
    /// itself is at fault, so that clarife retries the delivery.
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

    /// Returns the hint: the remedy, in the imperative.
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
                "pass the X-Clarife-Signature header, or all headers of the request (required for Standard Webhooks); if \
                 the header is absent, a proxy removed it or the request does not come from clarife"
            }
            Self::MalformedSignature => {
                "pass the X-Clarife-Signature header exactly as received; if it was, a proxy changed it or \
                 the request does not come from clarife"
            }
            Self::TimestampTooOld => {
                "check that the server's clock is right and that the delivery did not wait in a queue \
                 before verification; to verify a stored delivery, pass its arrival time as now"
            }
            Self::TimestampInFuture => "check that the server's clock is right",
            Self::SignatureMismatch => {
                "use this subscription's signing secret and the raw body, byte for byte as received, not a body that \
                 was parsed and serialized again; after a rotation, pass the current and the previous secret"
            }
            Self::MalformedPayload => {
                "the signature is valid but the body is not a clarife event; check that this endpoint belongs to a \
                 clarife subscription, and that a stored event parsed as trusted is not truncated"
            }
            Self::EventTooOld => {
                "the event is older than the maximum event age: a replay, or a delivery sent again by hand; \
                 raise the maximum event age to accept such deliveries"
            }
            Self::BodyNotRaw => {
                "pass the body as received, before any parser reads it: express.raw({ type: \"application/json\" }) in \
                 Express, await request.text() with the Fetch API, request.get_data() in Flask, request.body in \
                 Django, await request.body() in Starlette and FastAPI, Bytes in axum and actix-web"
            }
            Self::BodyTooLarge => {
                "raise the size limit of the adapter, and of the proxies in front of it, if clarife sends such events; \
                 otherwise the request does not come from clarife"
            }
            Self::BodyIncomplete => {
                "clarife retries such a delivery; if this repeats, check the time limits of the server and the proxies in \
                 front of it; otherwise the request does not come from clarife"
            }
        }
    }

    /// Returns the message of an error without details.
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
            Self::BodyNotRaw => "the raw body was expected, but the body was already parsed or read",
            Self::BodyTooLarge => "the body exceeds the size limit",
            Self::BodyIncomplete => "the body did not arrive completely",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of the section on an error, without the error's code at its end.
#[cfg_attr(
    not(feature = "model"),
    allow(unreachable_pub, reason = "code generation, which has this feature, reads it")
)]
pub const ERROR_REFERENCE: &str =
    "https://github.com/clarife/clarife-webhooks/blob/main/docs/pages/reference/errors.md#";

/// The signature headers of other senders. A request without clarife's header, but with one of these, reached the wrong endpoint.
pub const OTHER_SIGNATURE_HEADERS: [&str; 6] = [
    "stripe-signature",
    "x-hub-signature-256",
    "x-hub-signature",
    "svix-signature",
    "x-slack-signature",
    "x-shopify-hmac-sha256",
];

/// The hint of [`ErrorCode::MissingSignature`] for such a request, after the name of its header.
pub const OTHER_SENDER: &str =
    " is the signature of another sender: check that only clarife's subscription has the address of this endpoint";

/// The error of a rejected delivery or an unusable secret.
///
/// [`code`](Self::code) is stable and meant for programs. `Display` writes one sentence for people, and
/// [`hint`](Self::hint) returns the remedy. The alternate form `{:#}` and `Debug` write both, so that `main` can return
/// the error. `Debug` ends with a link to the error's section in the reference. None of them contains anything of the
/// secret or the body.
///
/// ```
/// use clarife_webhooks::{ErrorCode, UnixTime, Webhook};
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// let error = webhook.verify_at("{}", "", UnixTime::from_secs(0)).unwrap_err();
/// assert_eq!(error.code(), ErrorCode::MissingSignature);
/// assert_eq!(error.to_string(), "the signature header is missing");
/// assert_eq!(format!("{error:#}"), format!("{error}; {}", error.hint()));
/// assert!(format!("{error:?}").ends_with("/reference/errors.md#missing_signature)"));
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookError(Reason);

/// The details of an error, as values: a rejected delivery allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// An error without details.
    Plain(ErrorCode),
    /// The problem of a secret.
    Secret(&'static str),
    /// The name of the environment variable that should hold the secret.
    #[cfg(feature = "std")]
    NoVariable(alloc::boxed::Box<str>),
    /// The name of the missing header of Standard Webhooks.
    Missing(&'static str),
    /// The problem of the signature header.
    Signature(&'static str),
    /// The delivery's age and the tolerance, in seconds.
    TooOld { age: i64, tolerance: u64 },
    /// The delivery's distance into the future and the tolerance, in seconds.
    InFuture { ahead: i64, tolerance: u64 },
    /// The hint of a signature that does not match.
    Mismatch(&'static str),
    /// The problem of the body, and its place.
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
    /// Creates an error without details, such as [`ErrorCode::BodyNotRaw`] and [`ErrorCode::BodyTooLarge`] in adapters.
    fn from(code: ErrorCode) -> Self {
        Self(Reason::Plain(code))
    }
}

impl WebhookError {
    /// Returns the stable code.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, Webhook};
    /// let error = Webhook::new("whsec_c2VjcmV0\n").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::InvalidSecret);
    /// assert_eq!(error.to_string(), "the signing secret is not usable: it starts or ends with white space");
    /// ```
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match &self.0 {
            Reason::Plain(code) => *code,
            Reason::Secret(_) => ErrorCode::InvalidSecret,
            #[cfg(feature = "std")]
            Reason::NoVariable(_) => ErrorCode::InvalidSecret,
            Reason::Missing(_) => ErrorCode::MissingSignature,
            Reason::Signature(_) => ErrorCode::MalformedSignature,
            Reason::TooOld { .. } => ErrorCode::TimestampTooOld,
            Reason::InFuture { .. } => ErrorCode::TimestampInFuture,
            Reason::Mismatch(_) => ErrorCode::SignatureMismatch,
            Reason::Payload(_) => ErrorCode::MalformedPayload,
            Reason::EventTooOld { .. } => ErrorCode::EventTooOld,
        }
    }

    /// Returns the hint: that of the code ([`ErrorCode::hint`]), or a closer one if the mistake shows.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let error = Webhook::new("").unwrap_err();
    /// eprintln!("{error}; {}", error.hint());
    /// assert!(error.hint().starts_with("copy the signing secret from the subscription's settings"));
    /// ```
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self.closer_hint() {
            Some(hint) => hint,
            None => self.code().hint(),
        }
    }

    /// Returns the hint if it is not that of the code.
    pub(crate) const fn closer_hint(&self) -> Option<&'static str> {
        match &self.0 {
            Reason::Mismatch(hint) => Some(hint),
            _ => None,
        }
    }
}

impl fmt::Display for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let summary = self.code().summary();
        match &self.0 {
            Reason::Plain(_) | Reason::Mismatch(_) => f.write_str(summary),
            #[cfg(feature = "std")]
            Reason::NoVariable(name) => write!(f, "{summary}: the environment variable {name} is not set"),
            Reason::Secret(problem) | Reason::Signature(problem) => write!(f, "{summary}: {problem}"),
            Reason::Missing(name) => write!(f, "{summary}: there is no {name}"),
            Reason::TooOld { age, tolerance } => {
                let advice =
                    if *age >= LEAST_MILLISECONDS { "; is the time of verification in milliseconds?" } else { "" };
                write!(f, "{summary}: {age} s ago, and the tolerance is {tolerance} s{advice}")
            }
            Reason::InFuture { ahead, tolerance } => {
                write!(f, "{summary}: {ahead} s ahead, and the tolerance is {tolerance} s")
            }
            Reason::EventTooOld { age, maximum } => {
                write!(f, "{summary}: {age} s ago, and the maximum event age is {maximum} s")
            }
            Reason::Payload(malformed) => write!(f, "{summary}: {malformed}"),
        }?;
        if f.alternate() { write!(f, "; {}", self.hint()) } else { Ok(()) }
    }
}

impl fmt::Debug for WebhookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        write!(f, "WebhookError({code}: {self:#}; see {ERROR_REFERENCE}{code})")
    }
}

impl core::error::Error for WebhookError {}

/// The age in seconds from which the caller has most likely passed milliseconds: three thousand years.
const LEAST_MILLISECONDS: i64 = 100_000_000_000;

/// A timestamp outside the range of a signature header: below 0, or longer than 12 digits.
///
/// See [protocol, section 2.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-2).
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
