//! JSON text as a serializable value, with all members and exact numbers.

use alloc::borrow::Cow;
use core::cell::Cell;

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

use super::error::{CanonicalError, CanonicalErrorKind};
use super::text::Number;
use crate::text::json::{MAX_DEPTH, Malformed, Scanner, find_lone_surrogate};

/// A checked JSON text, as a serializable value.
///
/// `serde_json::Value` drops repeated members and, with some features of `serde_json`, changes numbers. `JsonText`
/// keeps repeated members, so that [`to_canonical_json`](super::to_canonical_json) rejects them. It reads each number
/// like JavaScript and Python: as an integer of any size, or as the nearest double.
///
/// ```
/// use clarife_webhooks::canonical::{CanonicalErrorKind, JsonText, to_canonical_json};
///
/// let text = JsonText::parse(r#"{ "price": 0.9097040631431023, "count": 2.0 }"#)?;
/// assert_eq!(to_canonical_json(&text)?, r#"{"price":0.9097040631431023,"count":2}"#);
///
/// let repeated = to_canonical_json(&JsonText::parse(r#"{"a":1,"a":1}"#)?).unwrap_err();
/// assert_eq!(repeated.kind(), CanonicalErrorKind::DuplicateMember);
/// # Ok::<(), clarife_webhooks::canonical::CanonicalError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct JsonText<'a>(&'a str);

impl<'a> JsonText<'a> {
    /// Checks a JSON text: its grammar, its nesting of at most 128 levels, and its strings.
    ///
    /// # Errors
    ///
    /// [`CanonicalErrorKind::MalformedJson`], [`CanonicalErrorKind::TooDeep`], or [`CanonicalErrorKind::LoneSurrogate`]
    /// for an escape such as `\ud83d` without its other half. The path of these errors is a line and a column in bytes.
    ///
    /// ```
    /// use clarife_webhooks::canonical::{CanonicalErrorKind, JsonText};
    ///
    /// let error = JsonText::parse(r#"{"title": "\ud83d"}"#).unwrap_err();
    /// assert_eq!((error.kind(), error.path()), (CanonicalErrorKind::LoneSurrogate, "line 1, column 12"));
    /// ```
    pub fn parse(text: &'a str) -> Result<Self, CanonicalError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_whitespace();
        scanner.value(0).and_then(|()| scanner.end()).map_err(|malformed| {
            let kind = match malformed.is_too_deep() {
                true => CanonicalErrorKind::TooDeep,
                false => CanonicalErrorKind::MalformedJson,
            };
            CanonicalError::in_text(kind, &malformed)
        })?;
        match find_lone_surrogate(text, 0) {
            None => Ok(Self(text)),
            Some(surrogate) => {
                let before = text.as_bytes().get(..surrogate.start).unwrap_or_default();
                let malformed = Malformed::after(before, "a string contains a lone surrogate");
                Err(CanonicalError::in_text(CanonicalErrorKind::LoneSurrogate, &malformed))
            }
        }
    }
}

impl Serialize for JsonText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut scanner = Scanner::new(self.0);
        scanner.skip_whitespace();
        Element(&Cell::new(scanner)).serialize(serializer)
    }
}

/// The value at the scanner's offset. Serializing the value moves the scanner past it.
struct Element<'c, 'a>(&'c Cell<Scanner<'a>>);

impl<'a> Element<'_, 'a> {
    /// Reads a part of the text, which [`JsonText::parse`] has checked.
    fn read<T, E>(&self, read: impl FnOnce(&mut Scanner<'a>) -> Result<T, Malformed>) -> Result<T, E>
    where
        E: serde::ser::Error,
    {
        let mut scanner = self.0.get();
        let result = read(&mut scanner).map_err(|_| E::custom("the text is not JSON"))?;
        self.0.set(scanner);
        Ok(result)
    }

    fn string<E: serde::ser::Error>(&self, name: bool) -> Result<Cow<'a, str>, E> {
        let string = self.read(|scanner| if name { scanner.name() } else { scanner.string() })?;
        string.decode().ok_or_else(|| E::custom("a string contains a lone surrogate"))
    }

    /// Enters an object or array; returns whether it has a first member or element.
    fn open<E: serde::ser::Error>(&self, end: u8) -> Result<bool, E> {
        self.read(|scanner| {
            scanner.advance(1);
            scanner.skip_whitespace();
            Ok(!scanner.eat(end))
        })
    }
}

