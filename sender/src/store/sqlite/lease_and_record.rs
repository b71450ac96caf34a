//! Leasing deliveries that are due, and recording their attempts.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{DeliveryState, Recorded};
use rusqlite::params;

use super::catalog::{from_json, to_json};
use super::database::{Database, FRESH, RETRIES};
use crate::ids::DeliveryId;
use crate::store::scheduler::NextSubscription;
use crate::store::{Attempt, LeasedDelivery, Result};

/// See [`Store::lease`](crate::store::Store::lease).
pub(super) fn lease(database: &mut Database, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>> {
    let mut deliveries = Vec::new();
    while deliveries.len() < max
        && let Some(selected) = database.scheduler.next_retry(now)
    {
        let next = serve(database, selected, RETRIES, now, max, &mut deliveries)?;
        database.scheduler.set_retry(selected.key, next);
    }
    while deliveries.len() < max
        && let Some(selected) = database.scheduler.next_fresh()
    {
        let next = serve(database, selected, FRESH, UnixTime::from_millis(i64::MAX), max, &mut deliveries)?;
        database.scheduler.set_fresh(selected.key, next.is_some());
    }
    Ok(deliveries)
}

/// Leases deliveries of one subscription; returns the time at which the next one in the lane is due.
fn serve(
    database: &mut Database,
    selected: NextSubscription,
    lane: i64,
    now: UnixTime,
    max: usize,
    deliveries: &mut Vec<LeasedDelivery>,
) -> Result<Option<UnixTime>> {
    let Some(subscription) = database.catalog().by_key(selected.key) else { return Ok(None) };
    let free = selected.free.min(max.saturating_sub(deliveries.len()));
    // Leased deliveries may come first in the index. One more row tells when the next delivery is due.
    let rows = free.saturating_add(selected.leased).saturating_add(1);
    let pending: Vec<(DeliveryId, UnixTime)> = database
        .connection
        .prepare_cached(
            "SELECT id, due FROM deliveries WHERE subscription = ?1 AND lane = ?2 AND state = 0 \
             ORDER BY due, id LIMIT ?3",
        )?
        .query_map(params![selected.key, lane, rows], |row| {
            Ok((DeliveryId(row.get(0)?), UnixTime::from_millis(row.get(1)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut count: usize = 0;
    for (id, due) in pending {
        if database.scheduler.is_leased(id) {
            continue;
        }
        if count == free || due > now {
            return Ok(Some(due));
        }
        let mut statement = database.connection.prepare_cached(
            "SELECT d.delivery, e.event_id, e.body FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ?1",
        )?;
        let (delivery, event_id, body) = statement.query_row([id.0], |row| {
            let delivery: clarife_webhooks::sender::Delivery = from_json(0, row.get_ref(0)?.as_str()?)?;
            Ok((delivery, row.get(1)?, Bytes::from(row.get::<_, String>(2)?)))
        })?;
        drop(statement);
        if let DeliveryState::Pending { attempt, .. } = delivery.state() {
            database.scheduler.lease(id, selected.key);
            let subscription = std::sync::Arc::clone(&subscription);
            deliveries.push(LeasedDelivery { id, attempt, due, event_id, body, subscription });
            count = count.saturating_add(1);
        }
    }
    Ok(None)
}

/// See [`Store::record`](crate::store::Store::record).
pub(super) fn record(database: &mut Database, id: DeliveryId, attempt: &Attempt) -> Result<Option<Recorded>> {
    database.end_lease(id);
    let Some(row) = database.row(id)? else { return Ok(None) };
    let Some(subscription) = database.catalog().by_key(row.subscription) else { return Ok(None) };
    let health = &subscription.subscription.health;
    let recorded = row.delivery.record(health, attempt.number, attempt.outcome, attempt.ended_at);
    let mut insert = database.connection.prepare_cached(
        "INSERT OR IGNORE INTO attempts (delivery, number, started_at, ended_at, outcome, answer) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    insert.execute(params![
        id.0,
        attempt.number,
        attempt.started_at.as_millis(),
        attempt.ended_at.as_millis(),
        to_json(&attempt.outcome)?,
        attempt.response_body
    ])?;
    drop(insert);
    if recorded.changed {
        database.update(id, row.subscription, &recorded.delivery)?;
    }
    if recorded.health != *health {
        let mut changed = subscription.as_ref().clone();
        changed.subscription.health = recorded.health;
        super::subscriptions::save(database, row.subscription, changed)?;
    }
    if recorded.deactivated {
        database.end_pending(row.subscription, attempt.ended_at)?;
    }
    Ok(Some(recorded))
}

/// See [`Store::release`](crate::store::Store::release).
pub(super) fn release(database: &mut Database, leased: &LeasedDelivery) -> Result<()> {
    database.scheduler.release(leased.id);
    if let Some(row) = database.row(leased.id)? {
        database.update_scheduler(row.subscription, &row.delivery);
    }
    Ok(())
}
