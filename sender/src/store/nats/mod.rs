//! The store for many processes, on NATS JetStream: three servers, of which one may fail, and a stream for each
//! partition.
//!
//! Any worker writes to a stream. A change is one atomic write that replaces exactly the records it was made from
//! (`stream`, `schema`, `subject`). One worker at a time holds a partition's lease and leases its pending deliveries
//! from an index in memory (`leases`, `partition`, `pending`). When that worker is gone, another one rebuilds the index
//! from the stream (`follow`).

mod catalog;
mod connect;
mod deactivate;
#[cfg(test)]
mod fault_tests;
mod follow;
mod history;
mod ingest;
mod lease_and_record;
mod leases;
mod options;
mod partition;
mod pending;
mod resend;
mod retry;
mod schema;
mod stream;
mod subject;
mod subscriptions;
#[cfg(test)]
mod tests;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Recorded, Signer};
use tokio::task::AbortHandle;
use uuid::Uuid;

use self::options::Options;
use self::worker::Worker;
use super::{
    Accepted, ApiToken, Attempt, Change, DeliveryFilter, DeliveryRecord, EventRecord, LeasedDelivery, Limits, NewEvent,
    OpenError, Page, Result, Stats, Store, StoreError, SubscriptionRecord, TokenHash, Workspace,
};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// Store on NATS JetStream.
pub(crate) struct NatsStore {
    worker: Arc<Worker>,
    tasks: Mutex<Vec<AbortHandle>>,
    closed: AtomicBool,
}

impl NatsStore {
    /// Opens the store at a URL, creates it if it does not exist, and takes this worker's share of the partitions.
    ///
    /// The URL is `nats://[user:password@]host[:port][,host[:port]…][/store][?option=value[&…]]`. Its options are
    /// `replicas` (3; 1 for development), `partitions` (8, fixed when the store is created), `max_age_days` (30, limit
    /// of the history) and `tls` (0).
    pub(crate) async fn open(url: &str, limits: Limits) -> std::result::Result<Self, OpenError> {
        let options = Options::parse(url)?;
        let failed = |why: String| OpenError::Failed { path: options.name().into(), why };
        let context = connect::connect(&options).await.map_err(&failed)?;
        let streams = connect::open_streams(&context, &options).await?;
        let worker = Uuid::new_v4().simple().to_string();
        let nats = Self {
            worker: Arc::new(Worker::new(streams, limits, worker)),
            tasks: Mutex::default(),
            closed: AtomicBool::new(false),
        };
        for index in 0..nats.worker.partitions.len() {
            nats.spawn(move |worker| async move {
                if let Some(partition) = worker.partitions.get(index) {
                    tokio::join!(worker.follow_catalog(partition), worker.end_deliveries(partition));
                }
            });
        }
        let ready = nats.start().await;
        if let Err(error) = ready {
            nats.close().await;
            return Err(failed(error.to_string()));
        }
        Ok(nats)
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
            let _ = tokio::time::timeout(Duration::from_millis(20), self.worker.changed.notified()).await;
        }
        Ok(())
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, task: impl FnOnce(Arc<Worker>) -> F) {
        let handle = tokio::spawn(task(Arc::clone(&self.worker))).abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    fn open_worker(&self) -> Result<&Arc<Worker>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        Ok(&self.worker)
    }
}

impl Drop for NatsStore {
    fn drop(&mut self) {
        for task in self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
        self.worker.partitions.iter().for_each(|partition| partition.state().lose());
    }
}

#[async_trait]
impl Store for NatsStore {
    async fn create_workspace(&self, workspace: Workspace) -> Result<()> {
        self.open_worker()?.create_workspace(workspace).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Workspace> {
        self.open_worker()?.catalog().workspace(id)
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>> {
        Ok(self.open_worker()?.catalog().workspaces())
    }

    async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
        self.open_worker()?.set_plan(id, plan).await
    }

    async fn create_token(&self, token: ApiToken) -> Result<()> {
        self.open_worker()?.create_token(&token).await
    }

    async fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>> {
        let catalog = self.open_worker()?.catalog();
        catalog.workspace(workspace)?;
        Ok(catalog.tokens(workspace))
    }

    async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
        self.open_worker()?.delete_token(workspace, id).await
    }

    async fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Result<Option<WorkspaceId>> {
        Ok(self.open_worker()?.catalog().authenticate(hash, now))
    }

    async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        url: EndpointUrl,
        event_types: EventTypes,
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        self.open_worker()?.subscribe(workspace, (url, event_types), signer, now).await
    }

    async fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<Arc<SubscriptionRecord>>> {
        let cached = self.open_worker()?.catalog().subscriptions(workspace)?;
        Ok(cached.into_iter().map(|cached| cached.record).collect())
    }

    async fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<Arc<SubscriptionRecord>> {
        Ok(self.open_worker()?.catalog().subscription(workspace, id)?.record)
    }

    async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        self.open_worker()?.change(workspace, id, change, now).await
    }

    async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        self.open_worker()?.unsubscribe(workspace, id).await
    }

    async fn accept(&self, workspace: &WorkspaceId, events: Vec<NewEvent>, now: UnixTime) -> Result<Vec<Accepted>> {
        self.open_worker()?.accept(workspace, events, now).await
    }

    async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId> {
        self.open_worker()?.accept_test(workspace, id, &event, now).await
    }

    async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord> {
        self.open_worker()?.event(workspace, id).await
    }

    async fn lease(&self, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>> {
        self.open_worker()?.lease(now, max).await
    }

    async fn ready(&self, now: UnixTime) {
        self.worker.ready(now).await;
    }

    async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Result<Option<Recorded>> {
        self.open_worker()?.record(leased, &attempt).await
    }

    async fn release(&self, leased: &LeasedDelivery) {
        self.worker.release(leased);
    }

    async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page> {
        self.open_worker()?.deliveries(workspace, filter).await
    }

    async fn delivery(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        self.open_worker()?.delivery(workspace, id).await
    }

    async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId> {
        self.open_worker()?.resend(workspace, id, now).await
    }

    async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64> {
        self.open_worker()?.resend_since(workspace, id, since, now).await
    }

    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        self.open_worker()?.prune(before, max).await
    }

    async fn stats(&self) -> Result<Stats> {
        let worker = self.open_worker()?;
        let (mut pending, mut active, mut all): (u64, u64, u64) = (0, 0, 0);
        for partition in &worker.partitions {
            pending = pending.saturating_add(partition.state().count_pending());
        }
        for cached in worker.catalog().all() {
            all = all.saturating_add(1);
            active = active.saturating_add(u64::from(cached.record.subscription.health.is_active()));
        }
        Ok(Stats { pending, active, deactivated: all.saturating_sub(active) })
    }

    async fn check(&self) -> Result<()> {
        let writes =
            self.open_worker()?.partitions.iter().map(|partition| partition.stream.write_one(subject::PROBE, ""));
        futures_util::future::try_join_all(writes).await.map(|_| ())
    }

    async fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.worker.leave_all().await;
    }
}
