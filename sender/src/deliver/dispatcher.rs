//! The dispatcher: leases due deliveries, attempts them and records the outcomes.

use std::sync::Arc;
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{ATTEMPT_TIMEOUT, Outcome, Recorded};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tracing::{Instrument as _, Span};

use super::breaker::{Breaker, Effect};
use super::client::{Client, signature_header, standard_headers};
use super::log_limit::LogLimit;
use super::streaks::Streaks;
use crate::clock::{Clock, wall};
use crate::metrics::Metrics;
use crate::store::{Attempt, LeasedDelivery, Store, StoreError};

/// Limit of the deliveries that are leased at a time.
const MAX_BATCH: usize = 512;

/// Pauses before a failed store is tried again: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Interval of the looks at the breaker while it is open.
const READY: Duration = Duration::from_millis(100);

/// Interval of the log lines about the sender's own failures.
const LOCAL_LOG: Duration = Duration::from_secs(1);

/// Interval of the log lines about failed attempts: ten a second are enough to see what fails.
const FAILURE_LOG: Duration = Duration::from_millis(100);

/// Time limit for attempts in flight when the sender stops.
const GRACE: Duration = Duration::from_secs(ATTEMPT_TIMEOUT.as_secs() + 5);

/// Dispatcher of due deliveries with a limit of concurrent attempts.
pub(crate) struct Dispatcher {
    attempts: Attempts,
    slots: Arc<Semaphore>,
    max_in_flight: u32,
}

#[derive(Clone)]
struct Attempts {
    store: Arc<Store>,
    client: Client,
    clock: Clock,
    metrics: Metrics,
    standard_webhooks: bool,
    local: Arc<Local>,
}

/// State of the sender's own failures.
struct Local {
    streaks: Streaks,
    breaker: Breaker,
    log: LogLimit,
    failure_log: LogLimit,
    /// Becomes true when the sender stops, which ends the pauses.
    stopped: watch::Sender<bool>,
}

/// Settings of deliveries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeliverySettings {
    /// Limit of concurrent attempts.
    pub(crate) max_in_flight: u32,
    /// Sends the headers of Standard Webhooks in addition to clarife's.
    pub(crate) standard_webhooks: bool,
}

impl Dispatcher {
    pub(crate) fn new(
        store: Arc<Store>,
        client: Client,
        clock: Clock,
        metrics: Metrics,
        settings: DeliverySettings,
    ) -> Self {
        let (max_in_flight, standard_webhooks) = (settings.max_in_flight.max(1), settings.standard_webhooks);
        let slots = Arc::new(Semaphore::new(usize::try_from(max_in_flight).unwrap_or(Semaphore::MAX_PERMITS)));
        let (streaks, breaker) = (Streaks::default(), Breaker::default());
        let (log, failure_log, stopped) =
            (LogLimit::new(LOCAL_LOG), LogLimit::new(FAILURE_LOG), watch::channel(false).0);
        let local = Arc::new(Local { streaks, breaker, log, failure_log, stopped });
        Self { attempts: Attempts { store, client, clock, metrics, standard_webhooks, local }, slots, max_in_flight }
    }

    /// Runs until `stop` becomes true, then waits for attempts in flight. Attempts that do not end in time are made
    /// again after the next start.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut stopped = std::pin::pin!(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        });
        tokio::select! {
            () = &mut stopped => {}
            () = self.dispatch() => {}
        }
        self.attempts.local.stopped.send_replace(true);
        let all = self.slots.acquire_many(self.max_in_flight);
        if tokio::time::timeout(GRACE, all).await.is_err() {
            tracing::warn!("attempts did not end in time; they will be made again after the next start");
        }
    }

    async fn dispatch(&self) {
        let (store, clock) = (&self.attempts.store, &self.attempts.clock);
        let mut pause = PAUSES.0;
        loop {
            let Ok(first) = Arc::clone(&self.slots).acquire_owned().await else { return };
            let free = self.slots.available_permits().saturating_add(1);
            let breaker = &self.attempts.local.breaker;
            let probe_at = breaker.probe_at();
            if let Some(left) = probe_at.and_then(|at| until(clock.now(), at)) {
                drop(first);
                tokio::time::sleep(left.min(READY)).await;
                continue;
            }
            let max = if probe_at.is_some() { 1 } else { free.min(MAX_BATCH) };
            match store.lease(clock.now(), max).await {
                Ok(deliveries) if deliveries.is_empty() => {
                    drop(first);
                    store.ready(clock.now()).await;
                }
                Ok(deliveries) => {
                    pause = PAUSES.0;
                    breaker.probe(clock.now());
                    let mut first = Some(first);
                    for leased in deliveries {
                        let slot = first.take().or_else(|| Arc::clone(&self.slots).try_acquire_owned().ok());
                        let span = tracing::info_span!(
                            "attempt",
                            delivery = %leased.id,
                            event = leased.event_id,
                            subscription = %leased.subscription.id,
                            number = leased.attempt,
                            outcome = tracing::field::Empty,
                        );
                        tokio::spawn(self.attempts.clone().attempt(leased, slot).instrument(span));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot lease deliveries");
                    drop(first);
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(PAUSES.1);
                }
            }
        }
    }
}

