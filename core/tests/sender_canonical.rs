//! Canonical JSON, tested with Node: `JSON.stringify(JSON.parse(json))` must return every text unchanged.
#![cfg(feature = "sender")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics fails, as it should"
)]

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use clarife_webhooks::canonical::{CanonicalErrorKind, to_canonical_json};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A JSON value that keeps the order of its members, and repeated members.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Double(f64),
    Single(f32),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::Single(value) => serializer.serialize_f32(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(name, value)| (name, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JsonVisitor;
        impl<'de> Visitor<'de> for JsonVisitor {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Double(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Double(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Double(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut elements = vec![];
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Json::Array(elements))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(members))
            }
        }
        deserializer.deserialize_any(JsonVisitor)
    }
}

/// Returns the array index of a name, by another method than the code under test.
fn rank(name: &str) -> u64 {
    match name.parse::<u64>() {
        Ok(index) if index < u64::from(u32::MAX) && index.to_string() == name => index,
        _ => u64::MAX,
    }
}

impl Json {
    /// Converts the value to its form in JavaScript: doubles only, and array indices first in ascending order.
    fn in_javascript(&self) -> Self {
        match self {
            Self::Signed(value) => Self::Double(*value as f64),
            Self::Unsigned(value) => Self::Double(*value as f64),
            Self::Single(value) => Self::Double(serde_json::to_string(value).unwrap().parse().unwrap()),
            Self::Array(elements) => Self::Array(elements.iter().map(Self::in_javascript).collect()),
            Self::Object(members) => {
                let mut members: Vec<_> =
                    members.iter().map(|(name, value)| (name.clone(), value.in_javascript())).collect();
                members.sort_by_key(|(name, _)| rank(name));
                Self::Object(members)
            }
            other => other.clone(),
        }
    }

    /// Returns whether Python, which reads integers of any size, and JavaScript read an equal number.
    fn is_equal_for_every_reader(&self) -> bool {
        let shortest = match self {
            Self::Double(double) => double.to_string(),
            Self::Single(single) => single.to_string(),
            _ => return true,
        };
        let double: f64 = shortest.parse().unwrap();
        double.abs() < 9_007_199_254_740_992.0 || double.abs() >= 1e21 || format!("{double:.0}") == shortest
    }

    fn leaves(&self) -> usize {
        match self {
            Self::Array(elements) => elements.iter().map(Self::leaves).sum(),
            Self::Object(members) => members.iter().map(|(_, value)| value.leaves()).sum(),
            _ => 1,
        }
    }

    /// Replaces a leaf by an integer without canonical JSON, and returns the path of the leaf.
    fn plant(&mut self, leaf: &mut usize, path: &str) -> Option<String> {
        match self {
            Self::Array(elements) => elements
                .iter_mut()
                .enumerate()
                .find_map(|(index, element)| element.plant(leaf, &format!("{path}[{index}]"))),
            Self::Object(members) => {
                members.iter_mut().find_map(|(name, value)| value.plant(leaf, &format!("{path}.{name}")))
            }
            _ if *leaf > 0 => {
                *leaf -= 1;
                None
            }
            _ => {
                *self = Self::Unsigned(u64::MAX);
                Some(path.to_owned())
            }
        }
    }
}

const SAFE: i64 = 9_007_199_254_740_991;

fn number() -> impl Strategy<Value = Json> {
    let double = any::<f64>().prop_filter("finite", |number| number.is_finite());
    prop_oneof![
        double.prop_map(Json::Double),
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |n| n.is_finite()).prop_map(Json::Double),
        (-400_i32..400, -99..100).prop_map(|(power, factor)| Json::Double(f64::from(factor) * 10_f64.powi(power / 2))),
        (0..=i64::MAX).prop_map(|number| Json::Double(number as f64)),
        (-1000..1000).prop_map(|number| Json::Double(f64::from(number) / 100.0)),
        any::<f32>().prop_filter("finite", |number| number.is_finite()).prop_map(Json::Single),
        (-SAFE..=SAFE).prop_map(Json::Signed),
        (0..=SAFE.unsigned_abs()).prop_map(Json::Unsigned),
        (-20_i64..20).prop_map(Json::Signed),
    ]
    .prop_filter("equal for every reader", Json::is_equal_for_every_reader)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        "[\\x00-\\x20\"\\\\/é😀\u{7f}\u{2028}\u{2029}\u{feff}\u{d7ff}\u{e000}\u{ffff}]{0,24}",
    ]
}

