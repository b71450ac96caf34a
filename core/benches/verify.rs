//! Verification, compared with its limit: one HMAC-SHA256 of the body and one pass of `serde_json` that keeps nothing.

#![allow(clippy::expect_used, reason = "a benchmark that panics fails, as it should")]

use clarife_webhooks::{UnixTime, Webhook};
use divan::{Bencher, black_box, counter::BytesCount};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);
const BLOCKS: [usize; 4] = [1, 8, 96, 980]; // about 0.3, 1, 10 and 100 KiB

fn main() {
    divan::main();
}

/// Creates the body of a document event with a number of blocks.
fn body(blocks: usize) -> String {
    let block =
        r#"{"content":"<p>Press <b>Save</b>, then wait for the check mark to appear &amp; go on.</p>","type":"text"}"#;
    let blocks = vec![block; blocks].join(",");
    format!(
        r#"{{"id":"evt_a1b2c3d4-5678-90ab-cdef-1234567890ab","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{{"id":"doc_1","title":"Getting started","content":{{"blocks":[{blocks}]}}}}}}"#
    )
}

#[divan::bench(args = BLOCKS)]
fn verify(bencher: Bencher, blocks: usize) {
    let webhook = Webhook::new(SECRET).expect("a secret");
    let body = body(blocks);
    let header = webhook.sign(&body, NOW).expect("a timestamp");
    bencher.counter(BytesCount::of_str(&body)).bench(|| {
        let event = webhook.verify_at(black_box(&body), black_box(&header), NOW).expect("verified");
        event.event_type().is_known()
    });
}

#[divan::bench(args = BLOCKS)]
fn limit(bencher: Bencher, blocks: usize) {
    let key = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    let body = body(blocks);
    bencher.counter(BytesCount::of_str(&body)).bench(|| {
        let tag = key.clone().chain_update(black_box(&body)).finalize().into_bytes();
        let pass = serde_json::from_slice::<serde::de::IgnoredAny>(black_box(body.as_bytes())).is_ok();
        (tag, pass)
    });
}

#[divan::bench(args = BLOCKS)]
fn reject(bencher: Bencher, blocks: usize) {
    let webhook = Webhook::new(SECRET).expect("a secret");
    let body = body(blocks);
    let header = webhook.sign(&format!("{body} "), NOW).expect("a timestamp");
    bencher
        .counter(BytesCount::of_str(&body))
        .bench(|| webhook.verify_at(black_box(&body), black_box(&header), NOW).is_err());
}

#[divan::bench(args = BLOCKS)]
fn read_resource(bencher: Bencher, blocks: usize) {
    let webhook = Webhook::new(SECRET).expect("a secret");
    let body = body(blocks);
    let header = webhook.sign(&body, NOW).expect("a timestamp");
    bencher.counter(BytesCount::of_str(&body)).bench(|| {
        let event = webhook.verify_at(black_box(&body), black_box(&header), NOW).expect("verified");
        event.resource().expect("a document")
    });
}
