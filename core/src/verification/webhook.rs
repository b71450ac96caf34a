//! [`Webhook`]: verification and signing with the secrets and options of one subscription.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::advice;
use super::header::{self, MAX_TIMESTAMP, Signatures};
use super::keys::{self, Keys};
use super::source::{RawBody, SignatureSource};
use super::standard::{self, Parsed, StandardHeaders, StandardSignError};
use super::wipe::{wipe_stack, wiping};
use crate::UnixTime;
use crate::error::{ErrorCode, InvalidTimestamp, Reason, WebhookError};
use crate::event::Event;

/// The default tolerance between a delivery's timestamp and the clock, in seconds.
///
/// See [protocol, section 2.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-2-1).
///
/// ```
/// # use clarife_webhooks::{DEFAULT_TOLERANCE, Webhook};
/// // For a server whose clock is inexact:
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_tolerance(2 * DEFAULT_TOLERANCE);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
pub const DEFAULT_TOLERANCE: u64 = 300;

/// A verifier for the deliveries of one subscription, which also signs bodies as clarife does.
///
/// Create a webhook once and keep it: creating a webhook prepares the secrets. A webhook can be shared between threads.
/// Its `Debug` form shows no secret. The prepared secrets, and copies of them on the stack, are wiped when the webhook is dropped.
///
/// ```
/// use clarife_webhooks::{UnixTime, Webhook};
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(15 * 60);
/// # let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
/// # let signature = webhook.sign(body, UnixTime::from_secs(1_774_699_200))?;
/// let event = webhook.verify_at(body, &signature, UnixTime::from_secs(1_774_699_205))?;
/// assert_eq!(event.id(), "evt_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Webhook {
    keys: Vec<Keys>,
    tolerance: u64,
    max_event_age: Option<u64>,
    standard: bool,
    /// Tells whether every secret has clarife's prefix; see [`advice`].
    all_have_prefix: bool,
}

impl Webhook {
    /// Creates a verifier for one secret, exactly as clarife shows the secret, `whsec_` included.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if the secret is empty, starts or ends with white space, or contains a control
    /// character.
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

