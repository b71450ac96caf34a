//! A simulated sender over the core's rules, without waiting. See
//! [protocol, section 6](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-6).
#![cfg(feature = "sender")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that panics fails, as it should"
)]

use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, DEACTIVATION_THRESHOLD, Delivery, DeliveryState, EndpointUrl, EventTypes, FailureKind,
    FailureReason, Health, MAX_ATTEMPTS, Outcome, Plan, RETRY_DELAYS, ROTATION_OVERLAP, Resend, ResendError, Signer,
    Subscription,
};
use clarife_webhooks::{EventType, Webhook};
use proptest::prelude::*;

const OK: Outcome = Outcome::Status(200);
const BAD: Outcome = Outcome::Status(503);
const TIMEOUT: Outcome = Outcome::Failure(FailureKind::Timeout);
const LOCAL: Outcome = Outcome::Failure(FailureKind::Local);

fn at(millis: i64) -> UnixTime {
    UnixTime::from_millis(millis)
}

fn pending(attempt: u32, due: i64) -> DeliveryState {
    DeliveryState::Pending { attempt, due: at(due) }
}

fn failed(reason: FailureReason, attempts: u32, when: i64) -> DeliveryState {
    DeliveryState::Failed { reason, attempts, at: at(when) }
}

/// A subscription and its deliveries. An attempt starts when it is due, and the endpoint decides its duration.
struct Simulation {
    now: UnixTime,
    health: Health,
    deliveries: Vec<Delivery>,
    /// The start, the delivery and the number of each attempt.
    attempts: Vec<(i64, usize, u32)>,
}

impl Simulation {
    fn new() -> Self {
        Self { now: at(0), health: Health::new(), deliveries: vec![], attempts: vec![] }
    }

    fn event(&mut self, when: i64) -> usize {
        self.add(Delivery::new(&self.health, at(when)))
    }

    fn add(&mut self, delivery: Delivery) -> usize {
        self.deliveries.push(delivery);
        self.deliveries.len() - 1
    }

    fn state(&self, delivery: usize) -> DeliveryState {
        self.deliveries[delivery].state()
    }

    fn record(&mut self, index: usize, attempt: u32, outcome: Outcome, when: UnixTime) {
        let recorded = self.deliveries[index].record(&self.health, attempt, outcome, when);
        self.health = recorded.health;
        self.deliveries[index] = recorded.delivery;
        if recorded.deactivated {
            self.deliveries = self.deliveries.iter().map(|delivery| delivery.deactivate(when)).collect();
        }
    }

    /// Makes all attempts until no delivery is pending. The endpoint returns the duration in milliseconds and the
    /// outcome.
    fn run(&mut self, mut endpoint: impl FnMut(usize, u32) -> (i64, Outcome)) {
        while let Some((due, index)) =
            self.deliveries.iter().enumerate().filter_map(|(index, delivery)| Some((delivery.due()?, index))).min()
        {
            let DeliveryState::Pending { attempt, .. } = self.state(index) else { unreachable!("it is due") };
            self.now = self.now.max(due);
            self.attempts.push((self.now.as_millis(), index, attempt));
            let (duration, outcome) = endpoint(index, attempt);
            self.now = at(self.now.as_millis() + duration);
            self.record(index, attempt, outcome, self.now);
        }
    }

    fn attempt_times(&self) -> Vec<i64> {
        self.attempts.iter().map(|(when, ..)| *when).collect()
    }
}

#[test]
fn a_delivery_fails_four_times_at_the_documented_times() {
    let mut simulation = Simulation::new();
    let delivery = simulation.event(0);
    simulation.run(|_, _| (0, BAD));
    assert_eq!(simulation.attempt_times(), [0, 1_000, 11_000, 71_000]);
    assert_eq!(simulation.state(delivery), failed(FailureReason::AttemptsExhausted, 4, 71_000));
    assert_eq!(simulation.health.consecutive_failures(), 4);
    assert!(simulation.health.is_active());
    assert_eq!(MAX_ATTEMPTS, 4);
}

