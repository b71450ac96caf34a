//! The engine for several workers on PostgreSQL: one database, or several with a part of the workspaces each.
//!
//! Every worker accepts requests. Pending deliveries are in a table of their own (`insert`, `update`), and each of its
//! slots has one worker that delivers (`slots`), so that no delivery is locked row by row. Deliveries that have ended
//! move to partitions by day, which are dropped when they are old (`schema`). Workers tell each other of changes by
//! notifications (`news`).

mod catalog;
mod connect;
mod history;
mod ids;
mod insert;
mod news;
mod schema;
mod shard;
mod slots;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use uuid::Uuid;

use self::connect::Database;
use self::ids::database_of;
use self::insert::InsertJob;
use self::shard::Shard;
use self::update::UpdateJob;
use super::catalog::CatalogWrite;
use super::engine::{Arrivals, DeliveryUpdate, DueReply, Engine, ListQuery, ResentDelivery, StoredEvent, WriteResult};
use super::memory::Memory;
use super::scheduler::{DueRequest, Key};
use super::{Attempt, DeliveryRecord, OpenError, Result, StoreError};
use crate::ids::{DeliveryId, WorkspaceId};

/// Time limit of a read or a write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Engine on PostgreSQL.
pub(super) struct PostgresEngine {
    shards: Vec<Arc<Shard>>,
}

impl PostgresEngine {
    /// Opens the store at a URL, see [`Database::parse`], and creates its tables if they do not exist.
    pub(super) async fn open(url: &str, memory: Arc<Memory>, now: UnixTime) -> std::result::Result<Self, OpenError> {
        let databases = Database::parse(url)?;
        let (worker, count) = (Uuid::new_v4().simple().to_string(), databases.len());
        let mut shards = Vec::with_capacity(count);
        for (number, database) in (0_u8..=u8::MAX).zip(databases) {
            let opened = Shard::open(database, (number, count), Arc::clone(&memory), worker.clone(), now);
            shards.push(opened.await?);
        }
        Ok(Self { shards })
    }

    /// Returns the database of a workspace.
    fn shard(&self, workspace: &WorkspaceId) -> Result<&Arc<Shard>> {
        let index = workspace.part(self.shards.len());
        self.shards.get(index).ok_or(StoreError::NotFound("workspace"))
    }
}

/// Waits for the reply to a job.
async fn replied<T>(reply: oneshot::Receiver<WriteResult<T>>) -> WriteResult<T> {
    reply.await.unwrap_or_else(|_| Err(closed().into()))
}

/// Runs `work` within a time limit.
async fn within<T, E: From<StoreError>>(
    work: impl Future<Output = std::result::Result<T, E>>,
) -> std::result::Result<T, E> {
    let result = tokio::time::timeout(PATIENCE, work).await;
    result.unwrap_or_else(|_| Err(unavailable("the database does not reply").into()))
}

fn unavailable(error: impl Into<Reason>) -> StoreError {
    StoreError::Unavailable(error.into().0)
}

fn closed() -> StoreError {
    unavailable("the store is closed")
}

/// Reason for which a call failed, as text.
struct Reason(String);

impl From<&str> for Reason {
    fn from(why: &str) -> Self {
        Self(why.into())
    }
}

impl From<String> for Reason {
    fn from(why: String) -> Self {
        Self(why)
    }
}

impl From<tokio_postgres::Error> for Reason {
    fn from(error: tokio_postgres::Error) -> Self {
        Self(schema::describe(&error))
    }
}

/// Parses a JSON column. The error never has its contents.
fn from_json<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| unavailable("cannot read a record of the store"))
}

/// Serializes a JSON column.
fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| unavailable(error.to_string()))
}

#[async_trait]
impl Engine for PostgresEngine {
    async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()> {
        let shard = self.shard(workspace)?;
        let deletes = writes.iter().any(|write| matches!(write, CatalogWrite::DeleteSubscription(_)));
        within(shard.write_catalog(workspace, writes)).await?;
        if deletes {
            shard.deletions.notify_one();
        }
        Ok(())
    }

    async fn refresh(&self, workspace: &WorkspaceId) -> Result<()> {
        within(self.shard(workspace)?.read_catalog(Some(workspace))).await
    }

    async fn insert(&self, arrivals: Arrivals) -> WriteResult<Vec<Vec<DeliveryId>>> {
        let (reply, receiver) = oneshot::channel();
        let shard = self.shard(&arrivals.workspace)?;
        shard.inserts.send(InsertJob { arrivals, reply }).await.map_err(|_| closed())?;
        replied(receiver).await
    }

    async fn events(&self, workspace: &WorkspaceId, ids: Vec<String>) -> Result<Vec<Option<StoredEvent>>> {
        within(self.shard(workspace)?.events(workspace, &ids)).await
    }

    async fn due(&self, requests: Vec<DueRequest>, now: UnixTime) -> Result<Vec<DueReply>> {
        let [shard] = &self.shards[..] else {
            let mut replies: Vec<DueReply> = requests.iter().map(|_| DueReply::default()).collect();
            for (number, shard) in self.shards.iter().enumerate() {
                let of_shard = |(_, request): &(usize, &DueRequest)| database_of(request.key) == number;
                let (indexes, own): (Vec<_>, Vec<_>) = requests.iter().enumerate().filter(of_shard).unzip();
                let own: Vec<DueRequest> = own.into_iter().cloned().collect();
                for (index, reply) in indexes.into_iter().zip(within(shard.due(&own, now)).await?) {
                    if let Some(place) = replies.get_mut(index) {
                        *place = reply;
                    }
                }
            }
            return Ok(replies);
        };
        within(shard.due(&requests, now)).await
    }

    async fn pending(&self, key: Key, after: DeliveryId, limit: usize) -> Result<Vec<(DeliveryId, Delivery)>> {
        let Some(shard) = self.shards.get(database_of(key)) else { return Ok(Vec::new()) };
        within(shard.pending(key, after, limit)).await
    }

    async fn update(&self, update: DeliveryUpdate) -> WriteResult<()> {
        let (reply, receiver) = oneshot::channel();
        let shard = self.shard(&update.subscription.record.workspace)?;
        shard.updates.send(UpdateJob { update, reply }).await.map_err(|_| closed())?;
        replied(receiver).await
    }

    async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId> {
        within(self.shard(&resent.subscription.record.workspace)?.resend(resent)).await
    }

    async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        within(self.shard(workspace)?.delivery(id)).await
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<DeliveryRecord>> {
        within(self.shard(&query.workspace)?.list(&query)).await
    }

    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        let mut pruned: usize = 0;
        for shard in &self.shards {
            let client = shard.client().await?;
            let dropped = shard.days.drop_before(&client, before, max.saturating_sub(pruned)).await?;
            client.keep();
            pruned = pruned.saturating_add(dropped);
        }
        Ok(pruned)
    }

    async fn count_pending(&self) -> Result<u64> {
        let mut count: u64 = 0;
        for shard in &self.shards {
            count = count.saturating_add(within(shard.count_pending()).await?);
        }
        Ok(count)
    }

    async fn check(&self) -> Result<()> {
        let checks = self.shards.iter().map(|shard| within(shard.check()));
        futures_util::future::try_join_all(checks).await.map(|_| ())
    }

    async fn close(&self) {
        for shard in &self.shards {
            shard.stop();
            if let Err(error) = shard.leave().await {
                tracing::debug!(%error, "cannot free the slots; their leases will expire");
            }
        }
    }
}
