//! The engine for many processes: NATS JetStream, three servers of which one may fail, one stream for each partition of the workspaces.
//!
//! A stream is written by whoever is asked, each change in one step and only in the place of what it was made of (`stream`, `records`). What is
//! pending in a partition is handed out by one worker, which holds the partition's lease and keeps in memory what is due when (`leases`,
//! `partition`, `work`); when it is gone, another one reads it off the stream.

mod catalog;
#[cfg(test)]
mod fault_tests;
mod history;
mod ingest;
mod lease_and_record;
mod leases;
mod options;
mod partition;
mod pending;
mod schema;
mod stream;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream::Config};
use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Recorded, Signer};
use tokio::task::AbortHandle;
use uuid::Uuid;

use self::options::Options;
use self::partition::Worker;
use self::schema::SCHEMA;
use self::stream::Stream;
use super::{
    Accepted, ApiToken, Attempt, Change, DeliveryFilter, DeliveryRecord, EventRecord, LeasedDelivery, Limits, NewEvent,
    OpenError, Page, Result, Stats, Store, StoreError, SubscriptionRecord, TokenHash, Workspace,
};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

/// The oldest server that does everything that is asked of it here: all or nothing for several messages.
const OLDEST_SERVER: (u32, u32) = (2, 12);
/// How long servers that have just started may take until all of them can be given a stream.
const STARTING: Duration = Duration::from_secs(15);
const SCHEMA_KEY: &str = "clarife-sender-schema";
const PARTITIONS_KEY: &str = "clarife-sender-partitions";

/// See the module.
pub(crate) struct NatsStore {
    worker: Arc<Worker>,
    tasks: Mutex<Vec<AbortHandle>>,
    closed: AtomicBool,
}

impl NatsStore {
    /// Opens the store that the URL names, made new if there is none, and takes this worker's share of it.
    ///
    /// `nats://[user:password@]host[:port][,host[:port]…][/store][?option=value[&…]]`, with the options `replicas` (3; 1 for development),
    /// `partitions` (8, for a new store), `max_age_days` (30: how long the log is kept at most) and `tls` (0).
    pub(crate) async fn open(url: &str, limits: Limits) -> std::result::Result<Self, OpenError> {
        let options = Options::parse(url)?;
        let failed = |why: String| OpenError::Failed { path: options.name().into(), why };
        let context = connect(&options).await.map_err(&failed)?;
        let streams = open_streams(&context, &options).await?;
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

    /// Reads what there is, and takes what is free.
    async fn start(&self) -> Result<()> {
        let all = self.worker.partitions.iter().map(partition::Partition::caught_up);
        futures_util::future::try_join_all(all).await?;
        self.worker.balance().await;
        self.spawn(|worker| async move { worker.keep_leases().await });
        for _ in 0..100 {
            if !self.worker.wants_more() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await; // a busy store: the next round has more luck
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
            return Err(StoreError::Unavailable("it is closed".into()));
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

/// Connects, and refuses servers that are too old.
async fn connect(options: &Options) -> std::result::Result<jetstream::Context, String> {
    let mut connect = async_nats::ConnectOptions::new()
        .name("clarife-sender")
        .max_reconnects(None)
        .require_tls(options.tls)
        .request_timeout(Some(Duration::from_secs(5)));
    if let Some((user, password)) = &options.user {
        connect = connect.user_and_password(user.clone(), password.clone());
    }
    let client = connect.connect(options.servers.clone()).await.map_err(|error| error.to_string())?;
    let version = client.server_info().version;
    if is_too_old(&version) {
        let (major, minor) = OLDEST_SERVER;
        return Err(format!("the server is version {version}, and {major}.{minor} or later is needed"));
    }
    Ok(jetstream::ContextBuilder::new().timeout(Duration::from_secs(5)).build(client))
}

fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST_SERVER
}

/// The streams of the store, made if they are not there.
async fn open_streams(context: &jetstream::Context, options: &Options) -> std::result::Result<Vec<Stream>, OpenError> {
    let path: std::path::PathBuf = options.name().into();
    let failed = |why: String| OpenError::Failed { path: path.clone(), why };
    let config = |index: u16, partitions: u16| {
        let name = format!("{}-{index}", options.store);
        let metadata = [(SCHEMA_KEY, SCHEMA.to_string()), (PARTITIONS_KEY, partitions.to_string())];
        Config {
            subjects: vec![format!("{}.{index}.>", options.store)],
            name,
            max_messages_per_subject: 1,
            max_age: options.max_age,
            num_replicas: options.replicas,
            allow_direct: true,
            allow_message_ttl: true,
            allow_atomic_publish: true,
            metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<HashMap<_, _>>(),
            ..Config::default()
        }
    };
    let start = Instant::now();
    let mut partitions = options.partitions;
    let mut streams = Vec::new();
    let mut index = 0;
    while index < partitions {
        let config = config(index, partitions);
        let name = config.name.clone();
        let stream = loop {
            match context.get_or_create_stream(config.clone()).await {
                Ok(stream) => break stream,
                Err(error) if start.elapsed() >= STARTING => return Err(failed(error.to_string())),
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        };
        let found = &stream.cached_info().config;
        let number = |key: &str| found.metadata.get(key).and_then(|value| value.parse::<i64>().ok());
        let schema = number(SCHEMA_KEY).ok_or_else(|| OpenError::Foreign(path.clone()))?;
        if schema > SCHEMA {
            return Err(OpenError::Newer { path: path.clone(), found: schema, known: SCHEMA });
        }
        // The store knows best how many there are.
        partitions = number(PARTITIONS_KEY).and_then(|number| u16::try_from(number).ok()).unwrap_or(partitions);
        let handle = context.get_stream_no_info(&name).await.map_err(|error| failed(error.to_string()))?;
        streams.push(Stream::new(context, handle, &name, &format!("{}.{index}.", options.store)));
        index = index.saturating_add(1);
    }
    Ok(streams)
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

    async fn authenticate(&self, hash: &TokenHash, now: UnixMillis) -> Result<Option<WorkspaceId>> {
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

    async fn accept(&self, workspace: &WorkspaceId, events: Vec<NewEvent>, now: UnixMillis) -> Result<Vec<Accepted>> {
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

    async fn lease(&self, now: UnixMillis, max: usize) -> Result<Vec<LeasedDelivery>> {
        self.open_worker()?.lease(now, max).await
    }

    async fn ready(&self, now: UnixMillis) {
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

    async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixMillis) -> Result<DeliveryId> {
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

    async fn prune(&self, before: UnixMillis, max: usize) -> Result<usize> {
        self.open_worker()?.prune(before, max).await
    }

    async fn stats(&self) -> Result<Stats> {
        let worker = self.open_worker()?;
        let (mut pending, mut active, mut all): (u64, u64, u64) = (0, 0, 0);
        for partition in &worker.partitions {
            let state = partition.state();
            let reported = state.observed.as_ref().map_or(0, |observed| observed.lease.pending);
            pending = pending.saturating_add(state.pending.as_ref().map_or(reported, pending::PendingIndex::pending));
        }
        for cached in worker.catalog().all() {
            all = all.saturating_add(1);
            active = active.saturating_add(u64::from(cached.record.subscription.health.is_active()));
        }
        Ok(Stats { pending, active, deactivated: all.saturating_sub(active) })
    }

    async fn check(&self) -> Result<()> {
        let writes = self.open_worker()?.partitions.iter().map(|partition| partition.stream.write_one("p", ""));
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
