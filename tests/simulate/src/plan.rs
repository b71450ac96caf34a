//! The capacity model of `docs/pages/sender/numbers.md`: what a load needs, by arithmetic alone.

use clap::Args;
use clarife_webhooks::sender::ATTEMPT_TIMEOUT;

/// The load, and what one worker can do.
#[derive(Debug, Clone, Args)]
pub(crate) struct Load {
    /// Events in a day
    #[arg(long, default_value_t = 50e6)]
    pub(crate) events_per_day: f64,
    /// How many times the day's average the busiest hour is
    #[arg(long, default_value_t = 3.0)]
    pub(crate) peak: f64,
    /// Subscriptions in all
    #[arg(long, default_value_t = 10_000)]
    pub(crate) subscriptions: usize,
    /// Subscriptions of each workspace; every event goes to all of them
    #[arg(long, default_value_t = 2)]
    pub(crate) per_workspace: usize,
    /// Share of endpoints that fail whatever they get: half refuse at once, half hang until the attempt's time is over
    #[arg(long, default_value_t = 0.01)]
    pub(crate) failing: f64,
    /// Share of all other attempts that fail by chance
    #[arg(long, default_value_t = 0.002)]
    pub(crate) mishaps: f64,
    /// Seconds after which somebody activates a deactivated subscription again, in vain
    #[arg(long, default_value_t = 900)]
    pub(crate) reactivated_after: u64,
    /// Attempts that one worker starts and records in a second (measure it: `clarife-sender bench`)
    #[arg(long, default_value_t = 2_000.0)]
    pub(crate) per_worker: f64,
    /// Attempts that one worker has under way, at most
    #[arg(long, default_value_t = 1024)]
    pub(crate) in_flight: usize,
    /// How long healthy endpoints take to answer, in milliseconds, on average
    #[arg(long, default_value_t = 150.0)]
    pub(crate) answer_ms: f64,
}

/// What the load needs.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Events in a second at the peak.
    pub(crate) events: f64,
    /// Attempts in a second at the peak.
    pub(crate) attempts: f64,
    /// Attempts under way at the peak.
    pub(crate) under_way: f64,
    /// Messages that the streams take in a second: one for each event, one for each attempt.
    pub(crate) writes: f64,
    /// Workers that can do it with one of them gone, each at no more than seven tenths of what it can.
    pub(crate) workers: usize,
}

const DAY: f64 = 86_400.0;
/// After so many failures in a row, and the attempts beside them, an endpoint that always fails is left alone.
const FAILURES: f64 = 10.0;

impl Load {
    pub(crate) fn plan(&self) -> Plan {
        let events = self.events_per_day * self.peak / DAY;
        let first = events * self.per_workspace as f64 * (1.0 - self.failing);
        let healthy = first * (1.0 + self.mishaps);
        // Each failing endpoint is tried until it is deactivated, and again each time it is activated.
        let rounds = self.subscriptions as f64 * self.failing / self.reactivated_after as f64;
        let failing = rounds * FAILURES;
        let hanging = failing / 2.0 * ATTEMPT_TIMEOUT.as_secs_f64();
        let attempts = healthy + failing;
        let under_way = healthy * self.answer_ms / 1000.0 + hanging;
        let by_rate = (attempts / (0.7 * self.per_worker)).ceil();
        let by_slots = (under_way / (0.7 * self.in_flight as f64)).ceil();
        let workers = by_rate.max(by_slots) as usize + 1;
        Plan { events, attempts, under_way, writes: events + attempts, workers }
    }
}
