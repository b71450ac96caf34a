//! Background work of the writer, done in steps so that requests do not wait long.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use rusqlite::params;

use super::catalog::from_json;
use super::database::Database;
use crate::ids::DeliveryId;
use crate::store::Result;
use crate::store::scheduler::Key;

/// Limit of the deliveries that a chore touches in one transaction.
const MAX_DELIVERIES: usize = 1000;

/// Remaining work for a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chore {
    /// End the pending deliveries of a deactivated subscription, after the delivery `after`.
    EndPending { key: Key, after: i64, at: UnixTime },
    /// Delete the deliveries of a deleted subscription, then the subscription.
    Delete { key: Key },
}

impl Chore {
    pub(super) const fn key(self) -> Key {
        match self {
            Self::EndPending { key, .. } | Self::Delete { key } => key,
        }
    }
}

impl Database {
    pub(super) fn has_chores(&self) -> bool {
        !self.chores.is_empty()
    }

    /// Runs a step of the first chore.
    pub(super) fn run_chore(&mut self) -> Result<()> {
        let Some(chore) = self.chores.pop_front() else { return Ok(()) };
        let remaining = match chore {
            Chore::EndPending { key, after, at } => {
                let last = self.end_batch(key, after, at)?;
                if last.is_none() {
                    self.fill_scheduler(Some(key))?; // test events continue
                }
                last.map(|after| Chore::EndPending { key, after, at })
            }
            Chore::Delete { key } => self.delete_batch(key)?.then_some(chore),
        };
        self.chores.extend(remaining);
        Ok(())
    }

    /// Ends the pending deliveries of a deactivated subscription: a first step now, the rest as a chore.
    pub(super) fn end_pending(&mut self, key: Key, at: UnixTime) -> Result<()> {
        self.scheduler.clear(key);
        self.chores.push_front(Chore::EndPending { key, after: 0, at });
        self.run_chore()
    }

    /// Runs all remaining steps of a subscription's chores.
    pub(super) fn finish_chores(&mut self, key: Key) -> Result<()> {
        while let Some(index) = self.chores.iter().position(|chore| chore.key() == key) {
            self.chores.swap(0, index);
            self.run_chore()?;
        }
        Ok(())
    }

    /// Deletes a subscription and its deliveries: a first step now, the rest as a chore.
    pub(super) fn delete_deliveries(&mut self, key: Key) -> Result<()> {
        self.scheduler.clear(key);
        self.chores.retain(|chore| chore.key() != key);
        self.chores.push_front(Chore::Delete { key });
        self.run_chore()
    }

    /// Ends a batch of pending deliveries after the delivery `after`. Returns the last one read, or `None` if there are
    /// no more.
    fn end_batch(&mut self, key: Key, after: i64, at: UnixTime) -> Result<Option<i64>> {
        let pending: Vec<(i64, Delivery)> = self
            .connection
            .prepare_cached(
                "SELECT id, delivery FROM deliveries WHERE subscription = ?1 AND state = 0 AND id > ?2 \
                 ORDER BY id LIMIT ?3",
            )?
            .query_map(params![key, after, MAX_DELIVERIES], |row| {
                Ok((row.get(0)?, from_json(1, row.get_ref(1)?.as_str()?)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (id, delivery) in &pending {
            let ended = delivery.deactivate(at);
            if ended != *delivery {
                self.update(DeliveryId(*id), key, &ended)?;
            }
        }
        Ok(pending.last().map(|(id, _)| *id).filter(|_| pending.len() == MAX_DELIVERIES))
    }

    /// Deletes a batch of a subscription's deliveries; returns `true` if there may be more.
    fn delete_batch(&mut self, key: Key) -> Result<bool> {
        let select = "SELECT id FROM deliveries WHERE subscription = ?1 ORDER BY state, id LIMIT ?2";
        self.connection
            .execute(&format!("DELETE FROM attempts WHERE delivery IN ({select})"), params![key, MAX_DELIVERIES])?;
        let deleted = self
            .connection
            .execute(&format!("DELETE FROM deliveries WHERE id IN ({select})"), params![key, MAX_DELIVERIES])?;
        if deleted == MAX_DELIVERIES {
            return Ok(true);
        }
        self.connection.execute("DELETE FROM subscriptions WHERE id = ?1", [key])?;
        Ok(false)
    }
}
