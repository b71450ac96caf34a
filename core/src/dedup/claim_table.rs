//! The store for one process.

use core::fmt;
use core::time::Duration;

use super::marks::{Id, Kind, Mark, Marks};
use super::{ClaimResult, ClaimToken, DEFAULT_MEMORY_CAPACITY, StoreFull, sha256};

/// The clock may run back by this much, in milliseconds, without having been set: threads tell the time in no order.
const JITTER: i64 = 1_000;

/// The claims and done marks of one process.
///
/// It keeps at most as many ids as its capacity, each in a hundred bytes whatever its length. Where the capacity is reached, the
/// oldest claim goes if it has ended, and else the oldest done mark; claims that are held never go. It reads no clock: `now` is Unix time
/// in milliseconds. A clock that is set back stops the store's time until it moves on, and so prolongs no claim by more than
/// what it had left.
///
/// ```
/// use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, ClaimTable};
///
/// let mut store = ClaimTable::default();
/// let now = 1_774_699_200_000;
/// let ClaimResult::New(token) = store.claim("evt_1", now, DEFAULT_CLAIM_TTL)? else { unreachable!() };
/// assert_eq!(store.claim("evt_1", now + 5, DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
///
/// // The handler fails: the next delivery is handled.
/// store.release("evt_1", token);
/// let ClaimResult::New(_) = store.claim("evt_1", now + 1_000, DEFAULT_CLAIM_TTL)? else { unreachable!() };
///
/// // The handler returns: no later delivery is.
/// store.complete("evt_1", now + 1_020, DEFAULT_DONE_TTL)?;
/// assert_eq!(store.claim("evt_1", now + 2_000, DEFAULT_CLAIM_TTL)?, ClaimResult::Done);
/// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
/// ```
#[derive(Clone)]
pub struct ClaimTable {
    capacity: usize,
    marks: Marks,
    last_token: u64,
    /// The store's own time never runs back: the latest `now`, and what has to be added to a `now`.
    time: i64,
    ahead: i64,
}

