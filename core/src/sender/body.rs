//! The bodies of events and test events.

use alloc::string::String;
use core::fmt;

use serde::Serialize;

use super::random::{self, RandomnessError};
use super::sample::sample_resource;
use crate::EventType;
use crate::UnixTime;
use crate::canonical::{self, CanonicalError};

/// Writes the body of an event as canonical JSON.
///
/// Build the body once, store it, and send the same bytes in every attempt. `id` is the event's id for all
/// subscriptions (see [`new_event_id`](super::new_event_id)). `data` must serialize to an object. The members are in
/// the order of clarife's documentation: id, type, created_at, data. See
/// [protocol, section 4](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-4).
///
/// # Errors
///
/// [`EventError`] if a receiver would reject the body, as received or after parsing and serializing it.
///
/// ```
/// use clarife_webhooks::EventType;
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::build_event;
/// use serde_json::json;
///
/// let created_at = UnixTime::from_secs(1_711_612_800);
/// let body = build_event("evt_1", EventType::DocumentUpdated, created_at, &json!({"word_count": 412.0}))?;
/// assert_eq!(
///     body,
///     r#"{"id":"evt_1","type":"document.updated","created_at":"2024-03-28T08:00:00Z","data":{"word_count":412}}"#
/// );
/// # Ok::<(), clarife_webhooks::sender::EventError>(())
/// ```
pub fn build_event<T: Serialize + ?Sized>(
    id: &str,
    event_type: EventType<'_>,
    created_at: UnixTime,
    data: &T,
) -> Result<String, EventError> {
    if id.is_empty() {
        return Err(EventError::EmptyId);
    }
    if event_type.is_known() { write_event(id, event_type, created_at, data) } else { Err(EventError::UnknownType) }
}

/// Writes the body of an event of any type.
pub(crate) fn write_event<T: Serialize + ?Sized>(
    id: &str,
    event_type: EventType<'_>,
    created_at: UnixTime,
    data: &T,
) -> Result<String, EventError> {
    let created_at = created_at.to_rfc3339().ok_or(EventError::CreatedAtOutOfRange)?;
    let mut body = String::with_capacity(512);
    for (name, text) in [("{\"id\":", id), (",\"type\":", event_type.as_str()), (",\"created_at\":", &created_at)] {
        body.push_str(name);
        canonical::push_string(&mut body, text);
    }
    body.push_str(",\"data\":");
    let start = body.len();
    canonical::append_at_depth(&mut body, data, 1)
        .map_err(|error| EventError::NotCanonical(error.in_member("data")))?;
    if !body.get(start..).is_some_and(|data| data.starts_with('{')) {
        return Err(EventError::DataNotObject);
    }
    body.push('}');
    Ok(body)
}

/// A synthetic event for a test of one subscription.
///
/// Send a test event with [`Delivery::test`](super::Delivery::test), which makes one attempt and does not count
/// failures. See
/// [protocol, section 6.4](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6-4).
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::sender::TestEvent;
/// use clarife_webhooks::{Event, EventType};
///
/// let test = TestEvent::new(EventType::MediaUploaded, UnixTime::from_secs(1_711_612_800))?;
/// let event = Event::parse_trusted(test.body.as_bytes())?;
/// assert_eq!((event.id(), event.event_type()), (test.id.as_str(), EventType::MediaUploaded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestEvent {
    /// The event's id: `evt_` and a random UUID.
    pub id: String,
    /// The body, as canonical JSON.
    pub body: String,
}

impl TestEvent {
    /// Creates a test event of a type, with a sample resource.
    ///
    /// # Errors
    ///
    /// [`EventError`] if the type is unknown, the time is out of range, or the system has no random bytes for the id.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::TestEvent;
    /// let test = TestEvent::new(EventType::ShareCreated, UnixTime::from_secs(1_711_612_800))?;
    /// assert!(test.id.starts_with("evt_") && test.body.contains(&test.id));
    /// # Ok::<(), clarife_webhooks::sender::EventError>(())
    /// ```
    pub fn new(event_type: EventType<'_>, created_at: UnixTime) -> Result<Self, EventError> {
        let data = sample_resource(event_type).ok_or(EventError::UnknownType)?;
        let id = random::new_event_id().map_err(EventError::Randomness)?;
        let body = build_event(&id, event_type, created_at, &data)?;
        Ok(Self { id, body })
    }
}

/// The error of an event without a valid body.
///
/// ```
/// # use clarife_webhooks::EventType;
/// # use clarife_webhooks::UnixTime;
/// # use clarife_webhooks::sender::{EventError, build_event};
/// # let now = UnixTime::from_secs(1_711_612_800);
/// assert_eq!(build_event("evt_1", EventType::ShareCreated, now, "text"), Err(EventError::DataNotObject));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventError {
    /// The id is empty.
    EmptyId,
    /// The type is unknown.
    UnknownType,
    /// The time is not within the years 0 to 9999.
    CreatedAtOutOfRange,
    /// The data is not a JSON object.
    DataNotObject,
    /// The data has no canonical JSON.
    NotCanonical(CanonicalError),
    /// The operating system returned no random bytes for the id of a test event.
    Randomness(RandomnessError),
}

