//! Vectors of health: one subscription over several deliveries.

use std::collections::BTreeMap;

use clarife_webhooks::sender::{DEACTIVATION_THRESHOLD, Delivery, DeliveryState, Health};
use serde_json::Value;

use crate::report::{Outcome, same, strings};
use crate::retry::{outcome, state, time};

/// A subscription and its deliveries.
#[derive(Default)]
struct Subscription {
    health: Health,
    deliveries: BTreeMap<String, Delivery>,
    /// The number of the attempt in flight, by delivery.
    in_flight: BTreeMap<String, u32>,
    /// `true` if the sender also ends deliveries with an attempt in flight. The outcome of the attempt must not differ.
    ends_all: bool,
}

pub(crate) fn health(group: &Value, test: &Value) -> Outcome {
    same("limit", u64::from(DEACTIVATION_THRESHOLD), group["limit"].as_u64().expect("a limit"))?;
    for ends_all in [false, true] {
        let mut subscription = Subscription { ends_all, ..Subscription::default() };
        for (index, step) in test["steps"].as_array().expect("steps").iter().enumerate() {
            subscription.step(step).map_err(|got| format!("step {}: {got}", index + 1))?;
        }
        same("active at the end", subscription.health.is_active(), test["result"] == "valid")?;
    }
    Ok(())
}

impl Subscription {
    fn step(&mut self, step: &Value) -> Outcome {
        let at = time(&step["at"]);
        let name = step["delivery"].as_str().unwrap_or_default();
        let mut ended = Vec::new();
        match step["step"].as_str().expect("a step") {
            "event" => {
                self.deliveries.insert(name.to_owned(), Delivery::new(&self.health, at));
            }
            "start" => {
                let DeliveryState::Pending { attempt, .. } = self.deliveries[name].state() else {
                    return Err(format!("{name} is not pending"));
                };
                self.in_flight.insert(name.to_owned(), attempt);
            }
            "attempt" => ended = self.attempt(name, step)?,
            "test_event" => {
                let recorded = Delivery::test(at).record(&self.health, 1, outcome(&step["outcome"]), at);
                same("a test event's attempts", recorded.delivery.due(), None)?;
                same("deactivated by a test event", recorded.deactivated, false)?;
                self.health = recorded.health;
            }
            "reactivate" => self.health = self.health.reactivate(),
            other => panic!("a step: {other}"),
        }
        let expected = &step["expect"];
        if let Some(state_after) = expected.get("state") {
            same("state", state(&self.deliveries[name]), state_after.clone())?;
        }
        if let Some(failures) = expected["consecutiveFailures"].as_u64() {
            same("consecutive failures", u64::from(self.health.consecutive_failures()), failures)?;
        }
        same("active", self.health.is_active(), expected["active"] == true)?;
        same("warning", self.health.warning().is_some(), expected["active"] == false)?;
        let mut names = strings(&expected["ended"]);
        names.sort_unstable();
        same("ended", ended.iter().map(String::as_str).collect(), names)
    }

    /// Records an attempt, ends the deliveries that a deactivation ends, and returns their names.
    fn attempt(&mut self, name: &str, step: &Value) -> Result<Vec<String>, String> {
        let at = time(&step["at"]);
        let delivery = *self.deliveries.entry(name.to_owned()).or_insert_with(|| Delivery::new(&self.health, at));
        let attempt = match (self.in_flight.remove(name), delivery.state()) {
            (Some(attempt), _) => attempt,
            (None, DeliveryState::Pending { attempt, due }) if due <= at => attempt,
            (None, other) => return Err(format!("no attempt of {name} at {at:?}: {other:?}")),
        };
        let recorded = delivery.record(&self.health, attempt, outcome(&step["outcome"]), at);
        same("deactivated", recorded.deactivated, self.health.is_active() && !recorded.health.is_active())?;
        self.health = recorded.health;
        self.deliveries.insert(name.to_owned(), recorded.delivery);
        if !recorded.deactivated {
            return Ok(Vec::new());
        }
        let mut ended = Vec::new();
        for (other, delivery) in &mut self.deliveries {
            let in_flight = self.in_flight.contains_key(other);
            if other == name || delivery.due().is_none() || (in_flight && !self.ends_all) {
                continue;
            }
            *delivery = delivery.deactivate(at);
            same("a deactivated delivery", state(delivery)["reason"].as_str(), Some("subscription_deactivated"))?;
            if !in_flight {
                ended.push(other.clone());
            }
        }
        Ok(ended)
    }
}
