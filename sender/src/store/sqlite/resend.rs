//! Sending deliveries again.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError};
use rusqlite::params;

use super::catalog::from_json;
use super::database::{Database, DeliveryRow, state_number};
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::scheduler::Key;
use crate::store::{Result, StateName, StoreError};

/// Limit of the deliveries that are resent in one transaction.
const MAX_BATCH: i64 = 500;

/// See [`Store::resend`](crate::store::Store::resend).
pub(super) fn resend(
    database: &mut Database,
    workspace: &WorkspaceId,
    id: DeliveryId,
    now: UnixTime,
) -> Result<DeliveryId> {
    let row = database.row(id)?.ok_or(StoreError::NotFound("delivery"))?;
    let record = database.catalog().by_key(row.subscription).filter(|record| record.workspace == *workspace);
    let health = record.ok_or(StoreError::NotFound("delivery"))?.subscription.health;
    let fresh = row.delivery.resend(&health, now).map_err(StoreError::Resend)?;
    replace(database, id, row, fresh, now)
}

/// Resends a batch of deliveries after the delivery `after`. Returns the number resent, and the last delivery read if
/// there may be more.
pub(super) fn resend_batch(
    database: &mut Database,
    key: Key,
    (state, after): (StateName, i64),
    since: UnixTime,
    now: UnixTime,
) -> Result<(u64, Option<i64>)> {
    let record = database.catalog().by_key(key).ok_or(StoreError::NotFound("subscription"))?;
    let health = record.subscription.health;
    if !health.is_active() {
        return Err(StoreError::Resend(ResendError::SubscriptionDeactivated));
    }
    let batch: Vec<(i64, DeliveryRow)> = database
        .connection
        .prepare_cached(
            "SELECT id, event, delivery FROM deliveries WHERE subscription = ?1 AND state = ?2 AND id > ?3 \
             AND created_at >= ?4 AND resent_as IS NULL ORDER BY id LIMIT ?5",
        )?
        .query_map(params![key, state_number(state), after, since.as_millis(), MAX_BATCH], |row| {
            let delivery = from_json(2, row.get_ref(2)?.as_str()?)?;
            Ok((row.get(0)?, DeliveryRow { event: row.get(1)?, subscription: key, delivery }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let (count, last) = (i64::try_from(batch.len()), batch.last().map(|(id, _)| *id));
    let mut resent: u64 = 0;
    for (id, row) in batch {
        if let Ok(fresh) = row.delivery.resend(&health, now) {
            replace(database, DeliveryId(id), row, fresh, now)?;
            resent = resent.saturating_add(1);
        }
    }
    Ok((resent, last.filter(|_| count == Ok(MAX_BATCH))))
}

/// Resends a delivery: a held one becomes pending, a failed one stays beside a new one.
fn replace(
    database: &mut Database,
    id: DeliveryId,
    row: DeliveryRow,
    fresh: Delivery,
    now: UnixTime,
) -> Result<DeliveryId> {
    if matches!(row.delivery.state(), DeliveryState::Held { .. }) {
        database.update(id, row.subscription, &fresh)?;
        return Ok(id);
    }
    let resent = database.insert(&DeliveryRow { delivery: fresh, ..row }, now)?;
    let mut mark = database.connection.prepare_cached("UPDATE deliveries SET resent_as = ?2 WHERE id = ?1")?;
    mark.execute([id.0, resent.0])?;
    Ok(resent)
}