#[test]
fn delays_count_from_the_failure() {
    let mut simulation = Simulation::new();
    simulation.event(0);
    let timeout = i64::try_from(ATTEMPT_TIMEOUT.as_millis()).unwrap();
    simulation.run(|_, _| (timeout, TIMEOUT));
    // The last attempt starts 1 + 10 + 60 s and three time-outs after the first: docs/protocol.md#section-5-1.
    assert_eq!(simulation.attempt_times(), [0, 11_000, 31_000, 101_000]);
    assert_eq!(simulation.now, at(111_000));
}

#[test]
fn a_success_ends_the_delivery_on_every_attempt() {
    for succeeding in 1..=MAX_ATTEMPTS {
        let mut simulation = Simulation::new();
        let delivery = simulation.event(0);
        simulation.run(|_, attempt| (5, if attempt == succeeding { OK } else { BAD }));
        let expected = [0, 1_005, 11_010, 71_015];
        assert_eq!(simulation.attempt_times(), expected[..succeeding as usize]);
        let ended = at(expected[succeeding as usize - 1] + 5);
        assert_eq!(simulation.state(delivery), DeliveryState::Delivered { attempts: succeeding, at: ended });
        assert_eq!(simulation.health, Health::new());
    }
}

#[test]
fn success_is_2xx_and_nothing_else() {
    for status in 100..=599 {
        let recorded = Delivery::new(&Health::new(), at(0)).record(&Health::new(), 1, Outcome::Status(status), at(9));
        let expected = match status {
            200..=299 => DeliveryState::Delivered { attempts: 1, at: at(9) },
            _ => pending(2, 1_009),
        };
        assert_eq!(recorded.delivery.state(), expected, "{status}");
    }
}

#[test]
fn ten_failures_over_several_deliveries_deactivate() {
    let mut simulation = Simulation::new();
    let deliveries: Vec<_> = (0..4).map(|index| simulation.event(index * 100)).collect();
    simulation.run(|_, _| (0, BAD));
    // Four first and four second attempts fail. The third attempts of two deliveries are the ninth and tenth failure.
    assert_eq!(simulation.attempt_times(), [0, 100, 200, 300, 1_000, 1_100, 1_200, 1_300, 11_000, 11_100]);
    assert_eq!(simulation.attempts.len(), DEACTIVATION_THRESHOLD as usize);
    let attempts = [3, 3, 2, 2];
    for (delivery, attempts) in deliveries.into_iter().zip(attempts) {
        assert_eq!(simulation.state(delivery), failed(FailureReason::SubscriptionDeactivated, attempts, 11_100));
    }
    let warning = simulation.health.warning().expect("is deactivated");
    assert_eq!((warning.deactivated_at, warning.last_outcome), (at(11_100), BAD));

    // The sender sends nothing while the subscription is inactive, and the warning stays.
    let held = simulation.event(20_000);
    simulation.run(|_, _| unreachable!("nothing is sent"));
    assert_eq!(simulation.state(held), DeliveryState::Held { since: at(20_000) });
    assert_eq!(simulation.health.warning().map(|warning| warning.deactivated_at), Some(at(11_100)));
}

#[test]
fn nine_failures_do_not_deactivate_and_a_success_starts_again() {
    let mut simulation = Simulation::new();
    let first: Vec<_> = (0..9).map(|_| simulation.event(0)).collect();
    for delivery in first {
        simulation.record(delivery, 1, BAD, at(0));
    }
    assert_eq!((simulation.health.consecutive_failures(), simulation.health.is_active()), (9, true));
    simulation.record(0, 2, OK, at(1_000));
    assert_eq!(simulation.health, Health::new());
    for delivery in 1..9 {
        simulation.record(delivery, 2, BAD, at(1_000));
    }
    assert_eq!((simulation.health.consecutive_failures(), simulation.health.is_active()), (8, true));
    simulation.record(1, 3, BAD, at(11_000));
    assert!(simulation.health.is_active());
    simulation.record(2, 3, BAD, at(11_000));
    assert!(!simulation.health.is_active());
}

