//! Conformance tests of the [`Store`] above each engine; `conformance!` generates one test per rule.

mod deliveries;
mod history;
mod subscriptions;
mod workers;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    Change, DEACTIVATION_THRESHOLD, DeliveryState, EndpointUrl, EventTypes, FailureReason, Outcome, Plan, RETRY_DELAYS,
    ResendError, Signer, SigningSecret, TestEvent, build_event,
};

use super::{
    Accepted, ApiToken, Attempt, DeliveryFilter, LeasedDelivery, MAX_EVENTS, NewEvent, StateName, Store, StoreError,
    SubscriptionRecord, Workspace,
};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// Limit of the leases of a subscription in these tests.
pub(super) const PER_SUBSCRIPTION: usize = 4;

/// Generates the tests. `$make` returns an empty store and a value that keeps it alive.
macro_rules! conformance {
    ($make:expr; $($rule:ident)+) => {$(
        #[tokio::test]
        async fn $rule() {
            let (store, _guard) = $make;
            crate::store::conformance::$rule(&store).await;
            store.close().await;
        }
    )+};
    ($make:expr) => {
        crate::store::conformance::conformance! { $make;
            tokens_open_their_workspace_until_they_end
            plans_limit_subscriptions
            events_go_to_the_subscriptions_of_their_type
            accepting_is_idempotent_and_all_or_nothing
            a_lease_is_for_one
            subscriptions_take_turns_and_have_their_limit
            retries_come_first_and_when_they_are_due
            recording_is_idempotent
            a_clock_that_jumps_loses_and_repeats_nothing
            ten_failures_deactivate_and_end_what_is_pending
            test_events_are_for_one_and_do_not_count
            sending_again_by_hand
            deleted_subscriptions_leave_nothing
            secrets_rotate
            pages_hold_everything_once
            workspaces_do_not_see_each_other
            old_events_are_forgotten_unless_pending
            a_closed_store_is_unavailable
        }
    };
}
pub(super) use conformance;
pub(super) use {deliveries::*, history::*, subscriptions::*, workers::*};

/// Number of tries, and the pause between them: half a minute in all, for busy stores.
const TRIES: usize = 3000;
const PAUSE: Duration = Duration::from_millis(10);

pub(super) const NOW: UnixTime = UnixTime::from_secs(1_774_699_200);

fn after(seconds: i64) -> UnixTime {
    UnixTime::from_millis(NOW.as_millis() + seconds * 1000)
}

/// A store with a workspace.
struct Fixture<'a> {
    store: &'a Store,
    workspace: WorkspaceId,
}

impl<'a> Fixture<'a> {
    async fn new(store: &'a Store, plan: Plan) -> Self {
        Self { store, workspace: workspace(store, plan).await }
    }

    async fn subscribe(&self, types: EventTypes) -> Arc<SubscriptionRecord> {
        self.try_subscribe(types).await.expect("is within the plan")
    }

    async fn try_subscribe(&self, types: EventTypes) -> super::Result<Arc<SubscriptionRecord>> {
        subscribe(self.store, &self.workspace, types).await
    }

    async fn accept(&self, ids: impl IntoIterator<Item = impl AsRef<str>>, now: UnixTime) -> Vec<Accepted> {
        let events: Vec<NewEvent> = ids.into_iter().map(|id| event(id.as_ref(), "a", now)).collect();
        let mut accepted = Vec::new();
        for batch in events.chunks(MAX_EVENTS) {
            accepted.extend(self.store.accept(&self.workspace, batch.to_vec(), now).await.expect("are accepted"));
        }
        accepted
    }

    async fn lease(&self, now: UnixTime, count: usize) -> Vec<LeasedDelivery> {
        lease(self.store, now, count).await
    }

    async fn lease_one(&self, now: UnixTime) -> LeasedDelivery {
        self.lease(now, 1).await.remove(0)
    }

