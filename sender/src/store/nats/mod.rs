//! The engine for many processes, on NATS JetStream: three servers, of which one may fail, and a stream for each
//! partition.
//!
//! Any worker writes to a stream. A change is one atomic write that replaces exactly the records it was made from
//! (`stream`, `schema`, `subject`). One worker at a time holds a partition's lease and leases its pending deliveries
//! from an index in memory (`leases`, `partition`, `pending`). When that worker is gone, another one rebuilds the index
//! from the stream (`follow`).

mod connect;
mod deliveries;
#[cfg(test)]
mod fault_tests;
mod follow;
mod history;
mod leases;
mod options;
mod partition;
mod pending;
mod schema;
mod stream;
mod subject;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use tokio::task::AbortHandle;
use uuid::Uuid;

use self::options::Options;
use self::worker::{Worker, partition_of_key};
use super::catalog::CatalogWrite;
use super::engine::{Arrivals, DeliveryUpdate, DueReply, Engine, ListQuery, ResentDelivery, StoredEvent, WriteResult};
use super::memory::Memory;
use super::scheduler::{DueRequest, Key};
use super::{Attempt, DeliveryRecord, OpenError, Result};
use crate::ids::{DeliveryId, WorkspaceId};

/// Engine on NATS JetStream.
pub(super) struct NatsEngine {
    worker: Arc<Worker>,
    tasks: Mutex<Vec<AbortHandle>>,
}

impl NatsEngine {
    /// Opens the store at a URL, creates it if it does not exist, and takes this worker's share of the partitions.
    ///
    /// The URL is `nats://[user:password@]host[:port][,host[:port]…][/store][?option=value[&…]]`. Its options are
    /// `replicas` (3; 1 for development), `partitions` (8, fixed when the store is created), `max_age_days` (30, limit
    /// of the history) and `tls` (0).
    pub(super) async fn open(url: &str, memory: Arc<Memory>) -> std::result::Result<Self, OpenError> {
        let options = Options::parse(url)?;
        let failed = |why: String| OpenError::Failed { path: options.name().into(), why };
        let context = connect::connect(&options).await.map_err(&failed)?;
        let streams = connect::open_streams(&context, &options).await?;
        let id = Uuid::new_v4().simple().to_string();
        let engine = Self { worker: Arc::new(Worker::new(streams, memory, id)), tasks: Mutex::default() };
        for index in 0..engine.worker.partitions.len() {
            engine.spawn(move |worker| async move {
                if let Some(partition) = worker.partitions.get(index) {
                    worker.follow_catalog(partition).await;
                }
            });
        }
        if let Err(error) = engine.start().await {
            engine.close().await;
            return Err(failed(error.to_string()));
        }
        Ok(engine)
    }

    /// Reads the catalog and takes free partitions.
    async fn start(&self) -> Result<()> {
        let all = self.worker.partitions.iter().map(partition::Partition::caught_up);
        futures_util::future::try_join_all(all).await?;
        self.worker.balance().await;
        self.spawn(|worker| async move { worker.keep_leases().await });
        for _ in 0..100 {
            if !self.worker.wants_more() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await; // the store is busy: wait for the next round
        }
        let is_reading =
            || self.worker.partitions.iter().any(|partition| partition.state().held.is_some_and(|held| !held.complete));
        while is_reading() {
            let _ = tokio::time::timeout(Duration::from_millis(20), self.worker.memory.changed.notified()).await;
        }
        Ok(())
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Arc<Worker>) -> F) {
        let handle = tokio::spawn(task(Arc::clone(&self.worker))).abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }
}

impl Drop for NatsEngine {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
        self.worker.partitions.iter().for_each(|partition| partition.state().lose());
    }
}

#[async_trait]
impl Engine for NatsEngine {
    async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()> {
        self.worker.write(workspace, writes).await
    }

    async fn refresh(&self, workspace: &WorkspaceId) -> Result<()> {
        self.worker.refresh(workspace).await
    }

    async fn insert(&self, arrivals: Arrivals) -> WriteResult<Vec<Vec<DeliveryId>>> {
        self.worker.insert(&arrivals).await
    }

    async fn events(&self, workspace: &WorkspaceId, ids: Vec<String>) -> Result<Vec<Option<StoredEvent>>> {
        self.worker.events(workspace, ids).await
    }

    async fn due(&self, requests: Vec<DueRequest>, now: UnixTime) -> Result<Vec<DueReply>> {
        self.worker.due(requests, now).await
    }

    async fn pending(&self, key: Key, after: DeliveryId, limit: usize) -> Result<Vec<(DeliveryId, Delivery)>> {
        let Some(partition) = self.worker.partitions.get(partition_of_key(key)) else { return Ok(Vec::new()) };
        Ok(partition.state().pending.as_ref().map(|index| index.pending_of(key, after, limit)).unwrap_or_default())
    }

    async fn update(&self, update: DeliveryUpdate) -> WriteResult<()> {
        self.worker.update(update).await
    }

    async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId> {
        self.worker.resend(resent).await
    }

    async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        self.worker.delivery(workspace, id).await
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<DeliveryRecord>> {
        self.worker.list(&query).await
    }

    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        self.worker.prune(before, max).await
    }

    async fn count_pending(&self) -> Result<u64> {
        let counts = self.worker.partitions.iter().map(|partition| partition.state().count_pending());
        Ok(counts.fold(0, u64::saturating_add))
    }

    async fn check(&self) -> Result<()> {
        let writes = self.worker.partitions.iter().map(|partition| partition.stream.write_one(subject::PROBE, ""));
        futures_util::future::try_join_all(writes).await.map(|_| ())
    }

    async fn close(&self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.worker.leave_all().await;
    }
}
