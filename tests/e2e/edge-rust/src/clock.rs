//! Everything that reads the system's clock.

use clarife_webhooks::adapters::{MemoryStore, Receiver};
use clarife_webhooks::{Event, UnixTime, Webhook, WebhookError};

/// Returns the time.
pub fn now() -> UnixTime {
    UnixTime::now()
}

/// Verifies by the clock.
///
/// # Errors
///
/// As `Webhook::verify`.
pub fn verify<'b>(webhook: &Webhook, body: &'b str, signature: &str) -> Result<Event<'b>, WebhookError> {
    webhook.verify(body, signature)
}

/// Creates a receiver.
pub fn receiver(webhook: Webhook) -> Receiver {
    Receiver::new(webhook)
}

/// Creates a store.
pub fn store() -> MemoryStore {
    MemoryStore::new(100)
}

/// Creates a store of the default size.
pub fn default_store() -> MemoryStore {
    MemoryStore::default()
}