impl Attempts {
    /// Attempts one delivery; frees the slot when the outcome is recorded.
    async fn attempt(self, leased: LeasedDelivery, slot: Option<OwnedSemaphorePermit>) {
        let in_flight = self.metrics.attempt_started();
        let (signer, body, signed_at) = (&leased.subscription.signer, leased.body.clone(), wall());
        let started_at = self.clock.now();
        self.metrics.attempt_late_by(leased.due, started_at);
        let Ok(signature) = signer.sign(&body, signed_at) else {
            tracing::error!("cannot sign: the system clock is before 1970 or far in the future");
            tokio::time::sleep(PAUSES.1).await;
            self.store.release(&leased).await;
            return;
        };
        let mut headers = vec![signature_header(&signature)];
        if self.standard_webhooks
            && let Ok(standard) = signer.sign_standard(&body, &leased.event_id, signed_at)
        {
            headers.extend(standard_headers(&standard)); // some ids are not valid in a header
        }
        let response = self.client.post(&leased.subscription.subscription.url, body, headers).await;
        Span::current().record("outcome", tracing::field::display(response.outcome));
        let host = leased.subscription.subscription.url.host();
        let effect = self.local.breaker.record(host, response.outcome, self.clock.now());
        self.report_breaker(effect);
        if response.outcome.is_local() || matches!(effect, Effect::Opened | Effect::Open) {
            drop((slot, in_flight)); // others may use them meanwhile
            return self.postpone(&leased, response.error.as_deref().unwrap_or_default()).await;
        }
        self.local.streaks.end(&leased.subscription.id);
        let attempt = Attempt {
            number: leased.attempt,
            started_at,
            ended_at: started_at.saturating_add(response.took),
            outcome: response.outcome,
            error: response.error,
            response_body: response.body,
        };
        self.metrics.attempt_ended(&attempt);
        if !attempt.outcome.is_success() {
            self.log_failure(&attempt, host, response.took);
        }
        if let Some(recorded) = self.record(&leased, attempt).await {
            self.report(&leased, response.outcome, &recorded);
        }
    }

    /// Keeps a delivery that the sender itself failed to attempt for a pause, and releases it unchanged.
    ///
    /// Nothing is written. The lease goes on, so that the delivery is not attempted meanwhile and a subscription has no
    /// more deliveries in a pause than it may have in flight. The next attempt needs a new lease, which the store grants
    /// only where this worker still delivers.
    async fn postpone(&self, leased: &LeasedDelivery, cause: &str) {
        self.metrics.failed_locally();
        let now = self.clock.now();
        let pause = self.local.streaks.pause(&leased.subscription.id, now);
        if let Some(others) = self.local.log.allow(now) {
            let host = leased.subscription.subscription.url.host();
            tracing::warn!(host, cause, ?pause, others, "cannot make an attempt: the sender itself failed");
        }
        let mut stopped = self.local.stopped.subscribe();
        let _ = tokio::time::timeout(pause, stopped.wait_for(|stopped| *stopped)).await;
        if !self.store.release(leased).await {
            self.local.streaks.end(&leased.subscription.id);
        }
    }

    /// Records an attempt, with retries until the store accepts it: an unrecorded attempt would be made again.
    async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Option<Recorded> {
        let mut pause = PAUSES.0;
        loop {
            match self.store.record(leased, attempt.clone()).await {
                Ok(recorded) => return recorded,
                Err(StoreError::Unavailable(why)) => {
                    tracing::error!(why, "cannot record an attempt yet");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(PAUSES.1);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot record an attempt");
                    return None;
                }
            }
        }
    }

    /// Logs a failed attempt with its cause. The span names the delivery and the subscription.
    fn log_failure(&self, attempt: &Attempt, host: &str, took: Duration) {
        if let Some(others) = self.local.failure_log.allow(attempt.ended_at) {
            tracing::info!(host, outcome = %attempt.outcome, cause = attempt.error, ?took, others, "an attempt failed");
        }
    }

    /// Reports a breaker that opened or closed.
    fn report_breaker(&self, effect: Effect) {
        match effect {
            Effect::None | Effect::Open => {}
            Effect::Opened => {
                self.metrics.network_is_down(true);
                tracing::error!(
                    "stopped attempts: most endpoints fail at once, so the fault is near this machine; one attempt a \
                     second goes on, and failures do not count until one succeeds"
                );
            }
            Effect::Closed => {
                self.metrics.network_is_down(false);
                tracing::info!("resumed attempts: an endpoint responds again");
            }
        }
    }

    fn report(&self, leased: &LeasedDelivery, outcome: Outcome, recorded: &Recorded) {
        tracing::debug!("attempted");
        self.metrics.recorded(recorded);
        if recorded.deactivated {
            let host = leased.subscription.subscription.url.host();
            tracing::warn!(host, %outcome, "deactivated a subscription");
        }
    }
}

/// Returns the time from `now` until a later time.
fn until(now: UnixTime, later: UnixTime) -> Option<Duration> {
    let left = later.as_millis().saturating_sub(now.as_millis());
    u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis)
}
