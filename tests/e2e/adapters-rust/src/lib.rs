//! Helpers for tests of the Rust adapters: servers in all frameworks, and a client that sends arbitrary bytes.

pub mod client;
pub mod redis;
pub mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clarife_webhooks::adapters::{BoxError, Receiver};
use clarife_webhooks::testing::{Clock, signed_headers};
use clarife_webhooks::{Event, Webhook, sender::TestEvent};

/// The signing secret of all tests.
pub const SECRET: &str = "whsec_c2VjcmV0LWZvci10aGUtdGVzdHM=";

/// Creates a webhook with [`SECRET`].
pub fn webhook() -> Webhook {
    Webhook::new(SECRET).expect("a secret")
}

/// Creates a receiver with this clock, and without an error callback.
pub fn receiver(clock: &Clock) -> Receiver {
    let clock = clock.clone();
    Receiver::new(webhook()).with_clock(move || clock.now()).on_error(|_| {})
}

/// Creates a document event with this id and title.
pub fn event(id: &str, title: &str) -> TestEvent {
    let data = serde_json::json!({ "title": title });
    let now = Clock::default().now();
    let body = clarife_webhooks::sender::build_event(id, clarife_webhooks::EventType::DocumentUpdated, now, &data);
    let mut event =
        clarife_webhooks::testing::sample_event(clarife_webhooks::EventType::DocumentUpdated, &Clock::default())
            .expect("an event");
    (event.id, event.body) = (id.to_owned(), body.expect("an event"));
    event
}

/// Returns the headers of a signed delivery.
pub fn signed(event: &TestEvent) -> Vec<(&'static str, String)> {
    signed_headers(&webhook(), event, &Clock::default()).expect("a timestamp")
}

/// A handler that counts its calls, and fails, panics or waits if the event's title says so.
#[derive(Clone, Default)]
pub struct Handler {
    calls: Arc<AtomicUsize>,
}

impl Handler {
    /// Returns the number of calls.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Handles an event.
    pub async fn handle(self, event: Event<'static>) -> Result<(), BoxError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let Ok(clarife_webhooks::Resource::Document(document)) = event.resource() else {
            return Err("no document".into());
        };
        match document.title.as_deref().unwrap_or_default() {
            "fail" => Err("as requested".into()),
            "fail at first" if call == 1 => Err("as requested".into()),
            "panic at first" if call == 1 => std::panic::resume_unwind(Box::new("as requested")),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(())
            }
            "never" => std::future::pending().await,
            _ => Ok(()),
        }
    }
}
