//! Escapes in strings: what they stand for, and lone surrogates, which no Rust string can hold.

use alloc::borrow::Cow;
use alloc::string::String;
use core::ops::Range;

/// The text of a string whose escapes have been checked.
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
            itself => itself,
        });
        rest = chars.as_str();
    }
    decoded.push_str(rest);
    Some(decoded)
}

/// The UTF-16 code unit that four hex digits write, and what follows them.
fn code_unit(digits: &str) -> Option<(u16, &str)> {
    let (digits, after) = digits.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

/// Returns the bytes of the first escaped lone surrogate from `at` on in a JSON text whose grammar was checked.
pub(crate) fn find_lone_surrogate(json: &str, mut at: usize) -> Option<Range<usize>> {
    // Every backslash of a checked text starts an escape, and every escape's second byte is ASCII.
    loop {
        let start = at.saturating_add(json.get(at..)?.find('\\')?);
        let escape = json.get(start.saturating_add(2)..).unwrap_or_default();
        let unicode = json.get(start..).is_some_and(|rest| rest.starts_with("\\u"));
        at = start.saturating_add(2);
        let Some((unit, after)) = code_unit(escape).filter(|_| unicode) else { continue };
        at = start.saturating_add(6);
        let low = after.strip_prefix("\\u").and_then(code_unit).map(|(unit, _)| unit);
        match (unit, low) {
            (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => at = start.saturating_add(12),
            (0xD800..=0xDFFF, _) => return Some(start..at),
            _ => {}
        }
    }
}

/// Replaces every escaped lone surrogate of a JSON text by an escaped U+FFFD, so that `serde_json` can read the text.
pub(crate) fn mend_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut kept = 0;
    while let Some(found) = find_lone_surrogate(json, kept) {
        mended.push_str(json.get(kept..found.start).unwrap_or_default());
        mended.push_str("\\ufffd");
        kept = found.end;
    }
    if kept == 0 {
        return json.into();
    }
    mended.push_str(json.get(kept..).unwrap_or_default());
    mended.into()
}
