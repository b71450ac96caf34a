//! Recording what becomes of deliveries: those that end share a transaction.

use std::collections::HashSet;

use clarife_webhooks::sender::Delivery;
use deadpool_postgres::Transaction;
use tokio::sync::oneshot;
use tokio_postgres::types::ToSql;

use super::catalog::{UPDATE_SUBSCRIPTION, notify, signed};
use super::ids::{day_of, slot_of};
use super::shard::Shard;
use super::{to_json, unavailable, within};
use crate::ids::DeliveryId;
use crate::store::catalog::CatalogRecord;
use crate::store::engine::{DeliveryUpdate, ResentDelivery, WriteError, WriteResult};
use crate::store::scheduler::QueueKind;
use crate::store::types::AttemptRecord;
use crate::store::{Attempt, Result, StateName};

/// Limit of the deliveries in one transaction.
pub(super) const MAX_UPDATES: usize = 500;

/// Moves pending deliveries to the history.
pub(super) const END: &str = "WITH ended AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], \
                   $5::text[]) AS ended (id, before, after, state, attempt)), \
                   gone AS (DELETE FROM pending USING ended WHERE pending.id = ended.id \
                   AND pending.delivery = ended.before RETURNING pending.id, subscription, event, created_at, \
                   attempts || attempt AS attempts, after, state) \
                   INSERT INTO deliveries SELECT id, subscription, state, event, after, created_at, attempts FROM gone \
                   RETURNING id";
/// Changes a delivery that stays pending.
pub(super) const CHANGE: &str = "UPDATE pending SET delivery = $3, lane = $4, due = $5, attempts = attempts || $6 \
                      WHERE id = $1 AND delivery = $2";
/// Changes a delivery of the history that stays there.
const CORRECT: &str = "UPDATE deliveries SET delivery = $3, state = $4, attempts = attempts || $5 \
                       WHERE id = $1 AND delivery = $2";
/// Moves a delivery from the history to the pending ones.
const REVIVE: &str = "WITH held AS (DELETE FROM deliveries WHERE id = $1 AND delivery = $2 RETURNING *) \
                      INSERT INTO pending SELECT id, $3, subscription, $4, $5, event, $6, created_at, attempts \
                      FROM held";

/// A change that waits for its transaction.
pub(super) struct UpdateJob {
    pub(super) update: DeliveryUpdate,
    pub(super) reply: oneshot::Sender<WriteResult<()>>,
}

/// Tells whether a change only ends a pending delivery, so that it may share a transaction.
fn is_plain_end(update: &DeliveryUpdate) -> bool {
    update.record.is_none() && update.before.due().is_some() && update.after.due().is_none()
}

/// Returns the line of an attempt.
fn line(attempt: Option<&Attempt>) -> Result<String> {
    let Some(attempt) = attempt else { return Ok(String::new()) };
    Ok(to_json(&AttemptRecord::from(attempt))? + "\n")
}

