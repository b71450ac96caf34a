//! An event's data, from the text of a request to what is sent: nothing is dropped and nothing is changed on the way.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON with everything that was written, repeated members too, so that the rules for bodies see and refuse them.
#[derive(Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Data {
    /// Reads the data of an event.
    pub(super) fn read(raw: &RawValue) -> Result<Self, String> {
        if has_huge_integer(raw.get()) {
            return Err("an integer is beyond what JavaScript holds exactly (unsafe_integer)".to_owned());
        }
        serde_json::from_str(raw.get()).map_err(|error| error.to_string())
    }
}

/// The parser reads integers beyond 64 bits as floating-point numbers: they would be sent changed. Shorter ones stay integers and are
/// checked with the rest.
fn has_huge_integer(json: &str) -> bool {
    let (mut in_string, mut escaped, mut digits, mut integer) = (false, false, 0_usize, true);
    for byte in json.bytes().chain([b' ']) {
        match byte {
            _ if in_string => {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            }
            b'"' => in_string = true,
            b'0'..=b'9' => digits = digits.saturating_add(1),
            b'.' | b'e' | b'E' | b'+' | b'-' if digits > 0 => integer = false,
            _ if integer && digits > 18 => return true, // all of 18 digits fit into 64 bits
            _ => (digits, integer) = (0, true),
        }
    }
    false
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Data, E> {
                Ok(Data::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Data, E> {
                Ok(Data::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Data, E> {
                Ok(Data::Signed(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Data, E> {
                Ok(Data::Unsigned(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Data, E> {
                Ok(Data::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Data, E> {
                Ok(Data::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Data::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Data, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Data::Object(members))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::Data;
    use clarife_webhooks::canonical::to_canonical_json;
    use serde_json::value::RawValue;

    fn canonical(json: &str) -> Result<String, String> {
        let raw: Box<RawValue> = serde_json::from_str(json).expect("is JSON");
        to_canonical_json(&Data::read(&raw)?).map_err(|error| error.to_string())
    }

    #[test]
    fn what_would_be_changed_is_refused() {
        for (json, expected) in [
            (r#"{ "b": 1.0, "a": 1e2, "n": null }"#, Ok(r#"{"b":1,"a":100,"n":null}"#)),
            (
                r#"{"n": 9007199254740991, "m": [-9007199254740991]}"#,
                Ok(r#"{"n":9007199254740991,"m":[-9007199254740991]}"#),
            ),
            (
                r#"{"s": "99999999999999999999 \"99999999999999999999"}"#,
                Ok(r#"{"s":"99999999999999999999 \"99999999999999999999"}"#),
            ),
            (r#"{"n": 1.00000000000000000000000001}"#, Ok(r#"{"n":1}"#)),
            (r#"{"n": 99999999999999999999e0}"#, Ok(r#"{"n":100000000000000000000}"#)),
            (r#"{"n": 9007199254740993}"#, Err("at $.n")),
            (r#"{"n": -9007199254740993}"#, Err("at $.n")),
            (r#"{"n": 999999999999999999}"#, Err("at $.n")),
            (r#"{"n": 18446744073709551615}"#, Err("unsafe_integer")),
            (r#"{"n": 99999999999999999999}"#, Err("unsafe_integer")),
            (r#"{"n": [-99999999999999999999]}"#, Err("unsafe_integer")),
            (r#"[-99999999999999999999,1.5]"#, Err("unsafe_integer")),
            (r#"{"a": 1, "a": 1}"#, Err("repeated")),
            (r#"{"__proto__": 1}"#, Err("__proto__")),
            (r#"{"n": 1e999}"#, Err("out of range")),
            (r#"{"s": "\ud83d"}"#, Err("hex escape")),
        ] {
            match (canonical(json), expected) {
                (Ok(canonical), Ok(expected)) => assert_eq!(canonical, expected),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{json}: {error}"),
                (got, expected) => panic!("{json}: {got:?}, not {expected:?}"),
            }
        }
    }
}
