//! A verified event: the envelope around `data` (protocol, section 3).

use alloc::borrow::Cow;
use core::fmt;
use core::ops::Range;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::{Reason, WebhookError};
use crate::event_type::EventType;
use crate::json::{Malformed, RawString, Scanner, mend_lone_surrogates};
use crate::resource::{Resource, ResourceError};

/// An event whose signature has been verified.
///
/// It borrows from the body, so that reading `id` and `type` costs no allocation; [`into_owned`](Self::into_owned) lets go of the body.
/// `data` stays JSON until it is read, with [`resource`](Self::resource) or as text with [`data`](Self::data).
/// `Debug` shows the id, the type and the time, never the payload.
///
/// ```
/// use clarife_webhooks::{EventType, Resource, Webhook};
///
/// let webhook = Webhook::new("whsec_c2VjcmV0")?;
/// let body = r#"{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}"#;
/// let signature = webhook.sign(body, 1_774_699_200)?;
///
/// let event = webhook.verify_at(body, &signature, 1_774_699_201)?;
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
}

/// Where members of the envelope stand in the raw body: for hosts that cut them out of a text of their own.
///
/// Each range covers the whole JSON value, a string with its quotes. Offsets count bytes, or, after
/// [`utf16`](Self::utf16), UTF-16 code units as JavaScript does.
///
/// ```
/// # use clarife_webhooks::Event;
/// let raw = r#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{"title":"é"}}"#;
/// let event = Event::parse_trusted(raw.as_bytes())?;
/// assert_eq!(&raw[event.layout().id], "\"evt_1\"");
/// assert_eq!(event.layout().data.len(), 14);
/// assert_eq!(event.layout().utf16(raw).data.len(), 13);
/// # Ok::<(), clarife_webhooks::WebhookError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The event's id.
    pub id: Range<usize>,
    /// The event's type.
    pub event_type: Range<usize>,
    /// The event's data.
    pub data: Range<usize>,
}

impl<'a> Event<'a> {
    /// Reads an event that was verified before, for example one that a handler put into its own queue.
    ///
    /// This checks the envelope and **no signature**: never give it a body that came over the network.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::MalformedPayload`](crate::ErrorCode::MalformedPayload), as `verify` gives it.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let stored = br#"{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// assert_eq!(Event::parse_trusted(stored)?.id(), "evt_1");
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    pub fn parse_trusted(raw: &'a [u8]) -> Result<Self, WebhookError> {
        parse(raw).map_err(|malformed| Reason::Payload(malformed).into())
    }

    /// The event's id: the same in every delivery of one event, so the key for handling it once only.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// # let raw = br#"{"id":"evt_1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let mut handled = std::collections::HashSet::new(); // a unique key in your database
    /// let event = Event::parse_trusted(raw)?;
    /// assert!(handled.insert(event.id().to_owned())); // new: handle it
    /// assert!(!handled.insert(event.id().to_owned())); // delivered again: answer 200 and do nothing
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The event's type, known or not.
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

    /// When the event happened, with the offset that the sender wrote. Digits past the nanosecond are dropped, and a
    /// leap second reads as the last nanosecond before it.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let raw = br#"{"id":"1","type":"a.b","created_at":"2026-03-28T14:00:00+02:00","data":{}}"#;
    /// let event = Event::parse_trusted(raw)?;
    /// assert_eq!(event.created_at().unix_timestamp(), 1_774_699_200);
    /// assert_eq!(event.created_at().offset().whole_hours(), 2);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub const fn created_at(&self) -> OffsetDateTime {
        self.created_at
    }

    /// The whole body, as it was signed.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// # let body = br#"{"id":"1","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// # let event = Event::parse_trusted(body)?;
    /// let queued = event.raw().to_owned(); // for a worker, which need not verify it again
    /// assert_eq!(Event::parse_trusted(queued.as_bytes())?, event);
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The JSON text of `data`, an object.
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

    /// `data` as the resource that the event is about, or [`Resource::Unknown`] for an unknown type.
    ///
    /// Every member is optional and unknown members are kept (protocol, section 3). An escaped lone surrogate reads as
    /// U+FFFD.
    ///
    /// # Errors
    ///
    /// [`ResourceError`], naming the JSON path, where a documented member has another type, or where a number is beyond
    /// what a double holds. The event is verified all the same, and [`data`](Self::data) has the text.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, Resource};
    /// # let raw = br#"{"id":"1","type":"share.updated","created_at":"2026-03-28T12:00:00Z","data":{"view_count":3}}"#;
    /// match Event::parse_trusted(raw)?.resource()? {
    ///     Resource::Share(share) => assert_eq!(share.view_count, Some(3)),
    ///     other => panic!("{other:?} is no share"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resource(&self) -> Result<Resource, ResourceError> {
        Resource::from_json(self.event_type().resource_kind(), &mend_lone_surrogates(self.data()))
    }

    /// Where the envelope's members stand in [`raw`](Self::raw).
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

    /// The same event, holding its own copy of the body.
    ///
    /// ```
    /// # use clarife_webhooks::{Event, WebhookError};
    /// fn take(body: Vec<u8>) -> Result<Event<'static>, WebhookError> {
    ///     Event::parse_trusted(&body).map(Event::into_owned) // the body ends here, the event lives on
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
        }
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

