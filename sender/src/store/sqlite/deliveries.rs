//! Tables of events, deliveries and attempts: the writes, and the reads that leasing needs.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::catalog::{self, Versioned};
use super::rows::{Columns, from_json, to_json};
use crate::ids::DeliveryId;
use crate::store::engine::{Arrivals, DeliveryUpdate, DueDelivery, DueReply, ResentDelivery};
use crate::store::scheduler::{DueRequest, Key, QueueKind};
use crate::store::{Attempt, Result};

/// Limit of the deliveries that a deletion touches in one transaction.
const MAX_DELETED: usize = 1000;

/// Inserts events and their deliveries. Returns the ids of each event's deliveries, or `None` if an event exists or the
/// workspace has changed.
pub(super) fn insert(connection: &Connection, arrivals: &Arrivals) -> Result<Option<Vec<Vec<DeliveryId>>>> {
    let Some(workspace) = catalog::unchanged_workspace(connection, &arrivals.workspace, arrivals.version)? else {
        return Ok(None);
    };
    if let [_, _, ..] = arrivals.new[..] {
        let mut exists = connection.prepare_cached("SELECT 1 FROM events WHERE workspace = ?1 AND event_id = ?2")?;
        for (event, _) in arrivals.new_events() {
            if exists.exists(params![workspace, event.id])? {
                return Ok(None);
            }
        }
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (workspace, event_id, type, accepted_at, body) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO NOTHING",
    )?;
    let mut all = Vec::with_capacity(arrivals.new.len());
    for (event, arrival) in arrivals.new_events() {
        let at = arrivals.at.as_millis();
        if insert.execute(params![workspace, event.id, event.event_type, at, event.body])? == 0 {
            return Ok(None); // the only event exists
        }
        let key = connection.last_insert_rowid();
        let deliveries = arrival.to.iter();
        let ids = deliveries.map(|(to, delivery)| insert_delivery(connection, key, to.key, delivery, arrivals.at));
        all.push(ids.collect::<Result<Vec<_>>>()?);
    }
    Ok(Some(all))
}

fn insert_delivery(
    connection: &Connection,
    event: i64,
    subscription: Key,
    delivery: &Delivery,
    at: UnixTime,
) -> Result<DeliveryId> {
    let Columns { state, lane, due } = Columns::of(delivery);
    let mut statement = connection.prepare_cached(
        "INSERT INTO deliveries (event, subscription, delivery, state, lane, due, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let json = to_json(delivery)?;
    let id = statement.insert(params![event, subscription, json, state, lane, due, at.as_millis()])?;
    Ok(DeliveryId(id))
}

/// Updates a delivery. Returns the record of the subscription if it changes, or `None` if something has changed.
pub(super) fn update(connection: &Connection, update: DeliveryUpdate) -> Result<Option<Option<Versioned>>> {
    let DeliveryUpdate { id, subscription, before, after, attempt, record } = update;
    if record.is_some() && catalog::subscription_version(connection, &subscription.record.id)? != subscription.version {
        return Ok(None);
    }
    if !replace(connection, id, &before, &after)? {
        return Ok(None);
    }
    if let Some(attempt) = attempt {
        insert_attempt(connection, id, &attempt)?;
    }
    let record = record.map(|record| catalog::write_subscription(connection, record, subscription.version));
    Ok(Some(record.transpose()?))
}

/// Replaces the state of a delivery; returns `false` if it has changed.
fn replace(connection: &Connection, id: DeliveryId, before: &Delivery, after: &Delivery) -> Result<bool> {
    let Columns { state, lane, due } = Columns::of(after);
    let mut statement = connection.prepare_cached(
        "UPDATE deliveries SET delivery = ?3, state = ?4, lane = ?5, due = ?6 WHERE id = ?1 AND delivery = ?2",
    )?;
    Ok(statement.execute(params![id.0, to_json(before)?, to_json(after)?, state, lane, due])? == 1)
}

fn insert_attempt(connection: &Connection, id: DeliveryId, attempt: &Attempt) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO attempts (delivery, number, started_at, ended_at, outcome, answer, error) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        id.0,
        attempt.number,
        attempt.started_at.as_millis(),
        attempt.ended_at.as_millis(),
        to_json(&attempt.outcome)?,
        attempt.response_body,
        attempt.error
    ])?;
    Ok(())
}

