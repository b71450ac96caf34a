//! Following the streams: the catalog and the leases always, the pending deliveries while this worker holds the
//! partition.

use std::sync::{Arc, PoisonError};
use std::time::Instant;

use clarife_webhooks::sender::latest_due;
use futures_util::StreamExt as _;

use super::partition::{HeldLease, ObservedLease, Partition, PartitionState};
use super::pending::PendingIndex;
use super::schema::{self, Arrival, Checkpoint, Progress, locate};
use super::stream::Message;
use super::subject::{self, Subject};
use super::worker::Worker;
use crate::clock::wall;
use crate::ids::{DeliveryId, SubscriptionId};
use crate::store::{CONCURRENCY, Result};

impl Worker {
    /// Follows the catalog, the lease and the heartbeats of a partition.
    pub(super) async fn follow_catalog(&self, partition: &Partition) {
        let apply = |message: Message| {
            match Subject::parse(&message.subject) {
                Some(Subject::Lease) => {
                    if let Ok(lease) = schema::read(&message) {
                        partition.state().observed =
                            Some(ObservedLease { sequence: message.sequence, lease, at: Instant::now() });
                    }
                }
                Some(Subject::Heartbeat(worker)) => {
                    let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
                    workers.insert(worker.to_owned(), Instant::now());
                }
                _ => self.learn(partition, &message),
            }
            partition.read.send_replace(message.sequence);
            true
        };
        let starts = || partition.state().reading = Some(Instant::now());
        partition.stream.follow(&subject::CATALOG, 1, starts, apply).await;
    }

    /// Loads the pending deliveries of a partition that this worker has just taken, and follows them.
    pub(super) async fn take_over(self: &Arc<Self>, index: usize, sequence: u64, renewed: Instant) -> Result<()> {
        let Some(partition) = self.partitions.get(index) else { return Ok(()) };
        let checkpoint = match partition.stream.last(subject::CHECKPOINT).await? {
            Some(message) => schema::read(&message)?,
            None => Checkpoint::default(),
        };
        let mut pending = PendingIndex::new(index, Arc::clone(&self.memory), latest_due(wall()));
        let load = |id: i64| self.load_exception(partition, DeliveryId(id));
        let mut loads = futures_util::stream::iter(checkpoint.except).map(load).buffer_unordered(CONCURRENCY);
        while let Some(loaded) = loads.next().await {
            if let Some((id, subscription, progress, version)) = loaded? {
                pending.apply_progress(id, self.key(partition, &subscription), progress.delivery, version);
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

    /// Loads a pending delivery that is older than the checkpoint.
    async fn load_exception(
        &self,
        partition: &Partition,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryId, SubscriptionId, Progress, u64)>> {
        let (sequence, _, index) = locate(id);
        let Some(message) = partition.stream.at(sequence).await? else { return Ok(None) };
        let (arrival, _) = Arrival::split(&message.payload)?;
        let Some(Subject::Arrival { workspace }) = Subject::parse(&message.subject) else { return Ok(None) };
        let Some((subscription, _)) = arrival.to.get(index) else { return Ok(None) };
        let loaded = partition.load(&workspace.to_owned().into(), subscription, id).await?;
        Ok(loaded.map(|(progress, version)| (id, subscription.clone(), progress, version)))
    }

    async fn follow_pending(&self, index: usize, taken: u64, from: u64) {
        let Some(partition) = self.partitions.get(index) else { return };
        let apply_message = |message: Message| {
            {
                let mut state = partition.state();
                if state.held_since(taken).is_none() {
                    return false;
                }
                let Some(pending) = &mut state.pending else { return false };
                if !pending.should_apply(message.sequence, false) {
                    return self.complete(&mut state, taken, message.sequence);
                }
            }
            if let Err(error) = self.apply(partition, &message) {
                tracing::error!(%error, "skipped a record");
            }
            self.complete(&mut partition.state(), taken, message.sequence)
        };
        partition.stream.follow(&subject::PENDING, from, || (), apply_message).await;
    }

    /// Marks the partition as read when the record of the take-over is read. Returns `false` if the partition was lost.
    fn complete(&self, state: &mut PartitionState, taken: u64, sequence: u64) -> bool {
        let Some(held) = state.held_since(taken) else { return false };
        if !held.complete && sequence >= taken {
            held.complete = true;
            if let Some(pending) = &mut state.pending {
                pending.set_complete();
            }
            self.memory.changed.notify_waiters();
        }
        true
    }

    /// Applies an arrival or a delivery's progress to the index.
    fn apply(&self, partition: &Partition, message: &Message) -> Result<()> {
        match Subject::parse(&message.subject) {
            Some(Subject::Arrival { .. }) => {
                let (arrival, body) = Arrival::split(&message.payload)?;
                self.apply_arrival(partition, message.sequence, &arrival, &body, false);
            }
            Some(Subject::Delivery { subscription, id }) => {
                let progress: Progress = schema::read(message)?;
                let key = self.key(partition, &subscription.to_owned().into());
                if let Some(pending) = &mut partition.state().pending {
                    pending.apply_progress(id, key, progress.delivery, message.sequence);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
