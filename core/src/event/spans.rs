//! Where the envelope's members stand in a body.

use core::ops::Range;

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
    /// The event's time.
    pub created_at: Range<usize>,
    /// The event's data.
    pub data: Range<usize>,
}

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
    pub fn utf16(self, raw: &str) -> Self {
        if raw.is_ascii() {
            return self;
        }
        let units = |range| utf16_units(raw.as_bytes().get(range).unwrap_or_default());
        let [id, event_type, created_at, data] = [self.id, self.event_type, self.created_at, self.data].map(|range| {
            let start = units(0..range.start);
            start..start.saturating_add(units(range))
        });
        Self { id, event_type, created_at, data }
    }
}

/// How many UTF-16 code units a text has: one for every character, two for one beyond the basic plane.
fn utf16_units(text: &[u8]) -> usize {
    let units = |byte: &u8| u8::from(byte & 0xC0 != 0x80).wrapping_add(u8::from(*byte >= 0xF0));
    // In chunks whose count fits a byte, so that the compiler counts many bytes at once.
    text.chunks(64)
        .map(|chunk| usize::from(chunk.iter().map(units).fold(0, u8::wrapping_add)))
        .fold(0, usize::saturating_add)
}
