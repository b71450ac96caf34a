//! [`Webhook`]: secrets and options in, verdicts and signatures out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::envelope;
use crate::error::{ErrorCode, InvalidTimestamp, Reason, WebhookError};
use crate::event::Event;
use crate::header::SignatureSource;
use crate::signature::{self, Keys, MAX_TIMESTAMP, Signatures};
use crate::standard::{self, Parsed, StandardHeaders, StandardSignError};

/// How far a delivery's timestamp may be from the clock, in seconds, unless set otherwise (protocol, section 2).
///
/// ```
/// # use clarife_webhooks::{DEFAULT_TOLERANCE, Webhook};
/// // A server whose clock is known to be inexact:
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_tolerance(2 * DEFAULT_TOLERANCE);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
pub const DEFAULT_TOLERANCE: u64 = 300;

/// Verifies deliveries of one subscription, and signs bodies as clarife does.
///
/// Make it once and keep it: the secrets are prepared here. It can be shared between threads, its `Debug` form shows no
/// secret, and the secrets are wiped when it is dropped.
///
/// ```
/// use clarife_webhooks::Webhook;
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(15 * 60);
/// # let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
/// # let signature = webhook.sign(body, 1_774_699_200)?;
/// let event = webhook.verify_at(body, &signature, 1_774_699_205)?;
/// assert_eq!(event.id(), "evt_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Webhook {
    keys: Vec<Keys>,
    tolerance: u64,
    max_event_age: Option<u64>,
    standard: bool,
}

impl Webhook {
    /// A verifier for one secret, exactly as clarife shows it, `whsec_` included.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if the secret is empty, starts or ends with white space, or holds a control character.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// assert!(Webhook::new("whsec_c2VjcmV0\n").is_err()); // pasted with a line break
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn new(secret: impl AsRef<str>) -> Result<Self, WebhookError> {
        Self::from_secrets([secret])
    }

