//! Leases of partitions: each worker takes its share, renews its leases, and takes over those that others no longer
//! renew.
//!
//! Workers measure elapsed time on their own monotonic clock; wall clocks never matter. A worker starts attempts for a
//! few seconds after it sent a renewal. It takes another worker's partition after it has read without a break for a
//! whole lease and seen no renewal.
//!
//! A renewal replaces exactly the renewal before it. A worker that renews its lease after a long outage has therefore
//! held the partition all along. It keeps its index and the leased deliveries whose attempts it could not record. It
//! loses the partition only when another worker has written the lease.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::partition::{HeldLease, Partition};
use super::pending::PendingIndex;
use super::schema::{self, Lease};
use super::stream::unavailable;
use super::subject;
use super::worker::{Worker, partition_of_key};
use crate::store::engine::{WriteError, WriteResult};
use crate::store::lease::{ALIVE, LEASE, share, ticks};
use crate::store::{MAX_TRIES, Result};

/// Number of ticks between two checkpoints.
const CHECKPOINT_TICKS: u32 = 5;

impl Worker {
    /// Keeps this worker's leases until the task is aborted.
    pub(super) async fn keep_leases(self: &Arc<Self>) {
        // Partitions are renewed independently: one that does not respond delays no other.
        let renewing = self.partitions.iter().map(|partition| async {
            let mut interval = ticks();
            loop {
                interval.tick().await;
                self.renew(partition).await;
            }
        });
        tokio::join!(futures_util::future::join_all(renewing), self.keep_share());
    }

    async fn keep_share(self: &Arc<Self>) {
        let mut interval = ticks();
        for tick in 1_u32.. {
            interval.tick().await;
            self.write_heartbeat().await;
            self.balance().await;
            if tick.checked_rem(CHECKPOINT_TICKS) == Some(0) {
                let all = self.partitions.iter().map(|partition| self.write_checkpoint(partition));
                futures_util::future::join_all(all).await;
            }
        }
    }

    /// Takes and gives up partitions until this worker has its share.
    pub(super) async fn balance(self: &Arc<Self>) {
        let share = self.share();
        let kept = |partition: &&Partition| partition.state().held.is_some_and(|held| !held.leaving);
        let count = self.partitions.iter().filter(kept).count();
        for partition in self.partitions.iter().filter(kept).skip(share) {
            if let Some(held) = &mut partition.state().held {
                held.leaving = true;
            }
        }
        let leave = self.partitions.iter().map(|partition| self.leave(partition, false));
        futures_util::future::join_all(leave).await;
        let free = self.partitions.iter().filter(|partition| self.is_free(partition));
        let take = free.take(share.saturating_sub(count)).map(|partition| self.take(partition));
        for result in futures_util::future::join_all(take).await {
            if let Err(error) = result {
                tracing::debug!(%error, "cannot take a partition yet");
            }
        }
    }

    /// Tells whether this worker has less than its share and a partition is free.
    pub(super) fn wants_more(&self) -> bool {
        let count = self.partitions.iter().filter(|partition| partition.state().held.is_some()).count();
        count < self.share() && self.partitions.iter().any(|partition| self.is_free(partition))
    }

