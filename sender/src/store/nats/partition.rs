//! A partition: a stream, and what this process knows about it and does with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::pending::PendingIndex;
use super::schema::{self, Arrival, Lease, Progress, locate, progress_subject};
use super::stream::Stream;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Result, StoreError};

/// Others take a partition when they have seen no renewal of its lease for so long.
pub(super) const LEASE: Duration = Duration::from_secs(15);
/// How long after the renewal attempts are started: one that takes all of its 10 s is over before the lease is.
const START_WITHIN: Duration = Duration::from_secs(4);
/// How many reads or writes are under way for one piece of work.
pub(super) const CONCURRENCY: usize = 64;

/// See the module.
pub(super) struct Partition {
    pub(super) index: usize,
    pub(super) stream: Stream,
    state: Mutex<State>,
    /// There is something to end.
    pub(super) ending: Notify,
    /// Held while a subscription's health is written, so that its attempts do not get into each other's way.
    pub(super) health: [tokio::sync::Mutex<()>; 16],
    /// The latest sequence that was read about the directory.
    pub(super) read: watch::Sender<u64>,
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
    pub(super) tail: Option<AbortHandle>,
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
