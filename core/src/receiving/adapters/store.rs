//! Stores for deduplication, as receivers use them.

use core::pin::Pin;
use core::time::Duration;
use std::boxed::Box;
use std::future::Future;
use std::string::{String, ToString as _};
use std::sync::{Arc, Mutex, Once, PoisonError};

use super::error::BoxError;
use super::log::log_warning;
use crate::dedup::{ClaimResult, ClaimTable, ClaimToken, DEFAULT_MEMORY_CAPACITY, EVICTED, StoreFull};
use crate::{SystemClock, UnixTime};

/// A store of claims and done marks, for [`Receiver::dedup`](super::Receiver::dedup).
///
/// [`MemoryStore`] is for one process, and `RedisStore` (feature `redis`) for several. Implement this trait for the database that you
/// have.
///
/// If [`claim`](Self::claim) fails, the handler is not called and the status is 503: clarife sends the event again. A receiver limits each
/// step to [`STORE_TIMEOUT`](crate::dedup::STORE_TIMEOUT) only if it has a [timer](super::Receiver::with_timer). Set time-outs in
/// the client of your database too.
///
/// ```
/// use clarife_webhooks::adapters::DedupStore;
/// use clarife_webhooks::dedup::ClaimResult;
/// use std::time::Duration;
///
/// struct Database;
///
/// impl DedupStore for Database {
///     type Error = std::io::Error;
///
///     async fn claim(&self, id: &str, ttl: Duration) -> Result<ClaimResult<String>, Self::Error> {
///         // In one atomic step: insert the id with a token of your own, unless it has a mark that has not expired.
///         Ok(ClaimResult::New("token".into()))
///     }
///
///     async fn complete(&self, id: &str, token: &str, ttl: Duration) -> Result<(), Self::Error> {
///         Ok(()) // mark the id as done, even if another token holds the claim
///     }
///
///     async fn release(&self, id: &str, token: &str) -> Result<(), Self::Error> {
///         Ok(()) // in one atomic step: delete the id if it has this token
///     }
/// }
/// ```
pub trait DedupStore: Send + Sync + 'static {
    /// The error of a step.
    type Error: Into<BoxError>;

    /// Claims an id for the time `ttl`, with a new token that cannot be guessed.
    fn claim(&self, id: &str, ttl: Duration) -> impl Future<Output = Result<ClaimResult<String>, Self::Error>> + Send;

    /// Marks an id as done for the time `ttl`, even if the token no longer holds the claim: the event was handled.
    fn complete(&self, id: &str, token: &str, ttl: Duration) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Releases the claim of a token, unless the token no longer holds it.
    fn release(&self, id: &str, token: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<S: DedupStore> DedupStore for Arc<S> {
    type Error = S::Error;

    fn claim(&self, id: &str, ttl: Duration) -> impl Future<Output = Result<ClaimResult<String>, Self::Error>> + Send {
        S::claim(self, id, ttl)
    }

    fn complete(&self, id: &str, token: &str, ttl: Duration) -> impl Future<Output = Result<(), Self::Error>> + Send {
        S::complete(self, id, token, ttl)
    }

    fn release(&self, id: &str, token: &str) -> impl Future<Output = Result<(), Self::Error>> + Send {
        S::release(self, id, token)
    }
}

pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A [`DedupStore`] of any type, behind a pointer.
pub(super) trait Store: Send + Sync {
    fn claim<'a>(&'a self, id: &'a str, ttl: Duration) -> Boxed<'a, ClaimResult<String>>;
    fn complete<'a>(&'a self, id: &'a str, token: &'a str, ttl: Duration) -> Boxed<'a, ()>;
    fn release<'a>(&'a self, id: &'a str, token: &'a str) -> Boxed<'a, ()>;
}

impl<S: DedupStore> Store for S {
    fn claim<'a>(&'a self, id: &'a str, ttl: Duration) -> Boxed<'a, ClaimResult<String>> {
        Box::pin(async move { DedupStore::claim(self, id, ttl).await.map_err(Into::into) })
    }

