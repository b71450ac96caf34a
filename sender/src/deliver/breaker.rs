//! A circuit breaker: attempts stop while most endpoints fail at once, because the fault is then near the sender.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{FailureKind, Outcome};

/// Window of the outcomes that are compared.
const WINDOW: Duration = Duration::from_secs(10);

/// Number of distinct hosts below which the share of the failing ones says nothing.
const MIN_HOSTS: usize = 5;

/// Share of failing hosts that opens the breaker, in percent.
const SHARE: usize = 80;

/// Interval of the probes while the breaker is open.
const PROBES: Duration = Duration::from_secs(1);

/// Time for which a host's last outcome is remembered.
const MEMORY: Duration = Duration::from_secs(600);

/// Circuit breaker of all attempts.
///
/// A host that has failed for longer than the window is not compared with the others. Endpoints that are always down
/// therefore neither open the breaker nor open it again.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    hosts: HashMap<String, Host>,
    pruned_at: Option<UnixTime>,
    /// Earliest time of the next probe, if the breaker is open.
    next_probe: Option<UnixTime>,
}

#[derive(Debug)]
struct Host {
    /// Time of the last outcome.
    last: UnixTime,
    /// Time of the first failure since the last success.
    failing_since: Option<UnixTime>,
}

/// Effect of an outcome on the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// The breaker stays closed, or is closed already: the outcome counts.
    None,
    /// The breaker opened. The outcome does not count.
    Opened,
    /// The breaker is open. The outcome does not count.
    Open,
    /// The breaker closed.
    Closed,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the time before which no attempt may start, or `None` if attempts are not limited.
    pub(super) fn probe_at(&self) -> Option<UnixTime> {
        self.state().next_probe
    }

    /// Notes that a probe starts.
    pub(super) fn probe(&self, now: UnixTime) {
        if let Some(next) = &mut self.state().next_probe {
            *next = now.saturating_add(PROBES);
        }
    }

    /// Notes the outcome of an attempt at a host.
    pub(super) fn record(&self, host: &str, outcome: Outcome, now: UnixTime) -> Effect {
        let mut state = self.state();
        let failed = may_be_ours(outcome);
        let is_open = state.next_probe.is_some();
        if let Some(known) = state.hosts.get_mut(host) {
            known.last = now;
            known.failing_since = failed.then(|| known.failing_since.unwrap_or(now));
        } else {
            state.hosts.insert(host.to_owned(), Host { last: now, failing_since: failed.then_some(now) });
        }
        state.prune(now);
        match (is_open, failed) {
            (true, true) => Effect::Open,
            (true, false) => {
                state.next_probe = None;
                Effect::Closed
            }
            (false, true) if state.most_fail(now) => {
                state.next_probe = Some(now.saturating_add(PROBES));
                Effect::Opened
            }
            (false, _) => Effect::None,
        }
    }
}

impl State {
    /// Tells if most of the hosts fail that had an outcome within the window.
    fn most_fail(&self, now: UnixTime) -> bool {
        let (mut hosts, mut failing) = (0_usize, 0_usize);
        for host in self.hosts.values().filter(|host| is_within(host.last, now, WINDOW)) {
            match host.failing_since {
                None => hosts = hosts.saturating_add(1),
                Some(since) if is_within(since, now, WINDOW) => {
                    hosts = hosts.saturating_add(1);
                    failing = failing.saturating_add(1);
                }
                Some(_) => {}
            }
        }
        hosts >= MIN_HOSTS && failing.saturating_mul(100) >= hosts.saturating_mul(SHARE)
    }

    /// Removes hosts without recent outcomes, at most once per window.
    fn prune(&mut self, now: UnixTime) {
        if self.pruned_at.is_none_or(|at| !is_within(at, now, WINDOW)) {
            self.hosts.retain(|_, host| is_within(host.last, now, MEMORY));
            self.pruned_at = Some(now);
        }
    }
}

fn is_within(past: UnixTime, now: UnixTime, limit: Duration) -> bool {
    now <= past.saturating_add(limit)
}

