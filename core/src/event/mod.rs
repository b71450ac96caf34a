//! Events: the envelope, the types, and the resources in `data`.

use alloc::borrow::Cow;
use core::fmt;

use time::OffsetDateTime;

mod date_time;
mod envelope;
mod event_type;
pub(crate) mod resource;
mod spans;

use envelope::Envelope;
pub use event_type::{EventType, ResourceKind};
pub use resource::{Resource, ResourceError};
pub use spans::Layout;

use crate::UnixTime;
use crate::error::{Reason, WebhookError};
use crate::text::json::replace_lone_surrogates;

/// An event whose signature has been verified.
///
/// An event borrows from the body, so that reading `id` and `type` costs no allocation.
/// [`into_owned`](Self::into_owned) copies the body. `data` stays JSON text until [`resource`](Self::resource) reads
/// it. `Debug` shows the id, the type and the time, never the payload.
///
/// ```
/// use clarife_webhooks::{EventType, Resource, UnixTime, Webhook};
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}"#;
/// let signature = webhook.sign(body, UnixTime::from_secs(1_774_699_200))?;
///
/// let event = webhook.verify_at(body, &signature, UnixTime::from_secs(1_774_699_201))?;
/// assert_eq!(event.id(), "evt_1");
/// assert_eq!(event.event_type(), EventType::DocumentUpdated);
/// if let Resource::Document(document) = event.resource()? {
///     assert_eq!(document.title.as_deref(), Some("Start"));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Event<'a> {
    raw: Cow<'a, str>,
    id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    created_at: OffsetDateTime,
    layout: Layout,
    replay_window: u64,
}

impl<'a> Event<'a> {
    /// Parses an event that was verified before, for example one that a handler put into its own queue.
    ///
    /// `parse_trusted` checks the envelope and **no signature**: never pass a body that came over the network.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::MalformedPayload`](crate::ErrorCode::MalformedPayload), as `verify` returns it.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let stored = br#"{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// assert_eq!(Event::parse_trusted(stored)?.id(), "evt_1");
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn parse_trusted(raw: &'a [u8]) -> Result<Self, WebhookError> {
        Ok(Self::parse(raw)?)
    }

    /// Parses a body whose signature was checked, or that is trusted.
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, Reason> {
        envelope::parse(raw).map(Self::from).map_err(Reason::Payload)
    }

    /// Returns the event's id. Every delivery of one event has one id, so the id is the key for deduplication.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// # let raw = br#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let mut handled = std::collections::HashSet::new(); // a unique key in your database
    /// let event = Event::parse_trusted(raw)?;
    /// assert!(handled.insert(event.id().to_owned())); // new: handle it
    /// assert!(!handled.insert(event.id().to_owned())); // delivered again: respond with 200
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the event's type, known or not.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, EventType};
    /// let raw = br#"{"id":"1","type":"video.rendered","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// assert_eq!(Event::parse_trusted(raw)?.event_type(), EventType::Unknown("video.rendered"));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn event_type(&self) -> EventType<'_> {
        EventType::from_name(&self.event_type)
    }

    /// Returns the time of the event, to the nanosecond. A leap second reads as the last nanosecond before it.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, UnixTime};
    /// let raw = br#"{"id":"1","type":"a.b","created_at":"2026-03-28T14:00:00+02:00","data":{}}"#;
    /// let event = Event::parse_trusted(raw)?;
    /// assert_eq!(event.created_at(), UnixTime::from_secs(1_774_699_200));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn created_at(&self) -> UnixTime {
        self.created_at.into()
    }

    /// Returns the seconds after the verification in which the webhook can accept the event once more, or 0 without a maximum event
    /// age.
    ///
    /// A receiver with a store keeps the done mark of an event for at least this long.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, Webhook};
    /// # let body = r#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # let now = UnixTime::from_secs(1_774_699_210);
    /// let webhook = Webhook::new("whsec_c2VjcmV0")?.with_max_event_age(900);
    /// # let signature = webhook.sign(body, now)?;
    /// let event = webhook.verify_at(body, &signature, now)?; // created 10 s ago
    /// assert_eq!(event.replay_window(), 891); // ages are compared in whole seconds
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn replay_window(&self) -> u64 {
        self.replay_window
    }

    pub(crate) const fn set_replay_window(&mut self, seconds: u64) {
        self.replay_window = seconds;
    }

    /// Returns the whole body, as it was signed.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// # let body = br#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # let event = Event::parse_trusted(body)?;
    /// let queued = event.raw().to_owned(); // for a worker, which need not verify the body again
    /// assert_eq!(Event::parse_trusted(queued.as_bytes())?, event);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Returns the JSON text of `data`, an object.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let raw = br#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{ "n": 1.50 }}"#;
    /// assert_eq!(Event::parse_trusted(raw)?.data(), r#"{ "n": 1.50 }"#);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn data(&self) -> &str {
        self.raw.get(self.layout.data.clone()).unwrap_or_default()
    }

    /// Parses `data` as the resource of the event's type, or as [`Resource::Unknown`] for an unknown type.
    ///
    /// Every member is optional and unknown members are kept. An escaped lone surrogate reads as U+FFFD. See
    /// [protocol, section 3.3](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-3).
    ///
    /// # Errors
    ///
    /// [`ResourceError`] with the JSON path, if a documented member has another type or a number exceeds the range of a
    /// double. The event is verified all the same, and [`data`](Self::data) returns the text.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, Resource};
    /// # let raw = br#"{"id":"1","type":"share.updated","created_at":"2026-03-28T12:00:00Z","data":{"view_count":3}}"#;
    /// match Event::parse_trusted(raw)?.resource()? {
    ///     Resource::Share(share) => assert_eq!(share.view_count, Some(3)),
    ///     other => panic!("{other:?} is not a share"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resource(&self) -> Result<Resource, ResourceError> {
        Resource::from_json(self.event_type().resource_kind(), &replace_lone_surrogates(self.data()))
    }

    /// Returns the positions of the envelope's members in [`raw`](Self::raw).
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let raw = br#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let event = Event::parse_trusted(raw)?;
    /// assert_eq!(event.raw().get(event.layout().id), Some("\"evt_1\""));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout.clone()
    }

    /// Copies the body into the event, so that the event borrows nothing.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, WebhookError};
    /// fn take(body: Vec<u8>) -> Result<Event<'static>, WebhookError> {
    ///     Event::parse_trusted(&body).map(Event::into_owned) // `body` is dropped here, the event is not
    /// }
    /// # let body = br#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # assert_eq!(take(body.to_vec())?.id(), "evt_1");
    /// # Ok::<(), WebhookError>(())
    /// ```
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            raw: Cow::Owned(self.raw.into_owned()),
            id: Cow::Owned(self.id.into_owned()),
            event_type: Cow::Owned(self.event_type.into_owned()),
            created_at: self.created_at,
            layout: self.layout,
            replay_window: self.replay_window,
        }
    }
}

impl<'a> From<Envelope<'a>> for Event<'a> {
    fn from(envelope: Envelope<'a>) -> Self {
        let Envelope { raw, id, event_type, created_at, layout } = envelope;
        Self { raw: raw.into(), id, event_type, created_at, layout, replay_window: 0 }
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("type", &self.event_type)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// Two events are equal when their bodies are, byte for byte.
impl PartialEq for Event<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl Eq for Event<'_> {}
