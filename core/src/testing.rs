//! For your own tests: sample events of every type, signed requests, and a clock to move (feature `testing`).
//!
//! ```
//! use clarife_webhooks::testing::{Clock, sample_event, signed_headers};
//! use clarife_webhooks::{EventType, Webhook};
//! use std::time::Duration;
//!
//! let webhook = Webhook::new("whsec_c2VjcmV0")?;
//! let clock = Clock::default();
//! let sample = sample_event(EventType::DocumentUpdated, &clock)?; // what clarife's test event says
//! let headers = signed_headers(&webhook, &sample, &clock)?;
//! let event = webhook.verify_at(&sample.body, &headers[0].1, clock.unix_seconds())?;
//! assert_eq!(event.id(), sample.id);
//!
//! clock.advance(Duration::from_secs(301));
//! assert!(webhook.verify_at(&sample.body, &headers[0].1, clock.unix_seconds()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::time::Duration;
use std::string::{String, ToString as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::vec;
use std::vec::Vec;

use crate::sender::{EventError, TestEvent, UnixMillis};
use crate::standard::StandardSignError;
use crate::{EventType, InvalidTimestamp, SIGNATURE_HEADER, Webhook};

/// A clock that stands still until it is moved. Clones are the same clock; hand one to
/// `Receiver::with_clock` as `move || clock.now()`.
///
/// ```
/// use clarife_webhooks::testing::Clock;
/// use std::time::Duration;
/// let clock = Clock::at(1_774_699_200);
/// clock.advance(Duration::from_millis(1_500));
/// assert_eq!(clock.unix_seconds(), 1_774_699_201);
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// A clock that says this moment, in Unix seconds. The default is the moment of the samples' documents: 2026-03-28T12:00:00Z.
    #[must_use]
    pub fn at(unix_seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix_seconds.saturating_mul(1000))))
    }

    /// Sets it, in Unix seconds.
    ///
    /// ```
    /// # use clarife_webhooks::testing::Clock;
    /// let clock = Clock::default();
    /// clock.set(0);
    /// assert_eq!(clock.now(), std::time::UNIX_EPOCH);
    /// ```
    pub fn set(&self, unix_seconds: i64) {
        self.0.store(unix_seconds.saturating_mul(1000), Ordering::SeqCst);
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// What it says, in Unix seconds.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst).div_euclid(1000)
    }

    /// What it says.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        let millis = self.0.load(Ordering::SeqCst);
        let distance = Duration::from_millis(millis.unsigned_abs());
        let moment = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        moment.unwrap_or(UNIX_EPOCH)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::at(1_774_699_200)
    }
}

/// A sample event of a type, created now: what clarife sends when a subscription is tried, with an id of its own.
///
/// # Errors
///
/// [`EventError`] if the type is unknown.
///
/// ```
/// # use clarife_webhooks::{Event, EventType, Resource, testing::{Clock, sample_event}};
/// let sample = sample_event(EventType::MediaUploaded, &Clock::default())?;
/// let Ok(Resource::Media(media)) = Event::parse_trusted(sample.body.as_bytes())?.resource() else { unreachable!() };
/// assert_eq!(media.filename.as_deref(), Some("settings.png"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sample_event(event_type: EventType<'_>, clock: &Clock) -> Result<TestEvent, EventError> {
    TestEvent::new(event_type, UnixMillis::from_millis(clock.0.load(Ordering::SeqCst)))
}

/// The headers that clarife would send with an event now: `X-Clarife-Signature`, and those of Standard Webhooks where the
/// secret is base64.
///
/// # Errors
///
/// [`InvalidTimestamp`] if the clock is before 1970 or has more than 12 digits.
///
/// ```
/// # use clarife_webhooks::{EventType, Webhook, testing::{Clock, sample_event, signed_headers}};
/// # let (webhook, clock) = (Webhook::new("whsec_c2VjcmV0")?, Clock::default());
/// let sample = sample_event(EventType::ShareCreated, &clock)?;
/// let names: Vec<_> = signed_headers(&webhook, &sample, &clock)?.into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["x-clarife-signature", "content-type", "webhook-id", "webhook-timestamp", "webhook-signature"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn signed_headers(
    webhook: &Webhook,
    event: &TestEvent,
    clock: &Clock,
) -> Result<Vec<(&'static str, String)>, InvalidTimestamp> {
    let now = clock.unix_seconds();
    let mut headers =
        vec![(SIGNATURE_HEADER, webhook.sign(&event.body, now)?), ("content-type", "application/json".to_string())];
    match webhook.sign_standard(&event.body, &event.id, now) {
        Ok(standard) => headers.extend(standard.pairs().map(|(name, value)| (name, value.to_string()))),
        Err(StandardSignError::InvalidTimestamp) => return Err(InvalidTimestamp),
        Err(_) => {}
    }
    Ok(headers)
}

/// The request that clarife would make with an event now, to `/`.
///
/// # Errors
///
/// As [`signed_headers`].
///
/// ```
/// # use clarife_webhooks::{EventType, Webhook, testing::{Clock, sample_event, signed_request}};
/// # let (webhook, clock) = (Webhook::new("whsec_c2VjcmV0")?, Clock::default());
/// let sample = sample_event(EventType::ShareCreated, &clock)?;
/// let request = signed_request(&webhook, &sample, &clock)?;
/// assert_eq!(webhook.verify_at(request.body(), request.headers(), clock.unix_seconds())?.id(), sample.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "http")]
pub fn signed_request(
    webhook: &Webhook,
    event: &TestEvent,
    clock: &Clock,
) -> Result<http::Request<Vec<u8>>, InvalidTimestamp> {
    let mut request = http::Request::new(event.body.clone().into_bytes());
    *request.method_mut() = http::Method::POST;
    for (name, value) in signed_headers(webhook, event, clock)? {
        // Every one of them is a header's value.
        if let Ok(value) = http::HeaderValue::try_from(value) {
            request.headers_mut().insert(name, value);
        }
    }
    Ok(request)
}
