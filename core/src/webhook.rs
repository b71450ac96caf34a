//! [`Webhook`]: secrets and options in, verdicts and signatures out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::envelope;
use crate::error::{ErrorCode, InvalidTimestamp, Reason, WebhookError};
use crate::event::Event;
use crate::header::SignatureSource;
use crate::signature::{self, Header, Key, MAX_TIMESTAMP, Tag};

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
    keys: Vec<Key>,
    tolerance: u64,
    max_event_age: Option<u64>,
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
        let keys = secrets.into_iter().map(|secret| key(secret.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(Reason::Secret("none was given").into());
        }
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE, max_event_age: None })
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

    /// Verifies a delivery by the system clock.
    ///
    /// `body` is the raw body, byte for byte as received; `signature` is the `X-Clarife-Signature` header, `None` where there is
    /// none, or (feature `http`) the request's headers.
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
        let header = signature.signature_header().filter(|header| !signature::is_blank(header));
        let header = header.ok_or(ErrorCode::MissingSignature)?;
        let header = Header::parse(&header).map_err(Reason::Signature)?;
        self.check_timestamp(header.timestamp, now)?;
        if !self.tags(body).any(|tag| header.holds(&tag)) {
            return Err(ErrorCode::SignatureMismatch.into());
        }
        let event = envelope::parse(body).map_err(Reason::Payload)?;
        self.check_event_age(&event, now)?;
        Ok(event)
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
        Ok(signature::format(timestamp, self.tags(body.as_ref())))
    }

    fn tags(&self, body: &[u8]) -> impl Iterator<Item = Tag> {
        self.keys.iter().map(move |key| key.tag(body))
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
        const NANOSECONDS: i128 = 1_000_000_000;
        let Some(maximum) = self.max_event_age else { return Ok(()) };
        let age = i128::from(now).saturating_mul(NANOSECONDS).saturating_sub(event.created_at().unix_timestamp_nanos());
        if age <= i128::from(maximum).saturating_mul(NANOSECONDS) {
            return Ok(());
        }
        let age = i64::try_from(age.div_euclid(NANOSECONDS)).unwrap_or(i64::MAX);
        Err(Reason::EventTooOld { age, maximum })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .field("max_event_age", &self.max_event_age)
            .finish()
    }
}

/// Protocol, sections 1 and 2: the key is the secret's own text; the checks catch what is pasted with it by mistake.
fn key(secret: &str) -> Result<Key, Reason> {
    if secret.is_empty() {
        Err(Reason::Secret("it is empty"))
    } else if secret.trim() != secret {
        Err(Reason::Secret("it starts or ends with white space"))
    } else if secret.chars().any(char::is_control) {
        Err(Reason::Secret("it holds a control character"))
    } else {
        Ok(Key::new(secret.as_bytes()))
    }
}
