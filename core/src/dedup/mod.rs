//! Handling every event once (protocol, section 5.2).
//!
//! clarife sends an event again until it is answered, so a handler can see one twice. A claim on the signed
//! [`Event::id`](crate::Event::id) tells: [`ClaimResult::New`], handle it; [`ClaimResult::InProgress`], somebody does, answer 409 so that it is sent again;
//! [`ClaimResult::Done`], it was handled, answer 200 and do nothing. After handling comes `complete`, after a failure `release`. A
//! claim ends by itself after a while, so that a process that crashed blocks no later delivery.
//!
//! Here is the store for one process, [`ClaimTable`], and what stores that several processes share have in common.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use sha2::{Digest as _, Sha256};

mod claim_table;
mod marks;

pub use claim_table::ClaimTable;

/// How long a claim lasts unless it is completed or released.
///
/// After an attempt whose process crashed, clarife's last attempt starts at least 71 s later: by then the claim has ended.
///
/// ```
/// # use clarife_webhooks::dedup::DEFAULT_CLAIM_TTL;
/// assert_eq!(DEFAULT_CLAIM_TTL.as_secs(), 60);
/// ```
pub const DEFAULT_CLAIM_TTL: Duration = Duration::from_secs(60);

/// How long it is known that an event was handled: a day. Adapters take the maximum event age where that is longer.
///
/// ```
/// # use clarife_webhooks::dedup::DEFAULT_DONE_TTL;
/// assert_eq!(DEFAULT_DONE_TTL.as_secs(), 86_400);
/// ```
pub const DEFAULT_DONE_TTL: Duration = Duration::from_secs(86_400);

/// How long a store may take for a step before adapters count it as down: half of the time that clarife waits for an answer.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many ids a [`ClaimTable`] keeps unless told otherwise.
///
/// ```
/// # use clarife_webhooks::dedup::{DEFAULT_MEMORY_CAPACITY, ClaimTable};
/// let store = ClaimTable::new(10 * DEFAULT_MEMORY_CAPACITY);
/// ```
pub const DEFAULT_MEMORY_CAPACITY: usize = 100_000;

/// What stands before an event's id in the keys of a shared store, the same in every language; see [`store_key`].
///
/// ```
/// assert_eq!(clarife_webhooks::dedup::KEY_PREFIX, "clarife-webhooks:");
/// ```
pub const KEY_PREFIX: &str = "clarife-webhooks:";

/// What a shared store holds for an event that was handled; for one that is claimed, it holds the claim's token.
///
/// ```
/// assert_eq!(clarife_webhooks::dedup::DONE, "done");
/// ```
pub const DONE: &str = "done";

/// The script of Redis that releases a claim: `KEYS[1]` goes if it holds the token `ARGV[1]`.
///
/// ```
/// assert!(clarife_webhooks::dedup::RELEASE_SCRIPT.contains("'DEL', KEYS[1]"));
/// ```
pub const RELEASE_SCRIPT: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// A longer id is kept as its hash.
const MAX_ID_BYTES: usize = 1024;

/// The key under which stores keep an event's id: the id, or of one longer than 1,024 bytes its SHA-256 in hex.
///
/// ```
/// use clarife_webhooks::dedup::{KEY_PREFIX, store_key};
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
    let _ = hex::encode_to_slice(sha256(id), &mut digits);
    String::from(core::str::from_utf8(&digits).unwrap_or_default()).into()
}

/// In one place, because a hash is inlined wherever it is taken.
#[inline(never)]
fn sha256(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

/// What a claim on an event's id has come to.
///
/// ```
/// use clarife_webhooks::dedup::ClaimResult;
/// let status = |claim: ClaimResult| match claim {
///     ClaimResult::New(_token) => None, // handle it
///     ClaimResult::InProgress => Some(409),
///     ClaimResult::Done => Some(200),
/// };
/// assert_eq!(status(ClaimResult::Done), Some(200));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimResult<T = ClaimToken> {
    /// It is the caller's to handle, who holds it by this token.
    New(T),
    /// Somebody else is handling it.
    InProgress,
    /// It was handled.
    Done,
}

/// Who holds a claim: whoever lost it to the clock cannot release the next one's.
///
/// ```
/// use clarife_webhooks::dedup::ClaimToken;
/// assert_eq!(ClaimToken::from_number(7).to_number(), 7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimToken(u64);

impl ClaimToken {
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
///
/// ```
/// use clarife_webhooks::dedup::{DEFAULT_CLAIM_TTL, ClaimTable, StoreFull};
/// let mut store = ClaimTable::new(1);
/// store.claim("evt_1", 0, DEFAULT_CLAIM_TTL)?;
/// assert_eq!(store.claim("evt_2", 0, DEFAULT_CLAIM_TTL), Err(StoreFull));
/// # Ok::<(), StoreFull>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreFull;

impl fmt::Display for StoreFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is full of events that are being handled")
    }
}

impl core::error::Error for StoreFull {}
