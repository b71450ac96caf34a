//! Leases of slots: each worker takes its share, renews its leases, and takes over those that others no longer renew.
//!
//! The rules are those of the partitions of NATS, see `docs/design/nats.md`. Workers measure elapsed time on their own
//! monotonic clock. A worker starts attempts for a few seconds after it sent a renewal. It takes another worker's slot
//! after it has read without a break for a whole lease and seen no renewal. A renewal changes only rows that name the
//! worker, so a worker that renews a slot after a long outage has held the slot all along.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clarife_webhooks::UnixTime;
use futures_util::future::try_join4;

use super::ids::{SLOTS, slot_of};
use super::shard::Shard;
use super::{unavailable, within};
use crate::store::Result;
use crate::store::lease::{ALIVE, LEASE, START_WITHIN, share, ticks};
use crate::store::scheduler::{Key, QueueKind};

/// Longest time between two reads that follow each other without a break. After a longer one, the database was away,
/// and the holders of the slots could not renew their leases either.
const BREAK: Duration = Duration::from_secs(5);
/// Number of ticks between two searches for deliveries whose announcement was lost.
const SEARCH_TICKS: u32 = 5;

/// State that this process keeps of the slots of a database.
#[derive(Debug, Default)]
pub(super) struct Slots(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: HashMap<i16, Held>,
    /// The rows as they were last read, with the time of the first read since they changed.
    slots: HashMap<i16, (String, i64, Instant)>,
    workers: HashMap<String, (i64, Instant)>,
    read_at: Option<Instant>,
}

/// A slot that this process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// Time at which the latest renewal was sent.
    renewed: Instant,
    /// Set when the slot is to be given up.
    leaving: bool,
    /// Set when deliveries were due while no attempt could start.
    waiting: bool,
}

impl Slots {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether this process holds a slot.
    pub(super) fn holds(&self, slot: i16) -> bool {
        self.state().held.contains_key(&slot)
    }

    /// Returns the number of slots that this process holds.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.state().held.len()
    }
}

impl State {
    /// Returns the number of slots that this worker should hold.
    fn share(&self, worker: &str) -> usize {
        let others = self.workers.iter().filter(|(id, (_, last))| *id != worker && last.elapsed() < ALIVE).count();
        share(usize::try_from(SLOTS).unwrap_or(1), others)
    }

    /// Applies what was read. Returns the slots to announce, because attempts may start again, and those that are lost.
    fn apply(&mut self, read: &Read, worker: &str) -> (Vec<i16>, Vec<i16>) {
        let continuous = self.read_at.is_some_and(|read_at| read_at.elapsed() < BREAK);
        self.read_at = Some(Instant::now());
        for (slot, holder, version) in &read.slots {
            let unchanged = self.slots.get(slot).filter(|(_, known, _)| known == version && continuous);
            let since = unchanged.map_or_else(Instant::now, |(_, _, since)| *since);
            self.slots.insert(*slot, (holder.clone(), *version, since));
        }
        self.workers.retain(|id, _| read.workers.iter().any(|(known, _)| known == id));
        for (id, beats) in &read.workers {
            // A worker that is seen for the first time counts as alive.
            if self.workers.get(id).is_none_or(|(known, _)| known != beats) {
                self.workers.insert(id.clone(), (*beats, Instant::now()));
            }
        }
        let (mut announce, mut lost) = (Vec::new(), Vec::new());
        for (slot, held) in &mut self.held {
            if read.renewed.contains(slot) {
                held.renewed = read.sent;
                if std::mem::take(&mut held.waiting) {
                    announce.push(*slot);
                }
            } else if read.slots.iter().any(|(of, holder, _)| of == slot && holder != worker) {
                lost.push(*slot);
            }
        }
        self.held.retain(|slot, _| !lost.contains(slot));
        (announce, lost)
    }

    /// Returns free slots that this worker should take, with their versions.
    fn select_free(&self, worker: &str) -> (Vec<i16>, Vec<i64>) {
        let kept = self.held.values().filter(|held| !held.leaving).count();
        let missing = self.share(worker).saturating_sub(kept);
        let free = self.slots.iter().filter(|(slot, (holder, _, since))| {
            let expired = holder.is_empty() || holder == worker || since.elapsed() >= LEASE;
            expired && !self.held.contains_key(slot)
        });
        free.take(missing).map(|(slot, (_, version, _))| (*slot, *version)).unzip()
    }

