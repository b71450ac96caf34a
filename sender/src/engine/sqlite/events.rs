//! Accepting events, and sending deliveries again.

use std::collections::HashMap;

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError};
use rusqlite::{OptionalExtension as _, params};

use super::directory::from_json;
use super::store::{Row, Store, state_number};
use crate::engine::queue::Key;
use crate::engine::{Accepted, EngineError, NewEvent, Result, StateName, same};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};

/// How many deliveries are sent again in one transaction.
const RESENT_AT_ONCE: i64 = 500;

/// See [`Engine::accept`](crate::engine::Engine::accept).
pub(super) fn accept(
    store: &mut Store,
    workspace: &WorkspaceId,
    events: &[NewEvent],
    now: UnixTime,
) -> Result<Vec<Accepted>> {
    let key = store.directory().workspace_key(workspace)?;
    let subscriptions = store.directory().subscriptions(workspace)?;
    refuse_conflicts(store, key, events)?;
    let mut accepted = Vec::with_capacity(events.len());
    for event in events {
        if let Some(earlier) = find(store, key, &event.id)? {
            let mut count = store.connection.prepare_cached("SELECT count(*) FROM deliveries WHERE event = ?1")?;
            let deliveries: i64 = count.query_row([earlier.key], |row| row.get(0))?;
            accepted.push(Accepted { deliveries: usize::try_from(deliveries).unwrap_or(usize::MAX), repeated: true });
            continue;
        }
        let event_key = insert_event(store, key, event, now)?;
        let event_type = EventType::from_name(&event.event_type);
        let mut deliveries: usize = 0;
        for (subscription, record) in &subscriptions {
            if let Some(delivery) = record.subscription.accept(event_type, now) {
                store.insert(&Row { event: event_key, subscription: *subscription, delivery }, now)?;
                deliveries = deliveries.saturating_add(1);
            }
        }
        accepted.push(Accepted { deliveries, repeated: false });
    }
    Ok(accepted)
}

/// See [`Engine::accept_test`](crate::engine::Engine::accept_test).
pub(super) fn accept_test(
    store: &mut Store,
    workspace: &WorkspaceId,
    id: &SubscriptionId,
    event: &NewEvent,
    now: UnixTime,
) -> Result<DeliveryId> {
    let key = store.directory().workspace_key(workspace)?;
    let (subscription, _) = store.directory().subscription(workspace, id)?;
    let event = insert_event(store, key, event, now)?;
    store.insert(&Row { event, subscription, delivery: Delivery::test(now) }, now)
}

/// See [`Engine::resend`](crate::engine::Engine::resend).
pub(super) fn resend(store: &mut Store, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId> {
    let row = store.row(id)?.ok_or(EngineError::NotFound("delivery"))?;
    let record = store.directory().by_key(row.subscription).filter(|record| record.workspace == *workspace);
    let health = record.ok_or(EngineError::NotFound("delivery"))?.subscription.health;
    let fresh = row.delivery.resend(&health, now).map_err(EngineError::Resend)?;
    replace(store, id, row, fresh, now)
}

/// Sends some of what is after that delivery again: how many, and the last one looked at, unless there are no more.
pub(super) fn resend_some(
    store: &mut Store,
    key: Key,
    (state, after): (StateName, i64),
    since: UnixTime,
    now: UnixTime,
) -> Result<(u64, Option<i64>)> {
    let record = store.directory().by_key(key).ok_or(EngineError::NotFound("subscription"))?;
    let health = record.subscription.health;
    if !health.is_active() {
        return Err(EngineError::Resend(ResendError::SubscriptionDeactivated));
    }
    let ended: Vec<(i64, Row)> = store
        .connection
        .prepare_cached(
            "SELECT id, event, delivery FROM deliveries WHERE subscription = ?1 AND state = ?2 AND id > ?3 \
             AND created_at >= ?4 AND resent_as IS NULL ORDER BY id LIMIT ?5",
        )?
        .query_map(params![key, state_number(state), after, since.as_millis(), RESENT_AT_ONCE], |row| {
            let delivery = from_json(2, row.get_ref(2)?.as_str()?)?;
            Ok((row.get(0)?, Row { event: row.get(1)?, subscription: key, delivery }))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let (all, last) = (i64::try_from(ended.len()), ended.last().map(|(id, _)| *id));
    let mut resent: u64 = 0;
    for (id, row) in ended {
        if let Ok(fresh) = row.delivery.resend(&health, now) {
            replace(store, DeliveryId(id), row, fresh, now)?;
            resent = resent.saturating_add(1);
        }
    }
    Ok((resent, last.filter(|_| all == Ok(RESENT_AT_ONCE))))
}

/// A held delivery becomes the fresh one; a failed one stays beside it.
fn replace(store: &mut Store, id: DeliveryId, row: Row, fresh: Delivery, now: UnixTime) -> Result<DeliveryId> {
    if matches!(row.delivery.state(), DeliveryState::Held { .. }) {
        store.update(id, row.subscription, &fresh)?;
        return Ok(id);
    }
    let resent = store.insert(&Row { delivery: fresh, ..row }, now)?;
    let mut mark = store.connection.prepare_cached("UPDATE deliveries SET resent_as = ?2 WHERE id = ?1")?;
    mark.execute([id.0, resent.0])?;
    Ok(resent)
}

/// An event that was accepted before.
struct Earlier {
    key: i64,
    body: String,
}

fn find(store: &Store, workspace: Key, id: &str) -> Result<Option<Earlier>> {
    let mut statement =
        store.connection.prepare_cached("SELECT id, body FROM events WHERE workspace = ?1 AND event_id = ?2")?;
    let earlier =
        statement.query_row(params![workspace, id], |row| Ok(Earlier { key: row.get(0)?, body: row.get(1)? }));
    Ok(earlier.optional()?)
}

/// Looks at all events before any is written.
fn refuse_conflicts(store: &Store, workspace: Key, events: &[NewEvent]) -> Result<()> {
    let mut given: HashMap<&str, &str> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        let earlier = find(store, workspace, &event.id)?.map(|earlier| earlier.body);
        let earlier = earlier.as_deref().or_else(|| given.get(event.id.as_str()).copied());
        if earlier.is_some_and(|earlier| !same(earlier, &event.body)) {
            return Err(EngineError::Conflict { index });
        }
        given.insert(&event.id, &event.body);
    }
    Ok(())
}

fn insert_event(store: &Store, workspace: Key, event: &NewEvent, now: UnixTime) -> Result<i64> {
    let mut statement = store.connection.prepare_cached(
        "INSERT INTO events (workspace, event_id, type, accepted_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    Ok(statement.insert(params![workspace, event.id, event.event_type, now.as_millis(), event.body])?)
}