#[test]
fn the_failure_that_deactivates_may_be_the_last_attempt() {
    let mut health = Health::new();
    for _ in 0..6 {
        health = health.record(BAD, at(0));
    }
    let mut simulation = Simulation { health, ..Simulation::new() };
    let (last, other) = (simulation.event(0), simulation.event(100_000));
    simulation.run(|_, _| (0, BAD));
    assert_eq!(simulation.state(last), failed(FailureReason::AttemptsExhausted, 4, 71_000));
    assert_eq!(simulation.state(other), failed(FailureReason::SubscriptionDeactivated, 0, 71_000));
}

#[test]
fn reactivation_is_by_hand_and_failed_and_held_deliveries_can_be_sent_again() {
    let mut simulation = Simulation::new();
    let failing = simulation.event(0);
    for _ in 0..9 {
        simulation.event(0);
    }
    simulation.run(|_, _| (0, BAD));
    let held = simulation.event(5_000);
    let inactive = Err(ResendError::SubscriptionDeactivated);
    assert_eq!(simulation.deliveries[failing].resend(&simulation.health, at(6_000)), inactive);
    assert_eq!(simulation.deliveries[held].resend(&simulation.health, at(6_000)), inactive);

    simulation.health = simulation.health.reactivate();
    assert_eq!((simulation.health.consecutive_failures(), simulation.health.warning()), (0, None));
    assert!(matches!(simulation.state(held), DeliveryState::Held { .. }), "a reactivation sends nothing");
    for ended in [failing, held] {
        let resent = simulation.deliveries[ended].resend(&simulation.health, at(7_000)).unwrap();
        assert_eq!(matches!(resent, Resend::Reuse(_)), ended == held);
        let resent = resent.delivery();
        assert_eq!(resent.state(), pending(1, 7_000));
        simulation.add(resent);
    }
    simulation.attempts.clear();
    simulation.run(|_, attempt| (0, if attempt == 1 { BAD } else { OK }));
    assert_eq!(simulation.attempt_times(), [7_000, 7_000, 8_000, 8_000]);
    assert_eq!(simulation.state(failing), failed(FailureReason::SubscriptionDeactivated, 1, 0), "the history keeps it");
    let delivered = simulation.deliveries.last().unwrap();
    assert_eq!(delivered.resend(&simulation.health, at(9_000)), Err(ResendError::NotFailed));
}

/// Records outcomes of attempts that were in flight during a deactivation.
#[test]
fn late_failures_do_not_count_and_late_successes_deliver() {
    let ten = (0..10).fold(Health::new(), |health, _| health.record(BAD, at(0)));
    let in_flight = Delivery::new(&Health::new(), at(0));
    for delivery in [in_flight, in_flight.deactivate(at(10))] {
        let recorded = delivery.record(&ten, 1, OK, at(500));
        assert_eq!(recorded.delivery.state(), DeliveryState::Delivered { attempts: 1, at: at(500) });
        assert_eq!((recorded.health, recorded.deactivated, recorded.changed), (ten, false, true));
    }
    let recorded = in_flight.record(&ten, 1, BAD, at(500));
    assert_eq!(recorded.delivery.state(), failed(FailureReason::SubscriptionDeactivated, 1, 500));
    assert_eq!((recorded.health, recorded.deactivated, recorded.changed), (ten, false, true));

    let ended = in_flight.deactivate(at(10));
    let recorded = ended.record(&ten, 1, BAD, at(500));
    assert_eq!((recorded.delivery, recorded.health, recorded.changed), (ended, ten, false));
    // Late failures do not count after a reactivation either, whether the end was written or not.
    let active = ten.reactivate();
    let recorded = ended.record(&active, 1, BAD, at(500));
    assert_eq!((recorded.health, recorded.changed), (active, false));
    let recorded = in_flight.record(&active, 1, BAD, at(500));
    assert_eq!(recorded.delivery.state(), failed(FailureReason::SubscriptionDeactivated, 1, 500));
    assert_eq!((recorded.health, recorded.changed), (active, true));
}

