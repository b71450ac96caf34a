//! Handling every event once (protocol, section 5.2).
//!
//! clarife sends an event again until it is answered, so a handler can see one twice. A claim on the signed
//! [`Event::id`](crate::Event::id) tells: [`Claim::New`], handle it; [`Claim::InProgress`], somebody does, answer 409 so that it is sent again;
//! [`Claim::Done`], it was handled, answer 200 and do nothing. After handling comes `complete`, after a failure `release`. A
//! claim ends by itself after a while, so that a process that crashed blocks no later delivery.
//!
//! Here is the store for one process, [`MemoryStore`], and what stores that several processes share have in common.

use alloc::borrow::Cow;
use core::fmt;
use core::hash::{BuildHasherDefault, Hash, Hasher};
use core::time::Duration;

use hashlink::LinkedHashMap;
use sha2::{Digest as _, Sha256};

/// How long a claim lasts unless it is completed or released.
///
/// After an attempt whose process crashed, clarife's last attempt starts at least 71 s later: by then the claim has ended.
pub const DEFAULT_CLAIM_TTL: Duration = Duration::from_secs(60);

/// How long it is known that an event was handled: a day. Adapters take the maximum event age where that is longer.
pub const DEFAULT_DONE_TTL: Duration = Duration::from_secs(86_400);

/// How many ids a [`MemoryStore`] keeps unless told otherwise.
pub const DEFAULT_MEMORY_CAPACITY: usize = 100_000;

/// What stands before an event's id in the keys of a shared store, the same in every language.
pub const KEY_PREFIX: &str = "clarife-webhooks:";

/// What a shared store holds for an event that was handled; for one that is claimed, it holds the claim's token.
pub const DONE: &str = "done";

/// The script of Redis that releases a claim: `KEYS[1]` goes if it holds the token `ARGV[1]`.
pub const RELEASE_SCRIPT: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// A longer id is kept as its hash.
const MAX_ID_BYTES: usize = 1024;
/// The clock may run back by this much, in milliseconds, without having been set: threads tell the time in no order.
const JITTER: i64 = 1_000;

/// The key under which stores keep an event's id: the id, or of one longer than 1,024 bytes its SHA-256 in hex.
///
/// ```
/// use clarife_webhooks::once::{KEY_PREFIX, store_key};
/// assert_eq!(format!("{KEY_PREFIX}{}", store_key("evt_1")), "clarife-webhooks:evt_1");
/// assert_eq!(store_key(&"x".repeat(1025)).len(), 64);
/// ```
#[must_use]
pub fn store_key(id: &str) -> Cow<'_, str> {
    if id.len() <= MAX_ID_BYTES {
        return id.into();
    }
    let mut digits = [0; 64];
    // Cannot fail: 32 bytes are 64 digits, all of them ASCII.
    let _ = hex::encode_to_slice(Sha256::digest(id), &mut digits);
    digits.iter().copied().map(char::from).collect()
}

/// What a claim on an event's id has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is the caller's to handle.
    New(Token),
    /// Somebody else is handling it.
    InProgress,
    /// It was handled.
    Done,
}

/// Who holds a claim: whoever lost it to the clock cannot release the next one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(u64);

impl Token {
    /// The token as a number, from 1, for languages that have no other way to carry it.
    #[must_use]
    pub const fn to_number(self) -> u64 {
        self.0
    }

    /// The token of that number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The store has no room but for claims that are still held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreFull;

impl fmt::Display for StoreFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is full of events that are being handled")
    }
}

impl core::error::Error for StoreFull {}