impl Layout {
    /// The same ranges in UTF-16 code units of `raw`, the body they were made for.
    ///
    /// ```
    /// # use clarife_webhooks::Event;
    /// let raw = r#"{"id":"é","type":"a.b","created_at":"2026-03-28T12:00:00Z","data":{}}"#;
    /// let layout = Event::parse_trusted(raw.as_bytes())?.layout();
    /// assert_eq!((layout.id.clone(), layout.utf16(raw).id), (6..10, 6..9));
    /// # Ok::<(), clarife_webhooks::WebhookError>(())
    /// ```
    #[must_use]
    pub fn utf16(mut self, raw: &str) -> Self {
        if raw.is_ascii() {
            return self;
        }
        let mut offsets =
            [&mut self.id, &mut self.event_type, &mut self.data].map(|range| [&mut range.start, &mut range.end]);
        let offsets = offsets.as_flattened_mut();
        offsets.sort_unstable();
        let (mut bytes, mut units) = (0, 0_usize);
        for offset in offsets {
            units = units.saturating_add(utf16_units(raw.as_bytes().get(bytes..**offset).unwrap_or_default()));
            bytes = core::mem::replace(*offset, units);
        }
        self
    }
}

/// How many UTF-16 code units a text has: one for every character, two for one beyond the basic plane.
fn utf16_units(text: &[u8]) -> usize {
    let units = |byte: &u8| u8::from(byte & 0xC0 != 0x80).wrapping_add(u8::from(*byte >= 0xF0));
    // In chunks whose count fits a byte, so that the compiler counts many bytes at once.
    text.chunks(64).map(|chunk| usize::from(chunk.iter().map(units).fold(0, u8::wrapping_add))).sum()
}

const ROOT: &str = "$";
const ID: &str = "$.id";
const TYPE: &str = "$.type";
const CREATED_AT: &str = "$.created_at";
const DATA: &str = "$.data";

/// Reads the envelope in one pass.
pub(crate) fn parse(body: &[u8]) -> Result<Event<'_>, Malformed> {
    let raw = core::str::from_utf8(body).map_err(|error| {
        Malformed::after(body.get(..error.valid_up_to()).unwrap_or_default(), "the text is not UTF-8")
    })?;
    let mut scanner = Scanner::new(raw);
    if raw.starts_with('\u{feff}') {
        return Err(scanner.fail("the text starts with a byte order mark"));
    }
    scanner.skip_whitespace();
    if !scanner.eat(b'{') {
        scanner.value(0)?;
        scanner.end()?;
        return Err(Malformed::at_path("a JSON object was expected", ROOT));
    }
    scanner.skip_whitespace();

    let (mut id, mut event_type, mut created_at, mut data) = (None, None, None, None);
    let mut more = !scanner.eat(b'}');
    while more {
        let name = scanner.name()?;
        match name.decode().as_deref() {
            Some("id") => {
                let (text, range) = text_member(&mut scanner, ID)?;
                fill(&mut id, (non_empty(&text, ID)?, range), ID)?;
            }
            Some("type") => {
                let (text, range) = text_member(&mut scanner, TYPE)?;
                fill(&mut event_type, (non_empty(&text, TYPE)?, range), TYPE)?;
            }
            Some("created_at") => {
                let (text, _) = text_member(&mut scanner, CREATED_AT)?;
                fill(&mut created_at, date_time(&text)?, CREATED_AT)?;
            }
            Some("data") => {
                let object = scanner.peek() == Some(b'{');
                let start = scanner.offset();
                scanner.value(1)?;
                if !object {
                    return Err(Malformed::at_path("an object was expected", DATA));
                }
                fill(&mut data, start..scanner.offset(), DATA)?;
            }
            _ => scanner.value(1)?,
        }
        more = scanner.more(b'}')?;
    }
    scanner.end()?;

    let (id, id_range) = present(id, ID)?;
    let (event_type, type_range) = present(event_type, TYPE)?;
    Ok(Event {
        raw: raw.into(),
        id,
        event_type,
        created_at: present(created_at, CREATED_AT)?,
        layout: Layout { id: id_range, event_type: type_range, data: present(data, DATA)? },
    })
}

fn fill<T>(member: &mut Option<T>, value: T, path: &'static str) -> Result<(), Malformed> {
    match member.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed::at_path("the member is repeated", path)),
    }
}

fn present<T>(member: Option<T>, path: &'static str) -> Result<T, Malformed> {
    member.ok_or(Malformed::at_path("the member is missing", path))
}

/// Reads a member that is to be a string, and says where it stands.
fn text_member<'a>(scanner: &mut Scanner<'a>, path: &'static str) -> Result<(RawString<'a>, Range<usize>), Malformed> {
    let start = scanner.offset();
    if scanner.peek() != Some(b'"') {
        scanner.value(1)?;
        return Err(Malformed::at_path("a string was expected", path));
    }
    let text = scanner.string()?;
    Ok((text, start..scanner.offset()))
}

fn non_empty<'a>(text: &RawString<'a>, path: &'static str) -> Result<Cow<'a, str>, Malformed> {
    let text = text.decode().ok_or(Malformed::at_path("a string without lone surrogates was expected", path))?;
    if text.is_empty() { Err(Malformed::at_path("a string that is not empty was expected", path)) } else { Ok(text) }
}

/// RFC 3339, section 5.6: `time` reads it, but takes any byte between date and time.
fn date_time(text: &RawString<'_>) -> Result<OffsetDateTime, Malformed> {
    text.decode()
        .filter(|text| matches!(text.as_bytes().get(10), Some(b'T' | b't')))
        .and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok())
        .ok_or(Malformed::at_path("an RFC 3339 date-time was expected", CREATED_AT))
}
