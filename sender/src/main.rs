//! The reference sender of clarife webhooks: it delivers everything and loses nothing.
//!
//! All rules are those of `clarife_webhooks::sender`; here are the store, the HTTP client and server, and the command line.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test that panics fails, as it should"
    )
)]
#![expect(dead_code, unused_imports, reason = "the loop that uses the engine comes next")]

mod clock;
mod engine;
mod ids;

fn main() {}
