//! The simulated world: a heap of events over the core's states, without a clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, Delivery, DeliveryState, EndpointUrl, EventTypes, FailureKind, Outcome, Plan, Subscription,
};

use crate::engine::Engine;
use crate::plan::Load;

/// Limit of concurrent attempts per subscription.
const PER_SUBSCRIPTION: usize = 8;
/// Time until other workers have taken over the partitions of a killed worker, in milliseconds: a lease and the
/// take-over.
const TAKE_OVER: i64 = 15_000 + 1_000;
/// Time of recording an attempt before the next may start, in milliseconds.
const RECORDING: i64 = 5;

/// Behaviour of an endpoint.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Responds after this time on average, in milliseconds.
    Healthy(f64),
    Refusing,
    Hanging,
}

struct Subscriber {
    subscription: Subscription,
    kind: Kind,
    partition: usize,
    in_flight: usize,
    fresh: VecDeque<usize>,
    retries: BinaryHeap<Reverse<(i64, usize)>>,
    queued: bool,
}

struct Worker {
    alive: bool,
    in_flight: usize,
    /// Time at which the next attempt can start.
    free_at: f64,
    retries: VecDeque<usize>,
    fresh: VecDeque<usize>,
}

struct Item {
    delivery: Delivery,
    subscriber: usize,
    worker: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Event {
    Arrival,
    Due(usize),
    Response { item: usize, worker: usize, success: bool },
    Reactivation(usize),
    Kill(usize),
    TakeOver(usize),
}

/// The world.
pub(crate) struct World {
    load: Load,
    per_worker: f64,
    now: i64,
    heap: BinaryHeap<Reverse<(i64, u64, Event)>>,
    order: u64,
    subscribers: Vec<Subscriber>,
    workers: Vec<Worker>,
    /// Worker of each partition; `None` for a while after a kill.
    owners: Vec<Option<usize>>,
    items: Vec<Item>,
    free_items: Vec<usize>,
    /// Current factor over the peak.
    burst: f64,
    pub(crate) report: Report,
}

/// Results of a simulation.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) events: u64,
    pub(crate) attempts: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) held: u64,
    pub(crate) deactivations: u64,
    pub(crate) pending: u64,
    pub(crate) max_pending: u64,
    pub(crate) in_flight: u64,
    pub(crate) max_in_flight: u64,
    /// Attempts in flight integrated over time, in milliseconds.
    in_flight_time: i64,
    counted_at: i64,
    /// Lateness of first attempts and of retries, in milliseconds.
    pub(crate) first_late: Vec<u32>,
    pub(crate) retry_late: Vec<u32>,
    /// Attempts per second.
    pub(crate) per_second: Vec<u32>,
}

impl Report {
    fn count(&mut self, now: i64, change: i64) {
        self.in_flight_time += self.in_flight as i64 * (now - self.counted_at);
        self.counted_at = now;
        self.in_flight = self.in_flight.saturating_add_signed(change);
        self.max_in_flight = self.max_in_flight.max(self.in_flight);
    }

    pub(crate) fn mean_in_flight(&self) -> f64 {
        self.in_flight_time as f64 / self.counted_at.max(1) as f64
    }
}

impl World {
    pub(crate) fn new(load: &Load, engine: Engine, workers: usize) -> Self {
        let partitions = engine.costs().parts;
        let url = EndpointUrl::parse("https://example.com/hooks").expect("a URL");
        let failing = (load.subscriptions as f64 * load.failing).round() as usize;
        let subscribers = (0..load.subscriptions).map(|index| {
            let kind = match index {
                index if index >= failing => {
                    let spread = 16_f64; // ratio of the slowest to the fastest endpoint
                    let low = load.response_ms * spread.ln() / (spread - 1.0);
                    Kind::Healthy(low * spread.powf(fastrand::f64()))
                }
                index if index % 2 == 0 => Kind::Refusing,
                _ => Kind::Hanging,
            };
            Subscriber {
                subscription: Subscription::create(Plan::Business, 0, url.clone(), EventTypes::ALL).expect("the first"),
                kind,
                partition: 0,
                in_flight: 0,
                fresh: VecDeque::new(),
                retries: BinaryHeap::new(),
                queued: false,
            }
        });
        let mut subscribers: Vec<Subscriber> = subscribers.collect();
        fastrand::shuffle(&mut subscribers);
        for (index, subscriber) in subscribers.iter_mut().enumerate() {
            subscriber.partition = index / load.per_workspace % partitions;
        }
        let new =
            || Worker { alive: true, in_flight: 0, free_at: 0.0, retries: VecDeque::new(), fresh: VecDeque::new() };
        Self {
            load: load.clone(),
            per_worker: load.per_worker(engine),
            now: 0,
            heap: BinaryHeap::new(),
            order: 0,
            subscribers,
            workers: (0..workers).map(|_| new()).collect(),
            owners: (0..partitions).map(|partition| Some(partition % workers)).collect(),
            items: Vec::new(),
            free_items: Vec::new(),
            burst: 1.0,
            report: Report::default(),
        }
    }