    /// Creates a verifier for the secret in an environment variable.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if the variable is not set, is not UTF-8, or holds no usable secret.
    ///
    /// ```
    /// use clarife_webhooks::Webhook;
    ///
    /// let error = Webhook::from_env("NO_SUCH_VARIABLE").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the signing secret is not usable: the environment variable NO_SUCH_VARIABLE is not set"
    /// );
    /// ```
    #[cfg(feature = "std")]
    pub fn from_env(name: &str) -> Result<Self, WebhookError> {
        match std::env::var(name) {
            Ok(secret) => Self::new(secret),
            Err(std::env::VarError::NotPresent) => Err(Reason::NoVariable(name.into()).into()),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Reason::Secret("the environment variable is not UTF-8").into())
            }
        }
    }

    /// Creates a verifier for several secrets, newest first, while a secret is rotated. Any of the secrets may match,
    /// and [`sign`](Self::sign) signs with each.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if there is no secret, or if a secret is not usable.
    ///
    /// ```
    /// # use clarife_webhooks::Webhook;
    /// let webhook = Webhook::from_secrets(["whsec_bmV3", "whsec_b2xk"])?;
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn from_secrets<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, WebhookError> {
        let secrets: Vec<S> = secrets.into_iter().collect();
        if secrets.is_empty() {
            return Err(Reason::Secret(keys::NO_SECRET).into());
        }
        // All checks come first: an error's unused bytes may be those of a key that was in its place before.
        if let Some(problem) = secrets.iter().find_map(|secret| keys::find_problem(secret.as_ref())) {
            return Err(Reason::Secret(problem).into());
        }
        let all_have_prefix = secrets.iter().all(|secret| advice::has_prefix(secret.as_ref()));
        let keys = wiping(|| prepare(&secrets));
        Ok(Self { keys, tolerance: DEFAULT_TOLERANCE, max_event_age: None, standard: false, all_have_prefix })
    }

    /// Sets the tolerance between a delivery's timestamp and the clock, in seconds, in either direction. The default is
    /// [`DEFAULT_TOLERANCE`]. Zero means zero.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_tolerance(60);
    /// # let signature = webhook.sign("{}", UnixTime::from_secs(1_774_699_200))?;
    /// let error = webhook.verify_at("{}", &signature, UnixTime::from_secs(1_774_699_261)).unwrap_err();
    /// assert_eq!(error.to_string(), "the delivery was signed too long ago: 61 s ago, and the tolerance is 60 s");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_tolerance(mut self, seconds: u64) -> Self {
        self.tolerance = seconds;
        self
    }

    /// Sets the maximum age of events, in seconds: an event whose signed `created_at` is older is rejected. Off by
    /// default.
    ///
    /// The signature does not cover the timestamp in the header, but it covers `created_at`. The maximum age therefore
    /// stops a captured delivery that is sent again later. 900 s leave room for every retry. See
    /// [protocol, section 5.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-1).
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, UnixTime, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(900);
    /// let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let now = UnixTime::from_secs(1_774_702_800); // 13:00, as in the header
    /// let signature = webhook.sign(body, now)?;
    /// assert_eq!(webhook.verify_at(body, &signature, now).unwrap_err().code(), ErrorCode::EventTooOld);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_max_event_age(mut self, seconds: u64) -> Self {
        self.max_event_age = Some(seconds);
        self
    }

    /// Verifies by the headers of Standard Webhooks and ignores `X-Clarife-Signature`. The signature of Standard
    /// Webhooks covers the time. See the module [`standard`](crate::standard) and
    /// [protocol, section 5.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-3).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidSecret`] if a secret is not base64 after its prefix `whsec_`.
    ///
    /// ```
    /// # use clarife_webhooks::{ErrorCode, UnixTime, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.require_standard_webhooks()?;
    /// let body = r#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let headers = webhook.sign_standard(body, "evt_1", UnixTime::from_secs(1_774_699_200))?;
    /// let event = webhook.verify_at(body, &headers, UnixTime::from_secs(1_774_699_201))?;
    ///
    /// let header = webhook.sign(body, UnixTime::from_secs(1_774_699_200))?;
    /// let error = webhook.verify_at(body, &header, UnixTime::from_secs(1_774_699_201)).unwrap_err();
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
    /// `body` is the raw body, byte for byte as received. `signature` is the value of the `X-Clarife-Signature` header,
    /// `None` if the request has no such header, or (feature `http`) all headers of the request. After
    /// [`require_standard_webhooks`](Self::require_standard_webhooks), `signature` is [`StandardHeaders`] or all
    /// headers.
    ///
    /// # Errors
    ///
    /// The error of the first check that fails, in the order of [`ErrorCode::ALL`].
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
        body: &'b (impl RawBody + ?Sized),
        signature: impl SignatureSource<'h>,
    ) -> Result<Event<'b>, WebhookError>
    where
        for<'c> UnixTime: crate::SystemClock<'c>,
    {
        self.verify_at(body, signature, UnixTime::now())
    }

    /// Verifies a delivery as of `now`: for tests, for stored deliveries, and for targets without a clock. The
    /// signature's timestamp is compared in whole seconds.
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// # let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// # let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # let signature = webhook.sign(body, UnixTime::from_secs(1_774_699_200))?;
    /// let arrived_at = UnixTime::from_secs(1_774_699_201); // stored together with the body and the header
    /// let event = webhook.verify_at(body, &signature, arrived_at)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_at<'b, 'h>(
        &self,
        body: &'b (impl RawBody + ?Sized),
        signature: impl SignatureSource<'h>,
        now: UnixTime,
    ) -> Result<Event<'b>, WebhookError> {
        let (body, now) = (body.raw_bytes(), now.as_secs());
        if self.standard {
            self.check_standard(body, &signature.standard_headers(), now)?;
        } else {
            self.check_signature(body, signature.signature_header().as_deref(), now)?;
        }
        self.read(body, now)
    }

    fn check_signature(&self, body: &[u8], header: Option<&[u8]>, now: i64) -> Result<(), Reason> {
        let header = header.filter(|header| !header::is_blank(header));
        let header = header.ok_or(Reason::Plain(ErrorCode::MissingSignature))?;
        let mut signatures = Signatures::new();
        let timestamp = header::parse(header, &mut signatures).map_err(Reason::Signature)?;
        self.check_timestamp(timestamp, now)?;
        let genuine = self.keys.iter().any(|keys| signatures.contains(&keys.v1.tag(body)));
        if genuine { Ok(()) } else { Err(advice::mismatch(body, self.all_have_prefix)) }
    }

    fn check_standard(&self, body: &[u8], headers: &StandardHeaders<'_>, now: i64) -> Result<(), Reason> {
        let headers = Parsed::new(headers)?;
        self.check_timestamp(headers.timestamp, now)?;
        let mut keys = self.keys.iter().filter_map(|keys| keys.standard.as_ref());
        let genuine = keys.any(|key| headers.signatures.contains(&headers.tag(key, body)));
        if genuine { Ok(()) } else { Err(advice::mismatch(body, self.all_have_prefix)) }
    }

    /// Parses a body whose signature was checked, and checks the event's age.
    fn read<'b>(&self, body: &'b [u8], now: i64) -> Result<Event<'b>, WebhookError> {
        let mut event = Event::parse(body)?;
        self.check_event_age(&event, now)?;
        event.set_replay_window(self.replay_window(&event, now));
        Ok(event)
    }

    /// Signs a body with every secret, as clarife would at `timestamp`, and returns the value of the
    /// `X-Clarife-Signature` header. For senders, and for tests of handlers.
    ///
    /// # Errors
    ///
    /// [`InvalidTimestamp`] if the timestamp in whole seconds is not within 0 ..= 999999999999.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?;
    /// assert!(webhook.sign("{}", UnixTime::from_secs(1_711_612_800))?.starts_with("t=1711612800,v1="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign(&self, body: &(impl RawBody + ?Sized), timestamp: UnixTime) -> Result<String, InvalidTimestamp> {
        let timestamp = timestamp.as_secs();
        if !(0..=MAX_TIMESTAMP).contains(&timestamp) {
            return Err(InvalidTimestamp);
        }
        Ok(header::format(timestamp, self.keys.iter().map(|keys| keys.v1.tag(body.raw_bytes()))))
    }

    /// Signs a body with every secret for Standard Webhooks, at `timestamp`. `id` is the event's id.
    ///
    /// The secrets must be base64. The webhook itself may verify by either scheme.
    ///
    /// # Errors
    ///
    /// [`StandardSignError`] if a secret is not base64, or if a header cannot carry the id or the timestamp.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// let headers = Webhook::new("whsec_c2VjcmV0")?.sign_standard("{}", "evt_1", UnixTime::from_secs(1_711_612_800))?;
    /// assert_eq!((headers.id.as_ref(), headers.timestamp.as_ref()), ("evt_1", "1711612800"));
    /// assert!(headers.signature.starts_with("v1,"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign_standard<'i>(
        &self,
        body: &(impl RawBody + ?Sized),
        id: &'i str,
        timestamp: UnixTime,
    ) -> Result<StandardHeaders<'i>, StandardSignError> {
        standard::sign(body.raw_bytes(), id, timestamp.as_secs(), self.keys.iter())
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
        // In whole seconds, like `now`: an event of 12:00:00.5 is older than n seconds from 12:00:00 + n + 1 on.
        let seconds = now.saturating_sub(created_at.as_secs());
        if u64::try_from(seconds).map_or(true, |seconds| seconds <= maximum) {
            return Ok(());
        }
        let age = seconds.saturating_sub((created_at.subsec_nanos() > 0).into());
        Err(Reason::EventTooOld { age, maximum })
    }

    /// Returns the seconds from `now` in which `check_event_age` accepts the event: until `created_at` + maximum + 1 s.
    fn replay_window(&self, event: &Event<'_>, now: i64) -> u64 {
        let age = now.saturating_sub(event.created_at().as_secs());
        self.max_event_age.map_or(0, |maximum| maximum.saturating_add(1).saturating_sub_signed(age))
    }
}

/// Prepares the keys of all secrets, in memory that does not grow: growing would leave a copy of the keys behind.
#[inline(never)]
fn prepare<S: AsRef<str>>(secrets: &[S]) -> Vec<Keys> {
    let mut keys = Vec::with_capacity(secrets.len());
    keys.extend(secrets.iter().map(|secret| Keys::new(secret.as_ref())));
    keys
}

impl Clone for Webhook {
    fn clone(&self) -> Self {
        let keys = wiping(|| copy(&self.keys));
        Self { keys, ..*self }
    }
}

/// Copies keys.
#[inline(never)]
fn copy(keys: &[Keys]) -> Vec<Keys> {
    keys.to_vec()
}

/// The keys are wiped where they are. Calls before may have left copies on the stack.
impl Drop for Webhook {
    fn drop(&mut self) {
        wipe_stack();
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
