//! Numbers in the packed crate, which are read as the nearest double or rejected.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails, as it should")]

use clarife_webhooks::canonical::{CanonicalErrorKind, JsonText, to_canonical_json};
use clarife_webhooks::{Event, Resource};
use proptest::prelude::*;
use serde_json::Value;

/// Doubles that serde_json reads as their neighbors without `float_roundtrip`.
const HARD: [&str; 6] = [
    "0.9097040631431023",
    "9007199254740991.0",
    "117.63331139400017",
    "1.5777777777770001",
    "2.2250738585072011e-308",
    "9007199254740993.00000000000000000000000000000000000000000000000000000001",
];

fn number() -> impl Strategy<Value = String> {
    let double = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let notations = (double, 0_usize..4).prop_map(|(double, form)| match form {
        0 => format!("{double:e}"),
        1 => format!("{double:.17e}"),
        2 => format!("{double:.25e}"),
        _ => format!("{double:.1}"),
    });
    prop_oneof![
        4 => (0.0..1.0_f64).prop_map(|number| number.to_string()),
        4 => (0.0..1000.0_f64).prop_map(|price| (price * 1.19).to_string()),
        4 => notations,
        1 => (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(|number| number.to_string()),
        1 => prop::sample::select(&HARD[..]).prop_map(str::to_owned),
    ]
}

fn event(data: &str) -> String {
    format!(r#"{{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{data}}}"#)
}

fn extra(data: &str) -> Option<serde_json::Map<String, Value>> {
    let body = event(data);
    match Event::parse_trusted(body.as_bytes()).unwrap().resource() {
        Ok(Resource::Document(document)) => Some(document.extra),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_resource_holds_the_nearest_double(text in number()) {
        let expected: f64 = text.parse().unwrap();
        let extra = extra(&format!(r#"{{"n":{text}}}"#)).unwrap();
        prop_assert_eq!(extra["n"].as_f64().unwrap(), expected, "{}", text);
    }

    #[test]
    fn canonical_json_keeps_the_number_or_rejects_it(text in number()) {
        let data = format!(r#"{{"n":[{text}]}}"#);
        let value: Value = serde_json::from_str(&data).unwrap();
        let canonical = to_canonical_json(&JsonText::parse(&data).unwrap());
        prop_assert_eq!(&to_canonical_json(&value), &canonical);
        let expected: f64 = text.parse().unwrap();
        match canonical {
            Ok(json) => {
                let written = json.strip_prefix(r#"{"n":["#).unwrap().strip_suffix("]}").unwrap();
                prop_assert_eq!(written.parse::<f64>().unwrap(), expected, "{} as {}", text, written);
                // A parser with large integers must read this number too.
                if let Ok(exact) = written.parse::<i128>() {
                    prop_assert_eq!(exact.to_string(), format!("{:.0}", exact as f64));
                }
            }
            Err(error) => {
                prop_assert_eq!(error.kind(), CanonicalErrorKind::UnsafeInteger);
                prop_assert!(expected.abs() >= 9_007_199_254_740_992.0 && expected.abs() < 1e21, "{}", text);
            }
        }
    }
}

#[test]
fn a_number_beyond_a_double_is_rejected() {
    for number in ["1e400", "-1e400", "[1, {\"a\": 1e999}]"] {
        let data = format!(r#"{{"n":{number}}}"#);
        assert_eq!(extra(&data), None, "{data}");
        let body = event(&format!(r#"{{"template":{number}}}"#));
        assert!(Event::parse_trusted(body.as_bytes()).unwrap().resource().is_err(), "{body}");
        let body = event(&data).replace("document.updated", "something.new");
        assert!(Event::parse_trusted(body.as_bytes()).unwrap().resource().is_err(), "{body}");
        assert!(serde_json::from_str::<clarife_webhooks::Document>(&data).is_err(), "{data}");
        let error = to_canonical_json(&JsonText::parse(&data).unwrap()).unwrap_err();
        assert_eq!(error.kind(), CanonicalErrorKind::NonFiniteNumber);
        if let Ok(value) = serde_json::from_str::<Value>(&data) {
            assert_eq!(to_canonical_json(&value).unwrap_err().kind(), CanonicalErrorKind::NonFiniteNumber);
        }
    }
}
