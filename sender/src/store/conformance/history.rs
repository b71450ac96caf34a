//! Rules for access and retention.

use super::*;

pub(in crate::store) async fn tokens_open_their_workspace_until_they_end(store: &Store) {
    let (a, b) = (Fixture::new(store, Plan::Pro).await.workspace, Fixture::new(store, Plan::Pro).await.workspace);
    for (hash, workspace, expires_at) in [([1; 32], &a, None), ([2; 32], &b, Some(after(60)))] {
        let (id, workspace) = (TokenId::random(), workspace.clone());
        let token = ApiToken { id, workspace, name: "t".into(), hash, created_at: NOW, expires_at };
        store.create_token(token).await.expect("is kept");
    }
    let opens = async |hash, now| store.authenticate(&[hash; 32], now).await.expect("is open");
    assert_eq!(opens(1, after(1_000_000)).await.as_ref(), Some(&a));
    assert_eq!(opens(2, UnixTime::from_millis(after(60).as_millis() - 1)).await.as_ref(), Some(&b));
    assert_eq!(opens(2, after(60)).await, None);
    assert_eq!(opens(3, NOW).await, None);
    let id = store.tokens(&a).await.expect("is there").first().expect("one").id.clone();
    assert_eq!(store.delete_token(&b, &id).await, Err(StoreError::NotFound("token")));
    store.delete_token(&a, &id).await.expect("is there");
    assert_eq!(opens(1, NOW).await, None);
}

pub(in crate::store) async fn pages_hold_everything_once(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..25).map(|n| format!("evt_{n}")), NOW).await;
    let deliveries = fixture.lease(NOW, 2 * PER_SUBSCRIPTION).await;
    fixture.finish(&deliveries[0], 200, NOW).await;
    let mut listed = Vec::new();
    let mut filter = DeliveryFilter { limit: 7, ..DeliveryFilter::default() };
    loop {
        let page = fixture.list(filter.clone()).await;
        listed.extend(page.deliveries.iter().map(|delivery| delivery.id));
        filter.before = listed.last().copied();
        if !page.more {
            break;
        }
        assert_eq!(page.deliveries.len(), 7);
    }
    assert_eq!(listed.len(), 50);
    assert!(listed.is_sorted_by(|a, b| a > b));
    let count = async |filter| fixture.list(filter).await.deliveries.len();
    assert_eq!(count(DeliveryFilter { subscription: Some(id), ..all() }).await, 25);
    assert_eq!(count(DeliveryFilter { event_id: Some("evt_3".into()), ..all() }).await, 2);
    assert_eq!(count(DeliveryFilter { state: Some(StateName::Delivered), ..all() }).await, 1);
    let event_id = Some(deliveries[0].event_id.clone());
    assert_eq!(count(DeliveryFilter { state: Some(StateName::Pending), event_id, ..all() }).await, 1);
}

pub(in crate::store) async fn workspaces_do_not_see_each_other(store: &Store) {
    let (a, b) = (Fixture::new(store, Plan::Pro).await, Fixture::new(store, Plan::Pro).await);
    let id = a.subscribe(EventTypes::ALL).await.id.clone();
    b.subscribe(EventTypes::ALL).await;
    a.accept(["evt_1"], NOW).await;
    let delivery = a.list(all()).await.deliveries[0].id;
    assert_eq!(b.list(all()).await.deliveries.len(), 0);
    let missing = |kind| StoreError::NotFound(kind);
    assert_eq!(store.event(&b.workspace, "evt_1").await, Err(missing("event")));
    assert_eq!(store.delivery(&b.workspace, delivery).await, Err(missing("delivery")));
    assert_eq!(store.resend(&b.workspace, delivery, NOW).await, Err(missing("delivery")));
    assert_eq!(store.subscription(&b.workspace, &id).await.err(), Some(missing("subscription")));
    let foreign = DeliveryFilter { subscription: Some(id.clone()), ..all() };
    assert_eq!(store.deliveries(&b.workspace, &foreign).await, Err(missing("subscription")));
    assert_eq!(store.unsubscribe(&b.workspace, &id).await, Err(missing("subscription")));
    assert_eq!(store.change(&b.workspace, &id, Change::Activate, NOW).await.err(), Some(missing("subscription")));
    let unknown = WorkspaceId::random();
    assert_eq!(store.accept(&unknown, vec![], NOW).await, Err(missing("workspace")));
    // Other workspaces may use the same event id.
    assert!(!b.accept(["evt_1"], NOW).await[0].repeated);
}

pub(in crate::store) async fn old_events_are_forgotten_unless_pending(store: &Store) {
    const DAY: i64 = 24 * 3600;
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    // A store forgets at least whole days.
    for (id, day) in [("evt_1", 0), ("evt_2", 0), ("evt_3", 1), ("evt_4", 3)] {
        fixture.accept([id], after(day * DAY)).await;
    }
    let deliveries = fixture.lease(after(4 * DAY), 4).await;
    for leased in deliveries.iter().filter(|leased| leased.event_id != "evt_3") {
        fixture.finish(leased, 200, after(4 * DAY)).await;
    }
    let left = async || {
        let deliveries = fixture.list(all()).await.deliveries;
        deliveries.into_iter().map(|delivery| delivery.event_id).collect::<Vec<_>>()
    };
    let before = after(2 * DAY + DAY / 2);
    let mut pruned = 0;
    loop {
        match store.prune(before, 1).await.expect("is open") {
            0 => break,
            count => pruned += count,
        }
    }
    assert_eq!((pruned, left().await), (2, vec!["evt_4".to_owned(), "evt_3".into()]));
    let pending = deliveries.iter().find(|leased| leased.event_id == "evt_3").expect("is leased");
    fixture.finish(pending, 200, after(4 * DAY)).await;
    assert_eq!(store.prune(before, 100).await, Ok(1));
    assert_eq!(left().await, ["evt_4"]);
    assert_eq!(store.event(&fixture.workspace, "evt_1").await, Err(StoreError::NotFound("event")));
}

/// Tests the engines that delete event by event, and not by day.
pub(in crate::store) async fn each_event_is_forgotten_at_its_age(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1", "evt_2", "evt_3"], NOW).await;
    fixture.accept(["evt_4"], after(10)).await;
    let deliveries = fixture.lease(NOW, 4).await;
    for leased in deliveries.iter().filter(|leased| leased.event_id != "evt_2") {
        fixture.finish(leased, 200, NOW).await;
    }
    assert_eq!(store.prune(after(10), 1).await, Ok(1));
    assert_eq!(store.prune(after(10), 100).await, Ok(1));
    assert_eq!(store.prune(after(10), 100).await, Ok(0));
    let left = fixture.list(all()).await.deliveries;
    assert_eq!(left.iter().map(|delivery| delivery.event_id.as_str()).collect::<Vec<_>>(), ["evt_4", "evt_2"]);
}

pub(in crate::store) async fn a_closed_store_is_unavailable(store: &Store) {
    let fixture = Fixture::new(store, Plan::Pro).await;
    store.check().await.expect("is open");
    store.close().await;
    let refused = store.accept(&fixture.workspace, vec![], NOW).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.lease(NOW, 1).await, Err(StoreError::Unavailable(_))));
}
