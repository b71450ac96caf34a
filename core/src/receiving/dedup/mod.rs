//! Deduplication: handling every event once. See
//! [protocol, section 5.2](https://github.com/clarife/clarife-webhooks/blob/main/docs/protocol.md#section-5-2).
//!
//! clarife sends an event again until it gets a response, so a handler can see an event twice. A claim on the signed
//! [`Event::id`](crate::Event::id) prevents that:
//!
//! - [`ClaimResult::New`]: handle the event. Then complete the claim, or release it if the handler fails.
//! - [`ClaimResult::InProgress`]: another delivery is being handled. Respond with 409, so that clarife sends the event again.
//! - [`ClaimResult::Done`]: the event was handled. Respond with 200.
//!
//! A claim expires by itself, so that a process that crashed does not block a later delivery.
//!
//! [`ClaimTable`] is the store for one process. The constants and [`store_key`] are shared by the stores for several processes.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use sha2::{Digest as _, Sha256};

mod claim_table;
mod expiring_map;

pub use super::limits::{DEFAULT_CLAIM_TTL, DEFAULT_DONE_TTL, STORE_TIMEOUT};
pub use claim_table::ClaimTable;

/// The capacity of a [`ClaimTable`] unless set otherwise, in ids.
///
/// ```
/// # use clarife_webhooks::dedup::{DEFAULT_MEMORY_CAPACITY, ClaimTable};
/// let store = ClaimTable::new(10 * DEFAULT_MEMORY_CAPACITY);
/// ```
pub const DEFAULT_MEMORY_CAPACITY: usize = 100_000;

/// The warning of a store in memory that has removed a done mark which was still alive; see [`ClaimTable::take_evicted`].
/// A store warns once.
///
/// ```
/// assert!(clarife_webhooks::dedup::EVICTED.ends_with("raise its capacity"));
/// ```
pub const EVICTED: &str = "the store of handled events is full and has removed an event that it should still know; a later \
                           delivery of such an event is handled again; raise its capacity";

/// The start of every key in a shared store, the same in every language; the [`store_key`] follows.
///
/// ```
/// assert_eq!(clarife_webhooks::dedup::KEY_PREFIX, "clarife-webhooks:");
/// ```
pub const KEY_PREFIX: &str = "clarife-webhooks:";

/// The value of a done mark in a shared store. The value of a claim is its token.
///
/// ```
/// assert_eq!(clarife_webhooks::dedup::DONE, "done");
/// ```
pub const DONE: &str = "done";

/// The script of Redis that releases a claim: it deletes `KEYS[1]` if that holds the token `ARGV[1]`.
///
/// ```
/// assert!(clarife_webhooks::dedup::RELEASE_SCRIPT.contains("'DEL', KEYS[1]"));
/// ```
pub const RELEASE_SCRIPT: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The length of the longest id that is a key as it is. A longer id is kept as its hash.
const MAX_ID_BYTES: usize = 1024;

/// Returns the key of an event's id in a store: the id, or for an id longer than 1,024 bytes its SHA-256 in hex.
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

/// Not inlined: every copy of the hash makes the WebAssembly module larger.
#[inline(never)]
fn sha256(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}

/// The result of claiming an event's id.
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
    /// The event is new, and the caller now holds the claim with this token.
    New(T),
    /// The event is being handled.
    InProgress,
    /// The event was handled.
    Done,
}

/// The proof of a claim: a holder whose claim has expired cannot release the next holder's.
///
/// ```
/// use clarife_webhooks::dedup::ClaimToken;
/// assert_eq!(ClaimToken::from_number(7).to_number(), 7);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClaimToken(u64);

impl ClaimToken {
    /// Returns the token as a number, from 1, for other languages.
    #[must_use]
    pub const fn to_number(self) -> u64 {
        self.0
    }

    /// Returns the token of a number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// The error of a table that has no room: every place is taken by a claim that is held, or there is no memory.
///
/// ```
/// use clarife_webhooks::UnixTime;
/// use clarife_webhooks::dedup::{ClaimTable, DEFAULT_CLAIM_TTL, StoreFull};
///
/// let mut table = ClaimTable::new(1);
/// table.claim("evt_1", UnixTime::from_secs(0), DEFAULT_CLAIM_TTL)?;
/// assert_eq!(table.claim("evt_2", UnixTime::from_secs(0), DEFAULT_CLAIM_TTL), Err(StoreFull));
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

/// The error of a step of a store that took longer than [`STORE_TIMEOUT`].
///
/// ```
/// use clarife_webhooks::dedup::StoreLate;
/// assert_eq!(StoreLate.to_string(), "the store did not respond within 5 s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLate;

impl fmt::Display for StoreLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store did not respond within {} s", STORE_TIMEOUT.as_secs())
    }
}

impl core::error::Error for StoreLate {}
