//! The runner of the vector files in `tests/vectors` of the repository, which every language walks.
//!
//! It prints one line of JSON with the passed and failed cases. The README of the files describes the format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics fails, as it should"
)]

#[cfg(feature = "sender")]
#[path = "vectors/canonical.rs"]
mod canonical;
#[path = "vectors/dedup.rs"]
mod dedup;
#[cfg(feature = "sender")]
#[path = "vectors/health.rs"]
mod health;
#[cfg(feature = "adapters")]
#[path = "vectors/receive.rs"]
mod receive;
#[path = "vectors/report.rs"]
mod report;
#[cfg(feature = "sender")]
#[path = "vectors/retry.rs"]
mod retry;
#[path = "vectors/sign.rs"]
mod sign;
#[path = "vectors/standard.rs"]
mod standard;
#[path = "vectors/verify.rs"]
mod verify;

use report::Report;

#[test]
fn every_vector_file() {
    let mut report = Report::default();
    report.walk("construct", sign::construct);
    report.walk("verify", verify::verify);
    report.walk("envelope", verify::verify);
    report.walk("types", verify::types);
    #[cfg(feature = "http")]
    report.walk("headers", verify::headers);
    report.walk("sign", sign::sign);
    report.walk("standard", standard::standard);
    report.walk("dedup", dedup::dedup);
    #[cfg(feature = "adapters")]
    report.walk("receive", receive::receive);
    report.walk("hmac_sha256", sign::hmac);
    #[cfg(feature = "sender")]
    {
        report.walk("canonical", canonical::canonical);
        report.walk("retry", retry::retry);
        report.walk("health", health::health);
    }
    report.finish();
}
