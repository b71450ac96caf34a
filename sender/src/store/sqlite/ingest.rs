//! Accepting events.

use std::collections::HashMap;

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use rusqlite::{OptionalExtension as _, params};

use super::database::{Database, DeliveryRow};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::scheduler::Key;
use crate::store::{Accepted, NewEvent, Result, StoreError, same_event};

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

/// Fails if an event conflicts with an earlier one; runs before any event is written.
fn refuse_conflicts(database: &Database, workspace: Key, events: &[NewEvent]) -> Result<()> {
    let mut bodies: HashMap<&str, &str> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        let earlier = find(database, workspace, &event.id)?.map(|earlier| earlier.body);
        let earlier = earlier.as_deref().or_else(|| bodies.get(event.id.as_str()).copied());
        if earlier.is_some_and(|earlier| !same_event(earlier, &event.body)) {
            return Err(StoreError::Conflict { index });
        }
        bodies.insert(&event.id, &event.body);
    }
    Ok(())
}

fn insert_event(database: &Database, workspace: Key, event: &NewEvent, now: UnixTime) -> Result<i64> {
    let mut statement = database.connection.prepare_cached(
        "INSERT INTO events (workspace, event_id, type, accepted_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    Ok(statement.insert(params![workspace, event.id, event.event_type, now.as_millis(), event.body])?)
}
