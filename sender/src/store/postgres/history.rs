//! Reading events, deliveries and attempts.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use tokio_postgres::Row;

use super::connect::Session;
use super::ids::{day_of, first_id_of, slot_of};
use super::shard::Shard;
use super::{from_json, unavailable};
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::engine::{DueDelivery, DueReply, ListQuery, StoredEvent};
use crate::store::scheduler::{DueRequest, Key};
use crate::store::types::AttemptRecord;
use crate::store::{Attempt, DeliveryRecord, EventRecord, Result, StateName};

/// Columns of a delivery in a list: the same for both tables.
const PENDING: &str = "SELECT id, subscription, event, delivery, created_at, NULL::bigint, attempts FROM pending";
const ENDED: &str = "SELECT id, subscription, event, delivery, created_at, resent_as, attempts FROM deliveries";

/// Parses the lines of a delivery's attempts.
pub(super) fn attempts_of(lines: &str) -> Result<Vec<Attempt>> {
    lines.lines().map(|line| from_json::<AttemptRecord>(line).map(Attempt::from)).collect()
}

/// A delivery as a row has it.
struct Found {
    id: i64,
    key: Key,
    event: i64,
    delivery: Delivery,
    created_at: UnixTime,
    resent_as: Option<i64>,
}

fn found(row: &Row) -> Result<Found> {
    Ok(Found {
        id: row.get(0),
        key: row.get(1),
        event: row.get(2),
        delivery: from_json(row.get(3))?,
        created_at: UnixTime::from_millis(row.get(4)),
        resent_as: row.get(5),
    })
}

/// Reads deliveries to lease. One more row for each request tells when the next delivery is due.
pub(super) const DUE: &str = "SELECT request.number, d.id, d.due, d.delivery, e.event_id, e.body FROM \
                   unnest($1::int[], $2::smallint[], $3::bigint[], $4::smallint[], $5::bigint[]) \
                   AS request (number, slot, subscription, lane, rows) CROSS JOIN LATERAL \
                   (SELECT id, due, delivery, event FROM pending p WHERE p.slot = request.slot \
                   AND p.subscription = request.subscription AND p.lane = request.lane \
                   AND p.id <> ALL ($6::bigint[]) ORDER BY p.due, p.id LIMIT request.rows) d \
                   JOIN LATERAL (SELECT event_id, body FROM events WHERE id = d.event) e ON true \
                   ORDER BY request.number, d.due, d.id";

/// Returns the statement of a page without a filter by event.
///
/// Each pair of a subscription and a state is a range of one index, in each partition, that is read backwards. Compared
/// as rows, because the planner may take the index of another order for equal columns, and then read everything.
pub(super) fn page() -> String {
    let pending = format!(
        "SELECT p.* FROM unnest($1::bigint[]) AS s (subscription), LATERAL ({PENDING} \
         WHERE (subscription, id) >= (s.subscription, $8) AND (subscription, id) < (s.subscription, $3) \
         AND created_at >= $4 ORDER BY subscription DESC, id DESC LIMIT $6) p WHERE $7"
    );
    let ended = format!(
        "SELECT d.* FROM unnest($1::bigint[]) AS s (subscription), unnest($2::smallint[]) AS t (state), \
         LATERAL ({ENDED} WHERE (subscription, state, id) >= (s.subscription, t.state, $8) \
         AND (subscription, state, id) < (s.subscription, t.state, $3) \
         AND created_at >= $4 AND NOT ($5 AND resent_as IS NOT NULL) \
         ORDER BY subscription DESC, state DESC, id DESC LIMIT $6) d"
    );
    format!("SELECT * FROM ({pending} UNION ALL {ended}) d ORDER BY 1 DESC LIMIT $6")
}