    /// Returns workers that have been dead for so long that their rows may be deleted.
    fn dead_workers(&self) -> (Vec<String>, Vec<i64>) {
        let dead = self.workers.iter().filter(|(_, (_, last))| last.elapsed() > LEASE);
        dead.map(|(id, (beats, _))| (id.clone(), *beats)).unzip()
    }

    /// Marks slots beyond this worker's share, and returns those whose deliveries have no attempt in flight.
    fn select_leaving(&mut self, worker: &str, is_idle: impl Fn(i16) -> bool) -> Vec<i16> {
        let share = self.share(worker);
        let kept = self.held.values().filter(|held| !held.leaving).count();
        let beyond = kept.saturating_sub(share);
        self.held.values_mut().filter(|held| !held.leaving).take(beyond).for_each(|held| held.leaving = true);
        let leaving = self.held.iter().filter(|(slot, held)| held.leaving && is_idle(**slot));
        leaving.map(|(slot, _)| *slot).collect()
    }
}

/// Rows that a tick has read.
struct Read {
    sent: Instant,
    renewed: Vec<i16>,
    slots: Vec<(i16, String, i64)>,
    workers: Vec<(String, i64)>,
}

impl Shard {
    /// Tells whether attempts of a slot's deliveries may start now.
    pub(super) fn may_start(&self, slot: i16) -> bool {
        let mut state = self.slots.state();
        let Some(held) = state.held.get_mut(&slot) else { return false };
        let may = !held.leaving && held.renewed.elapsed() < START_WITHIN;
        held.waiting |= !may;
        may
    }

    /// Keeps this worker's leases until the task is aborted.
    pub(super) async fn keep_slots(&self) {
        let mut interval = ticks();
        for tick in 1_u32.. {
            interval.tick().await;
            if let Err(error) = self.tick(tick).await {
                tracing::debug!(%error, "cannot renew the leases");
            }
        }
    }

    /// Renews, leaves and takes slots.
    pub(super) async fn tick(&self, tick: u32) -> Result<()> {
        let read = within(self.renew()).await?;
        let (announce, lost) = self.slots.state().apply(&read, &self.worker);
        self.withdraw(&lost);
        let idle = |slot| !self.memory.scheduler().has_leases(|key| self.has_key(key) && slot_of(key) == slot);
        let leave = self.slots.state().select_leaving(&self.worker, idle);
        if !leave.is_empty() {
            self.slots.state().held.retain(|slot, _| !leave.contains(slot));
            self.withdraw(&leave);
            within(self.free(&leave)).await?;
        }
        let (free, versions) = self.slots.state().select_free(&self.worker);
        let (dead, beats) = self.slots.state().dead_workers();
        if !dead.is_empty() {
            within(self.forget_workers(&dead, &beats)).await?;
        }
        let mut search = announce;
        if !free.is_empty() {
            search.extend(within(self.take(&free, &versions)).await?);
        }
        if tick.checked_rem(SEARCH_TICKS) == Some(0) {
            search = self.slots.state().held.keys().copied().collect();
        }
        within(self.search(&search)).await
    }

    async fn renew(&self) -> Result<Read> {
        let client = self.client().await?;
        let sent = Instant::now();
        let renew = "UPDATE slots SET version = version + 1 WHERE worker = $1 RETURNING slot";
        let beat = "INSERT INTO workers VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET beats = workers.beats + 1";
        let (renewed, _, slots, workers) = try_join4(
            client.query(renew, &[&self.worker]),
            client.execute(beat, &[&self.worker]),
            client.query("SELECT slot, worker, version FROM slots", &[]),
            client.query("SELECT id, beats FROM workers", &[]),
        )
        .await
        .map_err(unavailable)?;
        client.keep();
        Ok(Read {
            sent,
            renewed: renewed.iter().map(|row| row.get(0)).collect(),
            slots: slots.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
            workers: workers.iter().map(|row| (row.get(0), row.get(1))).collect(),
        })
    }