impl Shard {
    /// Writes changes: all that only end a delivery together, and each other one by itself.
    pub(super) async fn update(&self, jobs: Vec<UpdateJob>) {
        let mut seen = HashSet::new();
        let (ends, others): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| is_plain_end(&job.update) && seen.insert(job.update.id));
        let together = async {
            if ends.is_empty() {
                return;
            }
            let updates: Vec<&DeliveryUpdate> = ends.iter().map(|job| &job.update).collect();
            let written = within(self.end_all(&updates)).await;
            for job in ends {
                let result = match &written {
                    Ok(written) if written.contains(&job.update.id.0) => Ok(()),
                    Ok(_) => Err(WriteError::Conflict),
                    Err(error) => Err(error.clone().into()),
                };
                let _ = job.reply.send(result); // the caller may be gone
            }
        };
        let alone = others.into_iter().map(|job| async {
            let _ = job.reply.send(within(self.update_one(job.update)).await);
        });
        tokio::join!(together, futures_util::future::join_all(alone));
    }

    /// Ends pending deliveries. Returns the ids of those that had not changed.
    async fn end_all(&self, updates: &[&DeliveryUpdate]) -> Result<HashSet<i64>> {
        let client = self.client().await?;
        let (mut ids, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let (mut states, mut attempts) = (Vec::new(), Vec::new());
        for update in updates {
            ids.push(update.id.0);
            before.push(to_json(&update.before)?);
            after.push(to_json(&update.after)?);
            states.push(StateName::from(&update.after.state()).number());
            attempts.push(line(update.attempt.as_ref())?);
        }
        let end = client.prepare_cached(END).await.map_err(unavailable)?;
        let rows = client.query(&end, &[&ids, &before, &after, &states, &attempts]).await.map_err(unavailable)?;
        client.keep();
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Writes a change in a transaction of its own.
    async fn update_one(&self, update: DeliveryUpdate) -> WriteResult<()> {
        let (key, after) = (update.subscription.key, update.after);
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        let written = write(&transaction, &update, self.slots.holds(slot_of(key))).await?;
        end_transaction(transaction, written).await?;
        client.keep();
        if !written {
            return Err(WriteError::Conflict);
        }
        if let Some(record) = update.record {
            let version = update.subscription.version.saturating_add(1);
            self.memory.learn(CatalogRecord::Subscription(record.id.clone(), Some((key, record))), version);
        }
        self.announce(key, &after);
        Ok(())
    }

    /// See [`Engine::resend`](crate::store::engine::Engine::resend).
    pub(super) async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId> {
        let mut client = self.client().await?;
        let day = day_of(resent.at);
        let new = self.numbers.take(&client, day, 1).await?.first().copied().unwrap_or_default();
        self.days.ensure(&client, day).await?;
        let transaction = client.transaction().await.map_err(unavailable)?;
        let written = write_resent(&transaction, &resent, new).await?;
        end_transaction(transaction, written).await?;
        client.keep();
        if !written {
            return Err(WriteError::Conflict);
        }
        self.announce(resent.subscription.key, &resent.fresh);
        Ok(DeliveryId(new))
    }
}

/// Commits a transaction that has written something, and rolls back another one.
async fn end_transaction(transaction: Transaction<'_>, written: bool) -> Result<()> {
    if written { transaction.commit().await } else { transaction.rollback().await }.map_err(unavailable)
}

/// Writes a delivery beside another one; returns `false` if that one has changed.
async fn write_resent(transaction: &Transaction<'_>, resent: &ResentDelivery, new: i64) -> Result<bool> {
    let ResentDelivery { id, subscription, before, after, fresh, at } = resent;
    let (before, after) = ((*before, to_json(before)?), (*after, to_json(after)?));
    if !replace(transaction, *id, subscription.key, &before, &after, "").await? {
        return Ok(false);
    }
    let mark = "UPDATE deliveries SET resent_as = $2 WHERE id = $1 RETURNING event";
    let event: i64 = transaction.query_one(mark, &[&id.0, &new]).await.map_err(unavailable)?.get(0);
    let insert = "INSERT INTO pending VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')";
    let (slot, lane) = (slot_of(subscription.key), QueueKind::of(fresh).number());
    let (due, at) = (fresh.due().unwrap_or(*at).as_millis(), at.as_millis());
    let fresh = to_json(fresh)?;
    let values: [&(dyn ToSql + Sync); 8] = [&new, &slot, &subscription.key, &lane, &due, &event, &fresh, &at];
    Ok(transaction.execute(insert, &values).await.map_err(unavailable)? == 1)
}

/// Writes a change and the subscription's new health; returns `false` if something has changed.
///
/// The other workers learn of a health that is no longer active, and of one that is not written by the worker that
/// counts the failures.
async fn write(transaction: &Transaction<'_>, update: &DeliveryUpdate, counts: bool) -> Result<bool> {
    let DeliveryUpdate { id, subscription, before, after, attempt, record } = update;
    if let Some(record) = record {
        let (json, secrets) = (to_json(&record.subscription)?, to_json(record.signer.stored())?);
        let statement = transaction.prepare_cached(UPDATE_SUBSCRIPTION).await.map_err(unavailable)?;
        let version = signed(subscription.version);
        let written = transaction.execute(&statement, &[&subscription.key, &version, &json, &secrets]).await;
        if written.map_err(unavailable)? != 1 {
            return Ok(false);
        }
        if !counts || !record.subscription.health.is_active() {
            notify(transaction, &record.workspace).await?;
        }
    }
    let mut line = line(attempt.as_ref())?;
    if before == after
        && let Some(attempt) = attempt
    {
        let select =
            "SELECT attempts FROM pending WHERE id = $1 UNION ALL SELECT attempts FROM deliveries WHERE id = $1";
        let stored = transaction.query_opt(select, &[&id.0]).await.map_err(unavailable)?;
        let stored: String = stored.map(|row| row.get(0)).unwrap_or_default();
        if super::history::attempts_of(&stored)?.iter().any(|made| made.number == attempt.number) {
            line.clear();
        }
    }
    let (before, after) = ((*before, to_json(before)?), (*after, to_json(after)?));
    replace(transaction, *id, subscription.key, &before, &after, &line).await
}

/// Replaces the state of a delivery; returns `false` if it has changed.
async fn replace(
    transaction: &Transaction<'_>,
    id: DeliveryId,
    key: i64,
    (before, before_json): &(Delivery, String),
    (after, after_json): &(Delivery, String),
    line: &str,
) -> Result<bool> {
    let state = StateName::from(&after.state()).number();
    let lane = QueueKind::of(after).number();
    let due = after.due().map(clarife_webhooks::UnixTime::as_millis);
    let written = match (before.due(), due) {
        (Some(_), Some(due)) => {
            let change = transaction.prepare_cached(CHANGE).await.map_err(unavailable)?;
            transaction.execute(&change, &[&id.0, before_json, after_json, &lane, &due, &line]).await
        }
        (Some(_), None) => {
            let end = transaction.prepare_cached(END).await.map_err(unavailable)?;
            let (before, after) = (vec![before_json], vec![after_json]);
            transaction.execute(&end, &[&vec![id.0], &before, &after, &vec![state], &vec![line]]).await
        }
        (None, Some(due)) => {
            let slot = slot_of(key);
            transaction.execute(REVIVE, &[&id.0, before_json, &slot, &lane, &due, after_json]).await
        }
        (None, None) => transaction.execute(CORRECT, &[&id.0, before_json, after_json, &state, &line]).await,
    };
    Ok(written.map_err(unavailable)? == 1)
}
