//! What every engine must do, as tests over the trait: `conformance!` makes one of each rule, for one engine.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use clarife_webhooks::EventType;
use clarife_webhooks::sender::{
    DEACTIVATION_THRESHOLD, DeliveryState, EndpointUrl, EventTypes, FailureReason, Outcome, Plan, RETRY_DELAYS,
    ResendError, Signer, SigningSecret, TestEvent, UnixMillis, build_event,
};

use super::{
    Accepted, Attempt, Change, Claim, DeliveryFilter, Engine, EngineError, MAX_EVENTS, NewEvent, StateName,
    SubscriptionRecord, Token, Workspace,
};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// How many leases a subscription has at most in these tests.
pub(super) const PER_SUBSCRIPTION: usize = 4;

/// One test for each rule; `$make` gives an empty engine and what keeps it alive.
macro_rules! conformance {
    ($make:expr; $($rule:ident)+) => {$(
        #[tokio::test]
        async fn $rule() {
            let (engine, _guard) = $make;
            crate::engine::conformance::$rule(&engine).await;
            crate::engine::Engine::close(&engine).await;
        }
    )+};
    ($make:expr) => {
        crate::engine::conformance::conformance! { $make;
            tokens_open_their_workspace_until_they_end
            plans_limit_subscriptions
            events_go_to_those_who_want_them
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
            a_closed_engine_says_so
        }
    };
}
pub(super) use conformance;

/// How often something is asked for that a busy store may take a while for, and how long to wait in between: half a minute at least.
const TRIES: usize = 3000;
const PAUSE: Duration = Duration::from_millis(10);

const NOW: UnixMillis = UnixMillis::from_secs(1_774_699_200);

fn after(seconds: i64) -> UnixMillis {
    UnixMillis::from_millis(NOW.as_millis() + seconds * 1000)
}

/// A workspace and its subscriptions.
struct Fixture<'a, E> {
    engine: &'a E,
    workspace: WorkspaceId,
}

impl<'a, E: Engine> Fixture<'a, E> {
    async fn new(engine: &'a E, plan: Plan) -> Self {
        let id = WorkspaceId::random();
        let workspace = Workspace { id: id.clone(), name: "Test".into(), plan, created_at: NOW };
        engine.create_workspace(workspace).await.expect("is kept");
        Self { engine, workspace: id }
    }

    async fn subscribe(&self, types: EventTypes) -> Arc<SubscriptionRecord> {
        self.try_subscribe(types).await.expect("is within the plan")
    }

    async fn try_subscribe(&self, types: EventTypes) -> super::Result<Arc<SubscriptionRecord>> {
        let url = EndpointUrl::parse("https://example.com/hooks").expect("a URL");
        let signer = Signer::generate().expect("random bytes");
        self.engine.subscribe(&self.workspace, url, types, signer, NOW).await
    }

    async fn accept(&self, ids: impl IntoIterator<Item = impl AsRef<str>>, now: UnixMillis) -> Vec<Accepted> {
        let events: Vec<NewEvent> = ids.into_iter().map(|id| event(id.as_ref(), "a", now)).collect();
        let mut accepted = Vec::new();
        for some in events.chunks(MAX_EVENTS) {
            accepted.extend(self.engine.accept(&self.workspace, some.to_vec(), now).await.expect("are accepted"));
        }
        accepted
    }

    async fn claim(&self, now: UnixMillis, count: usize) -> Vec<Claim> {
        claim(self.engine, now, count).await
    }

    async fn claim_one(&self, now: UnixMillis) -> Claim {
        self.claim(now, 1).await.remove(0)
    }

    async fn has_no_more(&self, now: UnixMillis) {
        let claims = self.engine.claim(now, 100).await.expect("is open");
        assert!(claims.is_empty(), "{claims:?}");
    }

    async fn state(&self, id: DeliveryId) -> DeliveryState {
        self.engine.delivery(&self.workspace, id).await.expect("is there").0.delivery.state()
    }

    async fn change(&self, id: &SubscriptionId, change: Change) -> Arc<SubscriptionRecord> {
        self.engine.change(&self.workspace, id, change, NOW).await.expect("is there")
    }