impl Serialize for Element<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.get().peek() {
            Some(b'{') => {
                let mut members = serializer.serialize_map(None)?;
                let mut more = self.open(b'}')?;
                while more {
                    members.serialize_entry(&self.string::<S::Error>(true)?, self)?;
                    more = self.read(|scanner| scanner.more(b'}'))?;
                }
                members.end()
            }
            Some(b'[') => {
                let mut elements = serializer.serialize_seq(None)?;
                let mut more = self.open(b']')?;
                while more {
                    elements.serialize_element(self)?;
                    more = self.read(|scanner| scanner.more(b']'))?;
                }
                elements.end()
            }
            Some(b'"') => serializer.serialize_str(&self.string::<S::Error>(false)?),
            _ => {
                let text = self.read(|scanner| {
                    let start = scanner.offset();
                    // `parse` has checked the depth, and a literal or a number opens no container.
                    scanner.value(MAX_DEPTH)?;
                    Ok(scanner.slice(start..scanner.offset()))
                })?;
                match (text, Number::read(text)) {
                    ("null", _) => serializer.serialize_unit(),
                    ("true" | "false", _) => serializer.serialize_bool(text == "true"),
                    (_, Number::Float(number)) => serializer.serialize_f64(number),
                    (_, Number::Integer(number)) => match (i64::try_from(number), u64::try_from(number)) {
                        (Ok(number), _) => serializer.serialize_i64(number),
                        (_, Ok(number)) => serializer.serialize_u64(number),
                        _ => serializer.serialize_i128(number),
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};

    use super::super::to_canonical_json;
    use super::{CanonicalErrorKind as Kind, JsonText};

    fn canonical(text: &str) -> Result<String, (Kind, String)> {
        JsonText::parse(text)
            .and_then(|text| to_canonical_json(&text))
            .map_err(|error| (error.kind(), error.path().to_string()))
    }

    #[test]
    fn every_text_keeps_its_value_or_is_rejected() {
        for (text, expected) in [
            (r#"{ "b": 1.0, "a": 1e2, "n": null }"#, r#"{"b":1,"a":100,"n":null}"#),
            (r#" [ true , false , [ ] , { } , "" , -0 ] "#, r#"[true,false,[],{},"",0]"#),
            (
                r#"{"n": 9007199254740991, "m": [-9007199254740991]}"#,
                r#"{"n":9007199254740991,"m":[-9007199254740991]}"#,
            ),
            (r#"{"s": "99999999999999999999 \"\u0041\ud83d\ude00"}"#, r#"{"s":"99999999999999999999 \"A😀"}"#),
            (r#"{"n": 1.00000000000000000000000001}"#, r#"{"n":1}"#),
            (r#"{"n": 99999999999999999999e0}"#, r#"{"n":100000000000000000000}"#),
            (r#"[0.9097040631431023, 9007199254740991.0, 117.63331139400017, 1.5777777777770001]"#, {
                "[0.9097040631431023,9007199254740991,117.63331139400017,1.5777777777770001]"
            }),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, kind, path) in [
            (r#"{"n": 9007199254740993}"#, Kind::UnsafeInteger, "$.n"),
            (r#"{"n": [-9007199254740993]}"#, Kind::UnsafeInteger, "$.n[0]"),
            (r#"{"n": 18446744073709551615}"#, Kind::UnsafeInteger, "$.n"),
            (r#"{"n": -99999999999999999999}"#, Kind::UnsafeInteger, "$.n"),
            (r#"{"n": 123456789012345680000.0}"#, Kind::UnsafeInteger, "$.n"),
            (r#"{"n": 1.2345678901234568e+20}"#, Kind::UnsafeInteger, "$.n"),
            (r#"{"a": 1, "\u0061": 1}"#, Kind::DuplicateMember, "$.a"),
            (r#"{"__proto__": 1}"#, Kind::ProtoMember, "$.__proto__"),
            (r#"{"n": 1e400}"#, Kind::NonFiniteNumber, "$.n"),
            (r#"{"n": -1e400}"#, Kind::NonFiniteNumber, "$.n"),
            ("{\"s\":\n \"\\ud83d\"}", Kind::LoneSurrogate, "line 2, column 3"),
            (r#"{"s": 01}"#, Kind::MalformedJson, "line 1, column 8"),
            ("", Kind::MalformedJson, "line 1, column 1"),
            ("1 2", Kind::MalformedJson, "line 1, column 3"),
        ] {
            assert_eq!(canonical(text), Err((kind, path.to_string())), "{text}");
        }
        let digits = "9".repeat(400);
        assert_eq!(canonical(&digits), Err((Kind::UnsafeInteger, "$".to_string())));
        assert_eq!(canonical(&format!("{digits}.0")), Err((Kind::NonFiniteNumber, "$".to_string())));
        let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
        assert_eq!(canonical(&deep), Err((Kind::TooDeep, "line 1, column 129".to_string())));
        assert!(canonical(deep.get(1..257).unwrap_or_default()).is_ok());
    }
}
