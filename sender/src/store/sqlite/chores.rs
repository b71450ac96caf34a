//! Chores.

use clarife_webhooks::sender::{Delivery, UnixMillis};
use rusqlite::params;

use super::catalog::from_json;
use super::database::Database;
use crate::ids::DeliveryId;
use crate::store::Result;
use crate::store::scheduler::Key;

/// How many deliveries a chore touches in one transaction.
const CHORE: usize = 1000;

/// What remains to be done for a subscription, a piece at a time, so that nobody waits long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chore {
    /// It was deactivated: end what is pending, after this delivery.
    EndPending { key: Key, after: i64, at: UnixMillis },
    /// It was deleted: delete its deliveries, and then itself.
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

    /// Does a piece of the first chore.
    pub(super) fn do_chores(&mut self) -> Result<()> {
        let Some(chore) = self.chores.pop_front() else { return Ok(()) };
        let rest = match chore {
            Chore::EndPending { key, after, at } => {
                let last = self.end_some(key, after, at)?;
                if last.is_none() {
                    self.fill_scheduler(Some(key))?; // test events go on
                }
                last.map(|after| Chore::EndPending { key, after, at })
            }
            Chore::Delete { key } => self.delete_some(key)?.then_some(chore),
        };
        self.chores.extend(rest);
        Ok(())
    }

    /// Ends what is pending for a subscription that was deactivated: some now, what is left soon after.
    pub(super) fn end_pending(&mut self, key: Key, at: UnixMillis) -> Result<()> {
        self.scheduler.clear(key);
        self.chores.push_front(Chore::EndPending { key, after: 0, at });
        self.do_chores()
    }

    /// Does all that is left of ending what is pending.
    pub(super) fn finish_ending(&mut self, key: Key) -> Result<()> {
        while let Some(at) = self.chores.iter().position(|chore| chore.key() == key) {
            self.chores.swap(0, at);
            self.do_chores()?;
        }
        Ok(())
    }

    /// Deletes a subscription's deliveries and then itself: some now, what is left soon after.
    pub(super) fn delete_deliveries(&mut self, key: Key) -> Result<()> {
        self.scheduler.clear(key);
        self.chores.retain(|chore| chore.key() != key);
        self.chores.push_front(Chore::Delete { key });
        self.do_chores()
    }

    /// Ends some of what is pending after that delivery; the last one looked at, or `None` if there are no more.
    fn end_some(&mut self, key: Key, after: i64, at: UnixMillis) -> Result<Option<i64>> {
        let pending: Vec<(i64, Delivery)> = self
            .connection
            .prepare_cached(
                "SELECT id, delivery FROM deliveries WHERE subscription = ?1 AND state = 0 AND id > ?2 \
                 ORDER BY id LIMIT ?3",
            )?
            .query_map(params![key, after, CHORE], |row| Ok((row.get(0)?, from_json(1, row.get_ref(1)?.as_str()?)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (id, delivery) in &pending {
            let ended = delivery.deactivate(at);
            if ended != *delivery {
                self.update(DeliveryId(*id), key, &ended)?;
            }
        }
        Ok(pending.last().map(|(id, _)| *id).filter(|_| pending.len() == CHORE))
    }

    /// Deletes some of a subscription's deliveries; whether there may be more.
    fn delete_some(&mut self, key: Key) -> Result<bool> {
        let select = "SELECT id FROM deliveries WHERE subscription = ?1 ORDER BY state, id LIMIT ?2";
        self.connection.execute(&format!("DELETE FROM attempts WHERE delivery IN ({select})"), params![key, CHORE])?;
        let deleted =
            self.connection.execute(&format!("DELETE FROM deliveries WHERE id IN ({select})"), params![key, CHORE])?;
        if deleted == CHORE {
            return Ok(true);
        }
        self.connection.execute("DELETE FROM subscriptions WHERE id = ?1", [key])?;
        Ok(false)
    }
}