/// The claims and done marks of one process.
///
/// It keeps at most as many ids as its capacity, each in a hundred bytes whatever its length. Where the capacity is reached, the
/// oldest claim goes if it has ended, and else the oldest done mark; claims that are held never go. It reads no clock: `now` is Unix time
/// in milliseconds. A clock that is set back stops the store's time until it moves on, and so prolongs no claim by more than
/// what it had left.
///
/// ```
/// use clarife_webhooks::once::{Claim, DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, MemoryStore};
///
/// let mut store = MemoryStore::default();
/// let now = 1_774_699_200_000;
/// let Claim::New(token) = store.claim("evt_1", now, DEFAULT_CLAIM_TTL)? else { unreachable!() };
/// assert_eq!(store.claim("evt_1", now + 5, DEFAULT_CLAIM_TTL)?, Claim::InProgress);
///
/// // The handler fails: the next delivery is handled.
/// store.release("evt_1", token);
/// let Claim::New(_) = store.claim("evt_1", now + 1_000, DEFAULT_CLAIM_TTL)? else { unreachable!() };
///
/// // The handler returns: no later delivery is.
/// store.complete("evt_1", now + 1_020, DEFAULT_DONE_TTL)?;
/// assert_eq!(store.claim("evt_1", now + 2_000, DEFAULT_CLAIM_TTL)?, Claim::Done);
/// # Ok::<(), clarife_webhooks::once::StoreFull>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    capacity: usize,
    /// Oldest first, as the done marks are.
    claims: Marks,
    done: Marks,
    last_token: u64,
    /// The store's own time never runs back: the latest `now`, and what has to be added to a `now`.
    time: i64,
    ahead: i64,
}

type Marks = LinkedHashMap<Id, Mark, BuildHasherDefault<IdHasher>>;

/// An id's SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Id([u8; 32]);

#[derive(Clone, Copy)]
struct Mark {
    /// Of a claim.
    token: u64,
    ends: i64,
}

impl Id {
    fn of(id: &str) -> Self {
        Self(Sha256::digest(id).into())
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// A hash's first bytes are as good a hash.
#[derive(Clone, Copy, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for MemoryStore {
    /// A store for [`DEFAULT_MEMORY_CAPACITY`] ids.
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl MemoryStore {
    /// A store for that many ids; at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            claims: Marks::default(),
            done: Marks::default(),
            last_token: 0,
            time: i64::MIN,
            ahead: 0,
        }
    }

    /// Claims an id for as long as `ttl`.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if there is no room: answer 503, so that the event is sent again.
    pub fn claim(&mut self, id: &str, now: i64, ttl: Duration) -> Result<Claim, StoreFull> {
        let (id, now) = (Id::of(id), self.advance(now));
        for (marks, claim) in [(&self.claims, Claim::InProgress), (&self.done, Claim::Done)] {
            if marks.get(&id).is_some_and(|mark| mark.ends > now) {
                return Ok(claim);
            }
        }
        self.make_room(&id, now)?;
        self.last_token = self.last_token.saturating_add(1);
        self.claims.insert(id, Mark { token: self.last_token, ends: end(now, ttl) });
        Ok(Claim::New(Token(self.last_token)))
    }

    /// Marks an id as done for as long as `ttl`, whoever holds the claim: the event was handled.
    ///
    /// # Errors
    ///
    /// [`StoreFull`] if the claim has ended and its place was given away.
    pub fn complete(&mut self, id: &str, now: i64, ttl: Duration) -> Result<(), StoreFull> {
        let (id, now) = (Id::of(id), self.advance(now));
        self.make_room(&id, now)?;
        self.done.insert(id, Mark { token: 0, ends: end(now, ttl) });
        Ok(())
    }

    /// Gives up a claim, unless it is no longer this token's.
    pub fn release(&mut self, id: &str, token: Token) {
        let id = Id::of(id);
        if self.claims.get(&id).is_some_and(|mark| mark.token == token.0) {
            self.claims.remove(&id);
        }
    }

    /// How many ids it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.len().saturating_add(self.done.len())
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
        self.claims.remove(id);
        self.done.remove(id);
        while self.len() >= self.capacity {
            let ended = self.claims.front().is_some_and(|(_, mark)| mark.ends <= now);
            let marks = if ended { &mut self.claims } else { &mut self.done };
            marks.pop_front().ok_or(StoreFull)?;
        }
        Ok(())
    }
}

fn end(now: i64, ttl: Duration) -> i64 {
    let millis = ttl.as_secs().saturating_mul(1000).saturating_add(ttl.subsec_millis().into());
    now.saturating_add_unsigned(millis)
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("capacity", &self.capacity).field("len", &self.len()).finish()
    }
}