impl Default for ClaimTable {
    /// A store for [`DEFAULT_MEMORY_CAPACITY`] ids.
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl ClaimTable {
    /// A store for that many ids; at least one.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::ClaimTable;
    /// assert!(ClaimTable::new(1_000).is_empty());
    /// ```
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), marks: Marks::new(), last_token: 0, time: i64::MIN, ahead: 0 }
    }

    /// Claims an id for as long as `ttl`.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if there is no room: answer 503, so that the event is sent again.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let mut store = ClaimTable::default();
    /// assert!(matches!(store.claim("evt_1", 0, DEFAULT_CLAIM_TTL)?, ClaimResult::New(_)));
    /// assert_eq!(store.claim("evt_1", 59_999, DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
    /// assert!(matches!(store.claim("evt_1", 60_000, DEFAULT_CLAIM_TTL)?, ClaimResult::New(_)));
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn claim(&mut self, id: &str, now: i64, ttl: Duration) -> Result<ClaimResult, StoreFull> {
        let (id, now) = (sha256(id), self.advance(now));
        if let Some(mark) = self.marks.get(&id).filter(|mark| mark.ends > now) {
            return Ok(match mark.kind {
                Kind::Claim => ClaimResult::InProgress,
                Kind::Done => ClaimResult::Done,
            });
        }
        self.make_room(&id, now)?;
        self.last_token = self.last_token.saturating_add(1);
        self.marks.insert(id, Mark { kind: Kind::Claim, token: self.last_token, ends: end(now, ttl) });
        Ok(ClaimResult::New(ClaimToken::from_number(self.last_token)))
    }

    /// Marks an id as done for as long as `ttl`, whoever holds the claim: the event was handled.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if the claim has ended and its place was given away.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, ClaimTable};
    /// # let mut store = ClaimTable::default();
    /// store.complete("evt_1", 0, DEFAULT_DONE_TTL)?;
    /// assert_eq!(store.claim("evt_1", 1, DEFAULT_CLAIM_TTL)?, ClaimResult::Done);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn complete(&mut self, id: &str, now: i64, ttl: Duration) -> Result<(), StoreFull> {
        let (id, now) = (sha256(id), self.advance(now));
        self.make_room(&id, now)?;
        self.marks.insert(id, Mark { kind: Kind::Done, token: 0, ends: end(now, ttl) });
        Ok(())
    }

    /// Gives up a claim, unless it is no longer this token's.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::{ClaimResult, DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let mut store = ClaimTable::default();
    /// let ClaimResult::New(late) = store.claim("evt_1", 0, DEFAULT_CLAIM_TTL)? else { unreachable!() };
    /// let ClaimResult::New(next) = store.claim("evt_1", 60_000, DEFAULT_CLAIM_TTL)? else { unreachable!() };
    /// store.release("evt_1", late); // too late to matter
    /// assert_eq!(store.claim("evt_1", 60_001, DEFAULT_CLAIM_TTL)?, ClaimResult::InProgress);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    pub fn release(&mut self, id: &str, token: ClaimToken) {
        let id = sha256(id);
        let claim = self.marks.get(&id).filter(|mark| mark.kind == Kind::Claim);
        if claim.is_some_and(|mark| mark.token == token.to_number()) {
            self.marks.remove(&id);
        }
    }

    /// How many ids it keeps, those included that have ended and whose place nobody needed.
    ///
    /// ```
    /// # use clarife_webhooks::dedup::{DEFAULT_CLAIM_TTL, ClaimTable};
    /// # let mut store = ClaimTable::default();
    /// store.claim("evt_1", 0, DEFAULT_CLAIM_TTL)?;
    /// assert_eq!(store.len(), 1);
    /// # Ok::<(), clarife_webhooks::dedup::StoreFull>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The store's time at `now`.
    fn advance(&mut self, now: i64) -> i64 {
        let shifted = now.saturating_add(self.ahead);
        if shifted < self.time.saturating_sub(JITTER) {
            self.ahead = self.time.saturating_sub(now); // the clock was set back
        }
        self.time = self.time.max(shifted);
        self.time
    }

    /// Takes away what there is of an id, and what has to go for a new mark.
    fn make_room(&mut self, id: &Id, now: i64) -> Result<(), StoreFull> {
        self.marks.remove(id);
        while self.len() >= self.capacity {
            let ended = self.marks.oldest(Kind::Claim).filter(|(_, mark)| mark.ends <= now);
            let (oldest, _) = ended.or_else(|| self.marks.oldest(Kind::Done)).ok_or(StoreFull)?;
            self.marks.remove(&oldest);
        }
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
    use super::{ClaimResult, ClaimTable, Duration, StoreFull};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// The same store as a list, oldest mark first, with a clock that never runs back.
    #[derive(Default)]
    struct Model {
        marks: Vec<(u8, Option<u64>, i64)>,
        last_token: u64,
    }

    impl Model {
        fn put(&mut self, capacity: usize, id: u8, token: Option<u64>, now: i64, ttl: i64) -> Result<(), StoreFull> {
            self.marks.retain(|mark| mark.0 != id);
            while self.marks.len() >= capacity {
                let claim = self.marks.iter().position(|mark| mark.1.is_some());
                let ended = claim.filter(|&at| self.marks[at].2 <= now);
                let done = self.marks.iter().position(|mark| mark.1.is_none());
                self.marks.remove(ended.or(done).ok_or(StoreFull)?);
            }
            self.marks.push((id, token, now + ttl));
            Ok(())
        }

        fn claim(&mut self, capacity: usize, id: u8, now: i64, ttl: i64) -> Result<Option<bool>, StoreFull> {
            match self.marks.iter().find(|mark| mark.0 == id && mark.2 > now) {
                Some((_, Some(_), _)) => Ok(Some(false)),
                Some(_) => Ok(Some(true)),
                None => {
                    self.put(capacity, id, Some(self.last_token + 1), now, ttl)?;
                    self.last_token += 1;
                    Ok(None)
                }
            }
        }
    }

    /// What JavaScript's clock can say.
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
                        let claim = store.claim(&name, now, time);
                        if let Ok(ClaimResult::New(token)) = claim {
                            tokens.push((id, token));
                        }
                        let claim = claim.map(|claim| match claim {
                            ClaimResult::New(_) => None,
                            ClaimResult::InProgress => Some(false),
                            ClaimResult::Done => Some(true),
                        });
                        prop_assert_eq!(claim, model.claim(capacity, id, now, ttl));
                    }
                    1 => prop_assert_eq!(store.complete(&name, now, time), model.put(capacity, id, None, now, ttl)),
                    _ => {
                        // The latest token that anybody had, whether it still holds or not.
                        if let Some((_, token)) = tokens.iter().rev().find(|(held, _)| *held == id) {
                            store.release(&name, *token);
                            model.marks.retain(|mark| mark.0 != id || mark.1 != Some(token.to_number()));
                        }
                    }
                }
                prop_assert!(store.len() <= capacity);
                prop_assert_eq!(store.len(), model.marks.len());
            }
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
                let _ = store.claim("evt_1", now, ttl);
            }
            let _ = store.claim("evt_1", last, ttl);
            let after = last + i64::try_from(ttl.as_millis()).unwrap() + 1_000;
            prop_assert!(matches!(store.claim("evt_1", after, ttl), Ok(ClaimResult::New(_))));
        }

        #[test]
        fn no_time_panics(moments: Vec<i64>, ttl: Duration) {
            let mut store = ClaimTable::new(2);
            for (now, id) in moments.into_iter().zip(["a", "b", "c"].into_iter().cycle()) {
                let _ = store.claim(id, now, ttl);
                let _ = store.complete(id, now, ttl);
            }
        }
    }
}
