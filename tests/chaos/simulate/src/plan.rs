//! The capacity model of `docs/pages/sender/capacity.md`: the resources that a load needs.

use clap::Args;
use clarife_webhooks::sender::ATTEMPT_TIMEOUT;

use crate::engine::Engine;

/// The load, and the capacity of one worker.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// Events per day
    #[arg(long, default_value_t = 50e6)]
    pub(crate) events_per_day: f64,
    /// Factor of the busiest hour over the day's average
    #[arg(long, default_value_t = 3.0)]
    pub(crate) peak: f64,
    /// Number of subscriptions
    #[arg(long, default_value_t = 10_000)]
    pub(crate) subscriptions: usize,
    /// Subscriptions per workspace; every event goes to all of them
    #[arg(long, default_value_t = 2)]
    pub(crate) per_workspace: usize,
    /// Share of endpoints that always fail: half of them refuse at once, half never respond
    #[arg(long, default_value_t = 0.01)]
    pub(crate) failing: f64,
    /// Share of all other attempts that fail at random
    #[arg(long, default_value_t = 0.002)]
    pub(crate) mishaps: f64,
    /// Seconds until a deactivated subscription is activated again, in vain
    #[arg(long, default_value_t = 900)]
    pub(crate) reactivated_after: u64,
    /// Attempts per second that one worker makes and records, as `clarife-sender bench` measures them [default: as
    /// measured for the engine]
    #[arg(long)]
    per_worker: Option<f64>,
    /// Limit of concurrent attempts per worker
    #[arg(long, default_value_t = 1024)]
    pub(crate) in_flight: usize,
    /// Average response time of healthy endpoints, in milliseconds
    #[arg(long = "answer-ms", default_value_t = 150.0)]
    pub(crate) response_ms: f64,
}

/// The resources that a load needs.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Events per second at the peak.
    pub(crate) events: f64,
    /// Attempts per second at the peak.
    pub(crate) attempts: f64,
    /// Attempts in flight at the peak.
    pub(crate) in_flight_attempts: f64,
    /// Writes per second: one per event and one per attempt.
    pub(crate) writes: f64,
    /// Workers needed at no more than 70 % of their capacity, and one to spare.
    pub(crate) workers: usize,
    /// Processors at the peak, of the workers and of the store's servers.
    pub(crate) processors: f64,
    /// Disk for a day's events and deliveries, on all servers together.
    pub(crate) bytes_a_day: f64,
    /// Memory of the store's servers for each kept day.
    pub(crate) kept_a_day: f64,
}

const DAY: f64 = 86_400.0;
/// Attempts after which an endpoint that always fails is deactivated.
const FAILURES: f64 = 10.0;

impl Load {
    /// Returns the attempts per second of one worker.
    pub(crate) fn per_worker(&self, engine: Engine) -> f64 {
        self.per_worker.unwrap_or(engine.costs().attempts)
    }

    pub(crate) fn plan(&self, engine: Engine) -> Plan {
        let costs = engine.costs();
        let events = self.events_per_day * self.peak / DAY;
        let first = events * self.per_workspace as f64 * (1.0 - self.failing);
        let healthy = first * (1.0 + self.mishaps);
        // Failing endpoints are attempted until they are deactivated, and again after each activation.
        let rounds = self.subscriptions as f64 * self.failing / self.reactivated_after as f64;
        let failing = rounds * FAILURES;
        let hanging = failing / 2.0 * ATTEMPT_TIMEOUT.as_secs_f64();
        let attempts = healthy + failing;
        let in_flight_attempts = healthy * self.response_ms / 1000.0 + hanging;
        let by_rate = (attempts / (0.7 * self.per_worker(engine))).ceil();
        let by_slots = (in_flight_attempts / (0.7 * self.in_flight as f64)).ceil();
        let workers = (by_rate.max(by_slots) as usize + 1).min(costs.workers);
        let processors = (events * costs.event_ms + attempts * costs.attempt_ms) / 1000.0;
        let deliveries = costs.delivery_bytes * self.per_workspace as f64;
        let bytes_a_day = self.events_per_day * (costs.event_bytes + deliveries);
        let kept_a_day = self.events_per_day * costs.kept_bytes;
        let writes = events + attempts;
        Plan { events, attempts, in_flight_attempts, writes, workers, processors, bytes_a_day, kept_a_day }
    }
}