    async fn has_no_more(&self, now: UnixTime) {
        let deliveries = self.store.lease(now, 100).await.expect("is open");
        assert!(deliveries.is_empty(), "{deliveries:?}");
    }

    async fn state(&self, id: DeliveryId) -> DeliveryState {
        self.store.delivery(&self.workspace, id).await.expect("is there").0.delivery.state()
    }

    async fn change(&self, id: &SubscriptionId, change: Change) -> Arc<SubscriptionRecord> {
        self.store.change(&self.workspace, id, change, NOW).await.expect("is there")
    }

    async fn list(&self, filter: DeliveryFilter) -> super::Page {
        self.store.deliveries(&self.workspace, &filter).await.expect("is there")
    }

    async fn finish(&self, leased: &LeasedDelivery, status: u16, at: UnixTime) {
        finish(self.store, leased, status, at).await;
    }
}

fn event(id: &str, title: &str, now: UnixTime) -> NewEvent {
    let data = serde_json::json!({ "title": title });
    let body = build_event(id, EventType::DocumentUpdated, now, &data).expect("is an event");
    NewEvent { id: id.into(), event_type: "document.updated".into(), body }
}

async fn workspace(store: &Store, plan: Plan) -> WorkspaceId {
    let id = WorkspaceId::random();
    let workspace = Workspace::new(id.clone(), "Test".into(), plan, NOW);
    store.create_workspace(workspace).await.expect("is kept");
    id
}

pub(super) async fn subscribe(
    store: &Store,
    workspace: &WorkspaceId,
    types: EventTypes,
) -> super::Result<Arc<SubscriptionRecord>> {
    let url = EndpointUrl::parse("https://example.com/hooks").expect("a URL");
    let signer = Signer::generate().expect("random bytes");
    store.subscribe(workspace, url, types, signer, NOW).await
}

/// Returns `count` events with ids from `evt_0`.
pub(super) fn events(count: usize) -> Vec<NewEvent> {
    let event = |n| {
        let id = format!("evt_{n}");
        let body = build_event(&id, EventType::ShareCreated, NOW, &serde_json::json!({})).expect("is an event");
        NewEvent { id, event_type: "share.created".into(), body }
    };
    (0..count).map(event).collect()
}

/// Creates a workspace with a subscription to all event types.
pub(super) async fn subscribed_workspace(store: &Store) -> WorkspaceId {
    let id = workspace(store, Plan::Pro).await;
    subscribe(store, &id, EventTypes::ALL).await.expect("is within the plan");
    id
}

/// Records a leased delivery's first attempt.
pub(super) async fn finish(store: &Store, leased: &LeasedDelivery, status: u16, at: UnixTime) {
    let recorded = store.record(leased, attempt(leased, status, at)).await.expect("is open");
    assert!(recorded.expect("is there").changed);
}

pub(super) fn attempt(leased: &LeasedDelivery, status: u16, at: UnixTime) -> Attempt {
    let (number, outcome) = (leased.attempt, Outcome::Status(status));
    let error = (!outcome.is_success()).then(|| "Connection refused (os error 111)".to_owned());
    Attempt { number, started_at: at, ended_at: at, outcome, error, response_body: b"response".to_vec() }
}

fn all() -> DeliveryFilter {
    DeliveryFilter { limit: 100, ..DeliveryFilter::default() }
}

/// Leases `count` deliveries. A busy store may lease none for a while, or a few at a time.
pub(super) async fn lease(store: &Store, now: UnixTime, count: usize) -> Vec<LeasedDelivery> {
    let mut deliveries = Vec::new();
    for _ in 0..TRIES {
        deliveries.extend(store.lease(now, count - deliveries.len()).await.expect("is open"));
        if deliveries.len() == count {
            return deliveries;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{} of {count} were leased", deliveries.len());
}

/// Waits until `holds` returns `true`.
pub(super) async fn soon<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    for _ in 0..TRIES {
        if holds().await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("the condition did not hold in time");
}
