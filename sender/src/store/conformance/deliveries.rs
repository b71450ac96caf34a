//! Rules for events and deliveries: accepted events are leased in order, once, and recorded once.

use super::*;

pub(in crate::store) async fn events_go_to_the_subscriptions_of_their_type(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let types = EventTypes::new([EventType::ShareCreated]).expect("one");
    fixture.subscribe(types).await;
    let interested = fixture.subscribe(EventTypes::ALL).await;
    assert_eq!(fixture.accept(["evt_1"], NOW).await, [Accepted { deliveries: 1, repeated: false }]);
    let leased = &fixture.lease_one(NOW).await;
    assert_eq!((leased.event_id.as_str(), leased.attempt, &leased.subscription.id), ("evt_1", 1, &interested.id));
    assert_eq!(leased.body, event("evt_1", "a", NOW).body);
    fixture.finish(leased, 200, after(1)).await;
    assert_eq!(fixture.state(leased.id).await, DeliveryState::Delivered { attempts: 1, at: after(1) });
    fixture.has_no_more(after(1000)).await;
    let (record, attempts) = store.delivery(&fixture.workspace, leased.id).await.expect("is there");
    assert_eq!((record.event_type.as_str(), record.subscription), ("document.updated", interested.id.clone()));
    assert_eq!(attempts, [attempt(leased, 200, after(1))]);
    let record = store.event(&fixture.workspace, "evt_1").await.expect("is there");
    assert_eq!((record.body.as_bytes(), record.accepted_at), (&leased.body[..], NOW));
}

pub(in crate::store) async fn accepting_is_idempotent_and_all_or_nothing(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    let (new, repeated) = (Accepted { deliveries: 1, repeated: false }, Accepted { deliveries: 1, repeated: true });
    assert_eq!(fixture.accept(["evt_1", "evt_2", "evt_1"], NOW).await, [new, new, repeated]);
    // An event that differs in `created_at` only is a duplicate.
    assert_eq!(fixture.accept(["evt_2", "evt_3"], after(9)).await, [repeated, new]);
    for events in [
        vec![event("evt_4", "a", NOW), event("evt_1", "b", NOW)],
        vec![event("evt_5", "a", NOW), event("evt_5", "b", NOW)],
    ] {
        let refused = store.accept(&fixture.workspace, events, NOW).await;
        assert_eq!(refused, Err(StoreError::Conflict { index: 1 }));
    }
    for id in ["evt_4", "evt_5"] {
        assert_eq!(store.event(&fixture.workspace, id).await, Err(StoreError::NotFound("event")));
    }
    assert_eq!(fixture.list(all()).await.deliveries.len(), 3);
}

pub(in crate::store) async fn a_lease_is_for_one(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1", "evt_2"], NOW).await;
    let (first, second) = (fixture.lease_one(NOW).await, fixture.lease_one(NOW).await);
    assert_ne!(first.id, second.id);
    fixture.has_no_more(after(3600)).await;
    store.release(&second).await;
    let again = fixture.lease_one(NOW).await;
    assert_eq!((again.id, again.attempt), (second.id, 1));
    fixture.has_no_more(after(3600)).await;
}

pub(in crate::store) async fn subscriptions_take_turns_and_have_their_limit(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let busy = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..50).map(|n| format!("evt_{n}")), NOW).await;
    let deliveries = fixture.lease(NOW, PER_SUBSCRIPTION).await;
    fixture.has_no_more(NOW).await;
    // A new subscription does not wait behind another one's backlog.
    let quiet = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_new"], NOW).await;
    let newcomer = fixture.lease_one(NOW).await;
    assert_eq!(newcomer.subscription.id, quiet.id);
    // A free slot is used again; with one slot each, the subscriptions take turns.
    fixture.finish(&deliveries[0], 200, NOW).await;
    fixture.finish(&newcomer, 200, NOW).await;
    fixture.accept(["evt_newer"], NOW).await;
    let mut served = Vec::new();
    for _ in 0..2 {
        served.push(fixture.lease_one(NOW).await.subscription.id.clone());
    }
    served.sort();
    let mut both = [busy.id.clone(), quiet.id.clone()];
    both.sort();
    assert_eq!(served, both);
}

pub(in crate::store) async fn retries_come_first_and_when_they_are_due(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..20).map(|n| format!("evt_{n}")), NOW).await;
    let failed = &fixture.lease_one(NOW).await;
    fixture.finish(failed, 500, NOW).await;
    let due = NOW.saturating_add(RETRY_DELAYS[0]);
    let early = UnixTime::from_millis(due.as_millis() - 1);
    let other = &fixture.lease_one(early).await;
    assert_eq!((other.attempt, other.id != failed.id), (1, true));
    let retry = &fixture.lease_one(due).await;
    assert_eq!((retry.attempt, retry.id, retry.due), (2, failed.id, due));
    fixture.finish(retry, 500, due).await;
    let last = fixture.lease_one(due.saturating_add(RETRY_DELAYS[1])).await;
    assert_eq!((last.attempt, last.id), (3, failed.id));
}

pub(in crate::store) async fn recording_is_idempotent(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let subscription = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1"], NOW).await;
    let leased = fixture.lease_one(NOW).await;
    fixture.finish(&leased, 500, NOW).await;
    let again = store.record(&leased, attempt(&leased, 500, NOW)).await.expect("is open").expect("is there");
    assert!(!again.changed);
    let record = store.subscription(&fixture.workspace, &subscription.id).await.expect("is there");
    assert_eq!(record.subscription.health.consecutive_failures(), 1);
    assert_eq!(store.delivery(&fixture.workspace, leased.id).await.expect("is there").1.len(), 1);
    assert_eq!(fixture.lease_one(after(1)).await.attempt, 2);
    fixture.has_no_more(after(1)).await;
}

pub(in crate::store) async fn a_clock_that_jumps_loses_and_repeats_nothing(store: &Store) {
    const YEAR: i64 = 365 * 24 * 3600;
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    let (past, future) = (after(-YEAR), after(YEAR));
    for (id, now) in [("evt_1", NOW), ("evt_2", future), ("evt_3", past)] {
        fixture.accept([id], now).await;
    }
    // First attempts are due at any time, and leased deliveries are not leased again.
    let deliveries = fixture.lease(past, 3).await;
    fixture.has_no_more(future).await;
    let [ahead, behind, delivered] = &deliveries[..] else { panic!("{deliveries:?}") };
    fixture.finish(ahead, 500, future).await;
    fixture.finish(behind, 500, past).await;
    fixture.finish(delivered, 200, past).await;
    // A retry's due time counts from its failure, whatever the clock showed in between.
    let retry = fixture.lease_one(NOW).await;
    assert_eq!((retry.id, retry.attempt), (behind.id, 2));
    fixture.has_no_more(future).await;
    fixture.finish(&retry, 200, NOW).await;
    let retry = fixture.lease_one(future.saturating_add(RETRY_DELAYS[0])).await;
    assert_eq!((retry.id, retry.attempt), (ahead.id, 2));
    fixture.finish(&retry, 200, past).await;
    fixture.has_no_more(after(2 * YEAR)).await;
    for (leased, attempts) in [(ahead, 2), (behind, 2), (delivered, 1)] {
        let (record, attempts_made) = store.delivery(&fixture.workspace, leased.id).await.expect("is there");
        assert!(matches!(record.delivery.state(), DeliveryState::Delivered { .. }), "{record:?}");
        assert_eq!(attempts_made.len(), attempts);
    }
}
