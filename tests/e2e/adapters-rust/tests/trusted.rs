//! Events that were verified before, from a queue.

use adapters_rust::{Handler, event, receiver, signed};
use clarife_webhooks::Event;
use clarife_webhooks::adapters::MemoryStore;
use clarife_webhooks::testing::Clock;

#[tokio::test]
async fn a_trusted_event_goes_through_the_handler_and_the_store() {
    let (handler, clock) = (Handler::default(), Clock::default());
    let receiver =
        receiver(&clock).dedup(MemoryStore::default().with_clock(move || clock.now())).with_max_body_bytes(1);
    let receive = async |body: &str| {
        let run = |event: Event<'static>| handler.clone().handle(event);
        receiver.receive_trusted(body.as_bytes(), run).await
    };
    let good = event("evt_1", "Start").body;
    assert_eq!(receive(&good).await.code(), "handled");
    assert_eq!(receive(&good).await.code(), "duplicate");
    assert_eq!(handler.calls(), 1);
    // The queue delivers the event again if the handler fails.
    let bad = event("evt_2", "fail").body;
    assert_eq!(receive(&bad).await.code(), "handler_failed");
    assert_eq!(receive(&bad).await.code(), "handler_failed");
    assert_eq!(handler.calls(), 3);
    for cut in ["", "{}", &good[..good.len() - 1]] {
        let refused = receive(cut).await;
        assert_eq!((refused.status(), refused.code()), (400, "malformed_payload"), "{cut}");
    }
    assert_eq!(handler.calls(), 3);
}

#[tokio::test]
async fn a_store_is_shared_with_verified_deliveries() {
    let (handler, good) = (Handler::default(), event("evt_1", "Start"));
    let receiver = receiver(&Clock::default()).dedup(MemoryStore::default());
    let run = |event: Event<'static>| handler.clone().handle(event);
    assert_eq!(receiver.receive(good.body.as_bytes(), &signed(&good)[0].1, run).await.code(), "handled");
    assert_eq!(receiver.receive_trusted(good.body.as_bytes(), run).await.code(), "duplicate");
    assert_eq!(handler.calls(), 1);
}

#[tokio::test]
async fn subscriptions_that_share_a_store_handle_their_own_events() {
    let (handler, store) = (Handler::default(), MemoryStore::default());
    let receive = async |subscription: &str, id: &str| {
        let receiver = receiver(&Clock::default()).dedup(store.clone()).with_subscription(subscription);
        let run = |event: Event<'static>| handler.clone().handle(event);
        receiver.receive_trusted(event(id, "Start").body.as_bytes(), run).await.code()
    };
    assert_eq!((receive("sub_1", "evt_1").await, receive("sub_2", "evt_1").await), ("handled", "handled"));
    assert_eq!((receive("sub_1", "evt_1").await, receive("sub_2", "evt_1").await), ("duplicate", "duplicate"));
    // No id of an event reaches into another subscription.
    assert_eq!((receive("sub", "1:evt_1").await, receive("a:b", "evt_1").await), ("handled", "handled"));
    assert_eq!((receive("a", "b:evt_1").await, receive("", "evt_1").await), ("handled", "handled"));
}
