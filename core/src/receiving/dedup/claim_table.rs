//! [`ClaimTable`], the store for one process.

use core::fmt;
use core::time::Duration;

use super::expiring_map::{ExpiringMap, Id, Kind, Mark};
use super::{ClaimResult, ClaimToken, DEFAULT_MEMORY_CAPACITY, StoreFull};
use crate::UnixTime;

/// The time by which the clock may run back without having been set back, in milliseconds: threads tell the time out of order.
const JITTER: i64 = 1_000;

/// The claims and done marks of one process.
///
/// The table keeps at most as many ids as its capacity, each in about 150 bytes whatever its length. In a full table, a new mark takes the
/// place of the oldest claim if that has expired, or else of the oldest done mark. A claim that is held is never removed.
///
/// The table reads no clock: the caller passes `now`, which counts in whole milliseconds. If the clock is set back, the table's time stops until the clock
/// moves on. A claim then lasts longer by at most the time that it had left.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::dedup::{ClaimResult, ClaimTable, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL};
///
/// let mut store = ClaimTable::default();
/// let mut now = UnixTime::from_secs(1_774_699_200);
/// let ClaimResult::New(token) = store.claim("evt_1", now, DEFAULT_CLAIM_TTL)? else { unreachable!() };
/// assert_eq!(store.claim("evt_1", now, DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
///
/// // The handler fails: the next delivery is handled.
/// store.release("evt_1", token);
/// now = UnixTime::from_secs(1_774_699_201);
/// let ClaimResult::New(_) = store.claim("evt_1", now, DEFAULT_CLAIM_TTL)? else { unreachable!() };
///
/// // The handler returns: no later delivery is handled.
/// store.complete("evt_1", now, DEFAULT_DONE_TTL)?;
/// assert_eq!(store.claim("evt_1", now, DEFAULT_CLAIM_TTL)?, ClaimResult::Done);
/// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
/// ```
#[derive(Clone)]
pub struct ClaimTable {
    capacity: usize,
    marks: ExpiringMap,
    last_number: u64,
    /// The table's own time, which never runs back: the latest, and the difference to the clock's.
    time: i64,
    ahead: i64,
    /// See [`ClaimTable::take_evicted`].
    evicted: bool,
}

impl Default for ClaimTable {
    /// Creates a table for [`DEFAULT_MEMORY_CAPACITY`] ids.
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl ClaimTable {
    /// Creates a table for that many ids, at least one.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::ClaimTable;
    /// assert!(ClaimTable::new(1_000).is_empty());
    /// ```
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let marks = ExpiringMap::default();
        Self { capacity: capacity.max(1), marks, last_number: 0, time: i64::MIN, ahead: 0, evicted: false }
    }

    /// Claims an id for the time `ttl`.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if there is no room. Respond with 503, so that clarife sends the event again.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let at = UnixTime::from_millis;
    /// # let mut store = ClaimTable::default();
    /// assert!(matches!(store.claim("evt_1", at(0), DEFAULT_CLAIM_TTL)?, ClaimResult::New(_)));
    /// assert_eq!(store.claim("evt_1", at(49_999), DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
    /// assert!(matches!(store.claim("evt_1", at(50_000), DEFAULT_CLAIM_TTL)?, ClaimResult::New(_)));
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn claim(&mut self, id: &str, now: UnixTime, ttl: Duration) -> Result<ClaimResult, StoreFull> {
        let (id, now) = (Id::new(id), self.advance(now.as_millis()));
        if let Some(mark) = self.marks.get(&id).filter(|mark| mark.ends > now) {
            return Ok(match mark.kind {
                Kind::Claim => ClaimResult::InProgress,
                Kind::Done => ClaimResult::Done,
            });
        }
        self.set(id, Kind::Claim, now, ttl)?;
        Ok(ClaimResult::New(ClaimToken::from_number(self.last_number)))
    }

