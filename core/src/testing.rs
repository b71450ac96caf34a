//! Helpers for your own tests: sample events of every type, signed requests, and a clock (feature `testing`).
//!
//! ```
//! use clarife_webhooks::testing::{Clock, sample_event, signed_headers};
//! use clarife_webhooks::{EventType, Webhook};
//! use std::time::Duration;
//!
//! let webhook = Webhook::new("whsec_c2VjcmV0")?;
//! let clock = Clock::default();
//! let sample = sample_event(EventType::DocumentUpdated, &clock)?; // as in a test event of clarife
//! let headers = signed_headers(&webhook, &sample, &clock)?;
//! let event = webhook.verify_at(&sample.body, &headers[0].1, clock.now())?;
//! assert_eq!(event.id(), sample.id);
//!
//! clock.advance(Duration::from_secs(301));
//! assert!(webhook.verify_at(&sample.body, &headers[0].1, clock.now()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::time::Duration;
use std::string::{String, ToString as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::vec;
use std::vec::Vec;

use serde_json::{Map, Value};

use crate::UnixTime;
use crate::sender::{EventError, TestEvent, new_event_id, sample_resource, write_event};
use crate::standard::StandardSignError;
use crate::{Event, EventType, InvalidTimestamp, SIGNATURE_HEADER, Webhook};

/// A clock that moves only by [`set`](Self::set) and [`advance`](Self::advance). All clones share one time. Pass a
/// clock to `Receiver::with_clock` as `move || clock.now()`.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::testing::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::at(UnixTime::from_secs(1_774_699_200));
/// clock.advance(Duration::from_millis(1_500));
/// assert_eq!(clock.now().as_millis(), 1_774_699_201_500);
/// ```
#[derive(Debug, Clone)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Creates a clock that shows `time`. The default is the time of the sample documents, 2026-03-28T12:00:00Z.
    #[must_use]
    pub fn at(time: UnixTime) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_millis())))
    }

    /// Sets the time.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, testing::Clock};
    /// let clock = Clock::default();
    /// clock.set(UnixTime::from_secs(0));
    /// assert_eq!(clock.now(), UnixTime::from_secs(0));
    /// ```
    pub fn set(&self, time: UnixTime) {
        self.0.store(time.as_millis(), Ordering::SeqCst);
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::at(UnixTime::from_secs(1_774_699_200))
    }
}

/// Creates a sample event of a type, like a test event of clarife, with a new id and the clock's time.
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
    TestEvent::new(event_type, clock.now())
}

/// Creates an event for a test of a handler alone: the sample of its type, in which the members of `data` replace the sample's.
///
/// The event has a new id and the time of [`Clock::default`]. Of an unknown type there is no sample, and `data` is the whole data.
///
/// # Errors
///
/// [`EventError`] if `data` is not an object or has no canonical JSON, or if an unknown type is empty.
///
/// ```
/// use clarife_webhooks::testing::test_event;
/// use clarife_webhooks::{Event, EventType, Resource};
/// use serde_json::json;
///
/// fn title(event: &Event<'_>) -> Option<String> {
///     if let Ok(Resource::Document(document)) = event.resource() { document.title } else { None }
/// }
///
/// assert_eq!(title(&test_event(EventType::DocumentUpdated, json!({}))?).as_deref(), Some("Getting started"));
/// assert_eq!(title(&test_event(EventType::DocumentUpdated, json!({ "title": "Start" }))?).as_deref(), Some("Start"));
/// assert_eq!(title(&test_event(EventType::Unknown("video.rendered"), json!({}))?), None);
/// # Ok::<(), clarife_webhooks::sender::EventError>(())
/// ```
pub fn test_event(event_type: EventType<'_>, data: Value) -> Result<Event<'static>, EventError> {
    let Value::Object(members) = data else { return Err(EventError::DataNotObject) };
    let mut all = match sample_resource(event_type).map(serde_json::to_value) {
        Some(Ok(Value::Object(sample))) => sample,
        _ => Map::new(),
    };
    all.extend(members);
    let id = new_event_id().map_err(EventError::Randomness)?;
    let body = write_event(&id, event_type, Clock::default().now(), &all)?;
    // The only other reason for an error is an empty type.
    Event::parse_trusted(body.as_bytes()).map(Event::into_owned).map_err(|_| EventError::UnknownType)
}

/// Returns the headers of a delivery that clarife would send at the clock's time: `X-Clarife-Signature`, and the
/// headers of Standard Webhooks if the secret is base64.
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
    let now = clock.now();
    let mut headers =
        vec![(SIGNATURE_HEADER, webhook.sign(&event.body, now)?), ("content-type", "application/json".to_string())];
    match webhook.sign_standard(&event.body, &event.id, now) {
        Ok(standard) => headers.extend(standard.pairs().map(|(name, value)| (name, value.to_string()))),
        Err(StandardSignError::InvalidTimestamp) => return Err(InvalidTimestamp),
        Err(_) => {}
    }
    Ok(headers)
}

/// Returns the request that clarife would send at the clock's time, to `/webhooks/clarife`.
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
/// assert_eq!(request.uri(), "/webhooks/clarife");
/// assert_eq!(webhook.verify_at(request.body(), request.headers(), clock.now())?.id(), sample.id);
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
    *request.uri_mut() = http::Uri::from_static("/webhooks/clarife");
    for (name, value) in signed_headers(webhook, event, clock)? {
        // Cannot fail: every value is visible ASCII.
        if let Ok(value) = http::HeaderValue::try_from(value) {
            request.headers_mut().insert(name, value);
        }
    }
    Ok(request)
}
