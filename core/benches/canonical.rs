//! Canonical JSON of an event, compared with `serde_json`.

#![allow(clippy::expect_used, reason = "a benchmark that panics fails, as it should")]

use clarife_webhooks::canonical::to_canonical_json;
use clarife_webhooks::sender::sample_resource;
use clarife_webhooks::{EventType, Resource};
use divan::{Bencher, black_box};

const BLOCKS: [usize; 3] = [3, 30, 300];

fn main() {
    divan::main();
}

/// Creates a document with a number of blocks.
fn document(blocks: usize) -> Resource {
    let Some(Resource::Document(mut document)) = sample_resource(EventType::DocumentUpdated) else {
        unreachable!("documents have a sample")
    };
    if let Some(content) = &mut document.content {
        let sample = content.blocks.clone().unwrap_or_default();
        content.blocks = Some(sample.into_iter().cycle().take(blocks).collect());
    }
    Resource::Document(document)
}

#[divan::bench(args = BLOCKS)]
fn canonical(bencher: Bencher, blocks: usize) {
    let document = document(blocks);
    bencher.bench(|| to_canonical_json(black_box(&document)).expect("canonical"));
}

#[divan::bench(args = BLOCKS)]
fn serde(bencher: Bencher, blocks: usize) {
    let document = document(blocks);
    bencher.bench(|| serde_json::to_vec(black_box(&document)).expect("serializable"));
}