    async fn list(&self, filter: DeliveryFilter) -> super::Page {
        self.engine.deliveries(&self.workspace, &filter).await.expect("is there")
    }

    async fn finish(&self, claim: &Claim, status: u16, at: UnixMillis) {
        let recorded = self.engine.record(claim, attempt(claim, status, at)).await.expect("is open");
        assert!(recorded.expect("is there").changed);
    }
}

fn event(id: &str, title: &str, now: UnixMillis) -> NewEvent {
    let data = serde_json::json!({ "title": title });
    let body = build_event(id, EventType::DocumentUpdated, now, &data).expect("is an event");
    NewEvent { id: id.into(), event_type: "document.updated".into(), body }
}

fn attempt(claim: &Claim, status: u16, at: UnixMillis) -> Attempt {
    let (number, outcome) = (claim.attempt, Outcome::Status(status));
    Attempt { number, started_at: at, ended_at: at, outcome, answer: b"answer".to_vec() }
}

fn all() -> DeliveryFilter {
    DeliveryFilter { limit: 100, ..DeliveryFilter::default() }
}

/// Claims so many deliveries. A busy store may hand out none for a while, or some at a time.
pub(super) async fn claim(engine: &impl Engine, now: UnixMillis, count: usize) -> Vec<Claim> {
    let mut claims = Vec::new();
    for _ in 0..TRIES {
        claims.extend(engine.claim(now, count - claims.len()).await.expect("is open"));
        if claims.len() == count {
            return claims;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{} of {count} were to be claimed", claims.len());
}

/// Chores may take a moment: asks until `holds` does.
pub(super) async fn soon<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    for _ in 0..TRIES {
        if holds().await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("it did not happen");
}

pub(super) async fn tokens_open_their_workspace_until_they_end(engine: &impl Engine) {
    let (a, b) = (Fixture::new(engine, Plan::Pro).await.workspace, Fixture::new(engine, Plan::Pro).await.workspace);
    for (hash, workspace, expires_at) in [([1; 32], &a, None), ([2; 32], &b, Some(after(60)))] {
        let (id, workspace) = (TokenId::random(), workspace.clone());
        let token = Token { id, workspace, name: "t".into(), hash, created_at: NOW, expires_at };
        engine.create_token(token).await.expect("is kept");
    }
    let opens = async |hash, now| engine.authenticate(&[hash; 32], now).await.expect("is open");
    assert_eq!(opens(1, after(1_000_000)).await.as_ref(), Some(&a));
    assert_eq!(opens(2, UnixMillis::from_millis(after(60).as_millis() - 1)).await.as_ref(), Some(&b));
    assert_eq!(opens(2, after(60)).await, None);
    assert_eq!(opens(3, NOW).await, None);
    let id = engine.tokens(&a).await.expect("is there").first().expect("one").id.clone();
    assert_eq!(engine.delete_token(&b, &id).await, Err(EngineError::NotFound("token")));
    engine.delete_token(&a, &id).await.expect("is there");
    assert_eq!(opens(1, NOW).await, None);
}

pub(super) async fn plans_limit_subscriptions(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    for _ in 0..Plan::Pro.max_subscriptions() {
        fixture.subscribe(EventTypes::ALL).await;
    }
    let refused = fixture.try_subscribe(EventTypes::ALL).await.expect_err("one too many");
    assert_eq!(refused, EngineError::PlanLimit(Plan::Pro.check(3).expect_err("full")));
    let changed = engine.set_plan(&fixture.workspace, Plan::Business).await.expect("is there");
    assert_eq!(changed.plan, Plan::Business);
    fixture.subscribe(EventTypes::ALL).await;
    engine.set_plan(&fixture.workspace, Plan::Other).await.expect("is there");
    assert_eq!(engine.subscriptions(&fixture.workspace).await.expect("is there").len(), 4);
    assert!(fixture.try_subscribe(EventTypes::ALL).await.is_err());
}

pub(super) async fn events_go_to_those_who_want_them(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
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
    let (logged, attempts) = engine.delivery(&fixture.workspace, claim.delivery).await.expect("is there");
    assert_eq!((logged.event_type.as_str(), logged.subscription), ("document.updated", wants.id.clone()));
    assert_eq!(attempts, [attempt(claim, 200, after(1))]);
    let record = engine.event(&fixture.workspace, "evt_1").await.expect("is there");
    assert_eq!((record.body.as_bytes(), record.accepted_at), (&claim.body[..], NOW));
}

pub(super) async fn accepting_is_idempotent_and_all_or_nothing(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    let (new, repeated) = (Accepted { deliveries: 1, repeated: false }, Accepted { deliveries: 1, repeated: true });
    assert_eq!(fixture.accept(["evt_1", "evt_2", "evt_1"], NOW).await, [new, new, repeated]);
    // Later, so with another created_at: still the same event.
    assert_eq!(fixture.accept(["evt_2", "evt_3"], after(9)).await, [repeated, new]);
    for events in [
        vec![event("evt_4", "a", NOW), event("evt_1", "b", NOW)],
        vec![event("evt_5", "a", NOW), event("evt_5", "b", NOW)],
    ] {
        let refused = engine.accept(&fixture.workspace, events, NOW).await;
        assert_eq!(refused, Err(EngineError::Conflict { index: 1 }));
    }
    for id in ["evt_4", "evt_5"] {
        assert_eq!(engine.event(&fixture.workspace, id).await, Err(EngineError::NotFound("event")));
    }
    assert_eq!(fixture.list(all()).await.deliveries.len(), 3);
}

pub(super) async fn a_lease_is_for_one(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1", "evt_2"], NOW).await;
    let (first, second) = (fixture.claim_one(NOW).await, fixture.claim_one(NOW).await);
    assert_ne!(first.delivery, second.delivery);
    fixture.has_no_more(after(3600)).await;
    engine.release(&second).await;
    let again = fixture.claim_one(NOW).await;
    assert_eq!((again.delivery, again.attempt), (second.delivery, 1));
    fixture.has_no_more(after(3600)).await;
}

pub(super) async fn subscriptions_take_turns_and_have_their_limit(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
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

pub(super) async fn retries_come_first_and_when_they_are_due(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..20).map(|n| format!("evt_{n}")), NOW).await;
    let failed = &fixture.claim_one(NOW).await;
    fixture.finish(failed, 500, NOW).await;
    let due = NOW.saturating_add(RETRY_DELAYS[0]);
    let early = UnixMillis::from_millis(due.as_millis() - 1);
    let other = &fixture.claim_one(early).await;
    assert_eq!((other.attempt, other.delivery != failed.delivery), (1, true));
    let retry = &fixture.claim_one(due).await;
    assert_eq!((retry.attempt, retry.delivery, retry.due), (2, failed.delivery, due));
    fixture.finish(retry, 500, due).await;
    let last = fixture.claim_one(due.saturating_add(RETRY_DELAYS[1])).await;
    assert_eq!((last.attempt, last.delivery), (3, failed.delivery));
}

pub(super) async fn recording_is_idempotent(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let subscription = fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1"], NOW).await;
    let claim = fixture.claim_one(NOW).await;
    fixture.finish(&claim, 500, NOW).await;
    let again = engine.record(&claim, attempt(&claim, 500, NOW)).await.expect("is open").expect("is there");
    assert!(!again.changed);
    let record = engine.subscription(&fixture.workspace, &subscription.id).await.expect("is there");
    assert_eq!(record.subscription.health.consecutive_failures(), 1);
    assert_eq!(engine.delivery(&fixture.workspace, claim.delivery).await.expect("is there").1.len(), 1);
    assert_eq!(fixture.claim_one(after(1)).await.attempt, 2);
    fixture.has_no_more(after(1)).await;
}

pub(super) async fn a_clock_that_jumps_loses_and_repeats_nothing(engine: &impl Engine) {
    const YEAR: i64 = 365 * 24 * 3600;
    let fixture = Fixture::new(engine, Plan::Pro).await;
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
        let (logged, log) = engine.delivery(&fixture.workspace, claim.delivery).await.expect("is there");
        assert!(matches!(logged.delivery.state(), DeliveryState::Delivered { .. }), "{logged:?}");
        assert_eq!(log.len(), attempts);
    }
}

