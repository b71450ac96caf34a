//! What happens, in the order of time: a heap of events over the core's states, and no clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, Delivery, DeliveryState, EndpointUrl, EventTypes, FailureKind, Outcome, Plan, Subscription,
};

use crate::plan::Load;

/// Attempts under way for one subscription.
const PER_SUBSCRIPTION: usize = 8;
/// How long others wait before they take what a killed worker had, and how long taking over lasts (milliseconds).
const TAKEN_OVER_AFTER: i64 = 15_000 + 1_000;
/// How long recording takes before the next attempt may start (milliseconds).
const RECORDING: i64 = 5;

/// How an endpoint answers.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// In so many milliseconds on average.
    Healthy(f64),
    Refusing,
    Hanging,
}

struct Subscriber {
    subscription: Subscription,
    kind: Kind,
    partition: usize,
    under_way: usize,
    fresh: VecDeque<usize>,
    retries: BinaryHeap<Reverse<(i64, usize)>>,
    in_line: bool,
}

struct Worker {
    alive: bool,
    under_way: usize,
    /// When it can start the next attempt.
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
enum Happening {
    Arrival,
    Due(usize),
    Answer { item: usize, worker: usize, success: bool },
    Reactivation(usize),
    Kill(usize),
    TakeOver(usize),
}

/// See the module.
pub(crate) struct World {
    load: Load,
    now: i64,
    heap: BinaryHeap<Reverse<(i64, u64, Happening)>>,
    order: u64,
    subscribers: Vec<Subscriber>,
    workers: Vec<Worker>,
    /// Which worker has which partition; none for a while after a kill.
    owners: Vec<Option<usize>>,
    items: Vec<Item>,
    free_items: Vec<usize>,
    /// How much busier than the peak it is, now.
    burst: f64,
    pub(crate) told: Told,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) events: u64,
    pub(crate) attempts: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) held: u64,
    pub(crate) deactivations: u64,
    pub(crate) pending: u64,
    pub(crate) most_pending: u64,
    pub(crate) under_way: u64,
    pub(crate) most_under_way: u64,
    /// The sum of attempts under way over time, in milliseconds.
    under_way_time: i64,
    counted_at: i64,
    /// How late attempts started, in milliseconds: first ones and retries.
    pub(crate) first_late: Vec<u32>,
    pub(crate) retry_late: Vec<u32>,
    /// Attempts in each second.
    pub(crate) per_second: Vec<u32>,
}

impl Told {
    fn count(&mut self, now: i64, change: i64) {
        self.under_way_time += self.under_way as i64 * (now - self.counted_at);
        self.counted_at = now;
        self.under_way = self.under_way.saturating_add_signed(change);
        self.most_under_way = self.most_under_way.max(self.under_way);
    }

    pub(crate) fn mean_under_way(&self) -> f64 {
        self.under_way_time as f64 / self.counted_at.max(1) as f64
    }
}

impl World {
    pub(crate) fn new(load: &Load, workers: usize, partitions: usize) -> Self {
        let url = EndpointUrl::parse("https://example.com/hooks").expect("a URL");
        let failing = (load.subscriptions as f64 * load.failing).round() as usize;
        let subscribers = (0..load.subscriptions).map(|index| {
            let kind = match index {
                index if index >= failing => {
                    let spread = 16_f64; // the slowest takes so many times the time of the fastest
                    let low = load.answer_ms * spread.ln() / (spread - 1.0);
                    Kind::Healthy(low * spread.powf(fastrand::f64()))
                }
                index if index % 2 == 0 => Kind::Refusing,
                _ => Kind::Hanging,
            };
            Subscriber {
                subscription: Subscription::create(Plan::Business, 0, url.clone(), EventTypes::ALL).expect("the first"),
                kind,
                partition: 0,
                under_way: 0,
                fresh: VecDeque::new(),
                retries: BinaryHeap::new(),
                in_line: false,
            }
        });
        let mut subscribers: Vec<Subscriber> = subscribers.collect();
        fastrand::shuffle(&mut subscribers);
        for (index, subscriber) in subscribers.iter_mut().enumerate() {
            subscriber.partition = index / load.per_workspace % partitions;
        }
        let new =
            || Worker { alive: true, under_way: 0, free_at: 0.0, retries: VecDeque::new(), fresh: VecDeque::new() };
        Self {
            load: load.clone(),
            now: 0,
            heap: BinaryHeap::new(),
            order: 0,
            subscribers,
            workers: (0..workers).map(|_| new()).collect(),
            owners: (0..partitions).map(|partition| Some(partition % workers)).collect(),
            items: Vec::new(),
            free_items: Vec::new(),
            burst: 1.0,
            told: Told::default(),
        }
    }

