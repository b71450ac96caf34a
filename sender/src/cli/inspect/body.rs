//! Bodies that the sender may have signed: the body with the changes of frameworks and proxies undone.

use std::borrow::Cow;
use std::io::Read as _;

use base64ct::{Base64, Encoding as _};

use super::json::{self, Escapes};

/// Limit of the bodies of which variants are made. A larger one, also after decompression, is taken as it is.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Changes of a body between the sender and the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    ByteOrderMark,
    Utf16,
    Gzip,
    Zlib,
    Base64,
    JsonString,
    /// The bytes are Latin-1.
    Latin1,
    /// UTF-8 was decoded as Latin-1 and written as UTF-8.
    DecodedAsLatin1,
    LineEndAdded,
    ZerosAdded,
    TextAdded,
    CrLf,
    Lf,
    LineEndRemoved,
    Rewritten,
}

/// A body that the sender may have signed.
#[derive(Debug)]
pub(super) struct Variant<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// The change that made the body of another variant of it, and the index of that variant.
    pub(super) change: Option<(Change, usize)>,
    /// The sum of the changes' costs. Likely changes cost less.
    pub(super) cost: u32,
}

/// A change, its cost, and the body before the change.
type Made = (Change, u32, Vec<u8>);

/// Returns the body itself and the bodies that it may have been made of.
pub(super) fn variants(body: &[u8]) -> Vec<Variant<'_>> {
    let mut all = vec![Variant { bytes: body.into(), change: None, cost: 0 }];
    if body.len() > MAX_BODY {
        return all;
    }
    // Encodings may be nested, such as a byte order mark in a JSON string.
    extend(&mut all, 3, decoded);
    extend(&mut all, 1, with_other_ends);
    extend(&mut all, 1, written_otherwise);
    all
}

/// Applies a step to all variants, and again to those that it adds.
fn extend(all: &mut Vec<Variant<'_>>, rounds: u32, step: fn(&[u8]) -> Vec<Made>) {
    let mut start = 0;
    for _ in 0..rounds {
        let end = all.len();
        for index in start..end {
            let Some((made, before)) = all.get(index).map(|variant| (step(&variant.bytes), variant.cost)) else {
                return;
            };
            for (change, cost, bytes) in made {
                let cost = before.saturating_add(cost);
                match all.iter_mut().find(|variant| *variant.bytes == *bytes) {
                    // The likelier way to the same body.
                    Some(known) if cost < known.cost => (known.change, known.cost) = (Some((change, index)), cost),
                    Some(_) => {}
                    None => all.push(Variant { bytes: bytes.into(), change: Some((change, index)), cost }),
                }
            }
        }
        start = end;
    }
}

/// Undoes encodings.
fn decoded(body: &[u8]) -> Vec<Made> {
    let mut made = Vec::new();
    match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => made.push((Change::ByteOrderMark, 1, rest.to_vec())),
        [0xff, 0xfe, rest @ ..] => made.extend(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => made.extend(utf16(rest, u16::from_be_bytes)),
        [0x1f, 0x8b, ..] => made.extend(decompressed(Change::Gzip, flate2::read::MultiGzDecoder::new(body))),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => {
            made.extend(decompressed(Change::Zlib, flate2::read::ZlibDecoder::new(body)));
        }
        _ => {}
    }
    match std::str::from_utf8(body) {
        Err(_) => {
            let text: String = body.iter().map(|&byte| char::from(byte)).collect();
            made.push((Change::Latin1, 2, text.into_bytes()));
        }
        Ok(text) => {
            if !text.is_ascii() {
                made.extend(latin1(text).map(|bytes| (Change::DecodedAsLatin1, 2, bytes)));
            }
            let text = text.trim();
            if text.starts_with('"') {
                let inner = serde_json::from_str::<String>(text).ok();
                made.extend(inner.map(|text| (Change::JsonString, 1, text.into_bytes())));
            } else if text.len() > 3 && !text.starts_with('{') {
                made.extend(Base64::decode_vec(text).ok().map(|bytes| (Change::Base64, 1, bytes)));
            }
        }
    }
    made
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Option<Made> {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&pair| read(pair)).collect();
    Some((Change::Utf16, 1, String::from_utf16(&units).ok()?.into_bytes()))
}

