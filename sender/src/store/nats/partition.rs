//! A partition: its stream, and the state that this process keeps of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::pending::PendingIndex;
use super::schema::{self, Arrival, Lease, Progress, locate};
use super::stream::{Stream, unavailable};
use super::subject;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::Result;
use crate::store::lease::START_WITHIN;

/// A partition of the store.
pub(super) struct Partition {
    pub(super) index: usize,
    pub(super) stream: Stream,
    state: Mutex<PartitionState>,
    /// The latest sequence that was read for the catalog.
    pub(super) read: watch::Sender<u64>,
}

/// State that this process keeps of a partition.
#[derive(Default)]
pub(super) struct PartitionState {
    /// The pending deliveries, if this process holds the partition.
    pub(super) pending: Option<PendingIndex>,
    /// The lease, if this process holds the partition.
    pub(super) held: Option<HeldLease>,
    /// The lease as it was last read.
    pub(super) observed: Option<ObservedLease>,
    /// Start of the current uninterrupted reading of the lease.
    pub(super) reading: Option<Instant>,
    pub(super) tail: Option<AbortHandle>,
    /// Set when deliveries were due while no attempt could start.
    pub(super) waiting: bool,
}

/// A lease that this process holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldLease {
    /// Sequence of the latest renewal.
    pub(super) sequence: u64,
    /// Time at which the latest renewal was sent.
    pub(super) renewed: Instant,
    /// Sequence of the first write; all earlier records have been read once it is read.
    pub(super) taken: u64,
    /// Set once all earlier records have been read.
    pub(super) complete: bool,
    /// Set when the partition is to be given up.
    pub(super) leaving: bool,
}

/// A lease as it was read from the stream.
#[derive(Debug, Clone)]
pub(super) struct ObservedLease {
    pub(super) sequence: u64,
    pub(super) lease: Lease,
    pub(super) at: Instant,
}

impl PartitionState {
    /// Returns the pending deliveries, if attempts may start now.
    pub(super) fn startable(&mut self) -> Option<&PendingIndex> {
        let may = self.held.is_some_and(|held| held.complete && !held.leaving && held.renewed.elapsed() < START_WITHIN);
        self.waiting |= !may;
        self.pending.as_ref().filter(|_| may)
    }

    /// Returns the lease that was taken with the sequence `taken`, if this process still holds it.
    pub(super) fn held_since(&mut self, taken: u64) -> Option<&mut HeldLease> {
        self.held.as_mut().filter(|held| held.taken == taken)
    }

    /// Returns the number of pending deliveries: this worker's own count once it has read them all, the holder's last
    /// report before.
    pub(super) fn count_pending(&self) -> u64 {
        let own = self.pending.as_ref().filter(|_| self.held.is_some_and(|held| held.complete));
        let reported = self.observed.as_ref().map_or(0, |observed| observed.lease.pending);
        own.map_or(reported, PendingIndex::pending)
    }

    /// Drops the lease and the pending deliveries.
    pub(super) fn lose(&mut self) {
        if let Some(pending) = &self.pending {
            pending.withdraw();
        }
        (self.pending, self.held) = (None, None);
        if let Some(tail) = self.tail.take() {
            tail.abort();
        }
    }
}

impl Partition {
    pub(super) fn new(index: usize, stream: Stream) -> Self {
        Self { index, stream, state: Mutex::default(), read: watch::Sender::new(0) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, PartitionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all catalog records written before this call have been read.
    pub(super) async fn caught_up(&self) -> Result<()> {
        let sequence = self.stream.write_one(subject::PROBE, "").await?;
        let mut read = self.read.subscribe();
        let wait = read.wait_for(|read| *read >= sequence);
        let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
        waited.map_err(|_| unavailable("cannot read the store within 30 s"))?.map(|_| ()).or(Ok(()))
    }

    /// Reads the latest state of a delivery and its sequence, 0 if it is unchanged since its arrival. Returns `None` if
    /// it is gone.
    pub(super) async fn load(
        &self,
        workspace: &WorkspaceId,
        subscription: &SubscriptionId,
        id: DeliveryId,
    ) -> Result<Option<(Progress, u64)>> {
        if let Some(message) = self.stream.last(&subject::delivery(workspace, subscription, id)).await? {
            return Ok(Some((schema::read(&message)?, message.sequence)));
        }
        let (sequence, _, index) = locate(id);
        let Some(message) = self.stream.at(sequence).await? else { return Ok(None) };
        let (arrival, _) = Arrival::split(&message.payload)?;
        let delivery = arrival.to.get(index).filter(|(to, _)| to == subscription);
        Ok(delivery.map(|(_, delivery)| (Progress::new(*delivery), 0)))
    }
}