    /// Lets `seconds` pass. From `burst.0` on, for a minute, there are `burst.1` times as many events; at `kill` the first worker is killed.
    pub(crate) fn run(&mut self, seconds: i64, burst: (i64, f64), kill: Option<i64>) {
        self.told.per_second = vec![0; usize::try_from(seconds).unwrap_or(0) + 1];
        self.schedule(0, Happening::Arrival);
        if let Some(kill) = kill {
            self.schedule(kill * 1000, Happening::Kill(0));
        }
        while let Some(Reverse((at, _, happening))) = self.heap.pop() {
            if at > seconds * 1000 {
                break;
            }
            self.now = at;
            self.burst = if (burst.0..burst.0 + 60).contains(&(at / 1000)) { burst.1 } else { 1.0 };
            self.happen(happening);
        }
        self.now = seconds * 1000;
        self.told.count(self.now, 0);
    }

    fn schedule(&mut self, at: i64, happening: Happening) {
        self.order += 1;
        self.heap.push(Reverse((at, self.order, happening)));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrival => self.arrive(),
            Happening::Due(subscriber) => self.wake(subscriber),
            Happening::Answer { item, worker, success } => self.answer(item, worker, success),
            Happening::Reactivation(subscriber) => {
                let health = &mut self.subscribers[subscriber].subscription.health;
                *health = health.reactivate();
            }
            Happening::Kill(worker) => {
                let dead = &mut self.workers[worker];
                (dead.alive, dead.under_way) = (false, 0);
                dead.retries.clear();
                dead.fresh.clear();
                for (partition, owner) in self.owners.iter_mut().enumerate() {
                    if *owner == Some(worker) {
                        *owner = None;
                        self.order += 1;
                        let at = self.now + TAKEN_OVER_AFTER;
                        self.heap.push(Reverse((at, self.order, Happening::TakeOver(partition))));
                    }
                }
                for subscriber in &mut self.subscribers {
                    if self.owners[subscriber.partition].is_none() {
                        subscriber.in_line = false;
                    }
                }
            }
            Happening::TakeOver(partition) => {
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

    /// An event of a workspace, and when the next one comes. Busy workspaces have many times the events of quiet ones.
    fn arrive(&mut self) {
        self.told.events += 1;
        let workspaces = self.subscribers.len() / self.load.per_workspace;
        let workspace = (fastrand::f64().powi(2) * workspaces as f64) as usize;
        for subscriber in workspace * self.load.per_workspace..(workspace + 1) * self.load.per_workspace {
            let subscription = &self.subscribers[subscriber].subscription;
            let Some(delivery) = subscription.accept(EventType::DocumentUpdated, UnixTime::from_millis(self.now))
            else {
                continue;
            };
            if delivery.due().is_none() {
                self.told.held += 1;
                continue;
            }
            self.told.pending += 1;
            self.told.most_pending = self.told.most_pending.max(self.told.pending);
            let item = self.keep(Item { delivery, subscriber, worker: 0 });
            self.subscribers[subscriber].fresh.push_back(item);
            self.wake(subscriber);
        }
        let rate = self.load.events_per_day * self.load.peak * self.burst / 86_400_000.0;
        // Several may come in one millisecond: what is left over is carried by chance.
        let gap = -(1.0 - fastrand::f64()).ln() / rate;
        let whole = gap.floor() as i64 + i64::from(fastrand::f64() < gap.fract());
        self.schedule(self.now + whole, Happening::Arrival);
    }

    fn keep(&mut self, item: Item) -> usize {
        if let Some(free) = self.free_items.pop() {
            self.items[free] = item;
            return free;
        }
        self.items.push(item);
        self.items.len() - 1
    }

    /// Puts a subscription in its worker's line, if it has something to do, and lets the worker go on.
    fn wake(&mut self, subscriber: usize) {
        let Some(worker) = self.owners[self.subscribers[subscriber].partition] else { return };
        let one = &mut self.subscribers[subscriber];
        let due = one.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
        if !one.in_line && one.under_way < PER_SUBSCRIPTION && (due || !one.fresh.is_empty()) {
            one.in_line = true;
            let line = &mut self.workers[worker];
            if due { line.retries.push_back(subscriber) } else { line.fresh.push_back(subscriber) }
        }
        self.work(worker);
    }

    fn work(&mut self, worker: usize) {
        while self.workers[worker].under_way < self.load.in_flight {
            let line = &mut self.workers[worker];
            let Some(subscriber) = line.retries.pop_front().or_else(|| line.fresh.pop_front()) else { return };
            let one = &mut self.subscribers[subscriber];
            one.in_line = false;
            let due = one.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
            let item = if due { one.retries.pop().map(|Reverse((_, item))| item) } else { one.fresh.pop_front() };
            if let Some(item) = item {
                self.start(item, subscriber, worker);
            }
            let one = &mut self.subscribers[subscriber];
            let due = one.retries.peek().is_some_and(|Reverse((due, _))| *due <= self.now);
            if one.under_way < PER_SUBSCRIPTION && (due || !one.fresh.is_empty()) {
                one.in_line = true;
                let line = &mut self.workers[worker];
                if due { line.retries.push_back(subscriber) } else { line.fresh.push_back(subscriber) }
            }
        }
    }

    fn start(&mut self, item: usize, subscriber: usize, worker: usize) {
        let one = &mut self.subscribers[subscriber];
        let now = UnixTime::from_millis(self.now);
        if !one.subscription.health.is_active() {
            self.items[item].delivery = self.items[item].delivery.deactivate(now);
            self.end(item);
            return;
        }
        let line = &mut self.workers[worker];
        line.free_at = line.free_at.max(self.now as f64) + 1000.0 / self.load.per_worker;
        line.under_way += 1;
        one.under_way += 1;
        let started = line.free_at as i64;
        self.items[item].worker = worker;
        self.told.count(self.now, 1);
        self.told.attempts += 1;
        if let Some(second) = self.told.per_second.get_mut((started / 1000) as usize) {
            *second += 1;
        }
        if let DeliveryState::Pending { attempt, due } = self.items[item].delivery.state() {
            let late = u32::try_from(started - due.as_millis()).unwrap_or(0);
            if attempt == 1 { self.told.first_late.push(late) } else { self.told.retry_late.push(late) }
        }
        let (takes, success) = match one.kind {
            Kind::Healthy(mean) => {
                let takes = mean * (0.5 - 0.5 * (1.0 - fastrand::f64()).ln());
                (takes.min(ATTEMPT_TIMEOUT.as_millis() as f64) as i64, fastrand::f64() >= self.load.mishaps)
            }
            Kind::Refusing => (20, false),
            Kind::Hanging => (ATTEMPT_TIMEOUT.as_millis() as i64, false),
        };
        self.schedule(started + takes + RECORDING, Happening::Answer { item, worker, success });
    }

    fn answer(&mut self, item: usize, worker: usize, success: bool) {
        let subscriber = self.items[item].subscriber;
        self.told.count(self.now, -1);
        self.subscribers[subscriber].under_way -= 1;
        if !self.workers[worker].alive {
            // It was not recorded: whoever has the partition next makes the attempt again.
            let due = self.items[item].delivery.due().map_or(self.now, UnixTime::as_millis);
            self.subscribers[subscriber].retries.push(Reverse((due, item)));
            self.wake(subscriber);
            return;
        }
        self.workers[worker].under_way -= 1;
        let one = &mut self.subscribers[subscriber];
        let DeliveryState::Pending { attempt, .. } = self.items[item].delivery.state() else { return };
        let outcome = match (success, one.kind) {
            (true, _) => Outcome::Status(200),
            (false, Kind::Hanging) => Outcome::Failure(FailureKind::Timeout),
            (false, _) => Outcome::Status(503),
        };
        let at = UnixTime::from_millis(self.now);
        let recorded = self.items[item].delivery.record(&one.subscription.health, attempt, outcome, at);
        one.subscription.health = recorded.health;
        self.items[item].delivery = recorded.delivery;
        match recorded.delivery.due() {
            Some(due) => {
                one.retries.push(Reverse((due.as_millis(), item)));
                self.schedule(due.as_millis(), Happening::Due(subscriber));
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
        self.told.deactivations += 1;
        let one = &mut self.subscribers[subscriber];
        let mut pending: Vec<usize> = one.fresh.drain(..).collect();
        pending.extend(one.retries.drain().map(|Reverse((_, item))| item));
        for item in pending {
            self.items[item].delivery = self.items[item].delivery.deactivate(UnixTime::from_millis(self.now));
            self.end(item);
        }
        let again = i64::try_from(self.load.reactivated_after).unwrap_or(i64::MAX).saturating_mul(1000);
        self.schedule(self.now + again, Happening::Reactivation(subscriber));
    }

    fn end(&mut self, item: usize) {
        self.told.pending -= 1;
        match self.items[item].delivery.state() {
            DeliveryState::Delivered { .. } => self.told.delivered += 1,
            _ => self.told.failed += 1,
        }
        self.free_items.push(item);
    }
}