    /// Deletes the rows of workers that have not beaten since.
    async fn forget_workers(&self, ids: &[String], beats: &[i64]) -> Result<()> {
        let client = self.client().await?;
        let delete = "DELETE FROM workers USING unnest($1::text[], $2::bigint[]) AS dead (id, beats) \
                      WHERE workers.id = dead.id AND workers.beats = dead.beats";
        client.execute(delete, &[&ids, &beats]).await.map_err(unavailable)?;
        client.keep();
        Ok(())
    }

    /// Takes slots that still have their versions; returns them.
    async fn take(&self, slots: &[i16], versions: &[i64]) -> Result<Vec<i16>> {
        let client = self.client().await?;
        let renewed = Instant::now();
        let take = "UPDATE slots SET worker = $1, version = slots.version + 1 \
                    FROM unnest($2::smallint[], $3::bigint[]) AS free (slot, version) \
                    WHERE slots.slot = free.slot AND slots.version = free.version RETURNING slots.slot";
        let rows = client.query(take, &[&self.worker, &slots, &versions]).await.map_err(unavailable)?;
        client.keep();
        let taken: Vec<i16> = rows.iter().map(|row| row.get(0)).collect();
        self.read_subscriptions(&taken).await?;
        {
            let mut state = self.slots.state();
            for slot in &taken {
                state.held.insert(*slot, Held { renewed, leaving: false, waiting: false });
            }
        }
        // Their last holder may not have written all ends.
        let catalog = self.memory.catalog();
        let inactive = catalog.all().filter(|cached| !cached.record.subscription.health.is_active());
        let taken_over = inactive.filter(|cached| self.has_key(cached.key) && taken.contains(&slot_of(cached.key)));
        taken_over.for_each(|cached| self.memory.endings.add(cached.key));
        Ok(taken)
    }

    /// Frees slots of this worker.
    async fn free(&self, slots: &[i16]) -> Result<()> {
        let client = self.client().await?;
        let free = "UPDATE slots SET worker = '', version = version + 1 WHERE worker = $1 AND slot = ANY ($2)";
        client.execute(free, &[&self.worker, &slots]).await.map_err(unavailable)?;
        client.keep();
        Ok(())
    }

    /// Gives up all slots, and is no longer a worker.
    pub(super) async fn leave(&self) -> Result<()> {
        let held: Vec<i16> = self.slots.state().held.drain().map(|(slot, _)| slot).collect();
        self.withdraw(&held);
        within(async {
            self.free(&held).await?;
            let client = self.client().await?;
            client.execute("DELETE FROM workers WHERE id = $1", &[&self.worker]).await.map_err(unavailable)?;
            client.keep();
            Ok(())
        })
        .await
    }

    /// Removes the subscriptions of slots from the scheduler.
    fn withdraw(&self, slots: &[i16]) {
        if slots.is_empty() {
            return;
        }
        let keys: Vec<Key> = self.memory.catalog().all().map(|cached| cached.key).collect();
        for key in keys.into_iter().filter(|key| self.has_key(*key) && slots.contains(&slot_of(*key))) {
            self.memory.scheduler().clear(key);
        }
    }

    /// Announces all pending deliveries of slots. Reads one row for each queue, however long it is.
    async fn search(&self, slots: &[i16]) -> Result<()> {
        if slots.is_empty() {
            return Ok(());
        }
        let client = self.client().await?;
        let heads = "WITH RECURSIVE heads AS ( \
                     SELECT first.* FROM unnest($1::smallint[]) AS wanted (slot), LATERAL ( \
                     SELECT slot, subscription, lane, due FROM pending p WHERE p.slot = wanted.slot \
                     ORDER BY slot, subscription, lane, due LIMIT 1) first \
                     UNION ALL SELECT next.* FROM heads, LATERAL ( \
                     SELECT slot, subscription, lane, due FROM pending p WHERE p.slot = heads.slot \
                     AND (p.subscription, p.lane) > (heads.subscription, heads.lane) \
                     ORDER BY slot, subscription, lane, due LIMIT 1) next) \
                     SELECT subscription, lane, due FROM heads";
        let rows = client.query(heads, &[&slots]).await.map_err(unavailable)?;
        client.keep();
        for row in rows {
            let is_retry = row.get::<_, i16>(1) == QueueKind::Retry.number();
            let kind = if is_retry { QueueKind::Retry } else { QueueKind::Fresh };
            self.memory.add(row.get(0), kind, UnixTime::from_millis(row.get(2)));
        }
        Ok(())
    }
}