/// Fails attempts until the subscription is deactivated; the claims that were under way at the end.
async fn deactivate<E: Engine>(fixture: &Fixture<'_, E>) -> Vec<Claim> {
    let mut failures = 0;
    loop {
        let mut claims = fixture.claim(NOW, PER_SUBSCRIPTION).await;
        while let Some(claim) = claims.pop() {
            let recorded = fixture.engine.record(&claim, attempt(&claim, 503, NOW)).await;
            failures += 1;
            if recorded.expect("is open").expect("is there").deactivated {
                assert_eq!(failures, DEACTIVATION_THRESHOLD);
                return claims;
            }
        }
    }
}

pub(super) async fn ten_failures_deactivate_and_end_what_is_pending(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept((0..2500).map(|n| format!("evt_{n}")), NOW).await;
    let under_way = deactivate(&fixture).await;
    assert_eq!(under_way.len(), 2);
    let record = engine.subscription(&fixture.workspace, &id).await.expect("is there");
    let warning = *record.subscription.health.warning().expect("is deactivated");
    assert_eq!((warning.last_outcome, warning.deactivated_at), (Outcome::Status(503), NOW));
    // Success still counts for what was under way; failure ends it.
    fixture.finish(&under_way[0], 200, NOW).await;
    engine.record(&under_way[1], attempt(&under_way[1], 500, NOW)).await.expect("is open");
    assert_eq!(fixture.state(under_way[0].delivery).await, DeliveryState::Delivered { attempts: 1, at: NOW });
    let pending = DeliveryFilter { state: Some(StateName::Pending), ..all() };
    soon(async || fixture.list(pending.clone()).await.deliveries.is_empty()).await;
    let ended = fixture.state(under_way[1].delivery).await;
    assert!(matches!(ended, DeliveryState::Failed { reason: FailureReason::SubscriptionDeactivated, .. }), "{ended:?}");
    fixture.has_no_more(after(3600)).await;
    // What happens now is held; nothing is sent until somebody sends it.
    fixture.accept(["evt_held"], NOW).await;
    fixture.has_no_more(after(3600)).await;
    let held = fixture.list(DeliveryFilter { state: Some(StateName::Held), ..all() }).await.deliveries;
    assert_eq!(held.iter().map(|held| held.event_id.as_str()).collect::<Vec<_>>(), ["evt_held"]);
    let active = fixture.change(&id, Change::Activate).await;
    assert_eq!((active.subscription.health.is_active(), active.subscription.health.consecutive_failures()), (true, 0));
    fixture.has_no_more(after(3600)).await;
}

