//! JSON texts written in other ways, with the members in the same order.

use clarife_webhooks::canonical::{JsonText, to_canonical_json};
use clarife_webhooks::sender::build_event;
use clarife_webhooks::{Event, EventType, UnixTime};

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    String,
    Number,
    Other,
}

/// Splits a JSON text into tokens. The text was checked before.
fn tokens(text: &str) -> impl Iterator<Item = (Kind, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let while_is = |is: fn(u8) -> bool| rest.bytes().position(|byte| !is(byte)).unwrap_or(rest.len());
        let (kind, length) = match first {
            b'"' => (Kind::String, string_length(rest)),
            b'-' | b'0'..=b'9' => (
                Kind::Number,
                while_is(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')),
            ),
            _ if is_space(first) => (Kind::Space, while_is(is_space)),
            b'a'..=b'z' => (Kind::Other, while_is(|byte| byte.is_ascii_lowercase())),
            _ => (Kind::Other, rest.chars().next().map_or(1, char::len_utf8)),
        };
        let (token, after) = rest.split_at_checked(length)?;
        rest = after;
        Some((kind, token))
    })
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end.saturating_add(2))
}

/// The characters that a writer escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// The escapes of the text.
    AsGiven,
    /// Every character that is not ASCII, like Python's `json.dumps`.
    NotAscii,
}

/// Writes a JSON text with other escapes, and with a space after each comma and colon or without white space.
pub(super) fn write(text: &str, escapes: Escapes, spaced: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (kind, token) in tokens(text) {
        match kind {
            Kind::Space => {}
            Kind::String if escapes == Escapes::NotAscii && !token.is_ascii() => push_ascii(&mut out, token),
            _ => out.push_str(token),
        }
        if spaced && matches!(token, "," | ":") {
            out.push(' ');
        }
    }
    out
}

/// Writes a JSON text without white space.
pub(in crate::cli) fn compact(text: &str) -> String {
    write(text, Escapes::AsGiven, false)
}

/// Writes a JSON text with each member and element on a line, in the order of the text.
pub(in crate::cli) fn pretty(text: &str) -> String {
    let (mut out, mut depth, mut is_open) = (String::with_capacity(text.len()), 0_usize, false);
    for (kind, token) in tokens(text).filter(|(kind, _)| *kind != Kind::Space) {
        let closes = kind == Kind::Other && matches!(token, "}" | "]");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if is_open != closes {
            push_line(&mut out, depth);
        }
        out.push_str(token);
        is_open = kind == Kind::Other && matches!(token, "{" | "[");
        depth = depth.saturating_add(is_open.into());
        match token {
            "," => push_line(&mut out, depth),
            ":" => out.push(' '),
            _ => {}
        }
    }
    out
}

fn push_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

fn push_ascii(out: &mut String, token: &str) {
    for character in token.chars() {
        if matches!(character, ' '..='~') {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

/// Returns the form that clarife sends, like `JSON.stringify`.
pub(super) fn canonical(text: &str) -> Option<String> {
    JsonText::parse(text).and_then(|text| to_canonical_json(&text)).ok()
}

/// Returns an event with its members in the documented order: those of the envelope, and those of the data too.
pub(super) fn ordered(text: &str) -> Vec<String> {
    let Ok(event) = Event::parse_trusted(text.as_bytes()) else { return Vec::new() };
    let build = |event_type: EventType<'_>, created_at: UnixTime| {
        let data = JsonText::parse(event.data()).ok();
        let as_given = data.and_then(|data| build_event(event.id(), event_type, created_at, &data).ok());
        let resource = event.resource().ok();
        let documented = resource.and_then(|data| build_event(event.id(), event_type, created_at, &data).ok());
        [as_given, documented]
    };
    build(event.event_type(), event.created_at()).into_iter().flatten().collect()
}

/// Returns the parts of a text that were changed, in words, and the byte where the changes begin.
pub(super) fn changes(sent: &str, seen: &str) -> (Vec<&'static str>, usize) {
    let first = sent.bytes().zip(seen.bytes()).take_while(|(sent, seen)| sent == seen).count();
    let (mut escapes, mut numbers, mut order) = (false, false, false);
    let words = |text| tokens(text).filter(|(kind, _)| *kind != Kind::Space);
    for ((kind, sent), (other, seen)) in words(sent).zip(words(seen)).filter(|(sent, seen)| sent != seen) {
        match (kind, other) {
            (Kind::String, Kind::String) if decoded(sent) == decoded(seen) => escapes = true,
            (Kind::Number, Kind::Number) if sent.parse::<f64>() == seen.parse::<f64>() => numbers = true,
            _ => {
                order = true;
                break;
            }
        }
    }
    let length =
        |text| tokens(text).filter(|(kind, _)| *kind == Kind::Space).map(|(_, space)| space.len()).sum::<usize>();
    let spaces = length(sent) != length(seen);
    let all = [(spaces, "spaces"), (order, "order"), (numbers, "numbers"), (escapes, "escapes")];
    (all.into_iter().filter_map(|(is, word)| is.then_some(word)).collect(), first)
}

fn decoded(token: &str) -> Option<String> {
    serde_json::from_str(token).ok()
}

#[cfg(test)]
mod tests {
    use super::{Escapes, canonical, changes, compact, ordered, pretty, write};

    #[test]
    fn texts_are_written_in_other_ways() {
        let text = "{ \"a\" : [1.0, \"\\u00e9, \\\"x\\\\\", true] }";
        assert_eq!(write(text, Escapes::AsGiven, false), "{\"a\":[1.0,\"\\u00e9, \\\"x\\\\\",true]}");
        let plain = canonical(text).unwrap_or_default();
        assert_eq!(plain, "{\"a\":[1,\"é, \\\"x\\\\\",true]}");
        assert_eq!(write(&plain, Escapes::NotAscii, true), "{\"a\": [1, \"\\u00e9, \\\"x\\\\\", true]}");
        assert_eq!(write("[\"🐢\"]", Escapes::NotAscii, false), "[\"\\ud83d\\udc22\"]");
    }

    #[test]
    fn pretty_texts_keep_their_order() {
        let text = r#"{"b":1.0,"a":[],"c":[{"z":"}"},2],"d":{}}"#;
        let expected = "{\n  \"b\": 1.0,\n  \"a\": [],\n  \"c\": [\n    {\n      \"z\": \"}\"\n    },\n    2\n  ],\n  \"d\": {}\n}";
        assert_eq!(pretty(text), expected);
        assert_eq!((pretty("{}"), compact(&pretty(text))), ("{}".to_owned(), text.to_owned()));
    }

    #[test]
    fn events_are_written_in_the_documented_order() {
        let sorted = r#"{"created_at":"2026-03-28T12:00:00Z","data":{"id":"doc_1","title":"a"},"id":"1","type":"document.updated"}"#;
        let expected = r#"{"id":"1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"id":"doc_1","title":"a"}}"#;
        assert!(ordered(sorted).iter().any(|text| text == expected), "{:?}", ordered(sorted));
    }

    #[test]
    fn changes_are_named() {
        for (sent, seen, words, byte) in [
            (r#"{"a":1}"#, r#"{"a": 1}"#, &["spaces"][..], 5),
            (r#"{"a":1,"b":"é"}"#, r#"{"a":1.0,"b":"\u00e9"}"#, &["numbers", "escapes"], 6),
            (r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#, &["order"], 2),
        ] {
            assert_eq!(changes(sent, seen), (words.to_vec(), byte));
        }
    }
}
