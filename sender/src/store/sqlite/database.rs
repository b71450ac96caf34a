//! The writer's state: the connection, and everything in memory that can be rebuilt from the tables.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, RETRY_DELAYS};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::catalog::{Catalog, from_json, to_json};
use super::chores::Chore;
use crate::ids::DeliveryId;
use crate::store::scheduler::{FairScheduler, Key, QueueKind};
use crate::store::{Result, StateName, StoreError};

/// Catalog that is read while the writer's thread writes.
pub(super) type SharedCatalog = Arc<RwLock<Catalog>>;

/// State of the writer's thread.
pub(super) struct Database {
    pub(super) connection: Connection,
    catalog: SharedCatalog,
    pub(super) scheduler: FairScheduler,
    pub(super) chores: VecDeque<Chore>,
    /// Leases to end when the transaction is on disk.
    ended: Vec<DeliveryId>,
    /// Set after a transaction failed: the state in memory may be ahead of the tables.
    stale: bool,
    /// Lock on the store, held while it is open.
    _lock: File,
}

/// Row of a delivery.
pub(super) struct DeliveryRow {
    pub(super) event: i64,
    pub(super) subscription: Key,
    pub(super) delivery: Delivery,
}

impl Database {
    /// Creates the state for an open store.
    pub(super) fn load(connection: Connection, lock: File, per_subscription: usize, now: UnixTime) -> Result<Self> {
        // Cap due times at the longest retry delay from now: later ones come from a clock that was ahead.
        let longest = RETRY_DELAYS.iter().max().copied().unwrap_or(Duration::ZERO);
        let latest = now.saturating_add(longest).as_millis();
        connection.execute("UPDATE deliveries SET due = ?1 WHERE state = 0 AND due > ?1", [latest])?;
        let mut database = Self {
            connection,
            catalog: SharedCatalog::default(),
            scheduler: FairScheduler::new(per_subscription),
            chores: VecDeque::new(),
            ended: Vec::new(),
            stale: true,
            _lock: lock,
        };
        database.repair()?;
        Ok(database)
    }

    pub(super) fn shared(&self) -> SharedCatalog {
        Arc::clone(&self.catalog)
    }

    pub(super) fn catalog(&self) -> RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a transaction: either all of it is on disk afterwards, or nothing has changed.
    pub(super) fn transaction(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.repair()?;
        let result = (|| {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            work(self)?;
            self.connection.execute_batch("COMMIT")?;
            Ok(())
        })();
        let ended = std::mem::take(&mut self.ended);
        match &result {
            Ok(()) => ended.into_iter().for_each(|delivery| self.scheduler.release(delivery)),
            Err(_) => self.stale = true,
        }
        result
    }

    /// Ends a lease once the transaction is on disk.
    pub(super) fn end_lease(&mut self, delivery: DeliveryId) {
        self.ended.push(delivery);
    }

    /// Rebuilds the state in memory from the tables, after a transaction failed.
    pub(super) fn repair(&mut self) -> Result<()> {
        if !self.stale {
            return Ok(());
        }
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        *self.catalog_mut() = Catalog::load(&self.connection)?;
        self.chores.clear();
        let deleted: Vec<Key> = self
            .connection
            .prepare("SELECT id FROM subscriptions WHERE deleted = 1")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        self.chores.extend(deleted.into_iter().map(|key| Chore::Delete { key }));
        let deactivated: Vec<_> = self
            .catalog()
            .all()
            .filter_map(|(key, record)| Some((key, record.subscription.health.warning()?.deactivated_at)))
            .collect();
        self.chores.extend(deactivated.into_iter().map(|(key, at)| Chore::EndPending { key, after: 0, at }));
        self.scheduler.clear_all();
        self.fill_scheduler(None)?;
        self.stale = false;
        Ok(())
    }

