//! Functions of the crate in WebAssembly, where `wasm32-unknown-unknown` has no clock.

#[cfg(feature = "clock")]
pub mod clock;
#[cfg(feature = "js")]
pub mod javascript;

use clarife_webhooks::adapters::{MemoryStore, Receiver};
use clarife_webhooks::{Event, UnixTime, Webhook, WebhookError};

/// Verifies with the caller's time, which every target can.
///
/// # Errors
///
/// As `Webhook::verify_at`.
pub fn verify_at<'b>(webhook: &Webhook, body: &'b str, signature: &str, now: i64) -> Result<Event<'b>, WebhookError> {
    webhook.verify_at(body, signature, UnixTime::from_secs(now))
}

/// Creates a receiver and a store with the caller's clock, which every target can.
pub fn receiver(webhook: Webhook, clock: fn() -> UnixTime) -> Receiver {
    let store = MemoryStore::new_with_clock(100, clock);
    assert!(format!("{store:?}").contains("capacity: 100"), "Debug reads no clock");
    Receiver::new_with_clock(webhook, clock).dedup(store.with_clock(clock)).with_clock(clock)
}
