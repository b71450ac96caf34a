//! Who has which partition: each worker takes its share, renews its leases, and takes over what others no longer renew.
//!
//! A worker reckons with its own clock alone, and only with how long something took: it starts attempts for a few seconds after a renewal was
//! sent, and takes another's partition when it has read without a break for the whole of a lease and has seen no renewal.
//!
//! A renewal is written in the place of the one before it. So a worker that could renew nothing for however long, and then can, has had the
//! partition all the time: it keeps what it knows of it, and the claims whose outcomes it could not record. It loses them when somebody
//! else has written there.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::ingest::TRIES;
use super::partition::{HeldLease, LEASE, Partition};
use super::schema::{self, Lease};
use super::stream::WriteError;
use super::worker::Worker;
use crate::store::Result;

/// How often leases are renewed.
const TICK: Duration = Duration::from_secs(1);
/// How many ticks there are between two checkpoints.
const CHECKPOINT: u32 = 5;
/// How long after its last sign of life a worker counts.
const ALIVE: Duration = Duration::from_secs(10);

impl Worker {
    /// Keeps this worker's leases for as long as it runs.
    pub(super) async fn keep_leases(self: &Arc<Self>) {
        // Each by itself: a partition that does not answer holds up no other.
        let renewing = self.partitions.iter().map(|partition| async {
            let mut interval = every(TICK);
            loop {
                interval.tick().await;
                self.renew(partition).await;
            }
        });
        tokio::join!(futures_util::future::join_all(renewing), self.keep_share());
    }

    async fn keep_share(self: &Arc<Self>) {
        let mut interval = every(TICK);
        for tick in 1_u32.. {
            interval.tick().await;
            self.show_life().await;
            self.balance().await;
            if tick.checked_rem(CHECKPOINT) == Some(0) {
                let all = self.partitions.iter().map(|partition| self.write_checkpoint(partition));
                futures_util::future::join_all(all).await;
            }
        }
    }

    /// Takes and gives until this worker has its share.
    pub(super) async fn balance(self: &Arc<Self>) {
        let share = self.share();
        let mine = |partition: &&Partition| partition.state().held.is_some_and(|held| !held.leaving);
        let have = self.partitions.iter().filter(mine).count();
        for partition in self.partitions.iter().filter(mine).skip(share) {
            if let Some(held) = &mut partition.state().held {
                held.leaving = true;
            }
        }
        let leave = self.partitions.iter().map(|partition| self.leave(partition, false));
        futures_util::future::join_all(leave).await;
        let free = self.partitions.iter().filter(|partition| self.is_free(partition));
        let take = free.take(share.saturating_sub(have)).map(|partition| self.take(partition));
        for result in futures_util::future::join_all(take).await {
            if let Err(error) = result {
                tracing::debug!(%error, "a partition is taken later");
            }
        }
    }

    /// Whether there are partitions to take for this worker.
    pub(super) fn wants_more(&self) -> bool {
        let have = self.partitions.iter().filter(|partition| partition.state().held.is_some()).count();
        have < self.share() && self.partitions.iter().any(|partition| self.is_free(partition))
    }

    /// How many partitions this worker is to have.
    fn share(&self) -> usize {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.retain(|_, last| last.elapsed() < ALIVE);
        let others = workers.keys().filter(|worker| **worker != self.worker).count();
        self.partitions.len().div_ceil(others.saturating_add(1))
    }

    async fn show_life(&self) {
        if let Some(first) = self.partitions.first()
            && let Err(error) = first.stream.write_one(&format!("h.{}", self.worker), "").await
        {
            tracing::debug!(%error, "the store does not answer");
        }
    }

    fn is_free(&self, partition: &Partition) -> bool {
        let state = partition.state();
        state.held.is_none()
            && state.observed.as_ref().is_none_or(|observed| {
                let worker = &observed.lease.worker;
                let since = state.reading.map_or(observed.at, |reading| reading.max(observed.at));
                worker.is_empty() || *worker == self.worker || since.elapsed() >= LEASE
            })
    }

    async fn take(self: &Arc<Self>, partition: &Partition) -> Result<()> {
        let replaces = partition.state().observed.as_ref().map_or(0, |observed| observed.sequence);
        let sent = Instant::now();
        let lease = Lease { worker: self.worker.clone(), pending: 0 };
        let writes = vec![schema::write("l".into(), &lease, replaces)?];
        // Not tried for long: who has it comes first when the store works again.
        match partition.stream.write_within(Duration::ZERO, writes).await {
            Ok(sequence) => self.take_over(partition.index, sequence, sent).await,
            Err(WriteError::Conflict) => Ok(()), // somebody else was faster
            Err(refused) => {
                partition.state().reading = Some(Instant::now()); // nor could anybody have renewed it
                Err(refused.into())
            }
        }
    }