    /// A verifier for several secrets, newest first: while a secret is rotated, any of them may match, and
    /// [`sign`](Self::sign) signs with each.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if there is none, or if one of them is not usable.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let webhook = Webhook::from_secrets(["whsec_bmV3", "whsec_b2xk"])?;
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn from_secrets<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, WebhookError> {
        let keys = secrets.into_iter().map(|secret| keys(secret.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(Reason::Secret("none was given").into());
        }
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE, max_event_age: None, standard: false })
    }

    /// Sets how far a delivery's timestamp may be from the clock, in seconds, in either direction. The default is
    /// [`DEFAULT_TOLERANCE`]; 0 means 0.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_tolerance(60);
    /// # let signature = webhook.sign("{}", 1_774_699_200)?;
    /// let error = webhook.verify_at("{}", &signature, 1_774_699_261).unwrap_err();
    /// assert_eq!(error.to_string(), "the delivery was signed too long ago: 61 s ago, and the tolerance is 60 s");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_tolerance(mut self, seconds: u64) -> Self {
        self.tolerance = seconds;
        self
    }

    /// Refuses events whose signed `created_at` is longer ago than this, in seconds. Off by default.
    ///
    /// The timestamp in the signature header is not covered by the signature, `created_at` is: this is what stops a
    /// captured delivery from being sent again later (protocol, sections 1 and 5). 900 s leave room for every retry.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(900);
    /// let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let now = 1_774_702_800; // 13:00, and the header says so too
    /// let signature = webhook.sign(body, now)?;
    /// assert_eq!(webhook.verify_at(body, &signature, now).unwrap_err().code(), ErrorCode::EventTooOld);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_event_age(mut self, seconds: u64) -> Self {
        self.max_event_age = Some(seconds);
        self
    }

    /// Verifies by the headers of Standard Webhooks and ignores `X-Clarife-Signature`: their signature covers the time
    /// (protocol, section 5.3). See the module [`standard`](crate::standard).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if a secret is not base64, after `whsec_` where it starts with that.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.require_standard_webhooks()?;
    /// let body = r#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let headers = webhook.sign_standard(body, "evt_1", 1_774_699_200)?;
    /// let event = webhook.verify_at(body, &headers, 1_774_699_201)?;
    ///
    /// let error = webhook.verify_at(body, &webhook.sign(body, 1_774_699_200)?, 1_774_699_201).unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::MissingSignature);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn require_standard_webhooks(mut self) -> Result<Self, WebhookError> {
        if self.keys.iter().any(|keys| keys.standard.is_none()) {
            return Err(standard::NO_KEY.into());
        }
        self.standard = true;
        Ok(self)
    }

    /// Verifies a delivery by the system clock.
    ///
    /// `body` is the raw body, byte for byte as received; `signature` is the `X-Clarife-Signature` header, `None` where there is
    /// none, or (feature `http`) the request's headers; after
    /// [`require_standard_webhooks`](Self::require_standard_webhooks), [`StandardHeaders`] or the request's headers.
    ///
    /// # Errors
    ///
    /// The first check that fails gives the code, in the order of [`ErrorCode::ALL`].
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, Webhook};
    /// # let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// match webhook.verify("{}", "t=1711612800,v1=00") {
    ///     Ok(event) => println!("{}", event.event_type()),
    ///     Err(error) => println!("{error} ({}); {}", error.code(), error.hint()),
    /// }
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn verify<'b, 'h>(
        &self,
        body: &'b (impl AsRef<[u8]> + ?Sized),
        signature: impl SignatureSource<'h>,
    ) -> Result<Event<'b>, WebhookError> {
        self.verify_at(body, signature, time::OffsetDateTime::now_utc().unix_timestamp())
    }

    /// Verifies a delivery as of `now`, in Unix seconds: for tests, for stored deliveries, and where there is no clock.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// # let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// # let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # let signature = webhook.sign(body, 1_774_699_200)?;
    /// let arrived_at = 1_774_699_201; // stored together with the body and the header
    /// let event = webhook.verify_at(body, &signature, arrived_at)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_at<'b, 'h>(
        &self,
        body: &'b (impl AsRef<[u8]> + ?Sized),
        signature: impl SignatureSource<'h>,
        now: i64,
    ) -> Result<Event<'b>, WebhookError> {
        let body = body.as_ref();
        if self.standard {
            self.check_standard(body, &signature.standard_headers(), now)?;
        } else {
            self.check_signature(body, signature.signature_header().as_deref(), now)?;
        }
        self.read(body, now)
    }

    fn check_signature(&self, body: &[u8], header: Option<&[u8]>, now: i64) -> Result<(), Reason> {
        let header = header.filter(|header| !signature::is_blank(header));
        let header = header.ok_or(Reason::Plain(ErrorCode::MissingSignature))?;
        let mut signatures = Signatures::new();
        let timestamp = signature::parse(header, &mut signatures).map_err(Reason::Signature)?;
        self.check_timestamp(timestamp, now)?;
        let genuine = self.keys.iter().any(|keys| signatures.contains(&keys.v1.tag(body)));
        if genuine { Ok(()) } else { Err(Reason::Plain(ErrorCode::SignatureMismatch)) }
    }

    fn check_standard(&self, body: &[u8], headers: &StandardHeaders<'_>, now: i64) -> Result<(), Reason> {
        let headers = Parsed::new(headers)?;
        self.check_timestamp(headers.timestamp, now)?;
        let mut keys = self.keys.iter().filter_map(|keys| keys.standard.as_ref());
        let genuine = keys.any(|key| headers.signatures.contains(&headers.tag(key, body)));
        if genuine { Ok(()) } else { Err(Reason::Plain(ErrorCode::SignatureMismatch)) }
    }

    /// The event of a body that is genuine.
    fn read<'b>(&self, body: &'b [u8], now: i64) -> Result<Event<'b>, WebhookError> {
        let event = envelope::parse(body).map_err(Reason::Payload)?;
        self.check_event_age(&event, now)?;
        Ok(event)
    }

    #[cfg(feature = "adapters")]
    pub(crate) const fn max_event_age(&self) -> Option<u64> {
        self.max_event_age
    }

    /// Signs a body with every secret, as clarife would at `timestamp`, in Unix seconds: the value of the
    /// `X-Clarife-Signature` header. For senders, and for testing handlers.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] if the timestamp is not within 0 ..= 999999999999.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// assert!(webhook.sign("{}", 1_711_612_800)?.starts_with("t=1711612800,v1="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign(&self, body: &(impl AsRef<[u8]> + ?Sized), timestamp: i64) -> Result<String, InvalidTimestamp> {
        if !(0..=MAX_TIMESTAMP).contains(&timestamp) {
            return Err(InvalidTimestamp);
        }
        Ok(signature::format(timestamp, self.keys.iter().map(|keys| keys.v1.tag(body.as_ref()))))
    }

    /// Signs a body with every secret as Standard Webhooks have it, at `timestamp`, in Unix seconds. `id` is the event's.
    ///
    /// It works on every webhook whose secrets are base64, whether it verifies by these headers or not.
    ///
    /// # Errors
    ///
    /// [`StandardSignError`] if a secret is not base64, or the id or the timestamp cannot stand in a header.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let headers = Webhook::new("whsec_c2VjcmV0")?.sign_standard("{}", "evt_1", 1_711_612_800)?;
    /// assert_eq!((headers.id.as_ref(), headers.timestamp.as_ref()), ("evt_1", "1711612800"));
    /// assert!(headers.signature.starts_with("v1,"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign_standard<'i>(
        &self,
        body: &(impl AsRef<[u8]> + ?Sized),
        id: &'i str,
        timestamp: i64,
    ) -> Result<StandardHeaders<'i>, StandardSignError> {
        standard::sign(body.as_ref(), id, timestamp, self.keys.iter())
    }

    fn check_timestamp(&self, timestamp: i64, now: i64) -> Result<(), Reason> {
        let tolerance = self.tolerance;
        let age = now.saturating_sub(timestamp);
        if age.unsigned_abs() <= tolerance {
            Ok(())
        } else if age > 0 {
            Err(Reason::TooOld { age, tolerance })
        } else {
            Err(Reason::InFuture { ahead: timestamp.saturating_sub(now), tolerance })
        }
    }

    fn check_event_age(&self, event: &Event<'_>, now: i64) -> Result<(), Reason> {
        let Some(maximum) = self.max_event_age else { return Ok(()) };
        let created_at = event.created_at();
        // In whole seconds, because `now` is: an event of 12:00:00.5 is older than n seconds from 12:00:00 + n + 1 on.
        let seconds = now.saturating_sub(created_at.unix_timestamp());
        if u64::try_from(seconds).map_or(true, |seconds| seconds <= maximum) {
            return Ok(());
        }
        let age = seconds.saturating_sub((created_at.nanosecond() > 0).into());
        Err(Reason::EventTooOld { age, maximum })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .field("max_event_age", &self.max_event_age)
            .field("standard_webhooks", &self.standard)
            .finish()
    }
}

/// Protocol, sections 1 and 2: the key is the secret's own text; the checks catch what is pasted with it by mistake.
fn keys(secret: &str) -> Result<Keys, Reason> {
    if secret.is_empty() {
        Err(Reason::Secret("it is empty"))
    } else if secret.starts_with(char::is_whitespace) || secret.ends_with(char::is_whitespace) {
        Err(Reason::Secret("it starts or ends with white space"))
    } else if secret.chars().any(char::is_control) {
        Err(Reason::Secret("it holds a control character"))
    } else {
        Ok(Keys::new(secret))
    }
}