    /// Inserts a delivery.
    pub(super) fn insert(&mut self, row: &DeliveryRow, created_at: UnixTime) -> Result<DeliveryId> {
        let columns = Columns::of(&row.delivery);
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO deliveries (event, subscription, delivery, state, lane, due, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        let id = statement.insert(params![
            row.event,
            row.subscription,
            to_json(&row.delivery)?,
            columns.state,
            columns.lane,
            columns.due,
            created_at.as_millis()
        ])?;
        drop(statement);
        self.update_scheduler(row.subscription, &row.delivery);
        Ok(DeliveryId(id))
    }

    /// Updates a delivery.
    pub(super) fn update(&mut self, id: DeliveryId, subscription: Key, delivery: &Delivery) -> Result<()> {
        let columns = Columns::of(delivery);
        let mut statement = self
            .connection
            .prepare_cached("UPDATE deliveries SET delivery = ?2, state = ?3, lane = ?4, due = ?5 WHERE id = ?1")?;
        statement.execute(params![id.0, to_json(delivery)?, columns.state, columns.lane, columns.due])?;
        drop(statement);
        self.update_scheduler(subscription, delivery);
        Ok(())
    }

    /// Reads a delivery's row.
    pub(super) fn row(&self, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        let mut statement =
            self.connection.prepare_cached("SELECT event, subscription, delivery FROM deliveries WHERE id = ?1")?;
        let row = statement.query_row([id.0], |row| {
            let delivery = from_json(2, row.get_ref(2)?.as_str()?)?;
            Ok(DeliveryRow { event: row.get(0)?, subscription: row.get(1)?, delivery })
        });
        Ok(row.optional()?)
    }

    pub(super) fn wake_at(&self) -> i64 {
        if self.stale { i64::MAX } else { self.scheduler.wake_at().map_or(i64::MAX, UnixTime::as_millis) }
    }

    /// Moves the write-ahead log into the file, so that the file alone is the store.
    pub(super) fn close(self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "cannot move the write-ahead log into the store");
        }
    }

    /// Adds a delivery to the scheduler, if it is pending.
    pub(super) fn update_scheduler(&mut self, key: Key, delivery: &Delivery) {
        let columns = Columns::of(delivery);
        match columns.due {
            Some(due) if columns.lane == RETRIES => self.scheduler.add_retry(key, UnixTime::from_millis(due)),
            Some(_) => self.scheduler.add_fresh(key),
            None => {}
        }
    }

    /// Adds pending deliveries to the scheduler, of one subscription or of all. Subscriptions with a chore are skipped.
    pub(super) fn fill_scheduler(&mut self, only: Option<Key>) -> Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT subscription, lane, min(due) FROM deliveries \
             WHERE state = 0 AND (?1 IS NULL OR subscription = ?1) GROUP BY subscription, lane",
        )?;
        let mut rows = statement.query([only])?;
        while let Some(row) = rows.next()? {
            let (key, lane): (Key, i64) = (row.get(0)?, row.get(1)?);
            if self.chores.iter().any(|chore| chore.key() == key) {
                continue;
            }
            match lane {
                RETRIES => self.scheduler.add_retry(key, UnixTime::from_millis(row.get(2)?)),
                _ => self.scheduler.add_fresh(key),
            }
        }
        Ok(())
    }
}

/// Lane of retries and test events.
pub(super) const RETRIES: i64 = 0;
/// Lane of first attempts.
pub(super) const FRESH: i64 = 1;

/// Columns that the indexes use, derived from the delivery.
struct Columns {
    state: i64,
    lane: i64,
    due: Option<i64>,
}

impl Columns {
    fn of(delivery: &Delivery) -> Self {
        let lane = match QueueKind::of(delivery) {
            QueueKind::Retry => RETRIES,
            QueueKind::Fresh => FRESH,
        };
        Self { state: state_number((&delivery.state()).into()), lane, due: delivery.due().map(UnixTime::as_millis) }
    }
}

/// Returns the number of a state in the tables.
pub(super) const fn state_number(state: StateName) -> i64 {
    match state {
        StateName::Pending => 0,
        StateName::Delivered => 1,
        StateName::Failed => 2,
        StateName::Held => 3,
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
