//! Properties of every body, header and secret.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics fails, as it should"
)]

use clarife_webhooks::{ErrorCode, Event, UnixTime, Webhook};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn webhook() -> Webhook {
    Webhook::new(SECRET).unwrap()
}

/// Generates an event with any id, type and title.
fn event() -> impl Strategy<Value = (String, String, String)> {
    ("\\PC{1,40}", "\\PC{1,40}", "(\\PC|[\\x00-\\x1f]){0,200}")
}

fn body((id, event_type, title): &(String, String, String)) -> String {
    serde_json::json!({"created_at": "2026-03-28T12:00:00Z", "data": {"title": title}, "id": id, "type": event_type})
        .to_string()
}

proptest! {
    #[test]
    fn a_signed_body_verifies(event in event(), secrets in prop::collection::vec("whsec_[ -~]{0,58}[a-zA-Z0-9+/=_-]", 1..5), age in -300_i64..=300) {
        let body = body(&event);
        let webhook = Webhook::from_secrets(&secrets).unwrap();
        let header = webhook.sign(&body, NOW).unwrap();
        let verified = webhook.verify_at(&body, &header, UnixTime::from_secs(NOW.as_secs() + age)).unwrap();
        prop_assert_eq!(verified.id(), event.0);
        prop_assert_eq!(verified.event_type().as_str(), event.1);
        prop_assert_eq!(verified.raw(), &body);
        // Each of the secrets suffices.
        for secret in &secrets {
            prop_assert!(Webhook::new(secret).unwrap().verify_at(&body, &header, NOW).is_ok());
        }
    }

    #[test]
    fn one_flipped_bit_of_the_body_never_verifies(event in event(), index: prop::sample::Index, bit in 0_u32..8) {
        let body = body(&event);
        let header = webhook().sign(&body, NOW).unwrap();
        let mut bytes = body.into_bytes();
        *index.get_mut(&mut bytes) ^= 1_u8 << bit;
        prop_assert_eq!(webhook().verify_at(&bytes, &header, NOW).unwrap_err().code(), ErrorCode::SignatureMismatch);
    }

    #[test]
    fn one_flipped_bit_of_the_signature_never_verifies(digit in 0_usize..64, bit in 0_u32..8) {
        let header = webhook().sign("{}", NOW).unwrap();
        let mut bytes = header.into_bytes();
        let index = bytes.len() - 64 + digit;
        let original = bytes.clone();
        *bytes.get_mut(index).unwrap() ^= 1_u8 << bit;
        // The sixth bit of a letter is its case, and hexadecimal digits have either case.
        prop_assume!(!bytes.eq_ignore_ascii_case(&original));
        let verdict = webhook().verify_at("{}", bytes.as_slice(), NOW);
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn nothing_panics(body: Vec<u8>, header: Vec<u8>, now: i64, tolerance: u64, age: u64, secret in "\\PC{0,20}") {
        let _ = Webhook::new(&secret);
        let webhook = webhook().with_tolerance(tolerance).with_max_event_age(age);
        let _ = webhook.verify_at(&body, header.as_slice(), UnixTime::from_secs(now));
        let _ = webhook.sign(&body, UnixTime::from_secs(now));
        // Any body, with a valid signature.
        let header = webhook.sign(&body, NOW).unwrap();
        let _ = webhook.verify_at(&body, &header, UnixTime::from_secs(now));
        let _ = Event::parse_trusted(&body).map(|event| event.resource());
    }

    #[test]
    fn utf16_layouts_select_equal_texts(title in "[\\PC\u{800}\u{1F422}é]{0,200}") {
        let raw = body(&("evt_🐢".into(), "a.b".into(), title));
        let event = Event::parse_trusted(raw.as_bytes()).unwrap();
        let (bytes, units) = (event.layout(), event.layout().utf16(&raw));
        let utf16: Vec<u16> = raw.encode_utf16().collect();
        let times = (bytes.created_at, units.created_at);
        for (bytes, units) in
            [(bytes.id, units.id), (bytes.event_type, units.event_type), times, (bytes.data, units.data)]
        {
            prop_assert_eq!(&raw[bytes], String::from_utf16(&utf16[units]).unwrap());
        }
    }

    #[test]
    fn errors_contain_nothing_of_secret_or_body(title in "[a-z]{12}", secret in "whsec_[A-Z]{24}", shape in 0_usize..4) {
        let webhook = Webhook::new(&secret).unwrap();
        let body = match shape {
            0 => format!("{{\"id\":\"{title}\",\"type\":\"{title}\",\"created_at\":\"{title}\",\"data\":{{}}}}"),
            1 => format!("{{\"{title}\":\"{title}\"}}"),
            2 => format!("\"{title}\""),
            _ => format!("{{\"id\":\"{title}\" \"{title}"),
        };
        let error = webhook.verify_at(&body, webhook.sign(&body, NOW).unwrap(), NOW).unwrap_err();
        let text = format!("{error} {error:?} {} {webhook:?}", error.hint());
        prop_assert!(!text.contains(&title) && !text.contains(&secret) && !text.contains(&secret[6..]), "{}", text);
    }
}

#[cfg(feature = "sender")]
mod sender {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use clarife_webhooks::EventType;
    use clarife_webhooks::UnixTime;
    use clarife_webhooks::sender::{Signer, build_event, new_event_id};
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use serde_json::{Value, json};

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
            any::<f64>().prop_filter_map("equal for every reader", |number| {
                // Between these bounds, the integer form of a double may have another value.
                let magnitude = number.abs();
                let exact = magnitude < 9_007_199_254_740_992.0 || (1e21..f64::INFINITY).contains(&magnitude);
                exact.then(|| Value::from(number))
            }),
            "(\\PC|[\\x00-\\x1f\"\\\\/\u{2028}\u{7f}]){0,20}".prop_map(Value::from),
        ];
        let name = prop_oneof!["[0-9]{1,11}", "\\PC{0,10}", "[a-z_]{1,12}"].boxed();
        let value = leaf.prop_recursive(4, 40, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(name.clone(), inner, 0..8).prop_map(|map| map.into_iter().collect()),
            ]
        });
        prop::collection::btree_map("[a-z0-9]{1,8}", value, 0..8).prop_map(|map| map.into_iter().collect())
    }

    /// Verifies bodies of the sender with clarife's documented example in Node, which signs the parsed body.
    #[test]
    fn every_body_verifies_under_the_documented_example() {
        const EVENTS: usize = 3000;
        let mut runner = TestRunner::deterministic();
        let signer = Signer::generate().unwrap();
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let now = UnixTime::from_secs(i64::try_from(seconds).unwrap());
        let mut lines = String::new();
        for number in 0..EVENTS {
            let data = data().new_tree(&mut runner).unwrap().current();
            let event_type = EventType::KNOWN[number % EventType::KNOWN.len()];
            let body = build_event(&new_event_id().unwrap(), event_type, now, &data).unwrap();
            let signature = signer.sign(&body, now).unwrap();
            let line = json!({"secret": signer.secret().expose(), "signature": signature, "body": body});
            lines.push_str(&format!("{line}\n"));
        }
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documented-example.cjs");
        let mut node = Command::new("node")
            .arg(example)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs node on the PATH");
        let mut input = node.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let output = node.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{EVENTS} verified, 0 refused\n"));
    }
}