impl Shard {
    /// See [`Engine::due`](crate::store::engine::Engine::due).
    pub(super) async fn due(&self, requests: &[DueRequest], now: UnixTime) -> Result<Vec<DueReply>> {
        let (mut numbers, mut slots, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let (mut lanes, mut limits, mut leased) = (Vec::new(), Vec::new(), Vec::new());
        for (number, request) in (0_i32..).zip(requests).filter(|(_, request)| self.may_start(slot_of(request.key))) {
            numbers.push(number);
            slots.push(slot_of(request.key));
            keys.push(request.key);
            lanes.push(request.kind.number());
            limits.push(i64::try_from(request.limit).unwrap_or(i64::MAX).saturating_add(1));
            leased.extend(request.leased.iter().map(|id| id.0));
        }
        let mut replies: Vec<DueReply> = requests.iter().map(|_| DueReply::default()).collect();
        if numbers.is_empty() {
            return Ok(replies);
        }
        let client = self.client().await?;
        let select = client.prepare_cached(DUE).await.map_err(unavailable)?;
        let rows = client.query(&select, &[&numbers, &slots, &keys, &lanes, &limits, &leased]).await;
        let rows = rows.map_err(unavailable)?;
        client.keep();
        for row in rows {
            let number = usize::try_from(row.get::<_, i32>(0)).unwrap_or_default();
            let (Some(request), Some(reply)) = (requests.get(number), replies.get_mut(number)) else { continue };
            let due = UnixTime::from_millis(row.get(2));
            if reply.next.is_some() {
                continue;
            }
            if reply.deliveries.len() == request.limit || due > now {
                reply.next = Some(due);
                continue;
            }
            reply.deliveries.push(DueDelivery {
                id: DeliveryId(row.get(1)),
                delivery: from_json(row.get(3))?,
                event_id: row.get(4),
                body: Bytes::from(row.get::<_, String>(5)),
            });
        }
        // The read may have taken so long that attempts may no longer start.
        for (request, reply) in requests.iter().zip(&mut replies) {
            if !self.may_start(slot_of(request.key)) {
                *reply = DueReply::default();
            }
        }
        Ok(replies)
    }

    /// See [`Engine::pending`](crate::store::engine::Engine::pending).
    pub(super) async fn pending(
        &self,
        key: Key,
        after: DeliveryId,
        limit: usize,
    ) -> Result<Vec<(DeliveryId, Delivery)>> {
        if !self.slots.holds(slot_of(key)) {
            return Ok(Vec::new());
        }
        let client = self.client().await?;
        let select = "SELECT id, delivery FROM pending WHERE (subscription, id) > ($1, $2) \
                          AND (subscription, id) <= ($1, $3) ORDER BY subscription, id LIMIT $4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = client.query(select, &[&key, &after.0, &i64::MAX, &limit]).await.map_err(unavailable)?;
        client.keep();
        rows.iter().map(|row| Ok((DeliveryId(row.get(0)), from_json(row.get(1))?))).collect()
    }

    /// See [`Engine::events`](crate::store::engine::Engine::events).
    pub(super) async fn events(&self, workspace: &WorkspaceId, ids: &[String]) -> Result<Vec<Option<StoredEvent>>> {
        let client = self.client().await?;
        let select = "SELECT new.number, e.body, e.accepted_at, \
                          (SELECT count(*) FROM pending WHERE event = e.id) + \
                          (SELECT count(*) FROM deliveries WHERE event = e.id AND resent_as IS NULL) \
                          FROM unnest($2::text[]) WITH ORDINALITY AS new (event_id, number) \
                          JOIN events e ON e.event_id = new.event_id \
                          WHERE e.workspace = (SELECT id FROM workspaces WHERE reference = $1) ORDER BY e.id";
        let mut found: Vec<Option<StoredEvent>> = ids.iter().map(|_| None).collect();
        for row in client.query(select, &[&workspace.as_str(), &ids]).await.map_err(unavailable)? {
            let index = usize::try_from(row.get::<_, i64>(0).saturating_sub(1)).unwrap_or(usize::MAX);
            let record = EventRecord { body: row.get(1), accepted_at: UnixTime::from_millis(row.get(2)) };
            let deliveries = usize::try_from(row.get::<_, i64>(3)).unwrap_or_default();
            if let Some(found) = found.get_mut(index) {
                *found = Some(StoredEvent { record, deliveries });
            }
        }
        client.keep();
        Ok(found)
    }

    /// Reads a delivery and its attempts.
    pub(super) async fn delivery(&self, id: DeliveryId) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        let client = self.client().await?;
        let select = format!("{PENDING} WHERE id = $1 UNION ALL {ENDED} WHERE id = $1");
        let select = client.prepare_cached(&select).await.map_err(unavailable)?;
        let Some(row) = client.query_opt(&select, &[&id.0]).await.map_err(unavailable)? else { return Ok(None) };
        let attempts = attempts_of(row.get(6))?;
        let record = self.records(&client, vec![found(&row)?]).await?.pop();
        client.keep();
        Ok(record.map(|record| (record, attempts)))
    }

