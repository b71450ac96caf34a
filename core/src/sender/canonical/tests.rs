use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{CanonicalErrorKind as Kind, append_canonical_json, to_canonical_json};

fn ok<T: Serialize + ?Sized>(value: &T) -> String {
    to_canonical_json(value).expect("has canonical JSON")
}

fn err<T: Serialize + ?Sized>(value: &T) -> (Kind, String) {
    let error = to_canonical_json(value).expect_err("has no canonical JSON");
    (error.kind(), error.path().to_string())
}

/// A map with members in a given order, repeated or not.
struct Members<'a, T>(&'a [(&'a str, T)]);

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A text that serializes through `collect_str`.
struct Shown(&'static str);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An endless value. Only the depth limit prevents a stack overflow.
struct Endless;

impl Serialize for Endless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("more", Self)])
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) })
}

#[test]
fn numbers_are_written_as_ecmascript_does() {
    for (number, text) in [
        (1.0, "1"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (-1.25, "-1.25"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (0.000_001, "0.000001"),
        (1e-7, "1e-7"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (5e-324, "5e-324"),
    ] {
        assert_eq!(ok(&number), text);
    }
    // 123456789012345683968, which JavaScript writes as 123456789012345680000: Python reads that as written.
    for number in [123_456_789_012_345_680_000.0, -123_456_789_012_345_680_000.0, 1_152_921_504_606_846_976.0] {
        assert_eq!(err(&number), (Kind::UnsafeInteger, "$".into()));
    }
    assert_eq!(err(&1.234_567_9e20_f32), (Kind::UnsafeInteger, "$".into()));
    assert_eq!(ok(&[0.1_f32, 1.0, -0.0, 16_777_216.0, f32::MAX, 1e-45]), "[0.1,1,0,16777216,3.4028235e+38,1e-45]");
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(err(&number), (Kind::NonFiniteNumber, "$".into()));
    }
    assert_eq!(err(&(f32::NAN,)), (Kind::NonFiniteNumber, "$[0]".into()));
}

#[test]
fn integers_end_where_javascript_rounds() {
    const MAX: i64 = 9_007_199_254_740_991;
    assert_eq!(ok(&(MAX, -MAX, MAX.unsigned_abs(), i128::from(MAX), MAX.unsigned_abs() as u128)), {
        "[9007199254740991,-9007199254740991,9007199254740991,9007199254740991,9007199254740991]"
    });
    let unsafe_integer = (Kind::UnsafeInteger, "$".to_string());
    assert_eq!(err(&(MAX + 1)), unsafe_integer);
    assert_eq!(err(&(-MAX - 1)), unsafe_integer);
    assert_eq!(err(&(MAX.unsigned_abs() + 1)), unsafe_integer);
    assert_eq!(err(&(i128::from(MAX) + 1)), unsafe_integer);
    assert_eq!(err(&(-i128::from(MAX) - 1)), unsafe_integer);
    for unsafe_integer in [err(&u64::MAX), err(&i64::MIN), err(&u128::MAX), err(&i128::MIN)] {
        assert_eq!(unsafe_integer.0, Kind::UnsafeInteger);
    }
    assert_eq!(ok(&(i8::MIN, i16::MIN, i32::MIN, u8::MAX, u16::MAX, u32::MAX)), {
        "[-128,-32768,-2147483648,255,65535,4294967295]"
    });
}

#[test]
fn strings_have_the_escapes_of_json_stringify() {
    assert_eq!(
        ok("\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"\\/\u{7f}\u{80}é\u{2028}\u{2029}\u{feff}😀"),
        "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/\u{7f}\u{80}é\u{2028}\u{2029}\u{feff}😀\""
    );
    assert_eq!(ok(&('\n', "", Shown("a\"b\n"))), r#"["\n","","a\"b\n"]"#);
    assert_eq!(ok(&Members(&[("a\"\n", 1)])), r#"{"a\"\n":1}"#);
}

#[test]
fn an_escape_is_found_at_every_offset() {
    for length in 0..=40 {
        for at in 0..=length {
            for escaped in ['"', '\\', '\u{1f}'] {
                let text = format!("{}{escaped}{}", "é".repeat(at), "x".repeat(length - at));
                assert_eq!(ok(&text), serde_json::to_string(&text).expect("is JSON"));
                let text = format!("{}{escaped}{escaped}{}", "x".repeat(at), " ".repeat(length - at));
                assert_eq!(ok(&text), serde_json::to_string(&text).expect("is JSON"));
            }
        }
    }
}

#[test]
fn members_named_like_array_indices_come_first_and_ascending() {
    let json = ok(&Members(&[("b", 0), ("10", 1), ("9", 2), ("a", 3), ("0", 4), ("01", 5), ("4294967295", 6)]));
    assert_eq!(json, r#"{"0":4,"9":2,"10":1,"b":0,"a":3,"01":5,"4294967295":6}"#);
    assert_eq!(ok(&Members(&[("1", 0), ("2", 1), ("x", 2)])), r#"{"1":0,"2":1,"x":2}"#);
    assert_eq!(ok(&BTreeMap::from([(10, 'a'), (9, 'b'), (-1, 'c')])), r#"{"9":"b","10":"a","-1":"c"}"#);
    assert_eq!(ok(&Members(&[("4294967294", 1), ("4294967293", 2)])), r#"{"4294967293":2,"4294967294":1}"#);
    let inner = Members(&[("b", 1), ("1", 2)]);
    let json = ok(&Members(&[("x", Some(&inner)), ("2", None), ("1", Some(&inner))]));
    assert_eq!(json, r#"{"1":{"1":2,"b":1},"2":null,"x":{"1":2,"b":1}}"#);
}

#[test]
fn no_member_is_repeated() {
    assert_eq!(err(&Members(&[("a", 1), ("b", 2), ("a", 3)])), (Kind::DuplicateMember, "$.a".into()));
    assert_eq!(err(&[Members(&[("1", 1), ("1", 3)])]), (Kind::DuplicateMember, "$[0][\"1\"]".into()));
    assert_eq!(err(&Members(&[("1", 1), ("2", 2), ("1", 3)])), (Kind::DuplicateMember, "$[\"1\"]".into()));

    #[derive(Serialize)]
    struct Renamed {
        a: u8,
        #[serde(rename = "a")]
        b: u8,
    }
    assert_eq!(err(&Renamed { a: 1, b: 2 }), (Kind::DuplicateMember, "$.a".into()));

    #[derive(Serialize)]
    struct Flattened {
        a: u8,
        #[serde(flatten)]
        more: BTreeMap<&'static str, u8>,
    }
    assert_eq!(ok(&Flattened { a: 1, more: BTreeMap::from([("b", 2)]) }), r#"{"a":1,"b":2}"#);
    assert_eq!(err(&Flattened { a: 1, more: BTreeMap::from([("a", 2)]) }), (Kind::DuplicateMember, "$.a".into()));
}

/// Names of a large object are compared at its end.
#[test]
fn no_member_of_many_is_repeated() {
    let names: Vec<String> = (0..1000).rev().map(|number| format!("n{}", number % 999)).collect();
    let members: Vec<(&str, u8)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    assert_eq!(err(&Members(&members)), (Kind::DuplicateMember, "$.n0".into()));
    let unique = members.get(..999).expect("999");
    assert_eq!(ok(&Members(unique)).matches("\"n").count(), 999);

    let indices: Vec<String> = (0..500).rev().map(|number| format!("{number}")).collect();
    let members: Vec<(&str, u8)> = indices.iter().map(|name| (name.as_str(), 0)).collect();
    let json = ok(&Members(&members));
    assert!(json.starts_with(r#"{"0":0,"1":0,"2":0,"#) && json.ends_with(r#","499":0}"#), "{json}");
}

#[test]
fn no_member_is_named_proto() {
    let proto = Members(&[("a", 1), ("__proto__", 2)]);
    assert_eq!(err(&json!({ "a": [{ "__proto__": {} }] })), (Kind::ProtoMember, "$.a[0].__proto__".into()));
    assert_eq!(err(&[Some(proto)]), (Kind::ProtoMember, "$[0].__proto__".into()));
    assert_eq!(ok(&json!({ "__proto": "__proto__", "proto__": 1 })), r#"{"__proto":"__proto__","proto__":1}"#);

    #[derive(Serialize)]
    enum Variant {
        #[serde(rename = "__proto__")]
        Unit,
        #[serde(rename = "__proto__")]
        Newtype(u8),
        #[serde(rename = "__proto__")]
        Tuple(u8, u8),
        #[serde(rename = "__proto__")]
        Struct { a: u8 },
    }
    assert_eq!(ok(&Variant::Unit), "\"__proto__\"");
    for variant in [Variant::Newtype(1), Variant::Tuple(1, 2), Variant::Struct { a: 1 }] {
        assert_eq!(err(&variant), (Kind::ProtoMember, "$.__proto__".into()));
    }
}

#[test]
fn nesting_ends_at_the_verifiers_limit() {
    assert_eq!(ok(&nested(128)).matches(['[', '{']).count(), 128);
    let (kind, path) = err(&nested(129));
    assert_eq!(kind, Kind::TooDeep);
    assert_eq!(path.matches("[0]").count() + path.matches(".a").count(), 128);
    assert_eq!(err(&Endless).0, Kind::TooDeep);

    let mut out = String::new();
    super::append_at_depth(&mut out, &nested(127), 1).expect("128 levels with the envelope");
    let error = super::append_at_depth(&mut out, &nested(128), 1).expect_err("129 levels with the envelope");
    assert_eq!(error.kind(), Kind::TooDeep);

    #[derive(Serialize)]
    enum Variant {
        Newtype(Value),
        Tuple(Value, Value),
        Struct { a: Value },
    }
    assert_eq!(ok(&Variant::Newtype(nested(127))).len(), ok(&nested(127)).len() + r#"{"Newtype":}"#.len());
    assert_eq!(err(&Variant::Newtype(nested(128))).0, Kind::TooDeep);
    ok(&Variant::Tuple(nested(126), nested(126)));
    assert_eq!(err(&Variant::Tuple(nested(126), nested(127))).0, Kind::TooDeep);
    ok(&[Variant::Struct { a: nested(125) }, Variant::Struct { a: nested(125) }]);
    assert_eq!(err(&Variant::Struct { a: nested(127) }).0, Kind::TooDeep);
}

#[test]
fn keys_are_those_of_serde_json_except_floats() {
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    enum Key {
        Unit,
        Newtype(u8),
    }
    #[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
    struct Wrapped(Option<&'static str>);

    assert_eq!(ok(&BTreeMap::from([(true, 1), (false, 2)])), r#"{"false":2,"true":1}"#);
    assert_eq!(ok(&BTreeMap::from([('"', 1)])), r#"{"\"":1}"#);
    assert_eq!(ok(&BTreeMap::from([(u128::MAX, 1)])), r#"{"340282366920938463463374607431768211455":1}"#);
    assert_eq!(ok(&BTreeMap::from([(i64::MIN, 1)])), r#"{"-9223372036854775808":1}"#);
    assert_eq!(ok(&BTreeMap::from([(Key::Unit, 1)])), r#"{"Unit":1}"#);
    assert_eq!(ok(&BTreeMap::from([(Wrapped(Some("a")), 1)])), r#"{"a":1}"#);

    let unsupported = (Kind::UnsupportedKey, "$[0]".to_string());
    assert_eq!(err(&[BTreeMap::from([(Key::Newtype(1), 1)])]), unsupported);
    assert_eq!(err(&[BTreeMap::from([(Wrapped(None), 1)])]), unsupported);
    assert_eq!(err(&[BTreeMap::from([((), 1)])]), unsupported);
    assert_eq!(err(&[BTreeMap::from([([1, 2], 1)])]), unsupported);
    assert_eq!(err(&[BTreeMap::from([(vec![1], 1)])]), unsupported);
    assert_eq!(err(&[BTreeMap::from([(BTreeMap::from([(1, 2)]), 1)])]), unsupported);

    struct FloatKey;
    impl Serialize for FloatKey {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(1.5, 1)])
        }
    }
    assert_eq!(err(&[FloatKey]), unsupported);
}

#[test]
fn everything_else_is_written_as_serde_json_does() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Newtype(u8);
    #[derive(Serialize)]
    struct Pair(u8, &'static str);
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[0, 255])
        }
    }
    #[derive(Serialize)]
    enum Variant {
        Unit,
        Newtype(u8),
        Tuple(u8, [u8; 0]),
        Struct { a: Option<u8>, b: bool },
    }
    #[derive(Serialize)]
    struct All {
        unit: (Unit, ()),
        newtype: Newtype,
        pair: Pair,
        bytes: Bytes,
        options: [Option<char>; 2],
        variants: [Variant; 4],
        empty: (Vec<u8>, BTreeMap<u8, u8>),
    }
    let all = All {
        unit: (Unit, ()),
        newtype: Newtype(1),
        pair: Pair(2, "3"),
        bytes: Bytes,
        options: [Some('é'), None],
        variants: [Variant::Unit, Variant::Newtype(4), Variant::Tuple(5, []), Variant::Struct { a: None, b: true }],
        empty: (vec![], BTreeMap::new()),
    };
    assert_eq!(ok(&all), serde_json::to_string(&all).expect("is JSON"));
}

#[test]
fn errors_name_the_place_and_never_the_value() {
    #[derive(Serialize)]
    enum Variant {
        Newtype(f64),
        Tuple(u8, f64),
        Struct { a: f64 },
    }
    let not_finite = |path: &str| (Kind::NonFiniteNumber, path.to_string());
    assert_eq!(err(&Variant::Newtype(f64::NAN)), not_finite("$.Newtype"));
    assert_eq!(err(&Variant::Tuple(1, f64::NAN)), not_finite("$.Tuple[1]"));
    assert_eq!(err(&[Variant::Struct { a: f64::NAN }]), not_finite("$[0].Struct.a"));

    let error = to_canonical_json(&json!({ "data": { "items": [1, 2, 3, { "n": 9_007_199_254_740_993_i64 }] } }));
    let error = error.expect_err("is unsafe");
    assert_eq!(error.to_string(), "an integer exceeds the safe range of JavaScript at $.data.items[3].n");
    assert_eq!(error.hint(), "send large numbers as strings");

    assert_eq!(err(&json!({ "": [u64::MAX] })).1, r#"$[""][0]"#);
    assert_eq!(err(&json!({ "a.b": u64::MAX })).1, r#"$["a.b"]"#);
    assert_eq!(err(&json!({ "3": u64::MAX })).1, r#"$["3"]"#);
    assert_eq!(err(&json!({ "a\"b\n": u64::MAX })).1, r#"$["a\"b\n"]"#);
    assert_eq!(err(&json!({ "é".repeat(65): u64::MAX })).1, format!("$[\"{}…\"]", "é".repeat(64)));
}

#[test]
fn the_message_of_a_serialize_implementation_is_kept() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no such thing"))
        }
    }
    let error = to_canonical_json(&[Failing]).expect_err("fails");
    assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Custom, "no such thing at $[0]"));

    #[derive(Serialize)]
    #[serde(rename = "$serde_json::private::RawValue")]
    struct Raw {
        text: &'static str,
    }
    assert_eq!(err(&Raw { text: "{}" }).0, Kind::Custom);
}

#[test]
fn an_error_leaves_the_buffer_as_it_was() {
    let mut out = "before".to_string();
    append_canonical_json(&mut out, &json!([1, u64::MAX])).expect_err("is unsafe");
    append_canonical_json(&mut out, &[1]).expect("is fine");
    assert_eq!(out, "before[1]");
}