pub(super) async fn test_events_are_for_one_and_do_not_count(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.subscribe(EventTypes::ALL).await;
    let send = async || {
        let TestEvent { id: event_id, body, .. } = TestEvent::new(EventType::ShareCreated, NOW).expect("an event");
        let event = NewEvent { id: event_id, event_type: "share.created".into(), body };
        engine.accept_test(&fixture.workspace, &id, event, NOW).await.expect("is accepted")
    };
    let test = send().await;
    let claim = fixture.claim_one(NOW).await;
    assert_eq!(claim.delivery, test);
    fixture.has_no_more(NOW).await;
    fixture.finish(&claim, 500, NOW).await;
    assert!(matches!(fixture.state(test).await, DeliveryState::Failed { attempts: 1, .. }));
    let health = engine.subscription(&fixture.workspace, &id).await.expect("is there").subscription.health;
    assert_eq!(health.consecutive_failures(), 0);
    let refused = engine.resend(&fixture.workspace, test, NOW).await;
    assert_eq!(refused, Err(EngineError::Resend(ResendError::TestEvent)));
}

pub(super) async fn sending_again_by_hand(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept(["evt_0"], NOW).await;
    let pending = fixture.list(all()).await.deliveries.remove(0).id;
    let refused = engine.resend(&fixture.workspace, pending, NOW).await;
    assert_eq!(refused, Err(EngineError::Resend(ResendError::NotFailed)));
    fixture.accept((1..20).map(|n| format!("evt_{n}")), NOW).await;
    for claim in deactivate(&fixture).await {
        engine.release(&claim).await;
    }
    fixture.accept(["evt_held"], after(5)).await;
    let refused = engine.resend_since(&fixture.workspace, &id, NOW, after(6)).await;
    assert_eq!(refused, Err(EngineError::Resend(ResendError::SubscriptionDeactivated)));
    fixture.change(&id, Change::Activate).await;

    let failed = fixture.list(DeliveryFilter { state: Some(StateName::Failed), ..all() }).await.deliveries;
    let (first, count) = (failed[0].id, failed.len());
    let fresh = engine.resend(&fixture.workspace, first, after(6)).await.expect("has failed");
    let marked = engine.delivery(&fixture.workspace, first).await.expect("is there").0;
    assert_eq!((marked.resent_as, StateName::from(&marked.delivery.state())), (Some(fresh), StateName::Failed));
    assert_eq!(fixture.state(fresh).await, DeliveryState::Pending { attempt: 1, due: after(6) });

    // What was created since then: the held one takes its own place.
    let held = fixture.list(DeliveryFilter { state: Some(StateName::Held), ..all() }).await.deliveries[0].id;
    assert_eq!(engine.resend_since(&fixture.workspace, &id, after(1), after(6)).await, Ok(1));
    assert_eq!(fixture.state(held).await, DeliveryState::Pending { attempt: 1, due: after(6) });
    // All the rest, each once.
    assert_eq!(engine.resend_since(&fixture.workspace, &id, NOW, after(6)).await, Ok(count as u64 - 1));
    assert_eq!(engine.resend_since(&fixture.workspace, &id, NOW, after(6)).await, Ok(0));
    for _ in 0..21 {
        fixture.finish(&fixture.claim_one(after(6)).await, 200, after(6)).await;
    }
    fixture.has_no_more(after(3600)).await;
}

