//! Following the streams: the catalog and the leases always, the pending deliveries while this worker has the partition.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use futures_util::StreamExt as _;

use super::partition::{CONCURRENCY, HeldLease, ObservedLease, Partition};
use super::pending::{PendingIndex, latest};
use super::schema::{self, Arrival, Checkpoint, Progress, locate};
use super::stream::Message;
use super::worker::Worker;
use crate::clock::wall;
use crate::ids::{DeliveryId, SubscriptionId};
use crate::store::{Result, StoreError};

impl Worker {
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
