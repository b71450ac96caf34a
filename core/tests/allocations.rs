//! Allocations of a verification: none.

#![allow(clippy::expect_used, reason = "a test that panics fails, as it should")]

use allocation_counter::measure;
use clarife_webhooks::{ErrorCode, UnixTime, Webhook};

const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);

fn body(id: &str, text: &str, blocks: usize) -> String {
    let block = format!(r#"{{"type":"text","content":"<p>{text}</p>","order":1.5,"hidden":false}}"#);
    let blocks = vec![block; blocks].join(",");
    format!(
        r#"{{"id":"{id}","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{{"content":{{"blocks":[{blocks}]}}}}}}"#
    )
}

fn webhook() -> Webhook {
    Webhook::from_secrets(["whsec_bmV3", "whsec_b2xk"]).expect("secrets").with_max_event_age(900)
}

#[test]
fn a_verified_event_allocates_nothing() {
    let webhook = webhook();
    for text in ["plain", "größer, 大きい", r"escaped \u00e9 \n"] {
        for blocks in [0, 1, 100, 10_000] {
            let body = body("evt_1", text, blocks);
            let header = webhook.sign(&body, NOW).expect("a timestamp");
            let counted = measure(|| {
                let event = webhook.verify_at(&body, &header, NOW).expect("verified");
                assert!(event.event_type().is_known() && event.id() == "evt_1" && !event.data().is_empty());
            });
            assert_eq!(counted.count_total, 0, "{text}, {blocks} blocks");
        }
    }
}

#[test]
fn an_escaped_id_needs_one_allocation() {
    let webhook = webhook();
    let body = body(r"evt\u005f1", "plain", 100);
    let header = webhook.sign(&body, NOW).expect("a timestamp");
    let counted = measure(|| assert_eq!(webhook.verify_at(&body, &header, NOW).expect("verified").id(), "evt_1"));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn a_rejected_delivery_allocates_nothing() {
    let webhook = webhook();
    let body = body("evt_1", "plain", 100);
    let header = webhook.sign("another body", NOW).expect("a timestamp");
    let counted = measure(|| {
        let error = webhook.verify_at(&body, &header, NOW).expect_err("rejected");
        assert_eq!(error.code(), ErrorCode::SignatureMismatch);
    });
    assert_eq!(counted.count_total, 0);
}
