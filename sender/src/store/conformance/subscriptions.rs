//! Rules for subscriptions and their pending deliveries.

use super::*;

pub(in crate::store) async fn plans_limit_subscriptions(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    for _ in 0..Plan::Pro.max_subscriptions() {
        fixture.subscribe(EventTypes::ALL).await;
    }
    let refused = fixture.try_subscribe(EventTypes::ALL).await.expect_err("one too many");
    assert_eq!(refused, StoreError::PlanLimit(Plan::Pro.check(3).expect_err("full")));
    let changed = store.set_plan(&fixture.workspace, Plan::Business).await.expect("is there");
    assert_eq!(changed.plan, Plan::Business);
    fixture.subscribe(EventTypes::ALL).await;
    store.set_plan(&fixture.workspace, Plan::Other).await.expect("is there");
    assert_eq!(store.subscriptions(&fixture.workspace).await.expect("is there").len(), 4);
    assert!(fixture.try_subscribe(EventTypes::ALL).await.is_err());
}

/// Fails attempts until the subscription is deactivated; returns the deliveries still leased.
async fn deactivate(fixture: &Fixture<'_>) -> Vec<LeasedDelivery> {
    let mut failures = 0;
    loop {
        let mut deliveries = fixture.lease(NOW, PER_SUBSCRIPTION).await;
        while let Some(leased) = deliveries.pop() {
            let recorded = fixture.store.record(&leased, attempt(&leased, 503, NOW)).await;
            failures += 1;
            if recorded.expect("is open").expect("is there").deactivated {
                assert_eq!(failures, DEACTIVATION_THRESHOLD);
                return deliveries;
            }
        }
    }
}

pub(in crate::store) async fn ten_failures_deactivate_and_end_what_is_pending(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept((0..2500).map(|n| format!("evt_{n}")), NOW).await;
    let in_flight = deactivate(&fixture).await;
    assert_eq!(in_flight.len(), 2);
    let record = store.subscription(&fixture.workspace, &id).await.expect("is there");
    let warning = *record.subscription.health.warning().expect("is deactivated");
    assert_eq!((warning.last_outcome, warning.deactivated_at), (Outcome::Status(503), NOW));
    // For leased deliveries a success still counts; a failure ends them.
    fixture.finish(&in_flight[0], 200, NOW).await;
    store.record(&in_flight[1], attempt(&in_flight[1], 500, NOW)).await.expect("is open");
    assert_eq!(fixture.state(in_flight[0].id).await, DeliveryState::Delivered { attempts: 1, at: NOW });
    let pending = DeliveryFilter { state: Some(StateName::Pending), ..all() };
    soon(async || fixture.list(pending.clone()).await.deliveries.is_empty()).await;
    let ended = fixture.state(in_flight[1].id).await;
    assert!(matches!(ended, DeliveryState::Failed { reason: FailureReason::SubscriptionDeactivated, .. }), "{ended:?}");
    fixture.has_no_more(after(3600)).await;
    // New events are held and not sent until they are resent.
    fixture.accept(["evt_held"], NOW).await;
    fixture.has_no_more(after(3600)).await;
    let held = fixture.list(DeliveryFilter { state: Some(StateName::Held), ..all() }).await.deliveries;
    assert_eq!(held.iter().map(|held| held.event_id.as_str()).collect::<Vec<_>>(), ["evt_held"]);
    let active = fixture.change(&id, Change::Activate).await;
    assert_eq!((active.subscription.health.is_active(), active.subscription.health.consecutive_failures()), (true, 0));
    fixture.has_no_more(after(3600)).await;
}

pub(in crate::store) async fn test_events_are_for_one_and_do_not_count(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.subscribe(EventTypes::ALL).await;
    let send = async || {
        let TestEvent { id: event_id, body, .. } = TestEvent::new(EventType::ShareCreated, NOW).expect("an event");
        let event = NewEvent { id: event_id, event_type: "share.created".into(), body };
        store.accept_test(&fixture.workspace, &id, event, NOW).await.expect("is accepted")
    };
    let test = send().await;
    let leased = fixture.lease_one(NOW).await;
    assert_eq!(leased.id, test);
    fixture.has_no_more(NOW).await;
    fixture.finish(&leased, 500, NOW).await;
    assert!(matches!(fixture.state(test).await, DeliveryState::Failed { attempts: 1, .. }));
    let health = store.subscription(&fixture.workspace, &id).await.expect("is there").subscription.health;
    assert_eq!(health.consecutive_failures(), 0);
    let refused = store.resend(&fixture.workspace, test, NOW).await;
    assert_eq!(refused, Err(StoreError::Resend(ResendError::TestEvent)));
}

