//! Tests of a handler.

use std::{error::Error, time::Duration};

use axum::body::Body;
use clarife_webhooks::adapters::{MemoryStore, Receiver};
use clarife_webhooks::testing::{Clock, sample_event, signed_request};
use clarife_webhooks::{EventType, Webhook};
use consumer_testing_rust::{Index, app};
use tower::ServiceExt as _;

const SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==";

fn receiver(clock: &Clock) -> Result<Receiver, Box<dyn Error>> {
    let clock = clock.clone();
    let webhook = Webhook::new(SECRET)?.with_max_event_age(900);
    Ok(Receiver::new(webhook).dedup(MemoryStore::default()).with_clock(move || clock.now()))
}

#[tokio::test]
async fn a_changed_document_is_indexed_once_however_often_it_is_delivered() -> Result<(), Box<dyn Error>> {
    let (clock, index) = (Clock::default(), Index::default());
    let app = app(receiver(&clock)?, index.clone());
    let sample = sample_event(EventType::DocumentUpdated, &clock)?;
    for _ in 0..2 {
        let request = signed_request(&Webhook::new(SECRET)?, &sample, &clock)?.map(Body::from);
        assert_eq!(app.clone().oneshot(request).await?.status(), 200);
    }
    assert_eq!(*index.lock().unwrap(), ["Getting started"]);
    Ok(())
}

#[tokio::test]
async fn a_delivery_that_was_signed_long_ago_is_refused() -> Result<(), Box<dyn Error>> {
    let clock = Clock::default();
    let app = app(receiver(&clock)?, Index::default());
    let sample = sample_event(EventType::DocumentUpdated, &clock)?;
    let request = signed_request(&Webhook::new(SECRET)?, &sample, &clock)?.map(Body::from);
    clock.advance(Duration::from_secs(301));
    assert_eq!(app.oneshot(request).await?.status(), 400);
    Ok(())
}