    /// Simulates `seconds`. For a minute from `burst.0`, `burst.1` times as many events arrive. At `kill`, the first
    /// worker is killed.
    pub(crate) fn run(&mut self, seconds: i64, burst: (i64, f64), kill: Option<i64>) {
        self.report.per_second = vec![0; usize::try_from(seconds).unwrap_or(0) + 1];
        self.schedule(0, Event::Arrival);
        if let Some(kill) = kill {
            self.schedule(kill * 1000, Event::Kill(0));
        }
        while let Some(Reverse((at, _, event))) = self.heap.pop() {
            if at > seconds * 1000 {
                break;
            }
            self.now = at;
            self.burst = if (burst.0..burst.0 + 60).contains(&(at / 1000)) { burst.1 } else { 1.0 };
            self.handle(event);
        }
        self.now = seconds * 1000;
        self.report.count(self.now, 0);
    }

    fn schedule(&mut self, at: i64, event: Event) {
        self.order += 1;
        self.heap.push(Reverse((at, self.order, event)));
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrive(),
            Event::Due(subscriber) => self.wake(subscriber),
            Event::Response { item, worker, success } => self.respond(item, worker, success),
            Event::Reactivation(subscriber) => {
                let health = &mut self.subscribers[subscriber].subscription.health;
                *health = health.reactivate();
            }
            Event::Kill(worker) => {
                let dead = &mut self.workers[worker];
                (dead.alive, dead.in_flight) = (false, 0);
                dead.retries.clear();
                dead.fresh.clear();
                for (partition, owner) in self.owners.iter_mut().enumerate() {
                    if *owner == Some(worker) {
                        *owner = None;
                        self.order += 1;
                        let at = self.now + TAKE_OVER;
                        self.heap.push(Reverse((at, self.order, Event::TakeOver(partition))));
                    }
                }
                for subscriber in &mut self.subscribers {
                    if self.owners[subscriber.partition].is_none() {
                        subscriber.queued = false;
                    }
                }
            }
            Event::TakeOver(partition) => {
                let alive: Vec<usize> = (0..self.workers.len()).filter(|worker| self.workers[*worker].alive).collect();
                self.owners[partition] = alive.get(partition % alive.len().max(1)).copied();
                for subscriber in 0..self.subscribers.len() {
                    if self.subscribers[subscriber].partition == partition {
                        self.wake(subscriber);
                    }
                }
            }
        }
    }

    /// Adds an event of a random workspace and schedules the next one. Busy workspaces have many times the events of
    /// quiet ones.
    fn arrive(&mut self) {
        self.report.events += 1;
        let workspaces = self.subscribers.len() / self.load.per_workspace;
        let workspace = (fastrand::f64().powi(2) * workspaces as f64) as usize;
        for subscriber in workspace * self.load.per_workspace..(workspace + 1) * self.load.per_workspace {
            let subscription = &self.subscribers[subscriber].subscription;
            let Some(delivery) = subscription.accept(EventType::DocumentUpdated, UnixTime::from_millis(self.now))
            else {
                continue;
            };
            if delivery.due().is_none() {
                self.report.held += 1;
                continue;
            }
            self.report.pending += 1;
            self.report.max_pending = self.report.max_pending.max(self.report.pending);
            let item = self.keep(Item { delivery, subscriber, worker: 0 });
            self.subscribers[subscriber].fresh.push_back(item);
            self.wake(subscriber);
        }
        let rate = self.load.events_per_day * self.load.peak * self.burst / 86_400_000.0;
        // Several events may fall into one millisecond: fractions are carried at random.
        let gap = -(1.0 - fastrand::f64()).ln() / rate;
        let whole = gap.floor() as i64 + i64::from(fastrand::f64() < gap.fract());
        self.schedule(self.now + whole, Event::Arrival);
    }

    fn keep(&mut self, item: Item) -> usize {
        if let Some(free) = self.free_items.pop() {
            self.items[free] = item;
            return free;
        }
        self.items.push(item);
        self.items.len() - 1
    }

    /// Adds a subscription to its worker's queue if it has a delivery to attempt, and lets the worker continue.
    fn wake(&mut self, subscriber: usize) {
        let Some(worker) = self.owners[self.subscribers[subscriber].partition] else { return };
        let state = &mut self.subscribers[subscriber];
        let due = state.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
        if !state.queued && state.in_flight < PER_SUBSCRIPTION && (due || !state.fresh.is_empty()) {
            state.queued = true;
            let line = &mut self.workers[worker];
            if due { line.retries.push_back(subscriber) } else { line.fresh.push_back(subscriber) }
        }
        self.work(worker);
    }

    fn work(&mut self, worker: usize) {
        while self.workers[worker].in_flight < self.load.in_flight {
            let line = &mut self.workers[worker];
            let Some(subscriber) = line.retries.pop_front().or_else(|| line.fresh.pop_front()) else { return };
            let state = &mut self.subscribers[subscriber];
            state.queued = false;
            let due = state.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
            let item = if due { state.retries.pop().map(|Reverse((_, item))| item) } else { state.fresh.pop_front() };
            if let Some(item) = item {
                self.start(item, subscriber, worker);
            }
            let state = &mut self.subscribers[subscriber];
            let due = state.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
            if state.in_flight < PER_SUBSCRIPTION && (due || !state.fresh.is_empty()) {
                state.queued = true;
                let line = &mut self.workers[worker];
                if due { line.retries.push_back(subscriber) } else { line.fresh.push_back(subscriber) }
            }
        }
    }

    fn start(&mut self, item: usize, subscriber: usize, worker: usize) {
        let state = &mut self.subscribers[subscriber];
        let now = UnixTime::from_millis(self.now);
        if !state.subscription.health.is_active() {
            self.items[item].delivery = self.items[item].delivery.deactivate(now);
            self.end(item);
            return;
        }
        let line = &mut self.workers[worker];
        line.free_at = line.free_at.max(self.now as f64) + 1000.0 / self.per_worker;
        line.in_flight += 1;
        state.in_flight += 1;
        let started = line.free_at as i64;
        self.items[item].worker = worker;
        self.report.count(self.now, 1);
        self.report.attempts += 1;
        if let Some(second) = self.report.per_second.get_mut((started / 1000) as usize) {
            *second += 1;
        }
        if let DeliveryState::Pending { attempt, due } = self.items[item].delivery.state() {
            let late = u32::try_from(started - due.as_millis()).unwrap_or(0);
            if attempt == 1 { self.report.first_late.push(late) } else { self.report.retry_late.push(late) }
        }
        let (duration, success) = match state.kind {
            Kind::Healthy(mean) => {
                let duration = mean * (0.5 - 0.5 * (1.0 - fastrand::f64()).ln());
                (duration.min(ATTEMPT_TIMEOUT.as_millis() as f64) as i64, fastrand::f64() >= self.load.mishaps)
            }
            Kind::Refusing => (20, false),
            Kind::Hanging => (ATTEMPT_TIMEOUT.as_millis() as i64, false),
        };
        self.schedule(started + duration + RECORDING, Event::Response { item, worker, success });
    }

    fn respond(&mut self, item: usize, worker: usize, success: bool) {
        let subscriber = self.items[item].subscriber;
        self.report.count(self.now, -1);
        self.subscribers[subscriber].in_flight -= 1;
        if !self.workers[worker].alive {
            // The attempt was not recorded: the partition's next worker makes it again.
            let due = self.items[item].delivery.due().map_or(self.now, UnixTime::as_millis);
            self.subscribers[subscriber].retries.push(Reverse((due, item)));
            self.wake(subscriber);
            return;
        }
        self.workers[worker].in_flight -= 1;
        let state = &mut self.subscribers[subscriber];
        let DeliveryState::Pending { attempt, .. } = self.items[item].delivery.state() else { return };
        let outcome = match (success, state.kind) {
            (true, _) => Outcome::Status(200),
            (false, Kind::Hanging) => Outcome::Failure(FailureKind::Timeout),
            (false, _) => Outcome::Status(503),
        };
        let at = UnixTime::from_millis(self.now);
        let recorded = self.items[item].delivery.record(&state.subscription.health, attempt, outcome, at);
        state.subscription.health = recorded.health;
        self.items[item].delivery = recorded.delivery;
        match recorded.delivery.due() {
            Some(due) => {
                state.retries.push(Reverse((due.as_millis(), item)));
                self.schedule(due.as_millis(), Event::Due(subscriber));
            }
            None => self.end(item),
        }
        if recorded.deactivated {
            self.deactivate(subscriber);
        }
        self.wake(subscriber);
        self.work(worker);
    }

    fn deactivate(&mut self, subscriber: usize) {
        self.report.deactivations += 1;
        let state = &mut self.subscribers[subscriber];
        let mut pending: Vec<usize> = state.fresh.drain(..).collect();
        pending.extend(state.retries.drain().map(|Reverse((_, item))| item));
        for item in pending {
            self.items[item].delivery = self.items[item].delivery.deactivate(UnixTime::from_millis(self.now));
            self.end(item);
        }
        let again = i64::try_from(self.load.reactivated_after).unwrap_or(i64::MAX).saturating_mul(1000);
        self.schedule(self.now + again, Event::Reactivation(subscriber));
    }

    fn end(&mut self, item: usize) {
        self.report.pending -= 1;
        match self.items[item].delivery.state() {
            DeliveryState::Delivered { .. } => self.report.delivered += 1,
            _ => self.report.failed += 1,
        }
        self.free_items.push(item);
    }
}
