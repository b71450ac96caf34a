//! Accepting events, and sending deliveries again.

use std::collections::HashMap;

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError};
use rusqlite::{OptionalExtension as _, params};

use super::catalog::from_json;
use super::database::{Database, DeliveryRow, state_number};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::scheduler::Key;
use crate::store::{Accepted, NewEvent, Result, StateName, StoreError, same};

/// How many deliveries are sent again in one transaction.
const RESENT_AT_ONCE: i64 = 500;

/// See [`Store::accept`](crate::store::Store::accept).
pub(super) fn accept(
    database: &mut Database,
    workspace: &WorkspaceId,
    events: &[NewEvent],
    now: UnixTime,
) -> Result<Vec<Accepted>> {
    let key = database.catalog().workspace_key(workspace)?;
    let subscriptions = database.catalog().subscriptions(workspace)?;
    refuse_conflicts(database, key, events)?;
    let mut accepted = Vec::with_capacity(events.len());
    for event in events {
        if let Some(earlier) = find(database, key, &event.id)? {
            let mut count = database.connection.prepare_cached("SELECT count(*) FROM deliveries WHERE event = ?1")?;
            let deliveries: i64 = count.query_row([earlier.key], |row| row.get(0))?;
            accepted.push(Accepted { deliveries: usize::try_from(deliveries).unwrap_or(usize::MAX), repeated: true });
            continue;
        }
        let event_key = insert_event(database, key, event, now)?;
        let event_type = EventType::from_name(&event.event_type);
        let mut deliveries: usize = 0;
        for (subscription, record) in &subscriptions {
            if let Some(delivery) = record.subscription.accept(event_type, now) {
                database.insert(&DeliveryRow { event: event_key, subscription: *subscription, delivery }, now)?;
                deliveries = deliveries.saturating_add(1);
            }
        }
        accepted.push(Accepted { deliveries, repeated: false });
    }
    Ok(accepted)
}

/// See [`Store::accept_test`](crate::store::Store::accept_test).
pub(super) fn accept_test(
    database: &mut Database,
    workspace: &WorkspaceId,
    id: &SubscriptionId,
    event: &NewEvent,
    now: UnixTime,
) -> Result<DeliveryId> {
    let key = database.catalog().workspace_key(workspace)?;
    let (subscription, _) = database.catalog().subscription(workspace, id)?;
    let event = insert_event(database, key, event, now)?;
    database.insert(&DeliveryRow { event, subscription, delivery: Delivery::test(now) }, now)
}

/// See [`Store::resend`](crate::store::Store::resend).
pub(super) fn resend(
    database: &mut Database,
    workspace: &WorkspaceId,
    id: DeliveryId,
    now: UnixMillis,
) -> Result<DeliveryId> {
    let row = database.row(id)?.ok_or(StoreError::NotFound("delivery"))?;
    let record = database.catalog().by_key(row.subscription).filter(|record| record.workspace == *workspace);
    let health = record.ok_or(StoreError::NotFound("delivery"))?.subscription.health;
    let fresh = row.delivery.resend(&health, now).map_err(StoreError::Resend)?;
    replace(database, id, row, fresh, now)
}

/// Sends some of what is after that delivery again: how many, and the last one looked at, unless there are no more.
pub(super) fn resend_some(
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
    let ended: Vec<(i64, DeliveryRow)> = database
        .connection
        .prepare_cached(
            "SELECT id, event, delivery FROM deliveries WHERE subscription = ?1 AND state = ?2 AND id > ?3 \
             AND created_at >= ?4 AND resent_as IS NULL ORDER BY id LIMIT ?5",
        )?
        .query_map(params![key, state_number(state), after, since.as_millis(), RESENT_AT_ONCE], |row| {
            let delivery = from_json(2, row.get_ref(2)?.as_str()?)?;
            Ok((row.get(0)?, DeliveryRow { event: row.get(1)?, subscription: key, delivery }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let (all, last) = (i64::try_from(ended.len()), ended.last().map(|(id, _)| *id));
    let mut resent: u64 = 0;
    for (id, row) in ended {
        if let Ok(fresh) = row.delivery.resend(&health, now) {
            replace(database, DeliveryId(id), row, fresh, now)?;
            resent = resent.saturating_add(1);
        }
    }
    Ok((resent, last.filter(|_| all == Ok(RESENT_AT_ONCE))))
}

/// A held delivery becomes the fresh one; a failed one stays beside it.
fn replace(
    database: &mut Database,
    id: DeliveryId,
    row: DeliveryRow,
    fresh: Delivery,
    now: UnixMillis,
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

/// An event that was accepted before.
struct Earlier {
    key: i64,
    body: String,
}

fn find(database: &Database, workspace: Key, id: &str) -> Result<Option<Earlier>> {
    let mut statement =
        database.connection.prepare_cached("SELECT id, body FROM events WHERE workspace = ?1 AND event_id = ?2")?;
    let earlier =
        statement.query_row(params![workspace, id], |row| Ok(Earlier { key: row.get(0)?, body: row.get(1)? }));
    Ok(earlier.optional()?)
}

/// Looks at all events before any is written.
fn refuse_conflicts(database: &Database, workspace: Key, events: &[NewEvent]) -> Result<()> {
    let mut given: HashMap<&str, &str> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        let earlier = find(database, workspace, &event.id)?.map(|earlier| earlier.body);
        let earlier = earlier.as_deref().or_else(|| given.get(event.id.as_str()).copied());
        if earlier.is_some_and(|earlier| !same(earlier, &event.body)) {
            return Err(StoreError::Conflict { index });
        }
        given.insert(&event.id, &event.body);
    }
    Ok(())
}

fn insert_event(database: &Database, workspace: Key, event: &NewEvent, now: UnixMillis) -> Result<i64> {
    let mut statement = database.connection.prepare_cached(
        "INSERT INTO events (workspace, event_id, type, accepted_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    Ok(statement.insert(params![workspace, event.id, event.event_type, now.as_millis(), event.body])?)
}
