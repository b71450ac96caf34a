//! Metrics for Prometheus.

use std::sync::Arc;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{DeliveryState, FailureKind, Outcome, Recorded};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::store::{Attempt, Stats};

/// Shared counters. Label values never come from requests, so their number is bounded.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    events: Counter,
    repeated: Counter,
    attempts: Family<AttemptLabels, Counter>,
    attempt_seconds: Histogram,
    late_seconds: Histogram,
    in_flight: Gauge,
    network_down: Gauge,
    ended: Family<EndLabels, Counter>,
    deactivated: Counter,
    requests: Family<RequestLabels, Counter>,
    pending: Gauge,
    subscriptions: Family<SubscriptionLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubscriptionLabels {
    active: bool,
}

/// Guard that counts an attempt as in flight while it lives.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("clarife_sender");
        let buckets = || [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0].into_iter();
        let mut inner = Inner {
            registry: Registry::default(),
            events: Counter::default(),
            repeated: Counter::default(),
            attempts: Family::default(),
            attempt_seconds: Histogram::new(buckets()),
            late_seconds: Histogram::new(buckets()),
            in_flight: Gauge::default(),
            network_down: Gauge::default(),
            ended: Family::default(),
            deactivated: Counter::default(),
            requests: Family::default(),
            pending: Gauge::default(),
            subscriptions: Family::default(),
        };
        registry.register("events_accepted", "Events accepted", inner.events.clone());
        registry.register("events_repeated", "Events that were accepted before", inner.repeated.clone());
        registry.register(
            "attempts",
            "Attempts by status or failure; local is the sender's own",
            inner.attempts.clone(),
        );
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "attempt",
            "Duration of attempts, up to the response headers",
            seconds.clone(),
            inner.attempt_seconds.clone(),
        );
        registry.register_with_unit(
            "attempt_lateness",
            "Delay between the due time and the start of attempts",
            seconds,
            inner.late_seconds.clone(),
        );
        registry.register("attempts_in_flight", "Attempts in flight", inner.in_flight.clone());
        let network_down = inner.network_down.clone();
        registry.register("network_down", "1 while most endpoints fail at once and attempts are stopped", network_down);
        registry.register("deliveries_ended", "Deliveries that were delivered or failed", inner.ended.clone());
        registry.register("deactivations", "Subscriptions deactivated after failures", inner.deactivated.clone());
        registry.register("api_requests", "Responses of the API by status", inner.requests.clone());
        registry.register("deliveries_pending", "Pending deliveries", inner.pending.clone());
        registry.register("subscriptions", "Subscriptions", inner.subscriptions.clone());
        inner.registry = registry;
        Self(Arc::new(inner))
    }

    /// Counts accepted events, new and repeated.
    pub(crate) fn accepted(&self, new: usize, repeated: usize) {
        self.0.events.inc_by(u64::try_from(new).unwrap_or_default());
        self.0.repeated.inc_by(u64::try_from(repeated).unwrap_or_default());
    }

    /// Counts a response of the API.
    pub(crate) fn responded(&self, status: u16) {
        self.0.requests.get_or_create(&RequestLabels { status }).inc();
    }

    pub(crate) fn attempt_started(&self) -> InFlight {
        self.0.in_flight.inc();
        InFlight(self.0.in_flight.clone())
    }

    pub(crate) fn attempt_late_by(&self, due: UnixTime, started_at: UnixTime) {
        self.0.late_seconds.observe(seconds(due, started_at));
    }

    pub(crate) fn attempt_ended(&self, attempt: &Attempt) {
        self.0.attempt_seconds.observe(seconds(attempt.started_at, attempt.ended_at));
        let outcome = match attempt.outcome {
            Outcome::Status(status @ 100..=599) => status.to_string(),
            Outcome::Status(_) => "other".to_owned(),
            Outcome::Failure(kind) => kind.as_str().to_owned(),
        };
        self.0.attempts.get_or_create(&AttemptLabels { outcome }).inc();
    }

    /// Counts an attempt that the sender itself failed to make. It has no duration, because the endpoint
    /// was not attempted.
    pub(crate) fn failed_locally(&self) {
        let outcome = FailureKind::Local.as_str().to_owned();
        self.0.attempts.get_or_create(&AttemptLabels { outcome }).inc();
    }

    pub(crate) fn network_is_down(&self, down: bool) {
        self.0.network_down.set(down.into());
    }

    pub(crate) fn recorded(&self, recorded: &Recorded) {
        let state = match recorded.delivery.state() {
            _ if !recorded.changed => None,
            DeliveryState::Delivered { .. } => Some("delivered"),
            DeliveryState::Failed { .. } => Some("failed"),
            _ => None,
        };
        if let Some(state) = state {
            self.0.ended.get_or_create(&EndLabels { state }).inc();
        }
        if recorded.deactivated {
            self.0.deactivated.inc();
        }
    }

    /// Returns all metrics in OpenMetrics' text format.
    pub(crate) fn text(&self, stats: Stats) -> String {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.0.pending.set(number(stats.pending));
        for (active, count) in [(true, stats.active), (false, stats.deactivated)] {
            self.0.subscriptions.get_or_create(&SubscriptionLabels { active }).set(number(count));
        }
        let mut text = String::new();
        let _ = encode(&mut text, &self.0.registry); // writing to a string does not fail
        text
    }
}

#[expect(clippy::cast_precision_loss, reason = "a histogram needs no more digits")]
fn seconds(from: UnixTime, to: UnixTime) -> f64 {
    to.as_millis().saturating_sub(from.as_millis()).max(0) as f64 / 1000.0
}