pub(super) async fn deleted_subscriptions_leave_nothing(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let kept = fixture.subscribe(EventTypes::ALL).await.id.clone();
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.accept((0..1500).map(|n| format!("evt_{n}")), NOW).await;
    let claims = fixture.claim(NOW, 2 * PER_SUBSCRIPTION).await;
    engine.unsubscribe(&fixture.workspace, &id).await.expect("is there");
    assert_eq!(engine.unsubscribe(&fixture.workspace, &id).await, Err(EngineError::NotFound("subscription")));
    for claim in claims {
        let recorded = engine.record(&claim, attempt(&claim, 200, NOW)).await.expect("is open");
        assert!(recorded.is_some() || claim.subscription.id == id);
    }
    soon(async || engine.stats().await.expect("is open").pending == 1500 - PER_SUBSCRIPTION as u64).await;
    let claims = fixture.claim(NOW, PER_SUBSCRIPTION).await;
    assert!(claims.iter().all(|claim| claim.subscription.id == kept));
    fixture.has_no_more(NOW).await;
    assert!(fixture.list(all()).await.deliveries.iter().all(|delivery| delivery.subscription == kept));
    assert_eq!(fixture.accept(["evt_later"], NOW).await[0].deliveries, 1);
}

pub(super) async fn secrets_rotate(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let before = fixture.subscribe(EventTypes::ALL).await;
    let secret = SigningSecret::generate().expect("random bytes");
    fixture.accept(["evt_1"], NOW).await;
    fixture.change(&before.id, Change::Rotate(secret.clone())).await;
    let url = EndpointUrl::parse("https://example.org/").expect("a URL");
    let types = EventTypes::new([EventType::ShareCreated]).expect("one");
    let update = Change::Update { url: Some(url.clone()), event_types: Some(types) };
    let changed = fixture.change(&before.id, update).await;
    assert_eq!((&changed.subscription.url, changed.subscription.event_types), (&url, types));
    let claim = fixture.claim_one(NOW).await;
    let signer = &claim.subscription.signer;
    assert_eq!((signer.secret(), signer.active_secrets(NOW)), (&secret, 2));
    assert_eq!(claim.subscription.subscription.url, url);
}