    /// Marks an id as done for the time `ttl`, whether the claim is still held or not: the event was handled.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if the claim has expired and another one has its place, or if there is no memory.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, ClaimTable};
    /// # let at = UnixTime::from_millis;
    /// # let mut store = ClaimTable::default();
    /// store.complete("evt_1", at(0), DEFAULT_DONE_TTL)?;
    /// assert_eq!(store.claim("evt_1", at(1), DEFAULT_CLAIM_TTL)?, ClaimResult::Done);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn complete(&mut self, id: &str, now: UnixTime, ttl: Duration) -> Result<(), StoreFull> {
        let (id, now) = (Id::new(id), self.advance(now.as_millis()));
        self.set(id, Kind::Done, now, ttl)
    }

    /// Releases a claim, unless this token no longer holds it.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let at = UnixTime::from_millis;
    /// # let mut store = ClaimTable::default();
    /// let ClaimResult::New(late) = store.claim("evt_1", at(0), DEFAULT_CLAIM_TTL)? else { unreachable!() };
    /// let ClaimResult::New(next) = store.claim("evt_1", at(50_000), DEFAULT_CLAIM_TTL)? else { unreachable!() };
    /// store.release("evt_1", late); // too late to matter
    /// assert_eq!(store.claim("evt_1", at(50_001), DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn release(&mut self, id: &str, token: ClaimToken) {
        let id = Id::new(id);
        let claim = self.marks.get(&id).filter(|mark| mark.kind == Kind::Claim);
        if claim.is_some_and(|mark| mark.number == token.to_number()) {
            self.marks.remove(&id);
        }
    }

    /// Returns whether a full table has removed a done mark that was still alive since the last call of this method.
    ///
    /// A later delivery of that event is handled again. Tell the user once, with [`EVICTED`](super::EVICTED).
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::dedup::{DEFAULT_DONE_TTL, ClaimTable};
    /// # let at = UnixTime::from_millis;
    /// let mut store = ClaimTable::new(1);
    /// store.complete("evt_1", at(0), DEFAULT_DONE_TTL)?;
    /// assert!(!store.take_evicted());
    /// store.complete("evt_2", at(1), DEFAULT_DONE_TTL)?;
    /// assert!(store.take_evicted());
    /// assert!(!store.take_evicted());
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    #[must_use = "the next call does not return it again"]
    pub const fn take_evicted(&mut self) -> bool {
        core::mem::replace(&mut self.evicted, false)
    }

    /// Returns the number of ids in the table, including those whose marks have expired.
    ///
    /// ```
    /// # use clarife_webhooks::UnixTime;
    /// # use clarife_webhooks::dedup::{DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let at = UnixTime::from_millis;
    /// # let mut store = ClaimTable::default();
    /// store.claim("evt_1", at(0), DEFAULT_CLAIM_TTL)?;
    /// assert_eq!(store.len(), 1);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Returns the largest number of ids in the table.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns whether the table is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the table's time at `now`.
    fn advance(&mut self, now: i64) -> i64 {
        let shifted = now.saturating_add(self.ahead);
        if shifted < self.time.saturating_sub(JITTER) {
            self.ahead = self.time.saturating_sub(now); // the clock was set back
        }
        self.time = self.time.max(shifted);
        self.time
    }

    /// Sets the mark of an id, in place of the id's own mark or of one that is no longer needed.
    fn set(&mut self, id: Id, kind: Kind, now: i64, ttl: Duration) -> Result<(), StoreFull> {
        self.marks.reserve(kind)?;
        if self.marks.get(&id).is_none() && self.marks.len() >= self.capacity {
            let ended = self.marks.oldest(Kind::Claim).filter(|(_, mark)| mark.ends <= now);
            let (oldest, mark) = ended.or_else(|| self.marks.oldest(Kind::Done)).ok_or(StoreFull)?;
            self.evicted |= mark.ends > now;
            self.marks.remove(&oldest);
        }
        self.last_number = self.last_number.saturating_add(1);
        self.marks.insert(id, Mark { kind, number: self.last_number, ends: end(now, ttl) });
        Ok(())
    }
}

fn end(now: i64, ttl: Duration) -> i64 {
    let millis = ttl.as_secs().saturating_mul(1000).saturating_add(ttl.subsec_millis().into());
    now.saturating_add_unsigned(millis)
}

