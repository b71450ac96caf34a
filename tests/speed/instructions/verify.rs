//! Verification, and its parsing of the envelope, under callgrind at three sizes. `cargo xtask instructions` runs this
//! benchmark and compares with `baseline.json`.

#![expect(missing_docs, reason = "the macros generate public functions")]
#![expect(clippy::expect_used, reason = "a benchmark that panics fails, as it should")]

use std::hint::black_box;

use clarife_webhooks::{Event, UnixTime, Webhook};
use gungraun::{LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};

const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);

/// Returns a delivery of a document with this number of blocks.
fn delivery(blocks: usize) -> (Webhook, String, String) {
    let block =
        r#"{"type":"text","content":"<p>Press <b>Save</b>, then wait for the check mark to appear &amp; go on.</p>"}"#;
    let blocks = vec![block; blocks].join(",");
    let body = format!(
        r#"{{"id":"evt_a1b2c3d4-5678-90ab-cdef-1234567890ab","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{{"id":"doc_1","title":"Getting started","content":{{"blocks":[{blocks}]}}}}}}"#
    );
    let webhook = Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    let header = webhook.sign(&body, NOW).expect("a timestamp");
    (webhook, body, header)
}

#[library_benchmark]
#[bench::about_300_bytes(args = (1), setup = delivery)]
#[bench::about_1_kib(args = (8), setup = delivery)]
#[bench::about_10_kib(args = (96), setup = delivery)]
fn verify((webhook, body, header): (Webhook, String, String)) -> (Webhook, String, String) {
    let event = webhook.verify_at(black_box(&body), black_box(&header), NOW).expect("verified");
    black_box((event.id().len(), event.event_type().is_known()));
    (webhook, body, header) // dropped outside the counted code
}

// Counted separately, because software SHA-256 is most of `verify` under callgrind.
#[library_benchmark]
#[bench::about_300_bytes(args = (1), setup = delivery)]
#[bench::about_1_kib(args = (8), setup = delivery)]
#[bench::about_10_kib(args = (96), setup = delivery)]
fn parse((webhook, body, header): (Webhook, String, String)) -> (Webhook, String, String) {
    let event = Event::parse_trusted(black_box(body.as_bytes())).expect("an event");
    black_box((event.id().len(), event.event_type().is_known()));
    (webhook, body, header)
}

library_benchmark_group!(name = group, benchmarks = [verify, parse]);

main!(config = LibraryBenchmarkConfig::default(), library_benchmark_groups = group);
