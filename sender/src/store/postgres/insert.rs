//! Inserting events with their deliveries: waiting calls share a transaction.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use futures_util::future::try_join3;
use tokio::sync::oneshot;
use tokio_postgres::types::ToSql;

use super::catalog::signed;
use super::ids::{day_of, first_id_of, slot_of};
use super::shard::Shard;
use super::{to_json, unavailable, within};
use crate::ids::DeliveryId;
use crate::store::engine::{Arrivals, WriteError, WriteResult};
use crate::store::scheduler::QueueKind;
use crate::store::{Result, StateName};

/// Limit of the events in one transaction.
pub(super) const MAX_EVENTS: usize = 1000;

/// Ids of the deliveries of each event of a call.
type Ids = Vec<Vec<DeliveryId>>;

/// Keys and versions of workspaces.
type Workspaces = HashMap<String, (i64, i64)>;

/// A call that waits for its transaction.
pub(super) struct InsertJob {
    pub(super) arrivals: Arrivals,
    pub(super) reply: oneshot::Sender<WriteResult<Ids>>,
}

/// Columns of the rows to insert.
#[derive(Default)]
struct Rows {
    events: EventColumns,
    pending: PendingColumns,
    held: HeldColumns,
}

#[derive(Default)]
struct EventColumns {
    id: Vec<i64>,
    workspace: Vec<i64>,
    event_id: Vec<String>,
    event_type: Vec<String>,
    accepted_at: Vec<i64>,
    body: Vec<String>,
}

#[derive(Default)]
struct PendingColumns {
    id: Vec<i64>,
    slot: Vec<i16>,
    subscription: Vec<i64>,
    lane: Vec<i16>,
    due: Vec<i64>,
    event: Vec<i64>,
    delivery: Vec<String>,
    created_at: Vec<i64>,
}

#[derive(Default)]
struct HeldColumns {
    id: Vec<i64>,
    subscription: Vec<i64>,
    state: Vec<i16>,
    event: Vec<i64>,
    delivery: Vec<String>,
    created_at: Vec<i64>,
}

impl Shard {
    /// Inserts the events of calls in one transaction, or each call by itself if that fails.
    pub(super) async fn insert(&self, jobs: Vec<InsertJob>) {
        let arrivals: Vec<&Arrivals> = jobs.iter().map(|job| &job.arrivals).collect();
        let mut results = self.try_insert(&arrivals).await;
        if jobs.len() > 1 && results.iter().any(|result| matches!(result, Err(WriteError::Conflict))) {
            results.clear();
            for arrivals in arrivals {
                results.extend(self.try_insert(&[arrivals]).await);
            }
        }
        for (InsertJob { arrivals, reply }, result) in jobs.into_iter().zip(results) {
            if result.is_ok() {
                for (to, delivery) in arrivals.new.iter().flat_map(|arrival| &arrival.to) {
                    self.announce(to.key, delivery);
                }
            }
            let _ = reply.send(result); // the caller may be gone
        }
    }

    /// Inserts all events in one transaction, or none. Returns a result for each call.
    async fn try_insert(&self, calls: &[&Arrivals]) -> Vec<WriteResult<Ids>> {
        match within(self.insert_all(calls)).await {
            Ok(Some(ids)) => ids.into_iter().map(Ok).collect(),
            Ok(None) => calls.iter().map(|_| Err(WriteError::Conflict)).collect(),
            Err(error) => calls.iter().map(|_| Err(error.clone().into())).collect(),
        }
    }

    async fn insert_all(&self, calls: &[&Arrivals]) -> Result<Option<Vec<Ids>>> {
        let mut client = self.client().await?;
        let workspaces: HashSet<&str> = calls.iter().map(|call| call.workspace.as_str()).collect();
        let workspaces: Vec<&str> = workspaces.into_iter().collect();
        let mut count: usize = 0;
        for (_, arrival) in calls.iter().flat_map(|call| call.new_events()) {
            count = count.saturating_add(arrival.to.len()).saturating_add(1);
        }
        let numbers = self.numbers.take(&client, 0, count).await?;
        let days: HashSet<u32> = calls.iter().map(|call| day_of(call.at)).collect();
        for day in &days {
            self.days.ensure(&client, *day).await?;
        }
        let transaction = client.transaction().await.map_err(unavailable)?;
        let lock = "SELECT reference, id, version FROM workspaces WHERE reference = ANY($1) ORDER BY id FOR SHARE";
        let lock = transaction.prepare_cached(lock).await.map_err(unavailable)?;
        let rows = transaction.query(&lock, &[&workspaces]).await.map_err(unavailable)?;
        let found: Workspaces = rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
        // Calls for one workspace may have been planned before and after a change.
        let is_planned = calls.iter().all(|call| {
            found.get(call.workspace.as_str()).is_some_and(|(_, version)| *version == signed(call.version))
        });
        let (rows, ids) = rows_of(calls, &found, numbers)?;
        let is_new = is_planned && insert_rows(&transaction, rows, &days).await?;
        if is_new {
            transaction.commit().await.map_err(unavailable)?;
        } else {
            transaction.rollback().await.map_err(unavailable)?;
        }
        client.keep();
        Ok(is_new.then_some(ids))
    }
}