#[test]
fn a_reactivation_revives_no_delivery() {
    let fail = |health: Health, when| (0..10).fold(health, |health, _| health.record(BAD, at(when)));
    let old = Delivery::new(&Health::new(), at(0));
    let active = fail(Health::new(), 5).reactivate();
    let new = Delivery::new(&active, at(20));
    assert_eq!(old.settle(&active).state(), failed(FailureReason::SubscriptionDeactivated, 0, 5));
    assert_eq!((new.settle(&active), Delivery::test(at(0)).settle(&active)), (new, Delivery::test(at(0))));
    // A success keeps the periods apart, and so does the next deactivation.
    let success = active.record(OK, at(30));
    assert_eq!(old.settle(&success), old.settle(&active));
    let again = fail(success, 40);
    assert_eq!(new.settle(&again).state(), failed(FailureReason::SubscriptionDeactivated, 0, 40));
    assert_eq!(new.settle(&again.reactivate()), new.settle(&again));
    assert_eq!(active.reactivate(), active);
}

#[test]
fn an_outcome_is_recorded_once() {
    let health = Health::new();
    let delivery = Delivery::new(&health, at(0));
    let first = delivery.record(&health, 1, BAD, at(0));
    for (attempt, outcome) in [(1, BAD), (1, OK), (3, OK), (0, OK), (u32::MAX, OK)] {
        let second = first.delivery.record(&first.health, attempt, outcome, at(10));
        assert_eq!((second.delivery, second.health, second.changed), (first.delivery, first.health, false));
    }
    let delivered = first.delivery.record(&first.health, 2, OK, at(1_000));
    let second = delivered.delivery.record(&delivered.health, 2, BAD, at(1_010));
    assert_eq!((second.delivery, second.health, second.changed), (delivered.delivery, delivered.health, false));
    let held = Delivery::new(&(0..10).fold(health, |health, _| health.record(BAD, at(0))), at(0));
    assert!(!held.record(&health, 1, OK, at(0)).changed);
}

#[test]
fn test_events_have_one_attempt_and_never_count() {
    let nine = (0..9).fold(Health::new(), |health, _| health.record(BAD, at(0)));
    let ten = nine.record(BAD, at(0));
    for health in [Health::new(), nine, ten] {
        let test = Delivery::test(at(0));
        assert_eq!(test.due(), Some(at(0)));
        assert_eq!(test.deactivate(at(1)), test);
        let recorded = test.record(&health, 1, BAD, at(20));
        assert_eq!(recorded.delivery.state(), failed(FailureReason::AttemptsExhausted, 1, 20));
        assert_eq!((recorded.health, recorded.deactivated), (health, false));
        assert_eq!(recorded.delivery.resend(&health, at(30)), Err(ResendError::TestEvent));
        let recorded = test.record(&health, 1, OK, at(20));
        assert_eq!(recorded.delivery.state(), DeliveryState::Delivered { attempts: 1, at: at(20) });
        assert_eq!((recorded.health, recorded.deactivated), (health, false));
    }
}

#[test]
fn a_rotated_secret_signs_for_24_hours() {
    let body = r#"{"id":"evt_1","type":"share.created","created_at":"2024-03-28T08:00:00Z","data":{}}"#;
    let rotated_at = UnixTime::from_secs(1_711_612_800);
    let old = Signer::generate().unwrap();
    let new = old.rotate(rotated_at).unwrap();
    let verifies = |signer: &Signer, after: i64| {
        let now = at(rotated_at.as_millis() + after);
        let header = new.sign(body, now).unwrap();
        assert_eq!(header.matches("v1=").count(), new.active_secrets(now));
        Webhook::new(signer.secret().expose()).unwrap().verify_at(body, &header, now).is_ok()
    };
    let day = i64::try_from(ROTATION_OVERLAP.as_millis()).unwrap();
    assert_eq!(day, 86_400_000);
    assert_eq!([0, 1, day - 1, day, day + 1].map(|after| verifies(&old, after)), [true, true, true, false, false]);
    assert_eq!([0, 1, day - 1, day, day + 1].map(|after| verifies(&new, after)), [true; 5]);
}

