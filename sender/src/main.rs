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

mod api;
mod cli;
mod clock;
mod deliver;
mod ids;
mod metrics;
mod settings;
mod store;
mod telemetry;

use std::process::ExitCode;

// The name that `api/events.rs` still uses.
use self::store as engine;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