pub(in crate::store) async fn sending_again_by_hand(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept(["evt_0"], NOW).await;
    let pending = fixture.list(all()).await.deliveries.remove(0).id;
    let refused = store.resend(&fixture.workspace, pending, NOW).await;
    assert_eq!(refused, Err(StoreError::Resend(ResendError::NotFailed)));
    fixture.accept((1..20).map(|n| format!("evt_{n}")), NOW).await;
    for leased in deactivate(&fixture).await {
        store.release(&leased).await;
    }
    fixture.accept(["evt_held"], after(5)).await;
    let refused = store.resend_since(&fixture.workspace, &id, NOW, after(6)).await;
    assert_eq!(refused, Err(StoreError::Resend(ResendError::SubscriptionDeactivated)));
    fixture.change(&id, Change::Activate).await;

    let failed = fixture.list(DeliveryFilter { state: Some(StateName::Failed), ..all() }).await.deliveries;
    let (first, count) = (failed[0].id, failed.len());
    let fresh = store.resend(&fixture.workspace, first, after(6)).await.expect("has failed");
    let marked = store.delivery(&fixture.workspace, first).await.expect("is there").0;
    assert_eq!((marked.resent_as, StateName::from(&marked.delivery.state())), (Some(fresh), StateName::Failed));
    assert_eq!(fixture.state(fresh).await, DeliveryState::Pending { attempt: 1, due: after(6) });

    // Deliveries created since then: a held one is resent in place.
    let held = fixture.list(DeliveryFilter { state: Some(StateName::Held), ..all() }).await.deliveries[0].id;
    assert_eq!(store.resend_since(&fixture.workspace, &id, after(1), after(6)).await, Ok(1));
    assert_eq!(fixture.state(held).await, DeliveryState::Pending { attempt: 1, due: after(6) });
    // All others are resent once.
    assert_eq!(store.resend_since(&fixture.workspace, &id, NOW, after(6)).await, Ok(count as u64 - 1));
    assert_eq!(store.resend_since(&fixture.workspace, &id, NOW, after(6)).await, Ok(0));
    for _ in 0..21 {
        fixture.finish(&fixture.lease_one(after(6)).await, 200, after(6)).await;
    }
    fixture.has_no_more(after(3600)).await;
}

pub(in crate::store) async fn deleted_subscriptions_leave_nothing(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let kept = fixture.subscribe(EventTypes::ALL).await.id.clone();
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept((0..1500).map(|n| format!("evt_{n}")), NOW).await;
    let deliveries = fixture.lease(NOW, 2 * PER_SUBSCRIPTION).await;
    store.unsubscribe(&fixture.workspace, &id).await.expect("is there");
    assert_eq!(store.unsubscribe(&fixture.workspace, &id).await, Err(StoreError::NotFound("subscription")));
    for leased in deliveries {
        let recorded = store.record(&leased, attempt(&leased, 200, NOW)).await.expect("is open");
        assert!(recorded.is_some() || leased.subscription.id == id);
    }
    soon(async || store.stats().await.expect("is open").pending == 1500 - PER_SUBSCRIPTION as u64).await;
    let deliveries = fixture.lease(NOW, PER_SUBSCRIPTION).await;
    assert!(deliveries.iter().all(|leased| leased.subscription.id == kept));
    fixture.has_no_more(NOW).await;
    assert!(fixture.list(all()).await.deliveries.iter().all(|delivery| delivery.subscription == kept));
    assert_eq!(fixture.accept(["evt_later"], NOW).await[0].deliveries, 1);
}

pub(in crate::store) async fn secrets_rotate(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let before = fixture.subscribe(EventTypes::ALL).await;
    let secret = SigningSecret::generate().expect("random bytes");
    fixture.accept(["evt_1"], NOW).await;
    fixture.change(&before.id, Change::Rotate(secret.clone())).await;
    let url = EndpointUrl::parse("https://example.org/").expect("a URL");
    let types = EventTypes::new([EventType::ShareCreated]).expect("one");
    let update = Change::Update { url: Some(url.clone()), event_types: Some(types) };
    let changed = fixture.change(&before.id, update).await;
    assert_eq!((&changed.subscription.url, changed.subscription.event_types), (&url, types));
    let leased = fixture.lease_one(NOW).await;
    let signer = &leased.subscription.signer;
    assert_eq!((signer.secret(), signer.active_secrets(NOW)), (&secret, 2));
    assert_eq!(leased.subscription.subscription.url, url);
}
