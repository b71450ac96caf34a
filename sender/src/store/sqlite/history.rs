//! Reading events, deliveries and attempts concurrently with the writer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clarife_webhooks::UnixTime;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::from_json;
use super::{catalog, schema};
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::engine::{ListQuery, StoredEvent};
use crate::store::{Attempt, DeliveryRecord, EventRecord, Result, StoreError};

/// Limit of the idle connections.
const MAX_IDLE: usize = 8;

/// Pool of read-only connections.
#[derive(Clone)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

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

/// Reads the events with these ids.
pub(super) fn events(
    connection: &Connection,
    workspace: &WorkspaceId,
    ids: &[String],
) -> Result<Vec<Option<StoredEvent>>> {
    let workspace = catalog::workspace_key(connection, workspace)?;
    let mut statement = connection.prepare_cached(
        "SELECT body, accepted_at, (SELECT count(*) FROM deliveries WHERE event = events.id AND resent_as IS NULL) \
         FROM events WHERE workspace = ?1 AND event_id = ?2",
    )?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let event = statement.query_row(params![workspace, id], |row| {
            let record = EventRecord { body: row.get(0)?, accepted_at: UnixTime::from_millis(row.get(1)?) };
            Ok(StoredEvent { record, deliveries: row.get(2)? })
        });
        found.push(event.optional()?);
    }
    Ok(found)
}

/// Reads the newest deliveries that match a query.
pub(super) fn list(connection: &Connection, query: &ListQuery) -> Result<Vec<DeliveryRecord>> {
    let before = query.before.map_or(i64::MAX, |id| id.0);
    let since = query.to_resend_since.map(UnixTime::as_millis);
    let mut ids: Vec<i64> = Vec::new();
    if let Some(event) = &query.event_id {
        let workspace = catalog::workspace_key(connection, &query.workspace)?;
        let mut statement = connection.prepare_cached(
            "SELECT d.id, d.subscription, d.state FROM events e JOIN deliveries d ON d.event = e.id \
             WHERE e.workspace = ?1 AND e.event_id = ?2 AND d.id < ?3",
        )?;
        let mut rows = statement.query(params![workspace, event, before])?;
        while let Some(row) = rows.next()? {
            let (key, state): (i64, i16) = (row.get(1)?, row.get(2)?);
            if query.subscriptions.iter().any(|cached| cached.key == key)
                && query.states.iter().any(|name| name.number() == state)
            {
                ids.push(row.get(0)?);
            }
        }
    } else {
        // Each pair is a range of one index, read backwards.
        let mut statement = connection.prepare_cached(
            "SELECT id FROM deliveries WHERE subscription = ?1 AND state = ?2 AND id < ?3 \
             AND (?4 IS NULL OR (created_at >= ?4 AND resent_as IS NULL)) ORDER BY id DESC LIMIT ?5",
        )?;
        for cached in &query.subscriptions {
            for state in &query.states {
                let values = params![cached.key, state.number(), before, since, query.limit];
                let found = statement.query_map(values, |row| row.get(0))?;
                ids.extend(found.collect::<rusqlite::Result<Vec<i64>>>()?);
            }
        }
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(query.limit);
    let mut deliveries = Vec::with_capacity(ids.len());
    for id in ids {
        deliveries.extend(delivery(connection, DeliveryId(id))?);
    }
    Ok(deliveries)
}

/// Reads a delivery, unless its subscription is deleted.
pub(super) fn delivery(connection: &Connection, id: DeliveryId) -> Result<Option<DeliveryRecord>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.event_id, e.type, s.reference, d.delivery, d.created_at, d.resent_as \
         FROM deliveries d JOIN events e ON e.id = d.event JOIN subscriptions s ON s.id = d.subscription \
         WHERE d.id = ?1 AND s.deleted = 0",
    )?;
    let found = statement.query_row([id.0], |row| {
        Ok(DeliveryRecord {
            id,
            event_id: row.get(0)?,
            event_type: row.get(1)?,
            subscription: row.get::<_, String>(2)?.into(),
            delivery: from_json(3, row.get_ref(3)?.as_str()?)?,
            created_at: UnixTime::from_millis(row.get(4)?),
            resent_as: row.get::<_, Option<i64>>(5)?.map(DeliveryId),
        })
    });
    Ok(found.optional()?)
}

/// Reads the attempts of a delivery.
pub(super) fn attempts(connection: &Connection, id: DeliveryId) -> Result<Vec<Attempt>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, started_at, ended_at, outcome, answer, error FROM attempts WHERE delivery = ?1 ORDER BY number",
    )?;
    let rows = statement.query_map([id.0], |row| {
        Ok(Attempt {
            number: row.get(0)?,
            started_at: UnixTime::from_millis(row.get(1)?),
            ended_at: UnixTime::from_millis(row.get(2)?),
            outcome: from_json(3, row.get_ref(3)?.as_str()?)?,
            response_body: row.get(4)?,
            error: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Counts the pending deliveries.
pub(super) fn count_pending(connection: &Connection) -> Result<u64> {
    Ok(connection.query_row("SELECT count(*) FROM deliveries WHERE state = 0", [], |row| row.get(0))?)
}