#[test]
fn plans_limit_subscriptions_on_both_sides() {
    let create = |plan, existing| {
        let url = EndpointUrl::parse("https://example.com/hooks").unwrap();
        Subscription::create(plan, existing, url, EventTypes::ALL)
    };
    for (plan, limit) in [(Plan::Pro, 3), (Plan::Business, 20), (Plan::Other, 0)] {
        for existing in 0..limit {
            assert!(create(plan, existing).unwrap().health.is_active());
        }
        for existing in [limit, limit + 1, usize::MAX] {
            assert_eq!(create(plan, existing).unwrap_err().limit(), limit);
        }
    }
    assert_eq!(create(Plan::Other, 0).unwrap_err().to_string(), "the plan allows no webhook subscriptions");
    assert_eq!(serde_json::from_str::<Plan>("\"enterprise\"").unwrap(), Plan::Other);
}

#[test]
fn a_subscription_accepts_its_types_only() {
    let url = EndpointUrl::parse("https://example.com/hooks").unwrap();
    let types = EventTypes::new([EventType::DocumentCreated, EventType::ShareDeleted]).unwrap();
    let mut subscription = Subscription::create(Plan::Pro, 0, url, types).unwrap();
    let accepted_types = |subscription: &Subscription| -> Vec<_> {
        EventType::KNOWN.into_iter().filter(|event_type| subscription.accept(*event_type, at(0)).is_some()).collect()
    };
    assert_eq!(accepted_types(&subscription), [EventType::DocumentCreated, EventType::ShareDeleted]);
    assert!(subscription.accept(EventType::Unknown("share.deleted"), at(0)).is_none());
    subscription.event_types = EventTypes::ALL;
    assert_eq!(accepted_types(&subscription), EventType::KNOWN);

    let accepted = |subscription: &Subscription| subscription.accept(EventType::ShareDeleted, at(7)).unwrap().state();
    assert_eq!(accepted(&subscription), pending(1, 7));
    for _ in 0..10 {
        subscription.health = subscription.health.record(TIMEOUT, at(0));
    }
    assert_eq!(accepted(&subscription), DeliveryState::Held { since: at(7) });
}