/// Inserts rows; returns `false` if an event exists.
async fn insert_rows(transaction: &Transaction<'_>, rows: Rows, days: &HashSet<u32>) -> Result<bool> {
    let Rows { events, pending, held } = rows;
    // The unique index of a day's partition finds events of the same day.
    let earlier = "SELECT 1 FROM unnest($1::bigint[], $2::text[]) AS new (workspace, event_id) \
                   JOIN events USING (workspace, event_id) WHERE events.id >= $3 AND events.id < $4 LIMIT 1";
    let earlier = transaction.prepare_cached(earlier).await.map_err(unavailable)?;
    for day in days {
        let (from, to) = (first_id_of(day.saturating_sub(1)), first_id_of(*day));
        let found = transaction.query_opt(&earlier, &[&events.workspace, &events.event_id, &from, &to]).await;
        if found.map_err(unavailable)?.is_some() {
            return Ok(false);
        }
    }
    let insert_events = "INSERT INTO events SELECT * FROM \
                         unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[]) \
                         ON CONFLICT DO NOTHING";
    let insert_pending = "INSERT INTO pending SELECT *, '' FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], \
                          $4::smallint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[])";
    let insert_held = "INSERT INTO deliveries SELECT *, '', NULL FROM \
                       unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::text[], $6::bigint[])";
    let (insert_events, insert_pending, insert_held) = try_join3(
        transaction.prepare_cached(insert_events),
        transaction.prepare_cached(insert_pending),
        transaction.prepare_cached(insert_held),
    )
    .await
    .map_err(unavailable)?;
    let count = events.id.len() as u64;
    let EventColumns { id, workspace, event_id, event_type, accepted_at, body } = &events;
    let events: Values<'_, 6> = [id, workspace, event_id, event_type, accepted_at, body];
    let PendingColumns { id, slot, subscription, lane, due, event, delivery, created_at } = &pending;
    let pending: Values<'_, 8> = [id, slot, subscription, lane, due, event, delivery, created_at];
    let HeldColumns { id, subscription, state, event, delivery, created_at } = &held;
    let held: Values<'_, 6> = [id, subscription, state, event, delivery, created_at];
    let has_held = !id.is_empty();
    let (inserted, _, _) = try_join3(
        transaction.execute(&insert_events, &events),
        transaction.execute(&insert_pending, &pending),
        async { if has_held { transaction.execute(&insert_held, &held).await } else { Ok(0) } },
    )
    .await
    .map_err(unavailable)?;
    Ok(inserted == count)
}

/// Values of a statement.
type Values<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// Returns the rows of calls, and the ids of their deliveries.
fn rows_of(calls: &[&Arrivals], workspaces: &Workspaces, numbers: Vec<i64>) -> Result<(Rows, Vec<Ids>)> {
    let mut rows = Rows::default();
    let mut numbers = numbers.into_iter();
    let mut all = Vec::with_capacity(calls.len());
    for call in calls {
        let (day, at) = (day_of(call.at), call.at.as_millis());
        let mut next = || first_id_of(day) | numbers.next().unwrap_or_default();
        let workspace = workspaces.get(call.workspace.as_str()).map(|(key, _)| *key).unwrap_or_default();
        let mut ids = Vec::with_capacity(call.new.len());
        for (event, arrival) in call.new_events() {
            let key = next();
            rows.events.id.push(key);
            rows.events.workspace.push(workspace);
            rows.events.event_id.push(event.id.clone());
            rows.events.event_type.push(event.event_type.clone());
            rows.events.accepted_at.push(at);
            rows.events.body.push(event.body.clone());
            let mut deliveries = Vec::with_capacity(arrival.to.len());
            for (to, delivery) in &arrival.to {
                let (id, json) = (next(), to_json(delivery)?);
                deliveries.push(DeliveryId(id));
                if let Some(due) = delivery.due() {
                    rows.pending.id.push(id);
                    rows.pending.slot.push(slot_of(to.key));
                    rows.pending.subscription.push(to.key);
                    rows.pending.lane.push(QueueKind::of(delivery).number());
                    rows.pending.due.push(due.as_millis());
                    rows.pending.event.push(key);
                    rows.pending.delivery.push(json);
                    rows.pending.created_at.push(at);
                } else {
                    rows.held.id.push(id);
                    rows.held.subscription.push(to.key);
                    rows.held.state.push(StateName::from(&delivery.state()).number());
                    rows.held.event.push(key);
                    rows.held.delivery.push(json);
                    rows.held.created_at.push(at);
                }
            }
            ids.push(deliveries);
        }
        all.push(ids);
    }
    Ok((rows, all))
}
