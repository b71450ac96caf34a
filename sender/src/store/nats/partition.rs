//! A partition: a stream, and what this process knows about it and does with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use futures_util::StreamExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::catalog::Catalog;
use super::pending::{PendingIndex, latest};
use super::schema::{self, Arrival, Checkpoint, Lease, Progress, locate, progress_subject};
use super::stream::{Message, Stream};
use crate::clock::wall;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Limits, Result, StoreError, SubscriptionRecord};

/// Others take a partition when they have seen no renewal of its lease for so long.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// How long after the renewal attempts are started: one that takes all of its 10 s is over before the lease is.
const START_WITHIN: Duration = Duration::from_secs(4);
/// How many reads or writes are under way for one piece of work.
pub(super) const CONCURRENCY: usize = 64;

/// What the engine's parts share.
pub(super) struct Worker {
    pub(super) partitions: Vec<Partition>,
    pub(super) limits: Limits,
    /// This process, among all that use the store.
    pub(super) worker: String,
    catalog: RwLock<Catalog>,
    /// When other workers were last heard of.
    pub(super) workers: Mutex<HashMap<String, Instant>>,
    /// There may be something to claim.
    pub(super) changed: Notify,
}

/// See the module.
pub(super) struct Partition {
    pub(super) index: usize,
    pub(super) stream: Stream,
    state: Mutex<State>,
    /// There is something to end.
    ending: Notify,
    /// Held while a subscription's health is written, so that its attempts do not get into each other's way.
    pub(super) health: [tokio::sync::Mutex<()>; 16],
    /// The latest sequence that was read about the directory.
    read: watch::Sender<u64>,
}

/// What this process has of a partition.
#[derive(Default)]
pub(super) struct State {
    /// What is pending, if this process has the partition.
    pub(super) pending: Option<PendingIndex>,
    /// The lease on it.
    pub(super) held: Option<HeldLease>,
    /// Who has it, by what was read.
    pub(super) observed: Option<ObservedLease>,
    /// Since when this process reads without a break who has it.
    pub(super) reading: Option<Instant>,
    tail: Option<AbortHandle>,
}

/// A lease of this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldLease {
    /// The sequence of its latest renewal.
    pub(super) sequence: u64,
    /// When that was sent.
    pub(super) renewed: Instant,
    /// The sequence of the first one; with it, everything before has been read.
    pub(super) taken: u64,
    /// Whether everything has been read that was there.
    pub(super) complete: bool,
    /// Whether it is about to be given up.
    pub(super) leaving: bool,
}

/// A lease as it was read.
#[derive(Debug, Clone)]
pub(super) struct ObservedLease {
    pub(super) sequence: u64,
    pub(super) lease: Lease,
    pub(super) at: Instant,
}

impl State {
    /// What is pending, if attempts may be started now.
    pub(super) fn startable(&mut self) -> Option<&mut PendingIndex> {
        let may = self.held.is_some_and(|held| held.complete && !held.leaving && held.renewed.elapsed() < START_WITHIN);
        self.pending.as_mut().filter(|_| may)
    }

    /// The lease that was taken with that sequence, if this process still has it.
    pub(super) fn held_since(&mut self, taken: u64) -> Option<&mut HeldLease> {
        self.held.as_mut().filter(|held| held.taken == taken)
    }

    /// The partition is no longer this process's.
    pub(super) fn lose(&mut self) {
        (self.pending, self.held) = (None, None);
        if let Some(tail) = self.tail.take() {
            tail.abort();
        }
    }
}

