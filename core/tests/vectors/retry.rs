//! Vectors of retries: the attempts of one delivery.

use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, Delivery, DeliveryState, FailureKind, FailureReason, Health, Outcome as AttemptOutcome,
    RETRY_DELAYS,
};
use serde_json::{Value, json};

use crate::report::{Outcome, same};

pub(crate) fn retry(group: &Value, test: &Value) -> Outcome {
    let delays = RETRY_DELAYS.map(|delay| json!(delay.as_millis()));
    same("delays", group["retryDelays"].as_array().expect("delays").as_slice(), delays.as_slice())?;
    same("time-out", ATTEMPT_TIMEOUT, Duration::from_millis(number(&group["timeout"]).unsigned_abs()))?;

    let mut health = Health::new();
    let mut delivery = Delivery::new(&health, time(&json!(0)));
    let mut number_of_attempt = 0;
    for attempt in test["attempts"].as_array().expect("attempts") {
        number_of_attempt += 1;
        let DeliveryState::Pending { attempt: expected, due } = delivery.state() else {
            return Err(format!("no attempt {number_of_attempt}: {:?}", delivery.state()));
        };
        same("attempt", expected, number_of_attempt)?;
        let start = time(&attempt["at"]);
        if due > start {
            return Err(format!("attempt {number_of_attempt} is due at {due:?}, after {start:?}"));
        }
        let end = start.saturating_add(Duration::from_millis(number(&attempt["took"]).unsigned_abs()));
        let recorded = delivery.record(&health, number_of_attempt, outcome(&attempt["outcome"]), end);
        (delivery, health) = (recorded.delivery, recorded.health);
        same(&format!("after attempt {number_of_attempt}"), state(&delivery), attempt["expect"].clone())?;
        same("due", delivery.due().is_some(), attempt["expect"]["state"] == "retry")?;
    }
    same("delivered", matches!(delivery.state(), DeliveryState::Delivered { .. }), test["result"] == "valid")?;
    same("ended", delivery.due(), None)
}

pub(crate) fn number(value: &Value) -> i64 {
    value.as_i64().expect("a whole number")
}

/// Reads a time of a file, in milliseconds after `START`.
pub(crate) fn time(millis: &Value) -> UnixTime {
    UnixTime::from_millis(START + number(millis))
}

const START: i64 = 1_711_612_800_000;

pub(crate) fn outcome(outcome: &Value) -> AttemptOutcome {
    match (outcome["status"].as_u64(), outcome["failure"].as_str()) {
        (Some(status), _) => AttemptOutcome::Status(u16::try_from(status).expect("a status")),
        (_, Some("timeout")) => AttemptOutcome::Failure(FailureKind::Timeout),
        (_, Some("connection")) => AttemptOutcome::Failure(FailureKind::Connection),
        (_, Some("tls")) => AttemptOutcome::Failure(FailureKind::Tls),
        _ => panic!("an outcome: {outcome}"),
    }
}

/// Returns the state of a delivery in the format of the files: pending before the first attempt, and a retry after it.
pub(crate) fn state(delivery: &Delivery) -> Value {
    match delivery.state() {
        DeliveryState::Pending { attempt: 1, .. } => json!({"state": "pending"}),
        DeliveryState::Pending { due, .. } => json!({"state": "retry", "at": due.as_millis() - START}),
        DeliveryState::Delivered { .. } => json!({"state": "delivered"}),
        DeliveryState::Held { .. } => json!({"state": "held"}),
        DeliveryState::Failed { reason, .. } => json!({"state": "failed", "reason": match reason {
            FailureReason::AttemptsExhausted => "attempts_exhausted",
            FailureReason::SubscriptionDeactivated => "subscription_deactivated",
            _ => "?",
        }}),
    }
}