impl fmt::Debug for ClaimTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimTable").field("capacity", &self.capacity).field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimResult, ClaimTable, ClaimToken, Duration, StoreFull};
    use crate::UnixTime;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// The table as a list of marks, oldest first, by a clock that never runs back: id, number, whether it is a claim, and end.
    #[derive(Default)]
    struct Model {
        marks: Vec<(u8, u64, bool, i64)>,
        last_number: u64,
        evicted: bool,
    }

    impl Model {
        fn set(&mut self, capacity: usize, id: u8, is_claim: bool, now: i64, ttl: i64) -> Result<(), StoreFull> {
            self.marks.retain(|mark| mark.0 != id);
            while self.marks.len() >= capacity {
                let claim = self.marks.iter().position(|mark| mark.2);
                let ended = claim.filter(|&at| self.marks[at].3 <= now);
                let done = self.marks.iter().position(|mark| !mark.2);
                let (_, _, is_claim, ends) = self.marks.remove(ended.or(done).ok_or(StoreFull)?);
                self.evicted |= !is_claim && ends > now;
            }
            self.last_number += 1;
            self.marks.push((id, self.last_number, is_claim, now + ttl));
            Ok(())
        }

        fn claim(&mut self, capacity: usize, id: u8, now: i64, ttl: i64) -> Result<ClaimResult, StoreFull> {
            match self.marks.iter().find(|mark| mark.0 == id && mark.3 > now) {
                Some((_, _, true, _)) => Ok(ClaimResult::InProgress),
                Some(_) => Ok(ClaimResult::Done),
                None => {
                    self.set(capacity, id, true, now, ttl)?;
                    Ok(ClaimResult::New(ClaimToken::from_number(self.last_number)))
                }
            }
        }
    }

    fn at(millis: i64) -> UnixTime {
        UnixTime::from_millis(millis)
    }

    /// The range of JavaScript's clock, in milliseconds.
    const LATEST: i64 = 1 << 53;

    proptest! {
        #[test]
        fn as_a_list_does_it(
            capacity in 1_usize..5,
            steps in prop::collection::vec((0..3_u8, 0..7_u8, 0..40_i64, 0..30_i64), 0..200),
        ) {
            let (mut store, mut model, mut now, mut tokens) = (ClaimTable::new(capacity), Model::default(), 0, Vec::new());
            for (step, id, pause, ttl) in steps {
                now += pause;
                let (name, time) = (alloc::format!("evt_{id}"), Duration::from_millis(ttl.unsigned_abs()));
                match step {
                    0 => {
                        let claim = store.claim(&name, at(now), time);
                        if let Ok(ClaimResult::New(token)) = claim {
                            tokens.push((id, token));
                        }
                        prop_assert_eq!(claim, model.claim(capacity, id, now, ttl));
                    }
                    1 => prop_assert_eq!(store.complete(&name, at(now), time), model.set(capacity, id, false, now, ttl)),
                    _ => {
                        // The latest token of the id, whether it still holds the claim or not.
                        if let Some((_, token)) = tokens.iter().rev().find(|(held, _)| *held == id) {
                            store.release(&name, *token);
                            model.marks.retain(|mark| mark.0 != id || !mark.2 || mark.1 != token.to_number());
                        }
                    }
                }
                prop_assert!(store.len() <= capacity);
                prop_assert_eq!(store.len(), model.marks.len());
                prop_assert_eq!(store.take_evicted(), core::mem::take(&mut model.evicted));
            }
        }

        /// However long a claim is held, the queues keep no more than a few entries for each mark.
        #[test]
        fn stale_entries_go(count in 0..5_000_u32) {
            let mut store = ClaimTable::default();
            let held = store.claim("held", at(0), Duration::from_secs(1_000));
            prop_assert!(held.is_ok());
            for _ in 0..count {
                let claim = store.claim("evt_1", at(0), Duration::from_secs(50)).unwrap();
                let ClaimResult::New(token) = claim else { return Err(TestCaseError::fail("in progress")) };
                store.release("evt_1", token);
                store.complete("evt_2", at(0), Duration::from_secs(50)).unwrap();
            }
            prop_assert!(store.marks.entries() <= 16, "{}", store.marks.entries());
        }

        /// Whatever the clock does, a claim ends once the clock has gone on by its time.
        #[test]
        fn no_clock_makes_a_claim_eternal(
            moments in prop::collection::vec(-LATEST..LATEST, 0..100),
            ttl in 0_u64..100_000,
            last in -LATEST..LATEST,
        ) {
            let mut store = ClaimTable::default();
            let ttl = Duration::from_millis(ttl);
            for now in moments {
                let _ = store.claim("evt_1", at(now), ttl);
            }
            let _ = store.claim("evt_1", at(last), ttl);
            let after = last + i64::try_from(ttl.as_millis()).unwrap() + 1_000;
            prop_assert!(matches!(store.claim("evt_1", at(after), ttl), Ok(ClaimResult::New(_))));
        }

        #[test]
        fn no_time_panics(moments: Vec<i64>, ttl: Duration) {
            let mut store = ClaimTable::new(2);
            for (now, id) in moments.into_iter().zip(["a", "b", "c"].into_iter().cycle()) {
                let _ = store.claim(id, at(now), ttl);
                let _ = store.complete(id, at(now), ttl);
            }
        }
    }
}
