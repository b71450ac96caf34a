//! The envelope around `data`: what every event has (protocol, section 3).

use alloc::borrow::Cow;
use core::ops::Range;

use time::OffsetDateTime;

use crate::event::Event;
use crate::json::{Malformed, RawString, Scanner};
use crate::layout::Layout;

const ROOT: &str = "$";
const ID: &str = "$.id";
const TYPE: &str = "$.type";
const CREATED_AT: &str = "$.created_at";
const DATA: &str = "$.data";

/// Reads the envelope in one pass.
pub(crate) fn parse(body: &[u8]) -> Result<Event<'_>, Malformed> {
    let raw = simdutf8::basic::from_utf8(body).map_err(|_| not_utf8(body))?;
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

/// The error at the first byte that is not UTF-8, which the quick check does not look for.
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

fn date_time(text: &RawString<'_>) -> Result<OffsetDateTime, Malformed> {
    text.decode()
        .and_then(|text| crate::date_time::parse(&text))
        .ok_or(Malformed::at_path("an RFC 3339 date-time was expected", CREATED_AT))
}
