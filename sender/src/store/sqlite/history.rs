//! Reading events, deliveries and attempts concurrently with the writer, and deleting old events.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clarife_webhooks::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::catalog::from_json;
use super::database::{Database, state_number};
use super::schema;
use crate::ids::DeliveryId;
use crate::store::scheduler::Key;
use crate::store::{
    Attempt, DeliveryFilter, DeliveryRecord, EventRecord, Page, Result, StateName, StoreError, SubscriptionRecord,
};

/// Limit of the idle connections.
const MAX_IDLE: usize = 8;

/// Pool of read-only connections.
#[derive(Clone)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A workspace's subscriptions by key.
pub(super) type SubscriptionMap = HashMap<Key, Arc<SubscriptionRecord>>;

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Arc::default() }
    }

    /// Runs `work` with a connection on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = idle.map_or_else(|| schema::open_for_reading(&readers.path), Ok)?;
            let result = work(&connection);
            let mut idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(connection);
            }
            result
        });
        read.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }

    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

pub(super) fn event(connection: &Connection, workspace: Key, id: &str) -> Result<EventRecord> {
    let mut statement =
        connection.prepare_cached("SELECT body, accepted_at FROM events WHERE workspace = ?1 AND event_id = ?2")?;
    let record = statement.query_row(params![workspace, id], |row| {
        Ok(EventRecord { body: row.get(0)?, accepted_at: UnixTime::from_millis(row.get(1)?) })
    });
    record.optional()?.ok_or(StoreError::NotFound("event"))
}

/// Returns the newest deliveries of the subscriptions that match the filter.
pub(super) fn deliveries(
    connection: &Connection,
    workspace: Key,
    subscriptions: &SubscriptionMap,
    filter: &DeliveryFilter,
) -> Result<Page> {
    let before = filter.before.map_or(i64::MAX, |id| id.0);
    let needed = filter.limit.saturating_add(1);
    let states = filter.state.as_ref().map_or(&StateName::ALL[..], std::slice::from_ref);
    let mut ids: Vec<i64> = Vec::new();
    if let Some(event) = &filter.event_id {
        let mut statement = connection.prepare_cached(
            "SELECT d.id, d.subscription, d.state FROM events e JOIN deliveries d ON d.event = e.id \
             WHERE e.workspace = ?1 AND e.event_id = ?2 AND d.id < ?3",
        )?;
        let mut rows = statement.query(params![workspace, event, before])?;
        while let Some(row) = rows.next()? {
            let (key, state): (Key, i64) = (row.get(1)?, row.get(2)?);
            if subscriptions.contains_key(&key) && states.iter().any(|name| state_number(*name) == state) {
                ids.push(row.get(0)?);
            }
        }
    } else {
        // Each pair is a range of one index, read backwards.
        let mut statement = connection.prepare_cached(
            "SELECT id FROM deliveries WHERE subscription = ?1 AND state = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4",
        )?;
        for key in subscriptions.keys() {
            for state in states {
                let found =
                    statement.query_map(params![key, state_number(*state), before, needed], |row| row.get(0))?;
                ids.extend(found.collect::<rusqlite::Result<Vec<i64>>>()?);
            }
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let more = ids.len() > filter.limit;
    ids.truncate(filter.limit);
    let mut page = Vec::with_capacity(ids.len());
    for id in ids {
        page.extend(read_delivery(connection, subscriptions, DeliveryId(id))?);
    }
    Ok(Page { deliveries: page, more })
}

pub(super) fn delivery(
    connection: &Connection,
    subscriptions: &SubscriptionMap,
    id: DeliveryId,
) -> Result<(DeliveryRecord, Vec<Attempt>)> {
    let delivery = read_delivery(connection, subscriptions, id)?.ok_or(StoreError::NotFound("delivery"))?;
    let attempts = connection
        .prepare_cached(
            "SELECT number, started_at, ended_at, outcome, answer FROM attempts WHERE delivery = ?1 ORDER BY number",
        )?
        .query_map([id.0], |row| {
            Ok(Attempt {
                number: row.get(0)?,
                started_at: UnixTime::from_millis(row.get(1)?),
                ended_at: UnixTime::from_millis(row.get(2)?),
                outcome: from_json(3, row.get_ref(3)?.as_str()?)?,
                response_body: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok((delivery, attempts))
}

fn read_delivery(
    connection: &Connection,
    subscriptions: &SubscriptionMap,
    id: DeliveryId,
) -> Result<Option<DeliveryRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.event_id, e.type, d.subscription, d.delivery, d.created_at, d.resent_as \
         FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ?1",
    )?;
    let found = statement.query_row([id.0], |row| {
        let Some(record) = subscriptions.get(&row.get(2)?) else { return Ok(None) };
        Ok(Some(DeliveryRecord {
            id,
            event_id: row.get(0)?,
            event_type: row.get(1)?,
            subscription: record.id.clone(),
            delivery: from_json(3, row.get_ref(3)?.as_str()?)?,
            created_at: UnixTime::from_millis(row.get(4)?),
            resent_as: row.get::<_, Option<i64>>(5)?.map(DeliveryId),
        }))
    });
    Ok(found.optional()?.flatten())
}

pub(super) fn pending(connection: &Connection) -> Result<u64> {
    let count: i64 = connection.query_row("SELECT count(*) FROM deliveries WHERE state = 0", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// See [`Store::prune`](crate::store::Store::prune).
pub(super) fn prune(database: &Database, before: UnixTime, max: usize) -> Result<usize> {
    let connection = &database.connection;
    let old: Vec<i64> = connection
        .prepare_cached(
            "SELECT id FROM events WHERE accepted_at < ?1 AND NOT EXISTS \
             (SELECT 1 FROM deliveries WHERE event = events.id AND state = 0) ORDER BY accepted_at LIMIT ?2",
        )?
        .query_map(params![before.as_millis(), max], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for id in &old {
        for sql in [
            "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?1)",
            "DELETE FROM deliveries WHERE event = ?1",
            "DELETE FROM events WHERE id = ?1",
        ] {
            connection.prepare_cached(sql)?.execute([id])?;
        }
    }
    Ok(old.len())
}
