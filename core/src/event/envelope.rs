//! The envelope of an event: `id`, `type`, `created_at` and `data`.
//!
//! See [protocol, section 3.1](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-3-1).

use alloc::borrow::Cow;
use core::ops::Range;
#[cfg(target_arch = "wasm32")]
use core::str::from_utf8;

#[cfg(not(target_arch = "wasm32"))]
use simdutf8::basic::from_utf8;
use time::OffsetDateTime;

use super::date_time;
use super::spans::Layout;
use crate::text::json::{Malformed, RawString, Scanner};

const ROOT: &str = "$";
const ID: &str = "$.id";
const TYPE: &str = "$.type";
const CREATED_AT: &str = "$.created_at";
const DATA: &str = "$.data";

/// The members of an envelope.
pub(super) struct Envelope<'a> {
    pub(super) raw: &'a str,
    pub(super) id: Cow<'a, str>,
    pub(super) event_type: Cow<'a, str>,
    pub(super) created_at: OffsetDateTime,
    pub(super) layout: Layout,
}

/// Parses the envelope in one pass.
pub(super) fn parse(body: &[u8]) -> Result<Envelope<'_>, Malformed> {
    let raw = from_utf8(body).map_err(|_| not_utf8(body))?;
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
        match Member::from_name(&scanner.name()?) {
            Member::Id => fill(&mut id, text_member(&mut scanner, ID)?, ID)?,
            Member::Type => fill(&mut event_type, text_member(&mut scanner, TYPE)?, TYPE)?,
            Member::CreatedAt => fill(&mut created_at, date_time_member(&mut scanner)?, CREATED_AT)?,
            Member::Data => {
                let object = scanner.peek() == Some(b'{');
                let start = scanner.offset();
                scanner.value(1)?;
                if !object {
                    return Err(Malformed::at_path("an object was expected", DATA));
                }
                fill(&mut data, start..scanner.offset(), DATA)?;
            }
            Member::Other => scanner.value(1)?,
        }
        more = scanner.more(b'}')?;
    }
    scanner.end()?;

    let (id, id_range) = present(id, ID)?;
    let (event_type, type_range) = present(event_type, TYPE)?;
    let (created_at, created_at_range) = present(created_at, CREATED_AT)?;
    let data = present(data, DATA)?;
    Ok(Envelope {
        raw,
        id: decoded(&id, ID)?,
        event_type: decoded(&event_type, TYPE)?,
        created_at,
        layout: Layout { id: id_range, event_type: type_range, created_at: created_at_range, data },
    })
}

/// The role of a member, by its name.
enum Member {
    Id,
    Type,
    CreatedAt,
    Data,
    Other,
}

impl Member {
    fn from_name(name: &RawString<'_>) -> Self {
        match name.decode().as_deref() {
            Some("id") => Self::Id,
            Some("type") => Self::Type,
            Some("created_at") => Self::CreatedAt,
            Some("data") => Self::Data,
            _ => Self::Other,
        }
    }
}

/// Returns the error at the first byte that is not UTF-8. The fast check does not find the position.
#[cold]
fn not_utf8(body: &[u8]) -> Malformed {
    let valid = core::str::from_utf8(body).map_or_else(|error| error.valid_up_to(), str::len);
    Malformed::after(body.get(..valid).unwrap_or_default(), "the text is not UTF-8")
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

/// Reads a member that must be a string.
#[inline(always)]
fn string_member<'a>(scanner: &mut Scanner<'a>, path: &'static str) -> Result<RawString<'a>, Malformed> {
    if scanner.peek() != Some(b'"') {
        scanner.value(1)?;
        return Err(Malformed::at_path("a string was expected", path));
    }
    scanner.string()
}

/// Reads a member that must be a string, and returns the string and its range.
fn text_member<'a>(scanner: &mut Scanner<'a>, path: &'static str) -> Result<(RawString<'a>, Range<usize>), Malformed> {
    let start = scanner.offset();
    let text = string_member(scanner, path)?;
    Ok((text, start..scanner.offset()))
}

/// Decodes a string, which must not be empty. The parser decodes last, so that errors of the grammar allocate nothing.
fn decoded<'a>(text: &RawString<'a>, path: &'static str) -> Result<Cow<'a, str>, Malformed> {
    let text = text.decode().ok_or(Malformed::at_path("a string without lone surrogates was expected", path))?;
    if text.is_empty() { Err(Malformed::at_path("a non-empty string was expected", path)) } else { Ok(text) }
}

fn date_time_member(scanner: &mut Scanner<'_>) -> Result<(OffsetDateTime, Range<usize>), Malformed> {
    let (text, range) = text_member(scanner, CREATED_AT)?;
    let date_time = text.decode().and_then(|text| date_time::parse(&text));
    Ok((date_time.ok_or(Malformed::at_path("an RFC 3339 date-time was expected", CREATED_AT))?, range))
}