/// Checks the stored form of the states. A change needs a migration in every store.
#[test]
fn the_stored_form_is_stable() {
    let url = EndpointUrl::parse_allowing_plain_http("http://localhost:3000/").unwrap();
    let types = EventTypes::from_names(["share.deleted", "document.created"]).unwrap();
    let mut subscription = Subscription::create(Plan::Pro, 0, url, types).unwrap();
    let stored = |subscription: &Subscription| {
        let json = serde_json::to_string(subscription).unwrap();
        assert_eq!(&serde_json::from_str::<Subscription>(&json).unwrap(), subscription);
        json
    };
    assert_eq!(
        stored(&subscription),
        r#"{"url":"http://localhost:3000/","event_types":["document.created","share.deleted"],"health":{"consecutive_failures":0,"warning":null}}"#
    );
    for _ in 0..10 {
        subscription.health = subscription.health.record(TIMEOUT, at(5));
    }
    assert!(stored(&subscription).ends_with(
        r#""health":{"consecutive_failures":10,"warning":{"deactivated_at":5,"last_outcome":{"failure":"timeout"}}}}"#
    ));
    assert!(serde_json::from_str::<EventTypes>("[]").is_err());
    assert!(serde_json::from_str::<EventTypes>("[\"document.renamed\"]").is_err());

    let health = Health::new();
    let new = Delivery::new(&health, at(5));
    for (delivery, json) in [
        (new, r#"{"kind":"event","state":{"pending":{"attempt":1,"due":5}}}"#),
        (Delivery::test(at(5)), r#"{"kind":"test","state":{"pending":{"attempt":1,"due":5}}}"#),
        (new.record(&health, 1, OK, at(6)).delivery, r#"{"kind":"event","state":{"delivered":{"attempts":1,"at":6}}}"#),
        (
            new.deactivate(at(6)),
            r#"{"kind":"event","state":{"failed":{"reason":"subscription_deactivated","attempts":0,"at":6}}}"#,
        ),
        (Delivery::new(&subscription.health, at(5)), r#"{"kind":"event","state":{"held":{"since":5}}}"#),
    ] {
        assert_eq!(serde_json::to_string(&delivery).unwrap(), json);
        assert_eq!(serde_json::from_str::<Delivery>(json).unwrap(), delivery);
    }
}

proptest! {
    /// A failure of the sender itself changes neither a delivery nor a health, whatever came before.
    #[test]
    fn the_sender_s_own_failures_change_nothing(
        outcomes in prop::collection::vec(any::<bool>(), 0..16),
        deliveries in 1..5_usize,
        attempt in 0..6_u32,
    ) {
        let mut simulation = Simulation::new();
        for _ in 0..deliveries {
            simulation.event(0);
        }
        simulation.add(Delivery::test(at(0)));
        for (step, success) in outcomes.into_iter().enumerate() {
            let index = step % simulation.deliveries.len();
            if let DeliveryState::Pending { attempt, due } = simulation.state(index) {
                simulation.record(index, attempt, if success { OK } else { BAD }, due);
            }
        }
        for delivery in &simulation.deliveries {
            let recorded = delivery.record(&simulation.health, attempt, LOCAL, at(200_000));
            prop_assert_eq!((recorded.delivery, recorded.health), (*delivery, simulation.health));
            prop_assert!(!recorded.changed && !recorded.deactivated);
            prop_assert_eq!(simulation.health.record(LOCAL, at(200_000)), simulation.health);
        }
    }

    /// Every delivery ends after at most four attempts, no attempt is early, and the count of failures is exact.
    #[test]
    fn every_delivery_ends(
        events in prop::collection::vec(0..100_000_i64, 1..12),
        responses in prop::collection::vec((0..10_000_i64, any::<bool>()), 64),
    ) {
        let mut simulation = Simulation::new();
        for event in events {
            simulation.event(event);
        }
        let mut responses = responses.into_iter().cycle();
        let mut failures_in_a_row = 0;
        simulation.run(|_, _| {
            let (duration, success) = responses.next().unwrap();
            assert!(failures_in_a_row < DEACTIVATION_THRESHOLD, "nothing is sent after a deactivation");
            failures_in_a_row = if success { 0 } else { failures_in_a_row + 1 };
            (duration, if success { OK } else { BAD })
        });
        prop_assert_eq!(simulation.health.consecutive_failures(), failures_in_a_row);
        prop_assert_eq!(simulation.health.is_active(), failures_in_a_row < DEACTIVATION_THRESHOLD);
        for (index, delivery) in simulation.deliveries.iter().enumerate() {
            let attempts: Vec<_> = simulation.attempts.iter().filter(|(_, delivery, _)| *delivery == index).collect();
            prop_assert!(attempts.iter().map(|(.., attempt)| *attempt).eq(1..=u32::try_from(attempts.len()).unwrap()));
            for (pair, delay) in attempts.windows(2).zip(RETRY_DELAYS) {
                prop_assert!(Duration::from_millis(u64::try_from(pair[1].0 - pair[0].0).unwrap()) >= delay);
            }
            let (count, expected) = match delivery.state() {
                DeliveryState::Delivered { attempts, .. } => (attempts, 1..=4),
                DeliveryState::Failed { reason: FailureReason::AttemptsExhausted, attempts, .. } => (attempts, 4..=4),
                DeliveryState::Failed { attempts, .. } => {
                    prop_assert!(!simulation.health.is_active());
                    (attempts, 0..=3)
                }
                state => return Err(TestCaseError::fail(format!("{state:?}"))),
            };
            prop_assert_eq!(count as usize, attempts.len());
            prop_assert!(expected.contains(&count));
        }
    }

    #[test]
    fn no_state_or_time_panics(attempt: u32, due: i64, other: u32, when: i64, success: bool, failures: u32) {
        let delivery = format!(r#"{{"kind":"event","state":{{"pending":{{"attempt":{attempt},"due":{due}}}}}}}"#);
        let delivery: Delivery = serde_json::from_str(&delivery).unwrap();
        let health = format!(r#"{{"consecutive_failures":{failures},"warning":null}}"#);
        let health: Health = serde_json::from_str(&health).unwrap();
        let outcome = if success { OK } else { BAD };
        for attempt in [attempt, other] {
            let recorded = delivery.record(&health, attempt, outcome, at(when));
            let _ = recorded.delivery.deactivate(at(when)).record(&recorded.health, other, outcome, at(due));
        }
        let _ = Signer::generate().unwrap().rotate(at(when)).unwrap().sign("", at(due));
    }
}