/// Tells if a failure can come from the sender's own network or machine.
const fn may_be_ours(outcome: Outcome) -> bool {
    use FailureKind::{Connection, Dns, Local, Timeout};
    matches!(outcome, Outcome::Failure(Local | Connection | Dns | Timeout))
}

#[cfg(test)]
mod tests {
    use clarife_webhooks::UnixTime;
    use clarife_webhooks::sender::{FailureKind, Outcome};

    use super::{Breaker, Effect};

    const OK: Outcome = Outcome::Status(200);
    const DOWN: Outcome = Outcome::Failure(FailureKind::Connection);

    const fn at(millis: i64) -> UnixTime {
        UnixTime::from_millis(millis)
    }

    /// Records the same outcome for the hosts from `first` to `last`, and returns the last effect.
    fn record(breaker: &Breaker, hosts: std::ops::RangeInclusive<u8>, outcome: Outcome, when: i64) -> Effect {
        hosts.map(|host| breaker.record(&format!("{host}.example.com"), outcome, at(when))).last().expect("has hosts")
    }

    #[test]
    fn most_hosts_must_fail_within_the_window() {
        let breaker = Breaker::default();
        assert_eq!(record(&breaker, 1..=4, DOWN, 0), Effect::None); // too few
        assert_eq!(record(&breaker, 5..=6, OK, 0), Effect::None);
        assert_eq!(record(&breaker, 7..=9, DOWN, 1000), Effect::None); // 7 of 9
        assert_eq!(record(&breaker, 10..=10, DOWN, 1000), Effect::Opened); // 8 of 10
        let spread = Breaker::default();
        assert_eq!(record(&spread, 1..=3, DOWN, 0), Effect::None);
        assert_eq!(record(&spread, 4..=6, DOWN, 10_001), Effect::None);
        assert_eq!(record(&spread, 7..=8, DOWN, 20_000), Effect::Opened);
    }

    #[test]
    fn an_answer_of_any_kind_is_no_failure() {
        for outcome in [Outcome::Status(500), Outcome::Failure(FailureKind::Tls)] {
            assert_eq!(record(&Breaker::default(), 1..=20, outcome, 0), Effect::None);
        }
        let breaker = Breaker::default();
        for _ in 0..100 {
            assert_eq!(record(&breaker, 1..=1, DOWN, 0), Effect::None); // one host, however often
        }
    }

    #[test]
    fn a_probe_a_second_until_one_succeeds() {
        let breaker = Breaker::default();
        assert_eq!(breaker.probe_at(), None);
        assert_eq!(record(&breaker, 1..=5, DOWN, 0), Effect::Opened);
        assert_eq!(breaker.probe_at(), Some(at(1000)));
        breaker.probe(at(1500));
        assert_eq!(breaker.probe_at(), Some(at(2500)));
        assert_eq!(record(&breaker, 1..=1, DOWN, 1600), Effect::Open);
        assert_eq!(record(&breaker, 2..=2, OK, 2600), Effect::Closed);
        assert_eq!(breaker.probe_at(), None);
    }

    #[test]
    fn endpoints_that_are_always_down_do_not_open_it_again() {
        let breaker = Breaker::default();
        assert_eq!(record(&breaker, 1..=20, DOWN, 0), Effect::Open);
        assert_eq!(record(&breaker, 21..=21, OK, 11_000), Effect::Closed);
        assert_eq!(record(&breaker, 1..=20, DOWN, 12_000), Effect::None);
        assert_eq!(record(&breaker, 1..=5, OK, 60_000), Effect::None); // they work again …
        assert_eq!(record(&breaker, 1..=5, DOWN, 71_000), Effect::Opened); // … and fail at once
    }

    #[test]
    fn hosts_are_forgotten() {
        let breaker = Breaker::default();
        record(&breaker, 1..=20, OK, 0);
        record(&breaker, 1..=1, OK, 600_001);
        assert_eq!(breaker.state().hosts.len(), 1);
    }
}