impl EventError {
    /// Returns the error code for logs and responses, for example `unknown_event_type`.
    ///
    /// For data without canonical JSON, the code is the kind of that error, for example `unsafe_integer`.
    ///
    /// ```
    /// # use clarife_webhooks::EventType;
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::sender::build_event;
    /// # let now = UnixTime::from_secs(1_711_612_800);
    /// let data = serde_json::json!({"n": u64::MAX});
    /// let error = build_event("evt_1", EventType::ShareCreated, now, &data).unwrap_err();
    /// assert_eq!(error.code(), "unsafe_integer");
    /// assert_eq!(error.to_string(), "an integer exceeds the safe range of JavaScript at $.data.n");
    /// ```
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyId => "empty_id",
            Self::UnknownType => "unknown_event_type",
            Self::CreatedAtOutOfRange => "created_at_out_of_range",
            Self::DataNotObject => "data_not_object",
            Self::NotCanonical(error) => error.kind().as_str(),
            Self::Randomness(_) => "randomness",
        }
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyId => f.write_str("invalid event id: empty"),
            Self::UnknownType => f.write_str("invalid event type: unknown"),
            Self::CreatedAtOutOfRange => f.write_str("invalid created_at: not within the years 0 to 9999"),
            Self::DataNotObject => f.write_str("invalid data: not an object"),
            Self::NotCanonical(error) => error.fmt(f),
            Self::Randomness(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EventError {}

#[cfg(test)]
mod tests {
    use super::{EventError, TestEvent, UnixTime, build_event};
    use crate::canonical::to_canonical_json;
    use crate::{Event, EventType, Resource, Webhook};
    use alloc::format;
    use alloc::string::ToString;
    use serde_json::{Map, Value, json};

    const NOW: UnixTime = UnixTime::from_millis(1_711_612_800_120);

    #[test]
    fn bodies_are_canonical_and_verify() {
        let data = json!({ "b": 1.0, "10": "x", "9": null });
        let body = build_event("evt_\"é\n", EventType::FolderDeleted, NOW, &data).expect("is an event");
        assert_eq!(
            body,
            "{\"id\":\"evt_\\\"é\\n\",\"type\":\"folder.deleted\",\"created_at\":\"2024-03-28T08:00:00.12Z\",\
             \"data\":{\"9\":null,\"10\":\"x\",\"b\":1}}"
        );
        let webhook = Webhook::new("whsec_c2VjcmV0").expect("a secret");
        let header = webhook.sign(&body, NOW).expect("a timestamp");
        let event = webhook.verify_at(&body, &header, NOW).expect("verifies");
        assert_eq!((event.id(), event.event_type()), ("evt_\"é\n", EventType::FolderDeleted));
    }

    #[test]
    fn invalid_events_are_not_built() {
        let build = |id, event_type, created_at, data: Value| build_event(id, event_type, created_at, &data);
        let event_type = EventType::ShareCreated;
        assert_eq!(build("", event_type, NOW, json!({})), Err(EventError::EmptyId));
        assert_eq!(build("1", EventType::Unknown("a.b"), NOW, json!({})), Err(EventError::UnknownType));
        let out_of_range = UnixTime::from_millis(i64::MAX);
        assert_eq!(build("1", event_type, out_of_range, json!({})), Err(EventError::CreatedAtOutOfRange));
        for data in [json!([]), json!(null), json!("{"), json!(1)] {
            assert_eq!(build("1", event_type, NOW, data), Err(EventError::DataNotObject));
        }
        let error = build("1", event_type, NOW, json!({ "n": u64::MAX })).expect_err("is unsafe");
        assert_eq!(error.code(), "unsafe_integer");
        assert_eq!(error.to_string(), "an integer exceeds the safe range of JavaScript at $.data.n");
    }

    #[test]
    fn nesting_ends_where_the_verifiers_does() {
        let nested = |levels| (0..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        let body =
            build_event("1", EventType::ShareCreated, NOW, &nested(126)).expect("is 128 levels with the envelope");
        assert!(Event::parse_trusted(body.as_bytes()).is_ok());
        let error = build_event("1", EventType::ShareCreated, NOW, &nested(127)).expect_err("is one level too many");
        assert_eq!(error.code(), "too_deep");
    }

    #[test]
    fn every_type_has_a_test_event_with_documented_members_only() {
        for event_type in EventType::KNOWN {
            let test = TestEvent::new(event_type, NOW).expect("is an event");
            let event = Event::parse_trusted(test.body.as_bytes()).expect("is an event");
            assert_eq!((event.id(), event.event_type()), (test.id.as_str(), event_type));
            let value: Value = serde_json::from_str(&test.body).expect("is JSON");
            assert_eq!(value["created_at"], "2024-03-28T08:00:00.12Z");
            assert!(value["data"].as_object().is_some_and(|data| !data.is_empty()));
            // An undocumented member would be in `extra`.
            let debug = format!("{:?}", event.resource().expect("is of the documented shape"));
            assert_eq!(debug.matches("extra: {").count(), debug.matches("extra: {}").count(), "{debug}");
            let data: Map<_, _> = serde_json::from_str(event.data()).expect("is an object");
            assert!(matches!(event.resource(), Ok(resource) if !matches!(resource, Resource::Unknown(_))));
            assert_eq!(to_canonical_json(&data).expect("is canonical").len(), event.data().len());
        }
        assert_eq!(TestEvent::new(EventType::Unknown("a.b"), NOW), Err(EventError::UnknownType));
    }
}
