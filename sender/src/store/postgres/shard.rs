//! One database of a store, and what this process keeps of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use deadpool_postgres::Pool;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::connect::{Database, Session};
use super::ids::{Numbers, database_of};
use super::insert::{InsertJob, MAX_EVENTS};
use super::news::News;
use super::schema::{self, Days};
use super::slots::Slots;
use super::update::{MAX_UPDATES, UpdateJob};
use super::{unavailable, within};
use crate::ids::WorkspaceId;
use crate::store::memory::Memory;
use crate::store::scheduler::Key;
use crate::store::{OpenError, Result, StoreError};

/// Number of concurrent transactions that insert, and that update.
const LANES: usize = 3;
/// Limit of the waiting calls; further callers wait.
const MAX_WAITING: usize = 4096;
/// Number of a deleted subscription's deliveries that are deleted in one transaction.
const MAX_DELETED: i64 = 1000;
/// Pause between two looks for deliveries to delete.
const PAUSE: Duration = Duration::from_secs(1);

/// A database of a store.
pub(super) struct Shard {
    pub(super) database: Database,
    pool: Pool,
    /// Number of the database, and of all databases.
    number: (u8, usize),
    pub(super) memory: Arc<Memory>,
    /// Id of this process among the workers.
    pub(super) worker: String,
    pub(super) numbers: Numbers,
    pub(super) days: Days,
    pub(super) slots: Slots,
    pub(super) news: News,
    pub(super) inserts: mpsc::Sender<InsertJob>,
    pub(super) updates: mpsc::Sender<UpdateJob>,
    /// The tasks by name.
    tasks: Mutex<Vec<(&'static str, AbortHandle)>>,
    pub(super) deletions: tokio::sync::Notify,
}

impl Shard {
    /// Opens a database: migrates it, reads its catalog, and takes this worker's share of the slots.
    pub(super) async fn open(
        database: Database,
        number: (u8, usize),
        memory: Arc<Memory>,
        worker: String,
        now: UnixTime,
    ) -> std::result::Result<Arc<Self>, OpenError> {
        let failed = |error: StoreError| {
            let why = match error {
                StoreError::Unavailable(why) => why,
                error => error.to_string(),
            };
            OpenError::Failed { path: database.name().into(), why }
        };
        let pool = database.pool()?;
        let mut client = Session::open(&pool).await.map_err(failed)?;
        schema::migrate(&mut client, &database).await?;
        schema::cap_due(&client, now).await.map_err(failed)?;
        client.keep();
        let (inserts, insert_jobs) = mpsc::channel(MAX_WAITING);
        let (updates, update_jobs) = mpsc::channel(MAX_WAITING);
        let shard = Arc::new(Self {
            database: database.clone(),
            pool,
            number,
            memory,
            worker,
            numbers: Numbers::new(number.0),
            days: Days::default(),
            slots: Slots::default(),
            news: News::default(),
            inserts,
            updates,
            tasks: Mutex::default(),
            deletions: tokio::sync::Notify::new(),
        });
        shard.start(insert_jobs, update_jobs).await.map_err(failed)?;
        Ok(shard)
    }

    async fn start(
        self: &Arc<Self>,
        inserts: mpsc::Receiver<InsertJob>,
        updates: mpsc::Receiver<UpdateJob>,
    ) -> Result<()> {
        within(self.read_catalog(None)).await?;
        self.tick(0).await?;
        let (inserts, updates) =
            (Arc::new(tokio::sync::Mutex::new(inserts)), Arc::new(tokio::sync::Mutex::new(updates)));
        for _ in 0..LANES {
            let jobs = Arc::clone(&inserts);
            self.spawn("insert", |shard| async move {
                while let Some(group) = next_group(&jobs, MAX_EVENTS, |job| job.arrivals.new.len()).await {
                    shard.insert(group).await;
                }
            });
            let jobs = Arc::clone(&updates);
            self.spawn("update", |shard| async move {
                while let Some(group) = next_group(&jobs, MAX_UPDATES, |_| 1).await {
                    shard.update(group).await;
                }
            });
        }
        self.spawn("slots", |shard| async move { shard.keep_slots().await });
        self.spawn("news", |shard| async move { shard.send_news().await });
        self.spawn("news", |shard| async move { shard.receive_news().await });
        self.spawn("deletions", |shard| async move { shard.delete_deliveries().await });
        Ok(())
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        task: impl FnOnce(Arc<Self>) -> F,
    ) {
        let handle = tokio::spawn(task(Arc::clone(self))).abort_handle();
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push((name, handle));
    }

    /// Stops the tasks with a name: "slots" as a worker that cannot renew its leases, "news" as one that hears nothing.
    #[cfg(test)]
    pub(super) fn stop_tasks(&self, stopped: &str) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().filter(|(name, _)| *name == stopped).for_each(|(_, task)| task.abort());
    }

    /// Stops the tasks.
    pub(super) fn stop(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|(_, task)| task.abort());
    }

    /// Takes a connection.
    pub(super) async fn client(&self) -> Result<Session> {
        Session::open(&self.pool).await
    }

    /// Checks that the database accepts writes.
    pub(super) async fn check(&self) -> Result<()> {
        let client = self.client().await?;
        client.execute("UPDATE probe SET writes = writes + 1", &[]).await.map_err(unavailable)?;
        client.keep();
        Ok(())
    }

    /// Tells whether a subscription is in this database.
    pub(super) fn has_key(&self, key: Key) -> bool {
        database_of(key) == usize::from(self.number.0)
    }

    /// Tells whether a workspace is in this database.
    pub(super) fn has_workspace(&self, id: &WorkspaceId) -> bool {
        id.part(self.number.1) == usize::from(self.number.0)
    }

    /// Deletes the deliveries of deleted subscriptions, until the task is aborted.
    async fn delete_deliveries(&self) {
        loop {
            match within(self.delete_some()).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "cannot delete the deliveries of a subscription yet"),
            }
            let _ = tokio::time::timeout(PAUSE.saturating_mul(30), self.deletions.notified()).await;
        }
    }

    /// Deletes a part of the deliveries of a deleted subscription, and the subscription with the last ones. Returns
    /// `true` if there may be more.
    async fn delete_some(&self) -> Result<bool> {
        let client = self.client().await?;
        let select = "SELECT id FROM subscriptions WHERE deleted LIMIT 1";
        let Some(row) = client.query_opt(select, &[]).await.map_err(unavailable)? else {
            client.keep();
            return Ok(false);
        };
        let key: i64 = row.get(0);
        let mut deleted = 0;
        for table in ["pending", "deliveries"] {
            let delete = format!(
                "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE subscription = $1 LIMIT {MAX_DELETED})"
            );
            deleted = deleted.max(client.execute(&delete, &[&key]).await.map_err(unavailable)?);
        }
        if deleted == 0 {
            client.execute("DELETE FROM subscriptions WHERE id = $1", &[&key]).await.map_err(unavailable)?;
        }
        client.keep();
        Ok(true)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits for a job, and returns it with others that wait, up to `max` in all.
async fn next_group<T>(
    jobs: &tokio::sync::Mutex<mpsc::Receiver<T>>,
    max: usize,
    size: impl Fn(&T) -> usize,
) -> Option<Vec<T>> {
    let mut jobs = jobs.lock().await;
    let first = jobs.recv().await?;
    let mut count = size(&first);
    let mut group = vec![first];
    while count < max
        && let Ok(job) = jobs.try_recv()
    {
        count = count.saturating_add(size(&job));
        group.push(job);
    }
    Some(group)
}