fn name() -> impl Strategy<Value = String> {
    const NAMES: &[&str] =
        &["constructor", "toString", "length", "hasOwnProperty", "__proto", "proto__", "toJSON", "", "-0"];
    prop_oneof![
        4 => "[a-z_]{1,8}",
        4 => any::<u8>().prop_map(|index| index.to_string()),
        1 => any::<u32>().prop_map(|index| index.to_string()),
        1 => (4_294_967_290..4_294_967_300_u64).prop_map(|index| index.to_string()),
        1 => "-?[0-9]{1,3}(\\.[0-9])?",
        1 => any::<u64>().prop_map(|index| index.to_string()),
        1 => prop::sample::select(NAMES).prop_map(String::from),
        2 => text(),
    ]
}

fn json(leaf: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Json> {
    json_with_names(leaf, name().boxed())
}

fn json_with_names(
    leaf: impl Strategy<Value = Json> + 'static,
    name: BoxedStrategy<String>,
) -> impl Strategy<Value = Json> {
    leaf.prop_recursive(6, 64, 12, move |inner| {
        let members = prop::collection::vec((name.clone(), inner.clone()), 0..12).prop_map(|mut members| {
            let mut names = BTreeSet::from(["__proto__".to_owned()]);
            members.retain(|(name, _)| names.insert(name.clone()));
            Json::Object(members)
        });
        prop_oneof![1 => prop::collection::vec(inner, 0..8).prop_map(Json::Array), 2 => members]
    })
}

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::Bool),
        4 => number(),
        4 => text().prop_map(Json::Text),
    ]
}

#[test]
fn node_returns_every_text_unchanged() {
    const CHECK: &str = "
        const lines = require('node:fs').readFileSync(0, 'utf8').split('\\n');
        lines.pop();
        const wrong = lines.filter((line) => JSON.stringify(JSON.parse(line)) !== line);
        for (const line of wrong.slice(0, 5)) console.log(`${line}\\n  is ${JSON.stringify(JSON.parse(line))}`);
        console.log(`${lines.length} texts, ${wrong.length} wrong`);";
    let mut runner = TestRunner::deterministic();
    let values = (0..4000).map(|round| match round % 4 {
        0 => json(leaf()).boxed().new_tree(&mut runner).unwrap().current(),
        1 => number().boxed().new_tree(&mut runner).unwrap().current(),
        2 => json(number()).boxed().new_tree(&mut runner).unwrap().current(),
        _ => Json::Array(vec![json(leaf()).boxed().new_tree(&mut runner).unwrap().current()]),
    });
    let texts: Vec<String> = values.map(|value| to_canonical_json(&value).unwrap()).collect();
    let size: usize = texts.iter().map(String::len).sum();
    assert!(size > 400_000, "the values are too small for a test: {size} bytes");

    let mut node = Command::new("node")
        .args(["-e", CHECK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs `node` on the PATH");
    let mut input = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || texts.iter().try_for_each(|text| writeln!(input, "{text}")));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().expect("node reads everything");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "4000 texts, 0 wrong\n");
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn serde_json_reads_the_same_value(value in json(leaf())) {
        let text = to_canonical_json(&value).unwrap();
        let read: Json = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &value.in_javascript());
        prop_assert_eq!(to_canonical_json(&read).unwrap(), text);
    }

    #[test]
    fn doubles_read_back_to_the_same_bits(number in number()) {
        let text = to_canonical_json(&number).unwrap();
        let Json::Double(expected) = number.in_javascript() else { unreachable!() };
        // JavaScript writes -0 as 0.
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), (expected + 0.0).to_bits());
        if let Json::Single(single) = number {
            prop_assert_eq!(text.parse::<f32>().unwrap(), single);
        }
    }

    #[test]
    fn an_error_names_the_place(
        mut value in json_with_names(leaf(), "[a-z_][a-z_0-9]{0,5}".boxed()),
        at: prop::sample::Index,
    ) {
        prop_assume!(value.leaves() > 0);
        let path = value.plant(&mut at.index(value.leaves()), "$").unwrap();
        let error = to_canonical_json(&value).unwrap_err();
        prop_assert_eq!(error.kind(), CanonicalErrorKind::UnsafeInteger);
        prop_assert_eq!(error.path(), path);
    }

    #[test]
    fn only_a_repeated_member_is_rejected(names in prop::collection::vec("[a-b0-2]{0,4}", 0..80)) {
        let unique = names.iter().collect::<BTreeSet<_>>().len() == names.len();
        let object = Json::Object(names.into_iter().map(|name| (name, Json::Null)).collect());
        match to_canonical_json(&object) {
            Ok(_) => prop_assert!(unique),
            Err(error) => {
                prop_assert!(!unique);
                prop_assert_eq!(error.kind(), CanonicalErrorKind::DuplicateMember);
            }
        }
    }
}