fn decompressed(change: Change, from: impl std::io::Read) -> Option<Made> {
    let mut bytes = Vec::new();
    from.take(MAX_BODY as u64).read_to_end(&mut bytes).ok()?;
    Some((change, 1, bytes))
}

/// Returns the bytes of a text in Latin-1, or in Windows-1252 as browsers read Latin-1.
fn latin1(text: &str) -> Option<Vec<u8>> {
    let of_windows = |character: char| {
        // The characters of the bytes 0x80 to 0x9f; a space is a byte without one.
        let at = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ".chars().position(|other| other == character && other != ' ')?;
        u8::try_from(at.saturating_add(0x80)).ok()
    };
    text.chars().map(|character| u8::try_from(character).ok().or_else(|| of_windows(character))).collect()
}

/// Undoes additions at the ends and changes of line ends.
fn with_other_ends(body: &[u8]) -> Vec<Made> {
    let mut made = Vec::new();
    let trimmed = body.trim_ascii_end();
    if trimmed.len() < body.len() {
        let one = body.strip_suffix(b"\n").unwrap_or(body);
        made.push((Change::LineEndAdded, 1, trimmed.to_vec()));
        made.push((Change::LineEndAdded, 1, one.strip_suffix(b"\r").unwrap_or(one).to_vec()));
    }
    let zeros = body.iter().rev().take_while(|byte| **byte == 0).count();
    if zeros > 0 {
        let length = body.len().saturating_sub(zeros);
        made.push((Change::ZerosAdded, 1, body.get(..length).unwrap_or_default().to_vec()));
    }
    made.extend(value(body).map(|value| (Change::TextAdded, 2, value.to_vec())));
    if body.contains(&b'\r') {
        let lines: Vec<u8> = body.iter().copied().filter(|byte| *byte != b'\r').collect();
        made.push((Change::CrLf, 1, lines.trim_ascii_end().to_vec()));
        made.push((Change::CrLf, 1, lines));
    } else if body.contains(&b'\n') {
        made.push((Change::Lf, 3, body.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])));
    }
    if trimmed.len() == body.len() && !body.is_empty() {
        made.push((Change::LineEndRemoved, 3, [body, b"\n"].concat()));
        made.push((Change::LineEndRemoved, 4, [body, b"\r\n"].concat()));
    }
    made
}

/// Returns the JSON object in a longer text, such as a request with its headers.
fn value(body: &[u8]) -> Option<&[u8]> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return None; // the byte order mark is a change of its own
    }
    let rest = body.get(body.iter().position(|byte| *byte == b'{')?..)?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<serde::de::IgnoredAny>();
    values.next()?.ok()?;
    rest.get(..values.byte_offset()).filter(|value| value.len() < body.trim_ascii_end().len())
}

/// Writes JSON in the forms that senders use, clarife's first.
fn written_otherwise(body: &[u8]) -> Vec<Made> {
    let text = std::str::from_utf8(body).ok().filter(|text| is_json(text.as_bytes()));
    let text = text.filter(|text| text.trim_ascii_end().len() == text.len()); // another variant has no space at the end
    let Some(text) = text else { return Vec::new() };
    let given = json::write(text, Escapes::AsGiven, false);
    let plain = json::canonical(text).unwrap_or_else(|| given.clone());
    let ordered = json::ordered(text);
    let mut forms = vec![(1, plain.clone()), (2, given)];
    forms.extend(ordered.into_iter().map(|text| (2, text)));
    for (cost, escapes, spaced) in
        [(3, Escapes::NotAscii, true), (3, Escapes::NotAscii, false), (4, Escapes::AsGiven, true)]
    {
        forms.push((cost, json::write(&plain, escapes, spaced)));
    }
    forms.into_iter().map(|(cost, text)| (Change::Rewritten, cost, text.into_bytes())).collect()
}

