//! Byte ranges of the envelope's members in a body.

use core::ops::Range;

/// The ranges of the envelope's members in the raw body, for bindings that slice a string of their host.
///
/// Each range covers the whole JSON value, including the quotes of a string. Offsets count bytes. After
/// [`utf16`](Self::utf16) they count UTF-16 code units, like JavaScript.
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
    /// The range of `id`.
    pub id: Range<usize>,
    /// The range of `type`.
    pub event_type: Range<usize>,
    /// The range of `created_at`.
    pub created_at: Range<usize>,
    /// The range of `data`.
    pub data: Range<usize>,
}

impl Layout {
    /// Converts the ranges from bytes to UTF-16 code units of `raw`, the body of the event.
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

/// Counts the UTF-16 code units of UTF-8 text: two for a character beyond the basic plane, one for any other character.
///
/// `char::len_utf16` for each character would add half the time of a verification to a body of 10 KiB with non-ASCII
/// text. This function adds a twentieth.
fn utf16_units(text: &[u8]) -> usize {
    let units = |byte: &u8| u8::from(byte & 0xC0 != 0x80).wrapping_add(u8::from(*byte >= 0xF0));
    // The count of 64 bytes fits a byte, so the compiler counts many bytes at once.
    text.chunks(64)
        .map(|chunk| usize::from(chunk.iter().map(units).fold(0, u8::wrapping_add)))
        .fold(0, usize::saturating_add)
}