    /// Adds the events to deliveries, and leaves out those whose subscription is deleted.
    async fn records(&self, client: &Session, found: Vec<Found>) -> Result<Vec<DeliveryRecord>> {
        let mut ids: Vec<i64> = found.iter().map(|found| found.event).collect();
        ids.sort_unstable();
        ids.dedup();
        let select = "SELECT e.id, e.event_id, e.type FROM unnest($1::bigint[]) AS wanted (id) \
                      JOIN LATERAL (SELECT id, event_id, type FROM events WHERE id = wanted.id) e ON true";
        let select = client.prepare_cached(select).await.map_err(unavailable)?;
        let rows = client.query(&select, &[&ids]).await.map_err(unavailable)?;
        let events: std::collections::HashMap<i64, (String, String)> =
            rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        let catalog = self.memory.catalog();
        let records = found.into_iter().filter_map(|found| {
            let (event_id, event_type) = events.get(&found.event)?.clone();
            Some(DeliveryRecord {
                id: DeliveryId(found.id),
                event_id,
                event_type,
                subscription: catalog.by_key(found.key)?.record.id.clone(),
                delivery: found.delivery,
                created_at: found.created_at,
                resent_as: found.resent_as.map(DeliveryId),
            })
        });
        Ok(records.collect())
    }

    /// See [`Engine::list`](crate::store::engine::Engine::list).
    pub(super) async fn list(&self, query: &ListQuery) -> Result<Vec<DeliveryRecord>> {
        let keys: Vec<i64> = query.subscriptions.iter().map(|cached| cached.key).collect();
        let states: Vec<i16> = query.states.iter().map(|state| state.number()).collect();
        let before = query.before.map_or(i64::MAX, |id| id.0);
        let since = query.to_resend_since.map_or(i64::MIN, UnixTime::as_millis);
        let oldest = query.to_resend_since.map_or(0, |since| first_id_of(day_of(since)));
        let (unmarked, limit) = (query.to_resend_since.is_some(), i64::try_from(query.limit).unwrap_or(i64::MAX));
        let with_pending = query.states.contains(&StateName::Pending);
        let client = self.client().await?;
        let rows = if let Some(event) = &query.event_id {
            let of = "event IN (SELECT id FROM events WHERE event_id = $3 \
                          AND workspace = (SELECT id FROM workspaces WHERE reference = $4)) \
                          AND subscription = ANY ($1) AND id < $2";
            let select = format!(
                "SELECT * FROM ({PENDING} WHERE $5 AND {of} UNION ALL {ENDED} WHERE state = ANY ($6) AND {of}) d \
                     ORDER BY 1 DESC LIMIT $7"
            );
            let workspace = query.workspace.as_str();
            client.query(&select, &[&keys, &before, event, &workspace, &with_pending, &states, &limit]).await
        } else {
            let select = page();
            client.query(&select, &[&keys, &states, &before, &since, &unmarked, &limit, &with_pending, &oldest]).await
        };
        let rows = rows.map_err(unavailable)?;
        let found = rows.iter().map(found).collect::<Result<Vec<_>>>()?;
        let records = self.records(&client, found).await?;
        client.keep();
        Ok(records)
    }

    /// Counts the pending deliveries.
    pub(super) async fn count_pending(&self) -> Result<u64> {
        let client = self.client().await?;
        let row = client.query_one("SELECT count(*) FROM pending", &[]).await.map_err(unavailable)?;
        client.keep();
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }
}
