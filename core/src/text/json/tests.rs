use super::{MAX_DEPTH, Scanner, plain_run, replace_lone_surrogates};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

fn accepts(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.skip_whitespace();
    scanner.value(0).and_then(|()| scanner.end()).is_ok()
}

/// Returns the depth of a valid text, from its bytes.
fn depth(text: &str) -> u32 {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_u32, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth = depth.saturating_add(1),
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn serde_accepts(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() && depth(text) <= MAX_DEPTH
}

proptest! {
    /// Texts of JSON tokens. Many are valid, and most others nearly.
    #[test]
    fn agrees_with_serde_json(pieces in prop::collection::vec(prop::sample::select(alloc::vec![
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u00e9\"", "\"\\ud83d\"", "\"é\\n\"", "\"\\x\"", "\"", "\\", "0", "-1", "01",
        "1.5e-3", "1e400", ".", "e", "-", "true", "false", "null", "nul", " ", "\n", "\t", "\u{1}", "{\"a\":1}", "[1,2]", "é", "\u{feff}",
    ]), 0..12)) {
        let text: String = pieces.concat();
        prop_assert_eq!(accepts(&text), serde_accepts(&text), "{}", text);
    }

    /// A valid text with one byte changed.
    #[test]
    fn agrees_on_damaged_texts(at in 0_usize..90, byte in 0_u8..128) {
        let mut bytes: Vec<u8> = br#"{"id":"evt_1","n":[1,-2.50e+7,0,{"k":null}],"s":"a\"\u00e9\\b","t":true,"f":false,"o":{}}  "#.to_vec();
        if let Some(damaged) = bytes.get_mut(at) { *damaged = byte; }
        let text = String::from_utf8(bytes).unwrap_or_default();
        prop_assert_eq!(accepts(&text), serde_accepts(&text), "{}", text);
    }

    #[test]
    fn strings_decode_as_in_serde_json(text in "(\\PC|[\\x00-\\x1f\"\\\\]){0,40}") {
        let json = serde_json::to_string(&text).unwrap_or_default();
        let mut scanner = Scanner::new(&json);
        let decoded = scanner.string().ok().and_then(|string| string.decode().map(|text| text.to_string()));
        prop_assert_eq!(decoded, Some(text));
    }

    #[test]
    fn plain_runs_end_at_the_first_special_byte(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let expected = bytes.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\').unwrap_or(bytes.len());
        prop_assert_eq!(plain_run(&bytes), expected);
    }
}

#[test]
fn replaces_lone_surrogates_and_nothing_else() {
    for (json, replaced) in [
        (r#""a\ud83d""#, r#""a\ufffd""#),
        (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
        (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
        (r#""\uD83D\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
        (r#""\\ud83d""#, r#""\\ud83d""#),
        (r#""\\\ud83d é""#, r#""\\\ufffd é""#),
        (r#""\ud83d\n""#, r#""\ufffd\n""#),
    ] {
        assert_eq!(replace_lone_surrogates(json), replaced);
    }
}