/// Returns `true` for a complete JSON object or array.
pub(super) fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64ct::{Base64, Encoding as _};

    use super::{Change, variants};

    const SENT: &str =
        r#"{"id":"1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Żółw é","n":1.5}}"#;

    /// Returns the changes that were undone to get what was sent.
    fn undone(seen: &[u8]) -> Vec<Change> {
        let all = variants(seen);
        let mut at = all.iter().find(|variant| *variant.bytes == *SENT.as_bytes());
        let mut changes = Vec::new();
        while let Some((change, from)) = at.and_then(|variant| variant.change) {
            changes.insert(0, change);
            at = all.get(from);
        }
        assert!(at.is_some(), "not found: {}", String::from_utf8_lossy(seen));
        changes
    }

    #[test]
    fn every_change_is_undone() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(SENT.as_bytes()).unwrap_or_default();
        let gzip = gzip.finish().unwrap_or_default();
        let mojibake: String = SENT.bytes().map(char::from).collect();
        let utf16: Vec<u8> = SENT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let quoted = serde_json::to_string(SENT).unwrap_or_default();
        for (seen, change) in [
            ([b"\xef\xbb\xbf", SENT.as_bytes()].concat(), Change::ByteOrderMark),
            ([b"\xff\xfe", utf16.as_slice()].concat(), Change::Utf16),
            (gzip, Change::Gzip),
            (Base64::encode_string(SENT.as_bytes()).into_bytes(), Change::Base64),
            (quoted.into_bytes(), Change::JsonString),
            (mojibake.into_bytes(), Change::DecodedAsLatin1),
            (format!("{SENT}\n").into_bytes(), Change::LineEndAdded),
            (format!("{SENT}\r\n").into_bytes(), Change::LineEndAdded),
            (format!("{SENT}\0\0").into_bytes(), Change::ZerosAdded),
            (format!("POST / HTTP/1.1\r\nHost: a\r\n\r\n{SENT}").into_bytes(), Change::TextAdded),
            (
                SENT.replace(':', ": ").replace(",\"", ", \"").replace("12: 00: 00", "12:00:00").into_bytes(),
                Change::Rewritten,
            ),
            (SENT.replace('é', "\\u00e9").replace("1.5", "1.50").into_bytes(), Change::Rewritten),
        ] {
            assert_eq!(undone(&seen), [change]);
        }
        assert_eq!(undone(SENT.as_bytes()), []);
        assert_eq!(undone(format!("\u{feff}{}\n", SENT.replace('é', "\\u00e9")).as_bytes()).len(), 3);
    }

    #[test]
    fn latin_1_and_line_ends_are_undone() {
        let contains =
            |seen: &[u8], sent: &str| variants(seen).iter().any(|variant| *variant.bytes == *sent.as_bytes());
        assert!(contains(b"{\"a\":\"\xe9\"}", "{\"a\":\"é\"}"));
        assert!(contains("{\"a\":\"â‚¬\"}".as_bytes(), "{\"a\":\"€\"}"));
        assert!(contains(b"{\r\n}\r\n", "{\n}\n") && contains(b"{\n}\n", "{\r\n}\r\n") && contains(b"{\n}", "{\n}\n"));
        assert!(contains(b"{\"b\":1,\"a\":1}", "{\"b\": 1, \"a\": 1}"));
        // Not two changes of the encoding, the second of which undoes the first.
        let all = variants("{\"a\":\"é\"}\n".as_bytes());
        let sent = all.iter().find(|variant| *variant.bytes == *"{\"a\":\"é\"}".as_bytes());
        assert!(sent.is_some_and(|sent| sent.change == Some((Change::LineEndAdded, 0))));
    }

    #[test]
    fn few_variants_are_made_of_any_body() {
        for body in [&b""[..], b"\n", b"{", b"\"\"", b"[object Object]", b"\x1f\x8b", b"\xff\xfe\0", b"nil"] {
            assert!((1..40).contains(&variants(body).len()));
        }
    }
}