impl Partition {
    pub(super) fn new(index: usize, stream: Stream) -> Self {
        let (state, ending, health) =
            (Mutex::default(), Notify::new(), std::array::from_fn(|_| tokio::sync::Mutex::default()));
        Self { index, stream, state, ending, health, read: watch::Sender::new(0) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything about the directory was read that was written before now.
    pub(super) async fn caught_up(&self) -> Result<()> {
        let sequence = self.stream.write_one("p", "").await?;
        let mut read = self.read.subscribe();
        let wait = read.wait_for(|read| *read >= sequence);
        let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
        waited.map_err(|_| StoreError::Unavailable("the store is not read in time".into()))?.map(|_| ()).or(Ok(()))
    }

    /// A delivery as it was last written, and the sequence of that; `None` if it is gone.
    pub(super) async fn load(
        &self,
        workspace: &WorkspaceId,
        subscription: &SubscriptionId,
        id: DeliveryId,
    ) -> Result<Option<(Progress, u64)>> {
        if let Some(read) = self.stream.last(&progress_subject(workspace, subscription, id)).await? {
            return Ok(Some((schema::read(&read)?, read.sequence)));
        }
        let (sequence, _, index) = locate(id);
        let Some(read) = self.stream.at(sequence).await? else { return Ok(None) };
        let (arrival, _) = Arrival::split(&read.payload)?;
        let delivery = arrival.to.get(index).filter(|(to, _)| to == subscription);
        Ok(delivery.map(|(_, delivery)| (Progress::new(*delivery), 0)))
    }
}

impl Worker {
    pub(super) fn new(streams: Vec<Stream>, limits: Limits, worker: String) -> Self {
        Self {
            partitions: streams.into_iter().enumerate().map(|(index, stream)| Partition::new(index, stream)).collect(),
            limits,
            worker,
            catalog: RwLock::default(),
            workers: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(super) fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The partition of a workspace.
    pub(super) fn partition(&self, workspace: &WorkspaceId) -> Result<&Partition> {
        let index = schema::partition_of(workspace, self.partitions.len());
        self.partitions.get(index).ok_or(StoreError::NotFound("workspace"))
    }

    /// Learns what was written about the directory, by this process or another.
    pub(super) fn learn(&self, partition: &Partition, read: &Message) {
        let learned = self.catalog_mut().learn(read);
        match learned {
            Ok(Some(subscription)) => self.recheck(partition, &subscription),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "a record is passed over"),
        }
    }

    fn recheck(&self, partition: &Partition, subscription: &SubscriptionId) {
        let (cached, deleted) = {
            let catalog = self.catalog();
            (catalog.get(subscription).cloned(), catalog.is_deleted(subscription))
        };
        if let Some(pending) = &mut partition.state().pending {
            if deleted {
                pending.forget(subscription);
            }
            if let Some(cached) = cached {
                pending.recheck(&cached);
            }
        }
        partition.ending.notify_one();
        self.changed.notify_waiters();
    }

    /// Applies an arrival that this process has written.
    pub(super) fn apply_own_arrival(&self, partition: &Partition, sequence: u64, arrival: &Arrival, body: &[u8]) {
        if let Some(pending) = &mut partition.state().pending
            && pending.should_apply(sequence, true)
        {
            pending.add_arrival(sequence, arrival, body);
        }
        self.changed.notify_waiters();
    }

    /// Applies a delivery's progress that this process has written.
    pub(super) fn apply_own_progress(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionId),
        delivery: Delivery,
        sequence: u64,
    ) {
        if let Some(pending) = &mut partition.state().pending
            && pending.should_apply(sequence, true)
        {
            pending.apply_progress(id, subscription, delivery, sequence);
        }
        self.changed.notify_waiters();
    }

    /// Follows what is written about the directory, the leases and the workers.
    pub(super) async fn follow_catalog(&self, partition: &Partition) {
        let subjects = ["w.>", "t.>", "s.>", "l", "h.>", "p"];
        let each = |read: Message| {
            match read.subject.split_once('.') {
                None if read.subject == "l" => {
                    if let Ok(lease) = schema::read(&read) {
                        partition.state().observed =
                            Some(ObservedLease { sequence: read.sequence, lease, at: Instant::now() });
                    }
                }
                Some(("h", worker)) => {
                    let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
                    workers.insert(worker.to_owned(), Instant::now());
                }
                _ => self.learn(partition, &read),
            }
            partition.read.send_replace(read.sequence);
            true
        };
        let starts = || partition.state().reading = Some(Instant::now());
        partition.stream.follow(&subjects, 1, starts, each).await;
    }

    /// Reads what is pending in a partition that this process has just taken, and follows it.
    pub(super) async fn take_over(self: &Arc<Self>, index: usize, sequence: u64, renewed: Instant) -> Result<()> {
        let Some(partition) = self.partitions.get(index) else { return Ok(()) };
        let checkpoint = match partition.stream.last("k").await? {
            Some(read) => schema::read(&read)?,
            None => Checkpoint::default(),
        };
        let mut pending = PendingIndex::new(index, self.limits.per_subscription, latest(wall()));
        let load = |id: i64| self.load_exception(partition, DeliveryId(id));
        let mut loading = futures_util::stream::iter(checkpoint.except).map(load).buffer_unordered(CONCURRENCY);
        while let Some(loaded) = loading.next().await {
            if let Some((id, subscription, progress, version)) = loaded? {
                pending.restore(id, &subscription, progress.delivery, version);
            }
        }
        let worker = Arc::clone(self);
        let mut state = partition.state();
        state.lose();
        state.pending = Some(pending);
        state.held = Some(HeldLease { sequence, renewed, taken: sequence, complete: false, leaving: false });
        let tail = tokio::spawn(async move { worker.follow_pending(index, sequence, checkpoint.from).await });
        state.tail = Some(tail.abort_handle());
        Ok(())
    }

    async fn load_exception(
        &self,
        partition: &Partition,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryId, SubscriptionId, Progress, u64)>> {
        let (sequence, _, index) = locate(id);
        let Some(read) = partition.stream.at(sequence).await? else { return Ok(None) };
        let (arrival, _) = Arrival::split(&read.payload)?;
        let workspace = read.subject.split('.').nth(1).unwrap_or_default().to_owned().into();
        let Some((subscription, _)) = arrival.to.get(index) else { return Ok(None) };
        let loaded = partition.load(&workspace, subscription, id).await?;
        Ok(loaded.map(|(progress, version)| (id, subscription.clone(), progress, version)))
    }

    async fn follow_pending(&self, index: usize, taken: u64, from: u64) {
        let Some(partition) = self.partitions.get(index) else { return };
        let each = |read: Message| {
            let catalog = self.catalog(); // before the state, as everywhere
            let mut state = partition.state();
            let Some(held) = state.held_since(taken) else { return false };
            let completes = !held.complete && read.sequence >= taken;
            held.complete |= completes;
            let Some(pending) = &mut state.pending else { return false };
            if pending.should_apply(read.sequence, false)
                && let Err(error) = apply(pending, &read)
            {
                tracing::error!(%error, "a record is passed over");
            }
            if completes {
                pending.is_complete();
                for cached in catalog.all() {
                    pending.recheck(cached);
                }
                partition.ending.notify_one();
            }
            drop(state);
            self.changed.notify_waiters();
            true
        };
        partition.stream.follow(&["a.>", "d.>", "l"], from, || (), each).await;
    }

    /// Writes what has failed because its subscription was deactivated, whenever there is something.
    pub(super) async fn end_deliveries(&self, partition: &Partition) {
        loop {
            let some = partition
                .state()
                .pending
                .as_mut()
                .map(|pending| pending.take_deactivated(CONCURRENCY))
                .unwrap_or_default();
            if some.is_empty() {
                let _ = tokio::time::timeout(Duration::from_secs(1), partition.ending.notified()).await;
                continue;
            }
            let ended = some.into_iter().map(|ending| async move {
                let result = self.end(partition, (ending.id, &ending.subscription), ending.at).await;
                result.map_err(|error| (error, ending))
            });
            for failed in futures_util::future::join_all(ended).await.into_iter().filter_map(std::result::Result::err) {
                tracing::debug!(error = %failed.0, "a delivery is ended later");
                if let Some(pending) = &mut partition.state().pending {
                    pending.defer(failed.1);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn end(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionRecord),
        at: UnixTime,
    ) -> Result<()> {
        let loaded = partition.load(&subscription.workspace, &subscription.id, id).await?;
        let Some((mut progress, version)) = loaded else {
            if let Some(pending) = &mut partition.state().pending {
                pending.forget_one(id);
            }
            return Ok(());
        };
        let subject = progress_subject(&subscription.workspace, &subscription.id, id);
        let ended = progress.delivery.deactivate(at);
        if ended == progress.delivery {
            if let Some(pending) = &mut partition.state().pending {
                pending.apply_progress(id, &subscription.id, ended, version);
            }
            return Ok(());
        }
        progress.delivery = ended;
        let sequence = partition.stream.write(vec![schema::write(subject, &progress, version)?]).await?;
        self.apply_own_progress(partition, (id, &subscription.id), ended, sequence);
        Ok(())
    }
}

/// Applies what was read.
fn apply(pending: &mut PendingIndex, read: &Message) -> Result<()> {
    let mut tokens = read.subject.split('.');
    match (tokens.next(), tokens.next(), tokens.next(), tokens.next()) {
        (Some("a"), ..) => {
            let (arrival, body) = Arrival::split(&read.payload)?;
            pending.add_arrival(read.sequence, &arrival, &body);
        }
        (Some("d"), _, Some(subscription), Some(id)) => {
            let progress: Progress = schema::read(read)?;
            let id = id.parse().map_err(|_| StoreError::NotFound("delivery"))?;
            pending.apply_progress(DeliveryId(id), &subscription.to_owned().into(), progress.delivery, read.sequence);
        }
        _ => {}
    }
    Ok(())
}
