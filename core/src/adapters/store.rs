//! Stores of handled events, as adapters use them.

use core::pin::Pin;
use core::time::Duration;
use std::boxed::Box;
use std::future::Future;
use std::string::{String, ToString as _};
use std::sync::{Arc, Mutex, PoisonError};

use super::receiver::BoxError;
use crate::UnixTime;
use crate::dedup::{ClaimResult, ClaimTable, ClaimToken, DEFAULT_MEMORY_CAPACITY, StoreFull};

/// Where it is kept which events are being handled and which were. There are [`MemoryStore`] and (feature `redis`) `RedisStore`; write
/// one for the database that you have.
///
/// An error of [`claim`](Self::claim) is answered with 503, so that the event is sent again: better late than twice.
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
///         // In one step: insert the id with a token of your own, unless there is one that has not ended.
///         Ok(ClaimResult::New("token".into()))
///     }
///
///     async fn complete(&self, id: &str, token: &str, ttl: Duration) -> Result<(), Self::Error> {
///         Ok(()) // mark the id as done, whoever holds it
///     }
///
///     async fn release(&self, id: &str, token: &str) -> Result<(), Self::Error> {
///         Ok(()) // in one step: delete the id if it still has this token
///     }
/// }
/// ```
pub trait DedupStore: Send + Sync + 'static {
    /// Why the store cannot be asked.
    type Error: Into<BoxError>;

    /// Claims an id for as long as `ttl`, with a token that nobody can guess or has had before.
    fn claim(&self, id: &str, ttl: Duration) -> impl Future<Output = Result<ClaimResult<String>, Self::Error>> + Send;

    /// Marks an id as done for as long as `ttl`, even if the token has lost it: the event was handled.
    fn complete(&self, id: &str, token: &str, ttl: Duration) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Gives up the claim of a token, unless it has lost it.
    fn release(&self, id: &str, token: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// Any [`DedupStore`].
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

/// A [`ClaimTable`] by the system clock, for one process. Clones share it.
///
/// ```
/// use clarife_webhooks::adapters::MemoryStore;
/// let store = MemoryStore::new(10_000); // ids, of a hundred bytes each
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    store: Arc<Mutex<ClaimTable>>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
}

impl MemoryStore {
    /// A store for that many ids; the default is [`DEFAULT_MEMORY_CAPACITY`].
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { store: Arc::new(Mutex::new(ClaimTable::new(capacity))), clock: Arc::new(UnixTime::now) }
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

    fn with<T>(&self, work: impl FnOnce(&mut ClaimTable, i64) -> T) -> T {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)().as_millis();
        work(&mut store, now)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(DEFAULT_MEMORY_CAPACITY)
    }
}

impl core::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("MemoryStore").field(&self.with(|store, _| store.clone())).finish()
    }
}

impl DedupStore for MemoryStore {
    type Error = StoreFull;

    async fn claim(&self, id: &str, ttl: Duration) -> Result<ClaimResult<String>, StoreFull> {
        Ok(match self.with(|store, now| store.claim(id, now, ttl))? {
            ClaimResult::New(token) => ClaimResult::New(token.to_number().to_string()),
            ClaimResult::InProgress => ClaimResult::InProgress,
            ClaimResult::Done => ClaimResult::Done,
        })
    }

    async fn complete(&self, id: &str, _token: &str, ttl: Duration) -> Result<(), StoreFull> {
        self.with(|store, now| store.complete(id, now, ttl))
    }

    async fn release(&self, id: &str, token: &str) -> Result<(), StoreFull> {
        if let Ok(number) = token.parse() {
            self.with(|store, _| store.release(id, ClaimToken::from_number(number)));
        }
        Ok(())
    }
}
