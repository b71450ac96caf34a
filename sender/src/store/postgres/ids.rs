//! Ids of events, deliveries and subscriptions: they begin with the day, and end with the number of the database.

use clarife_webhooks::UnixTime;
use tokio::sync::Mutex;
use tokio_postgres::Client;

use super::unavailable;
use crate::store::Result;
use crate::store::scheduler::Key;

/// Bits of a number within a day, with the number of the database.
const DAY_SHIFT: u32 = 48;
/// Bits of the number of the database.
const DATABASE_BITS: u32 = 8;
/// Number of numbers in a block.
const BLOCK: i64 = 1024;
/// Number of slots, each with the pending deliveries of some subscriptions.
pub(super) const SLOTS: i16 = 64;

/// Returns the day of a moment, from 1970.
pub(super) fn day_of(at: UnixTime) -> u32 {
    let days = at.as_secs().checked_div(24 * 60 * 60).unwrap_or(0);
    u32::try_from(days.clamp(0, 0x7ffe)).unwrap_or(0)
}

/// Returns the day after a day.
pub(super) const fn next_day(day: u32) -> u32 {
    day.saturating_add(1)
}

/// Returns the first possible id of a day.
pub(super) fn first_id_of(day: u32) -> i64 {
    i64::from(day) << DAY_SHIFT
}

/// Returns the number of the database of an id or a key.
pub(super) fn database_of(id: i64) -> usize {
    usize::try_from(id & 0xff).unwrap_or(0)
}

/// Returns the slot of a subscription.
pub(super) fn slot_of(key: Key) -> i16 {
    let number = key >> DATABASE_BITS;
    number.checked_rem(SLOTS.into()).and_then(|slot| i16::try_from(slot).ok()).unwrap_or(0)
}

/// Allocator of numbers. A worker takes them in blocks, so that no write waits for another worker.
#[derive(Debug)]
pub(super) struct Numbers {
    database: u8,
    /// The next number and the end of the block.
    block: Mutex<(i64, i64)>,
}

impl Numbers {
    pub(super) fn new(database: u8) -> Self {
        Self { database, block: Mutex::new((0, 0)) }
    }

    /// Returns ids of a day, in order.
    pub(super) async fn take(&self, client: &Client, day: u32, count: usize) -> Result<Vec<i64>> {
        let mut block = self.block.lock().await;
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            if block.0 >= block.1 {
                let take = "UPDATE numbers SET next = next + $1 RETURNING next";
                let end: i64 = client.query_one(take, &[&BLOCK]).await.map_err(unavailable)?.get(0);
                *block = (end.saturating_sub(BLOCK), end);
            }
            ids.push(first_id_of(day) | (block.0 << DATABASE_BITS) | i64::from(self.database));
            block.0 = block.0.saturating_add(1);
        }
        Ok(ids)
    }

    /// Returns the key of a new subscription.
    pub(super) async fn key(&self, client: &Client) -> Result<Key> {
        Ok(self.take(client, 0, 1).await?.first().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use clarife_webhooks::UnixTime;

    use super::{database_of, day_of, first_id_of, slot_of};

    #[test]
    fn ids_grow_with_the_day_and_end_with_the_database() {
        let (first, second) = (first_id_of(20_000), first_id_of(20_001));
        assert!(first < second && second - first == 1 << 48 && first_id_of(0x7fff) > 0);
        assert_eq!(database_of(first | (77 << 8) | 3), 3);
        assert_eq!((slot_of(65 << 8), slot_of((63 << 8) | 2)), (1, 63));
    }

    #[test]
    fn every_moment_has_a_day() {
        for (at, day) in [(i64::MIN / 1000, 0), (-1, 0), (86_399, 0), (86_400, 1), (i64::MAX / 1000, 0x7ffe)] {
            assert_eq!(day_of(UnixTime::from_secs(at)), day);
        }
    }
}
