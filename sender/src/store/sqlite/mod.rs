//! The embedded engine, for one process: SQLite in write-ahead mode, flushed to disk at every commit.
//!
//! One thread writes (`writer`), and waiting writes share a commit. Reads run beside the writer on connections of their
//! own. The process delivers everything itself, so leases are in memory: all pending deliveries are due again after a
//! restart.

mod catalog;
mod deliveries;
mod files;
mod history;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, latest_due};
use rusqlite::Connection;

use self::history::Readers;
use self::writer::Writer;
use super::catalog::CatalogWrite;
use super::engine::{
    Arrivals, DeliveryUpdate, DueReply, Engine, ListQuery, ResentDelivery, StoredEvent, WriteError, WriteResult,
};
use super::memory::Memory;
use super::scheduler::{DueRequest, Key};
use super::{Attempt, DeliveryRecord, OpenError, Result};
use crate::ids::{DeliveryId, WorkspaceId};

pub(crate) use schema::backup;

/// Pause before a deletion that failed is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Engine on a SQLite file.
pub(super) struct SqliteEngine {
    writer: Arc<Writer>,
    readers: Readers,
    memory: Arc<Memory>,
}

impl SqliteEngine {
    /// Opens the store in a file; creates the file if it does not exist.
    pub(super) fn open(path: &Path, memory: Arc<Memory>, now: UnixTime) -> std::result::Result<Self, OpenError> {
        let failed = |why: String| OpenError::Failed { path: path.into(), why };
        let (connection, lock) = schema::open(path)?;
        let deleted = load(&connection, &memory, now).map_err(|error| failed(error.to_string()))?;
        let writer = Writer::start(connection, lock).map_err(|error| failed(error.to_string()))?;
        let engine = Self { writer: Arc::new(writer), readers: Readers::new(path.into()), memory };
        deleted.into_iter().for_each(|key| engine.delete(key));
        Ok(engine)
    }

    /// Runs a write; `None` is a conflict.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<Option<T>> + Send + 'static,
    ) -> WriteResult<T> {
        self.writer.write(work).await?.ok_or(WriteError::Conflict)
    }

    /// Deletes the deliveries of a deleted subscription in the background, in steps so that no request waits long.
    fn delete(&self, key: Key) {
        let writer = Arc::clone(&self.writer);
        tokio::spawn(async move {
            loop {
                match writer.write(move |connection| deliveries::delete(connection, key)).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(_) if writer.is_closed() => return, // the next start goes on
                    Err(error) => {
                        tracing::debug!(%error, "cannot delete the deliveries of a subscription yet");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        });
    }
}

/// Fills the state in memory. Returns the keys of subscriptions whose deliveries are to be deleted.
fn load(connection: &Connection, memory: &Memory, now: UnixTime) -> Result<Vec<Key>> {
    deliveries::cap_due(connection, latest_due(now))?;
    for (record, version) in catalog::read(connection, None)? {
        memory.learn(record, version);
    }
    for (key, kind, due) in deliveries::queues(connection)? {
        memory.add(key, kind, due);
    }
    deliveries::deleted(connection)
}

#[async_trait]
impl Engine for SqliteEngine {
    async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()> {
        let deleted = writes.iter().find_map(|write| match write {
            CatalogWrite::DeleteSubscription(cached) => Some(cached.key),
            _ => None,
        });
        let workspace = workspace.clone();
        let written = self.write(move |connection| catalog::write(connection, &workspace, writes)).await?;
        written.into_iter().for_each(|(record, version)| self.memory.learn(record, version));
        deleted.into_iter().for_each(|key| self.delete(key));
        Ok(())
    }

    async fn refresh(&self, workspace: &WorkspaceId) -> Result<()> {
        let workspace = workspace.clone();
        let records = self.readers.read(move |connection| catalog::read(connection, Some(&workspace))).await?;
        records.into_iter().for_each(|(record, version)| self.memory.learn(record, version));
        Ok(())
    }

    async fn insert(&self, arrivals: Arrivals) -> WriteResult<Vec<Vec<DeliveryId>>> {
        let arrivals = Arc::new(arrivals);
        let inserted = Arc::clone(&arrivals);
        let ids = self.write(move |connection| deliveries::insert(connection, &inserted)).await?;
        for (to, delivery) in arrivals.new.iter().flat_map(|arrival| &arrival.to) {
            self.memory.announce(to.key, delivery);
        }
        Ok(ids)
    }

    async fn events(&self, workspace: &WorkspaceId, ids: Vec<String>) -> Result<Vec<Option<StoredEvent>>> {
        let workspace = workspace.clone();
        self.readers.read(move |connection| history::events(connection, &workspace, &ids)).await
    }

    async fn due(&self, requests: Vec<DueRequest>, now: UnixTime) -> Result<Vec<DueReply>> {
        let read = move |connection: &Connection| {
            requests.iter().map(|request| deliveries::due(connection, request, now)).collect()
        };
        self.readers.read(read).await
    }

    async fn pending(&self, key: Key, after: DeliveryId, limit: usize) -> Result<Vec<(DeliveryId, Delivery)>> {
        self.readers.read(move |connection| deliveries::pending(connection, key, after, limit)).await
    }

    async fn update(&self, update: DeliveryUpdate) -> WriteResult<()> {
        let (key, after) = (update.subscription.key, update.after);
        let written = self.write(move |connection| deliveries::update(connection, update)).await?;
        written.into_iter().for_each(|(record, version)| self.memory.learn(record, version));
        self.memory.announce(key, &after);
        Ok(())
    }

    async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId> {
        let (key, fresh) = (resent.subscription.key, resent.fresh);
        let id = self.write(move |connection| deliveries::resend(connection, &resent)).await?;
        self.memory.announce(key, &fresh);
        Ok(id)
    }

    async fn delivery(&self, _: &WorkspaceId, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        let read = move |connection: &Connection| {
            let Some(record) = history::delivery(connection, id)? else { return Ok(None) };
            Ok(Some((record, history::attempts(connection, id)?)))
        };
        self.readers.read(read).await
    }

    async fn list(&self, query: ListQuery) -> Result<Vec<DeliveryRecord>> {
        self.readers.read(move |connection| history::list(connection, &query)).await
    }

    async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        self.writer.write(move |connection| deliveries::prune(connection, before, max)).await
    }

    async fn count_pending(&self) -> Result<u64> {
        self.readers.read(history::count_pending).await
    }

    async fn check(&self) -> Result<()> {
        let write = |connection: &Connection| {
            connection.execute("UPDATE probe SET writes = writes + 1", [])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn close(&self) {
        self.readers.close();
        self.writer.close().await;
    }
}
