//! The functions that edge.mjs calls.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use clarife_webhooks::adapters::{MemoryStore, Receiver};
use clarife_webhooks::testing::{Clock, test_event};
use clarife_webhooks::{Event, EventType, UnixTime, Webhook, WebhookError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Returns the time in milliseconds.
#[wasm_bindgen]
pub fn now() -> f64 {
    UnixTime::now().as_millis() as f64
}

/// Signs a body now.
#[wasm_bindgen]
pub fn sign(secret: &str, body: &str) -> Result<String, WebhookError> {
    Ok(Webhook::new(secret)?.sign(body, UnixTime::now()).unwrap_or_default())
}

/// Verifies a delivery now, and returns the event or throws the error.
#[wasm_bindgen]
pub fn verify(secret: &str, body: &str, signature: Option<String>) -> Result<JsValue, WebhookError> {
    Webhook::new(secret)?.verify(body, signature).map(JsValue::from)
}

/// Receives a delivery twice, and returns the codes of the responses.
#[wasm_bindgen]
pub fn receive_twice(secret: &str, body: &str, signature: &str) -> Result<String, WebhookError> {
    let receiver = Receiver::new(Webhook::new(secret)?).dedup(MemoryStore::default());
    let receive = || {
        let handler = async |_: Event<'static>| Ok::<(), std::io::Error>(());
        let mut receiving = pin!(receiver.receive(body.as_bytes(), signature, handler));
        match receiving.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(response) => response.code(),
            Poll::Pending => "pending",
        }
    };
    Ok([receive(), receive()].join(" "))
}

/// Creates an event with a random id.
#[wasm_bindgen]
pub fn random_event() -> Result<JsValue, String> {
    let event = test_event(EventType::DocumentUpdated, serde_json::json!({})).map_err(|error| error.to_string());
    assert_eq!(Clock::default().now(), UnixTime::from_secs(1_774_699_200));
    event.map(|event| JsValue::from(&event))
}
