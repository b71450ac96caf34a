//! Escapes in strings, and lone surrogates, which a Rust string cannot contain.

use alloc::borrow::Cow;
use alloc::string::String;
use core::ops::Range;

/// Decodes a string whose escapes were checked. Returns `None` for a lone surrogate.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        decoded.push_str(plain);
        let mut chars = escape.chars();
        decoded.push(match chars.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (unit, after) = code_unit(chars.as_str())?;
                let (character, after) = match after.strip_prefix("\\u").and_then(code_unit) {
                    Some((low @ 0xDC00..=0xDFFF, after)) if (0xD800..=0xDBFF).contains(&unit) => {
                        let (high, low) = (u32::from(unit) & 0x3FF, u32::from(low) & 0x3FF);
                        (char::from_u32((high << 10 | low).wrapping_add(0x1_0000))?, after)
                    }
                    _ => (char::from_u32(unit.into())?, after),
                };
                chars = after.chars();
                character
            }
            character => character, // a quote, a backslash or a slash
        });
        rest = chars.as_str();
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// Parses four hex digits, and returns the UTF-16 code unit and the rest of the text.
fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, after) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

/// Returns the range of the first escaped lone surrogate after `offset` in a JSON text whose grammar was checked.
pub(crate) fn find_lone_surrogate(json: &str, mut offset: usize) -> Option<Range<usize>> {
    // Every backslash of a checked text starts an escape, and every escape's second byte is ASCII.
    loop {
        let start = offset.saturating_add(json.get(offset..)?.find('\\')?);
        let escape = json.get(start.saturating_add(2)..).unwrap_or_default();
        let unicode = json.get(start..).is_some_and(|rest| rest.starts_with("\\u"));
        offset = start.saturating_add(2);
        let Some((unit, after)) = code_unit(escape).filter(|_| unicode) else { continue };
        offset = start.saturating_add(6);
        let low = after.strip_prefix("\\u").and_then(code_unit).map(|(unit, _)| unit);
        match (unit, low) {
            (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => offset = start.saturating_add(12),
            (0xD800..=0xDFFF, _) => return Some(start..offset),
            _ => {}
        }
    }
}

/// Replaces each escaped lone surrogate of a JSON text by an escaped U+FFFD, so that `serde_json` accepts the text.
pub(crate) fn replace_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut replaced = String::new();
    let mut end = 0;
    while let Some(surrogate) = find_lone_surrogate(json, end) {
        replaced.push_str(json.get(end..surrogate.start).unwrap_or_default());
        replaced.push_str("\\ufffd");
        end = surrogate.end;
    }
    if end == 0 {
        return json.into();
    }
    replaced.push_str(json.get(end..).unwrap_or_default());
    replaced.into()
}