pub(super) async fn pages_hold_everything_once(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    let id = fixture.subscribe(EventTypes::ALL).await.id.clone();
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept((0..25).map(|n| format!("evt_{n}")), NOW).await;
    let claims = fixture.claim(NOW, 2 * PER_SUBSCRIPTION).await;
    fixture.finish(&claims[0], 200, NOW).await;
    let mut seen = Vec::new();
    let mut filter = DeliveryFilter { limit: 7, ..DeliveryFilter::default() };
    loop {
        let page = fixture.list(filter.clone()).await;
        seen.extend(page.deliveries.iter().map(|delivery| delivery.id));
        filter.before = seen.last().copied();
        if !page.more {
            break;
        }
        assert_eq!(page.deliveries.len(), 7);
    }
    assert_eq!(seen.len(), 50);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let count = async |filter| fixture.list(filter).await.deliveries.len();
    assert_eq!(count(DeliveryFilter { subscription: Some(id), ..all() }).await, 25);
    assert_eq!(count(DeliveryFilter { event_id: Some("evt_3".into()), ..all() }).await, 2);
    assert_eq!(count(DeliveryFilter { state: Some(StateName::Delivered), ..all() }).await, 1);
    let event_id = Some(claims[0].event_id.clone());
    assert_eq!(count(DeliveryFilter { state: Some(StateName::Pending), event_id, ..all() }).await, 1);
}

pub(super) async fn workspaces_do_not_see_each_other(engine: &impl Engine) {
    let (a, b) = (Fixture::new(engine, Plan::Pro).await, Fixture::new(engine, Plan::Pro).await);
    let id = a.subscribe(EventTypes::ALL).await.id.clone();
    b.subscribe(EventTypes::ALL).await;
    a.accept(["evt_1"], NOW).await;
    let delivery = a.list(all()).await.deliveries[0].id;
    assert_eq!(b.list(all()).await.deliveries.len(), 0);
    let missing = |what| EngineError::NotFound(what);
    assert_eq!(engine.event(&b.workspace, "evt_1").await, Err(missing("event")));
    assert_eq!(engine.delivery(&b.workspace, delivery).await, Err(missing("delivery")));
    assert_eq!(engine.resend(&b.workspace, delivery, NOW).await, Err(missing("delivery")));
    assert_eq!(engine.subscription(&b.workspace, &id).await.err(), Some(missing("subscription")));
    let foreign = DeliveryFilter { subscription: Some(id.clone()), ..all() };
    assert_eq!(engine.deliveries(&b.workspace, &foreign).await, Err(missing("subscription")));
    assert_eq!(engine.unsubscribe(&b.workspace, &id).await, Err(missing("subscription")));
    assert_eq!(engine.change(&b.workspace, &id, Change::Activate, NOW).await.err(), Some(missing("subscription")));
    let unknown = WorkspaceId::random();
    assert_eq!(engine.accept(&unknown, vec![], NOW).await, Err(missing("workspace")));
    // The same id is another event elsewhere.
    assert!(!b.accept(["evt_1"], NOW).await[0].repeated);
}

pub(super) async fn old_events_are_forgotten_unless_pending(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    fixture.subscribe(EventTypes::ALL).await;
    fixture.accept(["evt_1", "evt_2", "evt_3"], NOW).await;
    fixture.accept(["evt_4"], after(10)).await;
    let claims = fixture.claim(NOW, 4).await;
    for claim in claims.iter().filter(|claim| claim.event_id != "evt_2") {
        fixture.finish(claim, 200, NOW).await;
    }
    assert_eq!(engine.prune(after(10), 1).await, Ok(1));
    assert_eq!(engine.prune(after(10), 100).await, Ok(1));
    assert_eq!(engine.prune(after(10), 100).await, Ok(0));
    let left = fixture.list(all()).await.deliveries;
    assert_eq!(left.iter().map(|delivery| delivery.event_id.as_str()).collect::<Vec<_>>(), ["evt_4", "evt_2"]);
}

pub(super) async fn a_closed_engine_says_so(engine: &impl Engine) {
    let fixture = Fixture::new(engine, Plan::Pro).await;
    engine.check().await.expect("is open");
    engine.close().await;
    let refused = engine.accept(&fixture.workspace, vec![], NOW).await;
    assert!(matches!(refused, Err(EngineError::Unavailable(_))));
    assert!(matches!(engine.check().await, Err(EngineError::Unavailable(_))));
    assert!(matches!(engine.claim(NOW, 1).await, Err(EngineError::Unavailable(_))));
}