    /// Renews the lease on a partition, if there is one.
    pub(super) async fn renew(&self, partition: &Partition) {
        let (held, pending) = {
            let state = partition.state();
            let Some(held) = state.held else { return };
            (held, state.pending.as_ref().map_or(0, super::pending::PendingIndex::pending))
        };
        let sent = Instant::now();
        let lease = Lease { worker: self.worker.clone(), pending };
        let Ok(write) = schema::write("l".into(), &lease, held.sequence) else { return };
        let mut result = partition.stream.write(vec![write]).await;
        if matches!(result, Err(WriteError::Conflict)) {
            result = match self.last_renewal(partition).await {
                // The answer to an earlier renewal was lost: the next one will be in the place of that.
                Ok(Some(sequence)) => {
                    if let Some(held) = partition.state().held_since(held.taken) {
                        held.sequence = sequence;
                    }
                    Err(WriteError::Unavailable("the answer to a renewal was lost".into()))
                }
                Ok(None) => Err(WriteError::Conflict),
                Err(error) => Err(WriteError::Unavailable(error.to_string())),
            };
        }
        let mut state = partition.state();
        let Some(held) = state.held_since(held.taken) else { return }; // given up meanwhile
        match result {
            Ok(sequence) => *held = HeldLease { sequence, renewed: sent, ..*held },
            Err(WriteError::Conflict) => state.lose(),
            Err(WriteError::Unavailable(error)) => tracing::debug!(%error, "a lease is not renewed"),
        }
    }

    /// The sequence of the lease, if it is still this worker's.
    async fn last_renewal(&self, partition: &Partition) -> Result<Option<u64>> {
        let Some(read) = partition.stream.last("l").await? else { return Ok(None) };
        let lease: Lease = schema::read(&read)?;
        Ok((lease.worker == self.worker).then_some(read.sequence))
    }

    /// Gives a partition up, once no attempt is under way there, or in any case.
    async fn leave(&self, partition: &Partition, now: bool) {
        let held = {
            let state = partition.state();
            let idle = state.pending.as_ref().is_none_or(super::pending::PendingIndex::is_idle);
            match state.held {
                Some(held) if now || (held.leaving && idle) => held,
                _ => return,
            }
        };
        self.write_checkpoint(partition).await;
        let pending = partition.state().pending.as_ref().map_or(0, super::pending::PendingIndex::pending);
        partition.state().lose();
        if let Err(error) = self.free(partition, held.sequence, pending).await {
            tracing::debug!(%error, "a lease runs out by itself");
        }
    }

    /// Says that nobody has the partition, in the place of this worker's latest renewal: the answer to that one may have been lost.
    async fn free(&self, partition: &Partition, mut sequence: u64, pending: u64) -> Result<()> {
        for _ in 0..TRIES {
            let lease = Lease { worker: String::new(), pending };
            match partition.stream.write(vec![schema::write("l".into(), &lease, sequence)?]).await {
                Ok(_) => return Ok(()),
                Err(WriteError::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
            match self.last_renewal(partition).await? {
                Some(renewal) => sequence = renewal,
                None => return Ok(()), // somebody else has it already
            }
        }
        Err(WriteError::Conflict.into())
    }

    /// Gives all partitions up.
    pub(super) async fn leave_all(&self) {
        futures_util::future::join_all(self.partitions.iter().map(|partition| self.leave(partition, true))).await;
    }

    async fn write_checkpoint(&self, partition: &Partition) {
        let checkpoint = {
            let state = partition.state();
            let complete = state.held.is_some_and(|held| held.complete && held.renewed.elapsed() < LEASE);
            state.pending.as_ref().filter(|_| complete).map(super::pending::PendingIndex::checkpoint)
        };
        let Some(checkpoint) = checkpoint else { return };
        let Ok(text) = serde_json::to_vec(&checkpoint) else { return };
        if let Err(error) = partition.stream.write_one("k", text).await {
            tracing::debug!(%error, "the checkpoint stays where it was");
        }
    }
}

/// A tick so often, or as often as what is done at each allows.
fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}