/// Adds a delivery beside another one. Returns its id, or `None` if the other one has changed.
pub(super) fn resend(connection: &Connection, resent: &ResentDelivery) -> Result<Option<DeliveryId>> {
    let ResentDelivery { id, subscription, before, after, fresh, at } = resent;
    if !replace(connection, *id, before, after)? {
        return Ok(None);
    }
    let mut event = connection.prepare_cached("SELECT event FROM deliveries WHERE id = ?1")?;
    let event = event.query_row([id.0], |row| row.get(0))?;
    let new = insert_delivery(connection, event, subscription.key, fresh, *at)?;
    connection.prepare_cached("UPDATE deliveries SET resent_as = ?2 WHERE id = ?1")?.execute([id.0, new.0])?;
    Ok(Some(new))
}

/// Reads deliveries to lease.
pub(super) fn due(connection: &Connection, request: &DueRequest, now: UnixTime) -> Result<DueReply> {
    // Leased deliveries may come first in the index. One more row tells when the next delivery is due.
    let rows = request.limit.saturating_add(request.leased.len()).saturating_add(1);
    let mut select = connection.prepare_cached(
        "SELECT id, due FROM deliveries WHERE subscription = ?1 AND lane = ?2 AND state = 0 ORDER BY due, id LIMIT ?3",
    )?;
    let mut found = select.query(params![request.key, request.kind.number(), rows])?;
    let mut load = connection.prepare_cached(
        "SELECT d.delivery, e.event_id, e.body FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ?1",
    )?;
    let mut reply = DueReply::default();
    while let Some(row) = found.next()? {
        let (id, due) = (DeliveryId(row.get(0)?), UnixTime::from_millis(row.get(1)?));
        if request.leased.contains(&id) {
            continue;
        }
        if reply.deliveries.len() == request.limit || due > now {
            reply.next = Some(due);
            break;
        }
        let loaded = load.query_row([id.0], |row| {
            let (delivery, event_id) = (from_json(0, row.get_ref(0)?.as_str()?)?, row.get(1)?);
            Ok(DueDelivery { id, delivery, event_id, body: Bytes::from(row.get::<_, String>(2)?) })
        });
        reply.deliveries.extend(loaded.optional()?);
    }
    Ok(reply)
}

/// Reads pending deliveries of a subscription, ordered by id.
pub(super) fn pending(
    connection: &Connection,
    key: Key,
    after: DeliveryId,
    limit: usize,
) -> Result<Vec<(DeliveryId, Delivery)>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, delivery FROM deliveries WHERE subscription = ?1 AND state = 0 AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let rows = statement.query_map(params![key, after.0, limit], |row| {
        Ok((DeliveryId(row.get(0)?), from_json(1, row.get_ref(1)?.as_str()?)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A queue of a subscription with pending deliveries, and the time at which the first one is due.
pub(super) type Queue = (Key, QueueKind, UnixTime);

/// Reads all queues with pending deliveries.
pub(super) fn queues(connection: &Connection) -> Result<Vec<Queue>> {
    let mut all = Vec::new();
    for kind in [QueueKind::Retry, QueueKind::Fresh] {
        let mut statement = connection.prepare(
            "SELECT subscription, min(due) FROM deliveries WHERE state = 0 AND lane = ?1 GROUP BY subscription",
        )?;
        let rows =
            statement.query_map([kind.number()], |row| Ok((row.get(0)?, kind, UnixTime::from_millis(row.get(1)?))))?;
        all.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(all)
}

/// Caps due times at `latest`: later ones come from a clock that was ahead.
pub(super) fn cap_due(connection: &Connection, latest: UnixTime) -> Result<()> {
    connection.execute("UPDATE deliveries SET due = ?1 WHERE state = 0 AND due > ?1", [latest.as_millis()])?;
    Ok(())
}

/// Reads the keys of deleted subscriptions whose deliveries are to be deleted.
pub(super) fn deleted(connection: &Connection) -> Result<Vec<Key>> {
    let mut statement = connection.prepare("SELECT id FROM subscriptions WHERE deleted = 1")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// Deletes a part of a deleted subscription's deliveries, and the subscription with the last ones. Returns `true` if
/// there may be more.
pub(super) fn delete(connection: &Connection, key: Key) -> Result<bool> {
    let select = "SELECT id FROM deliveries WHERE subscription = ?1 ORDER BY state, id LIMIT ?2";
    connection.execute(&format!("DELETE FROM attempts WHERE delivery IN ({select})"), params![key, MAX_DELETED])?;
    let deleted =
        connection.execute(&format!("DELETE FROM deliveries WHERE id IN ({select})"), params![key, MAX_DELETED])?;
    if deleted == MAX_DELETED {
        return Ok(true);
    }
    connection.execute("DELETE FROM subscriptions WHERE id = ?1", [key])?;
    Ok(false)
}

/// Deletes old events without pending deliveries.
pub(super) fn prune(connection: &Connection, before: UnixTime, max: usize) -> Result<usize> {
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
