//! What is accepted is handed out in order, once, and recorded once.

use super::*;

pub(in crate::store) async fn events_go_to_those_who_want_them(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let types = EventTypes::new([EventType::ShareCreated]).expect("one");
    fixture.subscribe(types).await;
    let wants = fixture.subscribe(EventTypes::ALL).await;
    assert_eq!(fixture.accept(["evt_1"], NOW).await, [Accepted { deliveries: 1, repeated: false }]);
    let claim = &fixture.claim_one(NOW).await;
    assert_eq!((claim.event_id.as_str(), claim.attempt, &claim.subscription.id), ("evt_1", 1, &wants.id));
    assert_eq!(claim.body, event("evt_1", "a", NOW).body);
    fixture.finish(claim, 200, after(1)).await;
    assert_eq!(fixture.state(claim.delivery).await, DeliveryState::Delivered { attempts: 1, at: after(1) });
    fixture.has_no_more(after(1000)).await;
    let (logged, attempts) = store.delivery(&fixture.workspace, claim.delivery).await.expect("is there");
    assert_eq!((logged.event_type.as_str(), logged.subscription), ("document.updated", wants.id.clone()));
    assert_eq!(attempts, [attempt(claim, 200, after(1))]);
    let record = store.event(&fixture.workspace, "evt_1").await.expect("is there");
    assert_eq!((record.body.as_bytes(), record.accepted_at), (&claim.body[..], NOW));
}

pub(in crate::store) async fn accepting_is_idempotent_and_all_or_nothing(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    let (new, repeated) = (Accepted { deliveries: 1, repeated: false }, Accepted { deliveries: 1, repeated: true });
    assert_eq!(fixture.accept(["evt_1", "evt_2", "evt_1"], NOW).await, [new, new, repeated]);
    // Later, so with another created_at: still the same event.
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

pub(in crate::store) async fn a_lease_is_for_one(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1", "evt_2"], NOW).await;
    let (first, second) = (fixture.claim_one(NOW).await, fixture.claim_one(NOW).await);
    assert_ne!(first.delivery, second.delivery);
    fixture.has_no_more(after(3600)).await;
    store.release(&second).await;
    let again = fixture.claim_one(NOW).await;
    assert_eq!((again.delivery, again.attempt), (second.delivery, 1));
    fixture.has_no_more(after(3600)).await;
}

pub(in crate::store) async fn subscriptions_take_turns_and_have_their_limit(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let busy = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..50).map(|n| format!("evt_{n}")), NOW).await;
    let claims = fixture.claim(NOW, PER_SUBSCRIPTION).await;
    fixture.has_no_more(NOW).await;
    // A newcomer is not behind the other's backlog.
    let quiet = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_new"], NOW).await;
    let newcomer = fixture.claim_one(NOW).await;
    assert_eq!(newcomer.subscription.id, quiet.id);
    // A place that is free is taken again; with one place in all, they take turns.
    fixture.finish(&claims[0], 200, NOW).await;
    fixture.finish(&newcomer, 200, NOW).await;
    fixture.accept(["evt_newer"], NOW).await;
    let mut served = Vec::new();
    for _ in 0..2 {
        served.push(fixture.claim_one(NOW).await.subscription.id.clone());
    }
    served.sort();
    let mut both = [busy.id.clone(), quiet.id.clone()];
    both.sort();
    assert_eq!(served, both);
}

pub(in crate::store) async fn retries_come_first_and_when_they_are_due(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..20).map(|n| format!("evt_{n}")), NOW).await;
    let failed = &fixture.claim_one(NOW).await;
    fixture.finish(failed, 500, NOW).await;
    let due = NOW.saturating_add(RETRY_DELAYS[0]);
    let early = UnixTime::from_millis(due.as_millis() - 1);
    let other = &fixture.claim_one(early).await;
    assert_eq!((other.attempt, other.delivery != failed.delivery), (1, true));
    let retry = &fixture.claim_one(due).await;
    assert_eq!((retry.attempt, retry.delivery, retry.due), (2, failed.delivery, due));
    fixture.finish(retry, 500, due).await;
    let last = fixture.claim_one(due.saturating_add(RETRY_DELAYS[1])).await;
    assert_eq!((last.attempt, last.delivery), (3, failed.delivery));
}

pub(in crate::store) async fn recording_is_idempotent(store: &impl Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let subscription = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1"], NOW).await;
    let claim = fixture.claim_one(NOW).await;
    fixture.finish(&claim, 500, NOW).await;
    let again = store.record(&claim, attempt(&claim, 500, NOW)).await.expect("is open").expect("is there");
    assert!(!again.changed);
    let record = store.subscription(&fixture.workspace, &subscription.id).await.expect("is there");
    assert_eq!(record.subscription.health.consecutive_failures(), 1);
    assert_eq!(store.delivery(&fixture.workspace, claim.delivery).await.expect("is there").1.len(), 1);
    assert_eq!(fixture.claim_one(after(1)).await.attempt, 2);
    fixture.has_no_more(after(1)).await;
}

pub(in crate::store) async fn a_clock_that_jumps_loses_and_repeats_nothing(store: &impl Store) {
    const YEAR: i64 = 365 * 24 * 3600;
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    let (past, future) = (after(-YEAR), after(YEAR));
    for (id, now) in [("evt_1", NOW), ("evt_2", future), ("evt_3", past)] {
        fixture.accept([id], now).await;
    }
    // First attempts wait for no moment, and what is handed out is not handed out again.
    let claims = fixture.claim(past, 3).await;
    fixture.has_no_more(future).await;
    let [ahead, behind, taken] = &claims[..] else { panic!("{claims:?}") };
    fixture.finish(ahead, 500, future).await;
    fixture.finish(behind, 500, past).await;
    fixture.finish(taken, 200, past).await;
    // A retry is due by the moment of its failure, whatever the clock said in between.
    let retry = fixture.claim_one(NOW).await;
    assert_eq!((retry.delivery, retry.attempt), (behind.delivery, 2));
    fixture.has_no_more(future).await;
    fixture.finish(&retry, 200, NOW).await;
    let retry = fixture.claim_one(future.saturating_add(RETRY_DELAYS[0])).await;
    assert_eq!((retry.delivery, retry.attempt), (ahead.delivery, 2));
    fixture.finish(&retry, 200, past).await;
    fixture.has_no_more(after(2 * YEAR)).await;
    for (claim, attempts) in [(ahead, 2), (behind, 2), (taken, 1)] {
        let (logged, log) = store.delivery(&fixture.workspace, claim.delivery).await.expect("is there");
        assert!(matches!(logged.delivery.state(), DeliveryState::Delivered { .. }), "{logged:?}");
        assert_eq!(log.len(), attempts);
    }
}
