//! Creating and migrating the tables, and the partitions of each day.

use std::collections::HashSet;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::latest_due;
use tokio_postgres::Client;

use super::connect::Database;
use super::ids::{first_id_of, next_day};
use super::unavailable;
use crate::store::{OpenError, Result};

/// SQL that migrates a store from each version of the schema to the next. Never change a released migration. A migration
/// only adds, because workers of the earlier version go on beside it.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// Number of the lock that one worker holds while it migrates or makes partitions: "clwh".
const LOCK: i64 = 0x636c_7768;

/// Creates the tables, or migrates them from an older version. A store that is newer or foreign stays as it is.
pub(super) async fn migrate(client: &mut Client, database: &Database) -> std::result::Result<(), OpenError> {
    let path = || database.name().into();
    let failed = |error: tokio_postgres::Error| OpenError::Failed { path: path(), why: describe(&error) };
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let schema = &database.schema;
    let tables = transaction
        .query_one(
            "SELECT count(*), bool_or(relname = 'store') FROM pg_class WHERE relnamespace = to_regnamespace($1)",
            &[schema],
        )
        .await
        .map_err(failed)?;
    let version = match (tables.get::<_, i64>(0), tables.get::<_, Option<bool>>(1)) {
        (0, _) => {
            let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}; CREATE TABLE {schema}.store (version bigint)");
            transaction.batch_execute(&create).await.map_err(failed)?;
            0
        }
        (_, Some(true)) => {
            let row = transaction.query_one(&format!("SELECT version FROM {schema}.store"), &[]).await;
            row.map_err(|_| OpenError::Foreign(path()))?.get::<_, i64>(0)
        }
        _ => return Err(OpenError::Foreign(path())),
    };
    if version > known {
        return Err(OpenError::Newer { path: path(), found: version, known });
    }
    let missing = MIGRATIONS.get(usize::try_from(version).unwrap_or_default()..).unwrap_or_default();
    if !missing.is_empty() {
        for step in missing {
            transaction.batch_execute(step).await.map_err(failed)?;
        }
        let record = format!("DELETE FROM {schema}.store; INSERT INTO {schema}.store VALUES ({known})");
        transaction.batch_execute(&record).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Returns an error's message: that of the server, or of the connection with its cause.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(reported), _) => reported.message().to_owned(),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

/// Caps due times: those later than the longest delay from now come from a clock that was ahead.
pub(super) async fn cap_due(client: &Client, now: UnixTime) -> Result<()> {
    let latest = latest_due(now).as_millis();
    client.execute("UPDATE pending SET due = $1 WHERE due > $1", &[&latest]).await.map_err(unavailable)?;
    Ok(())
}

/// The days whose partitions are known to exist.
#[derive(Debug, Default)]
pub(super) struct Days(tokio::sync::Mutex<HashSet<u32>>);

impl Days {
    /// Makes the partitions of a day, unless they exist.
    pub(super) async fn ensure(&self, client: &Client, day: u32) -> Result<()> {
        let mut known = self.0.lock().await;
        if known.contains(&day) {
            return Ok(());
        }
        let (from, to) = (first_id_of(day), first_id_of(next_day(day)));
        // A new table is attached, because attaching does not wait for readers.
        let make = format!(
            "DO $$ BEGIN
                PERFORM pg_advisory_xact_lock({LOCK});
                IF to_regclass('events_{day}') IS NULL THEN
                    CREATE TABLE events_{day} (LIKE events);
                    ALTER TABLE events_{day} ADD PRIMARY KEY (id);
                    CREATE UNIQUE INDEX ON events_{day} (workspace, event_id);
                    ALTER TABLE events ATTACH PARTITION events_{day} FOR VALUES FROM ({from}) TO ({to});
                    CREATE TABLE deliveries_{day} (LIKE deliveries);
                    ALTER TABLE deliveries_{day} ADD PRIMARY KEY (id);
                    CREATE INDEX ON deliveries_{day} (subscription, state, id);
                    CREATE INDEX ON deliveries_{day} (event);
                    ALTER TABLE deliveries ATTACH PARTITION deliveries_{day} FOR VALUES FROM ({from}) TO ({to});
                END IF;
            END $$"
        );
        client.batch_execute(&make).await.map_err(unavailable)?;
        known.insert(day);
        Ok(())
    }

    /// Drops the partitions of days that end before `before`, unless a delivery of the day is pending. Returns the
    /// number of events, at least `max` if more are left.
    pub(super) async fn drop_before(&self, client: &Client, before: UnixTime, max: usize) -> Result<usize> {
        let tables = "SELECT substr(relname, 8)::int FROM pg_class \
                      WHERE relnamespace = current_schema()::regnamespace AND relname ~ '^events_[0-9]+$' ORDER BY 1";
        let mut dropped: usize = 0;
        for row in client.query(tables, &[]).await.map_err(unavailable)? {
            let Ok(day) = u32::try_from(row.get::<_, i32>(0)) else { continue };
            let (from, to) = (first_id_of(day), first_id_of(next_day(day)));
            if dropped >= max || to > first_id_of(super::ids::day_of(before)) {
                break;
            }
            let is_pending = "SELECT EXISTS (SELECT 1 FROM pending WHERE event >= $1 AND event < $2)";
            let pending: bool = client.query_one(is_pending, &[&from, &to]).await.map_err(unavailable)?.get(0);
            if pending {
                continue;
            }
            let count = format!("SELECT count(*) FROM events_{day}");
            let count: i64 = client.query_one(&count, &[]).await.map_err(unavailable)?.get(0);
            let mut known = self.0.lock().await;
            known.remove(&day);
            for table in ["deliveries", "events"] {
                let detach = format!("ALTER TABLE {table} DETACH PARTITION {table}_{day} CONCURRENTLY");
                client.batch_execute(&detach).await.map_err(unavailable)?;
                client.batch_execute(&format!("DROP TABLE {table}_{day}")).await.map_err(unavailable)?;
            }
            dropped = dropped.saturating_add(usize::try_from(count).unwrap_or_default());
        }
        Ok(dropped)
    }
}