    fn complete<'a>(&'a self, id: &'a str, token: &'a str, ttl: Duration) -> Boxed<'a, ()> {
        Box::pin(async move { DedupStore::complete(self, id, token, ttl).await.map_err(Into::into) })
    }

    fn release<'a>(&'a self, id: &'a str, token: &'a str) -> Boxed<'a, ()> {
        Box::pin(async move { DedupStore::release(self, id, token).await.map_err(Into::into) })
    }
}

/// A store in memory, for one process: a [`ClaimTable`] with the system clock. Clones share the table.
///
/// A full store forgets the oldest event that was handled. If a delivery of that event could still be accepted, the store logs so
/// once, where a receiver without a callback logs its errors: raise the capacity.
///
/// ```
/// use clarife_webhooks::adapters::MemoryStore;
/// let store = MemoryStore::new(10_000); // ids, of about 150 bytes each
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    store: Arc<Mutex<ClaimTable>>,
    /// Runs when the first done mark is removed that was still alive.
    warned: Arc<Once>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
}

impl MemoryStore {
    /// Creates a store for at most `capacity` ids. The default is [`DEFAULT_MEMORY_CAPACITY`].
    #[must_use]
    pub fn new(capacity: usize) -> Self
    where
        for<'c> UnixTime: SystemClock<'c>,
    {
        Self::new_with_clock(capacity, UnixTime::now)
    }

    /// Creates a store for at most `capacity` ids, with the caller's clock: for targets without a system clock.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, adapters::MemoryStore, dedup::DEFAULT_MEMORY_CAPACITY};
    /// # fn host_milliseconds() -> i64 { 0 }
    /// let clock = || UnixTime::from_millis(host_milliseconds());
    /// let store = MemoryStore::new_with_clock(DEFAULT_MEMORY_CAPACITY, clock);
    /// ```
    #[must_use]
    pub fn new_with_clock(capacity: usize, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        let store = Arc::new(Mutex::new(ClaimTable::new(capacity)));
        Self { store, warned: Arc::new(Once::new()), clock: Arc::new(clock) }
    }

    /// Sets the clock, for tests.
    ///
    /// ```
    /// # use clarife_webhooks::{UnixTime, adapters::MemoryStore};
    /// let store = MemoryStore::default().with_clock(|| UnixTime::from_secs(1_774_699_200));
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn lock<T>(&self, work: impl FnOnce(&mut ClaimTable) -> T) -> T {
        let (result, evicted) = {
            let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
            (work(&mut store), store.take_evicted())
        };
        if evicted {
            self.warned.call_once(|| log_warning(EVICTED));
        }
        result
    }
}

/// With a method of its own, the compiler shows the advice of [`SystemClock`].
#[cfg(all(target_family = "wasm", target_os = "unknown", not(feature = "js")))]
impl MemoryStore {
    #[doc(hidden)]
    #[expect(clippy::should_implement_trait, reason = "it is implemented, and says less")]
    pub fn default() -> Self
    where
        for<'c> UnixTime: SystemClock<'c>,
    {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl Default for MemoryStore
where
    for<'c> UnixTime: SystemClock<'c>,
{
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl core::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not the table itself: a copy of it takes a millisecond under the lock.
        let (capacity, len) = self.lock(|store| (store.capacity(), store.len()));
        f.debug_struct("MemoryStore").field("capacity", &capacity).field("len", &len).finish()
    }
}

impl DedupStore for MemoryStore {
    type Error = StoreFull;

    async fn claim(&self, id: &str, ttl: Duration) -> Result<ClaimResult<String>, StoreFull> {
        Ok(match self.lock(|store| store.claim(id, (self.clock)(), ttl))? {
            ClaimResult::New(token) => ClaimResult::New(token.to_number().to_string()),
            ClaimResult::InProgress => ClaimResult::InProgress,
            ClaimResult::Done => ClaimResult::Done,
        })
    }

    async fn complete(&self, id: &str, _token: &str, ttl: Duration) -> Result<(), StoreFull> {
        self.lock(|store| store.complete(id, (self.clock)(), ttl))
    }

    async fn release(&self, id: &str, token: &str) -> Result<(), StoreFull> {
        if let Ok(number) = token.parse() {
            self.lock(|store| store.release(id, ClaimToken::from_number(number)));
        }
        Ok(())
    }
}