    /// Returns the number of partitions that this worker should hold.
    fn share(&self) -> usize {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|_, last| last.elapsed() < ALIVE);
        let others = workers.keys().filter(|worker| **worker != self.id).count();
        share(self.partitions.len(), others)
    }

    async fn write_heartbeat(&self) {
        if let Some(first) = self.partitions.first()
            && let Err(error) = first.stream.write_one(&subject::heartbeat(&self.id), "").await
        {
            tracing::debug!(%error, "cannot write the heartbeat");
        }
    }

    fn is_free(&self, partition: &Partition) -> bool {
        let state = partition.state();
        state.held.is_none()
            && state.observed.as_ref().is_none_or(|observed| {
                let holder = &observed.lease.worker;
                let since = state.reading.map_or(observed.at, |reading| reading.max(observed.at));
                holder.is_empty() || *holder == self.id || since.elapsed() >= LEASE
            })
    }

    async fn take(self: &Arc<Self>, partition: &Partition) -> Result<()> {
        let (replaces, pending) = {
            let state = partition.state();
            // The number of pending deliveries stays until this worker has counted them.
            state.observed.as_ref().map_or((0, 0), |observed| (observed.sequence, observed.lease.pending))
        };
        let sent = Instant::now();
        let lease = Lease { worker: self.id.clone(), pending };
        let writes = vec![schema::write(subject::LEASE.into(), &lease, replaces)?];
        // One try: when the store works again, its current holder comes first.
        match partition.stream.write_within(Duration::ZERO, writes).await {
            Ok(sequence) => self.take_over(partition.index, sequence, sent).await,
            Err(WriteError::Conflict) => Ok(()), // another worker was faster
            Err(error) => {
                partition.state().reading = Some(Instant::now()); // the holder could not renew its lease either
                match error {
                    WriteError::Failed(error) => Err(error),
                    WriteError::Conflict => Ok(()),
                }
            }
        }
    }

    /// Renews the lease of a partition, if this worker holds one.
    pub(super) async fn renew(&self, partition: &Partition) {
        let (held, pending) = {
            let state = partition.state();
            let Some(held) = state.held else { return };
            (held, state.count_pending())
        };
        let sent = Instant::now();
        let lease = Lease { worker: self.id.clone(), pending };
        let Ok(write) = schema::write(subject::LEASE.into(), &lease, held.sequence) else { return };
        let mut result = partition.stream.write(vec![write]).await;
        if matches!(result, Err(WriteError::Conflict)) {
            result = match self.last_renewal(partition).await {
                // The reply to an earlier renewal was lost: the next renewal replaces that one.
                Ok(Some(sequence)) => {
                    if let Some(held) = partition.state().held_since(held.taken) {
                        held.sequence = sequence;
                    }
                    Err(WriteError::Failed(unavailable("the reply to a renewal was lost")))
                }
                Ok(None) => Err(WriteError::Conflict),
                Err(error) => Err(WriteError::Failed(error)),
            };
        }
        let mut state = partition.state();
        let Some(held) = state.held_since(held.taken) else { return }; // given up meanwhile
        match result {
            Ok(sequence) => {
                *held = HeldLease { sequence, renewed: sent, ..*held };
                if std::mem::take(&mut state.waiting)
                    && let Some(pending) = &state.pending
                {
                    pending.announce_all();
                }
            }
            Err(WriteError::Conflict) => state.lose(),
            Err(WriteError::Failed(error)) => tracing::debug!(%error, "cannot renew a lease"),
        }
    }

    /// Returns the sequence of the lease, if this worker still holds it.
    async fn last_renewal(&self, partition: &Partition) -> Result<Option<u64>> {
        let Some(message) = partition.stream.last(subject::LEASE).await? else { return Ok(None) };
        let lease: Lease = schema::read(&message)?;
        Ok((lease.worker == self.id).then_some(message.sequence))
    }

    /// Gives up a partition: at once with `now`, else when it is marked as leaving and no attempt is in flight.
    async fn leave(&self, partition: &Partition, now: bool) {
        let held = {
            let idle = !self.memory.scheduler().has_leases(|key| partition_of_key(key) == partition.index);
            match partition.state().held {
                Some(held) if now || (held.leaving && idle) => held,
                _ => return,
            }
        };
        self.write_checkpoint(partition).await;
        let pending = {
            let mut state = partition.state();
            let pending = state.count_pending();
            state.lose();
            pending
        };
        if let Err(error) = self.free(partition, held.sequence, pending).await {
            tracing::debug!(?error, "cannot free a partition; its lease will expire");
        }
    }

    /// Marks the partition as free. The write replaces this worker's latest renewal, whose reply may have been lost.
    async fn free(&self, partition: &Partition, mut sequence: u64, pending: u64) -> WriteResult<()> {
        for _ in 0..MAX_TRIES {
            let lease = Lease { worker: String::new(), pending };
            let write = schema::write(subject::LEASE.into(), &lease, sequence)?;
            match partition.stream.write(vec![write]).await {
                Err(WriteError::Conflict) => match self.last_renewal(partition).await? {
                    Some(renewal) => sequence = renewal,
                    None => return Ok(()), // another worker holds it already
                },
                result => return result.map(|_| ()),
            }
        }
        Err(WriteError::Conflict)
    }

    /// Gives up all partitions.
    pub(super) async fn leave_all(&self) {
        futures_util::future::join_all(self.partitions.iter().map(|partition| self.leave(partition, true))).await;
    }

    async fn write_checkpoint(&self, partition: &Partition) {
        let checkpoint = {
            let state = partition.state();
            let complete = state.held.is_some_and(|held| held.complete && held.renewed.elapsed() < LEASE);
            state.pending.as_ref().filter(|_| complete).map(PendingIndex::checkpoint)
        };
        let Some(checkpoint) = checkpoint else { return };
        let Ok(text) = serde_json::to_vec(&checkpoint) else { return };
        if let Err(error) = partition.stream.write_one(subject::CHECKPOINT, text).await {
            tracing::debug!(%error, "cannot write the checkpoint");
        }
    }
}
