//! The embedded store, for one process: SQLite in write-ahead mode, flushed to disk at every commit.
//!
//! One thread writes (`writer`), and waiting writes share a commit. Leases are kept in memory: they end with the
//! process, and all pending deliveries are leased again after a restart.

mod catalog;
mod chores;
mod database;
mod history;
mod ingest;
mod lease_and_record;
mod resend;
mod schema;
mod subscriptions;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::Duration;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, Recorded, Signer};

use self::catalog::Catalog;
use self::database::{Database, SharedCatalog};
use self::history::{Readers, SubscriptionMap};
use self::writer::Writer;
use super::scheduler::Key;
use super::{
    Accepted, ApiToken, Attempt, Change, DeliveryFilter, DeliveryRecord, EventRecord, LeasedDelivery, Limits, NewEvent,
    OpenError, Page, Result, StateName, Stats, Store, SubscriptionRecord, TokenHash, Workspace,
};
use crate::ids::{DeliveryId, SubscriptionId, TokenId, WorkspaceId};

pub(crate) use schema::backup;

/// Store in a SQLite file.
pub(crate) struct SqliteStore {
    writer: Writer,
    readers: Readers,
    catalog: SharedCatalog,
}

impl SqliteStore {
    /// Opens the store in a file; creates the file if it does not exist.
    pub(crate) fn open(path: &Path, limits: Limits, now: UnixTime) -> std::result::Result<Self, OpenError> {
        let failed = |why: String| OpenError::Failed { path: path.into(), why };
        let (connection, lock) = schema::open(path)?;
        let database = Database::load(connection, lock, limits.per_subscription, now);
        let database = database.map_err(|error| failed(error.to_string()))?;
        let catalog = database.shared();
        let writer = Writer::start(database).map_err(|error| failed(error.to_string()))?;
        Ok(Self { writer, readers: Readers::new(path.into()), catalog })
    }

    fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the workspace's key and its subscriptions, or only the subscription `only`.
    fn subscription_map(
        &self,
        workspace: &WorkspaceId,
        only: Option<&SubscriptionId>,
    ) -> Result<(Key, SubscriptionMap)> {
        let catalog = self.catalog();
        let key = catalog.workspace_key(workspace)?;
        let subscriptions = match only {
            Some(id) => HashMap::from([catalog.subscription(workspace, id)?]),
            None => catalog.subscriptions(workspace)?.into_iter().collect(),
        };
        Ok((key, subscriptions))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_workspace(&self, workspace: Workspace) -> Result<()> {
        self.writer.write(|database| subscriptions::create_workspace(database, workspace)).await
    }

    async fn workspace(&self, id: &WorkspaceId) -> Result<Workspace> {
        self.catalog().workspace(id).cloned()
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>> {
        Ok(self.catalog().workspaces())
    }

    async fn set_plan(&self, id: &WorkspaceId, plan: Plan) -> Result<Workspace> {
        let id = id.clone();
        self.writer.write(move |database| subscriptions::set_plan(database, &id, plan)).await
    }

    async fn create_token(&self, token: ApiToken) -> Result<()> {
        self.writer.write(|database| subscriptions::create_token(database, token)).await
    }

    async fn tokens(&self, workspace: &WorkspaceId) -> Result<Vec<ApiToken>> {
        let catalog = self.catalog();
        catalog.workspace(workspace)?;
        Ok(catalog.tokens(workspace))
    }

    async fn delete_token(&self, workspace: &WorkspaceId, id: &TokenId) -> Result<()> {
        let (workspace, id) = (workspace.clone(), id.clone());
        self.writer.write(move |database| subscriptions::delete_token(database, &workspace, &id)).await
    }

    async fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Result<Option<WorkspaceId>> {
        Ok(self.catalog().authenticate(hash, now))
    }

    async fn subscribe(
        &self,
        workspace: &WorkspaceId,
        url: EndpointUrl,
        event_types: EventTypes,
        signer: Signer,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let workspace = workspace.clone();
        self.writer
            .write(move |database| subscriptions::subscribe(database, &workspace, url, event_types, signer, now))
            .await
    }

    async fn subscriptions(&self, workspace: &WorkspaceId) -> Result<Vec<Arc<SubscriptionRecord>>> {
        Ok(self.catalog().subscriptions(workspace)?.into_iter().map(|(_, record)| record).collect())
    }

    async fn subscription(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<Arc<SubscriptionRecord>> {
        self.catalog().subscription(workspace, id).map(|(_, record)| record)
    }

    async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        change: Change,
        now: UnixTime,
    ) -> Result<Arc<SubscriptionRecord>> {
        let (workspace, id) = (workspace.clone(), id.clone());
        self.writer.write(move |database| subscriptions::change(database, &workspace, &id, change, now)).await
    }

    async fn unsubscribe(&self, workspace: &WorkspaceId, id: &SubscriptionId) -> Result<()> {
        let (workspace, id) = (workspace.clone(), id.clone());
        self.writer.write(move |database| subscriptions::unsubscribe(database, &workspace, &id)).await
    }

    async fn accept(&self, workspace: &WorkspaceId, events: Vec<NewEvent>, now: UnixTime) -> Result<Vec<Accepted>> {
        let workspace = workspace.clone();
        self.writer.write(move |database| ingest::accept(database, &workspace, &events, now)).await
    }

    async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId> {
        let (workspace, id) = (workspace.clone(), id.clone());
        self.writer.write(move |database| ingest::accept_test(database, &workspace, &id, &event, now)).await
    }

    async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord> {
        let (key, id) = (self.catalog().workspace_key(workspace)?, id.to_owned());
        self.readers.read(move |connection| history::event(connection, key, &id)).await
    }

    async fn lease(&self, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>> {
        self.writer.access(move |database| lease_and_record::lease(database, now, max)).await
    }

    async fn ready(&self, now: UnixTime) {
        let wait = self.writer.wake_at().saturating_sub(now.as_millis());
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            let changed = self.writer.changed();
            let _ = tokio::time::timeout(Duration::from_millis(wait), changed).await;
        }
    }

    async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Result<Option<Recorded>> {
        let id = leased.id;
        self.writer.write(move |database| lease_and_record::record(database, id, &attempt)).await
    }

    async fn release(&self, leased: &LeasedDelivery) {
        let leased = leased.clone();
        let released = self.writer.access(move |database| lease_and_record::release(database, &leased)).await;
        if let Err(error) = released {
            tracing::debug!(%error, "a lease ends with the process");
        }
    }

    async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page> {
        let (key, subscriptions) = self.subscription_map(workspace, filter.subscription.as_ref())?;
        let filter = filter.clone();
        self.readers.read(move |connection| history::deliveries(connection, key, &subscriptions, &filter)).await
    }

    async fn delivery(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let (_, subscriptions) = self.subscription_map(workspace, None)?;
        self.readers.read(move |connection| history::delivery(connection, &subscriptions, id)).await
    }

    async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId> {
        let workspace = workspace.clone();
        self.writer.write(move |database| resend::resend(database, &workspace, id, now)).await
    }

    async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64> {
        let (key, _) = self.catalog().subscription(workspace, id)?;
        let mut resent: u64 = 0;
        for state in [StateName::Failed, StateName::Held] {
            let mut after = Some(0);
            while let Some(last) = after {
                let batch =
                    move |database: &mut Database| resend::resend_batch(database, key, (state, last), since, now);
                let (count, next) = self.writer.write(batch).await?;
                resent = resent.saturating_add(count);
                after = next;
            }
        }
        Ok(resent)
    }

    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        self.writer.write(move |database| history::prune(database, before, max)).await
    }

    async fn stats(&self) -> Result<Stats> {
        let pending = self.readers.read(history::pending).await?;
        let catalog = self.catalog();
        let active = catalog.all().filter(|(_, record)| record.subscription.health.is_active()).count();
        let deactivated = catalog.all().count().saturating_sub(active);
        let number = |count| u64::try_from(count).unwrap_or(u64::MAX);
        Ok(Stats { pending, active: number(active), deactivated: number(deactivated) })
    }

    async fn check(&self) -> Result<()> {
        // A rolled-back write would not reach the disk; this one does.
        self.writer
            .write(|database| {
                let version = "UPDATE sqlite_sequence SET seq = seq WHERE name = 'deliveries'";
                database.connection.execute(version, [])?;
                Ok(())
            })
            .await
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}
