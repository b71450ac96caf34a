//! The store: the sender's data and the rules for them, above one of several engines.
//!
//! An [`Engine`] reads, writes and leases. The store makes the decisions, with the state machines of
//! `clarife_webhooks::sender`, the same for every engine: the deliveries of an event, the subscription that is served
//! next, the consequences of an attempt, and the end of what is pending on a deactivation. Every write names the state
//! that it replaces. If another worker was faster, the store decides again from the new state. After a call returned
//! `Ok`, its effect survives a crash of the process or of the machine.

mod accept;
mod attempts;
mod catalog;
#[cfg(test)]
mod conformance;
mod ending;
mod engine;
mod error;
mod history;
mod lease;
mod memory;
mod nats;
mod postgres;
mod scheduler;
mod sqlite;
mod subscriptions;
mod token_index;
mod types;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clarife_webhooks::UnixTime;
use tokio::task::AbortHandle;

use self::engine::{Engine, WriteError, WriteResult};
use self::memory::Memory;
use crate::ids::WorkspaceId;

pub(crate) use error::{OpenError, StoreError};
pub(crate) use sqlite::backup;
pub(crate) use types::{
    Accepted, ApiToken, Attempt, DeliveryFilter, DeliveryRecord, EventRecord, LeasedDelivery, Limits, NewEvent, Page,
    StateName, Stats, SubscriptionRecord, TokenHash, Workspace,
};

/// Result of the store's calls.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// Limit of the events in one call of [`Store::accept`].
pub(crate) const MAX_EVENTS: usize = 1000;

/// Limit of the tries of one change that other workers interfere with.
const MAX_TRIES: usize = 16;

/// Pause before a change that other workers interfere with is tried for the third time; each later pause is longer by
/// as much.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

/// Limit of the concurrent calls of the engine in one operation.
const CONCURRENCY: usize = 64;

/// Lifetime of a check's result: clients need no token for a check, and each check is a flush to disk.
const CHECK_LIFETIME: Duration = Duration::from_secs(1);

/// The sender's data: workspaces, subscriptions, events and deliveries, with a scheduler of the deliveries that are due.
///
/// Errors other than [`StoreError::Unavailable`] mean that nothing has changed. After `Unavailable`, the call may be
/// retried: accepting, recording and deleting are idempotent.
pub(crate) struct Store {
    engine: Arc<dyn Engine>,
    memory: Arc<Memory>,
    /// The task that ends deliveries of deactivated subscriptions.
    ending: AbortHandle,
    /// Held while deliveries are leased: a delivery that is not leased before the read is not leased during the read.
    leasing: tokio::sync::Mutex<()>,
    /// Locks for counting a subscription's failures, so that its concurrent attempts do not conflict.
    counting: [tokio::sync::Mutex<()>; 64],
    /// The last check. Held during a check.
    checked: Arc<tokio::sync::Mutex<Option<Check>>>,
    closed: AtomicBool,
}

/// Time and result of a check.
type Check = (Instant, Result<()>);

impl Store {
    /// Opens the store at a URL: `sqlite:FILE`, `postgres://HOST` (see [`postgres`]), or `nats://HOST` (see [`nats`]).
    pub(crate) async fn open(url: &str, limits: Limits, now: UnixTime) -> std::result::Result<Arc<Self>, OpenError> {
        let memory = Arc::new(Memory::new(limits.per_subscription));
        let engine: Arc<dyn Engine> = match url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                Arc::new(sqlite::SqliteEngine::open(path.as_ref(), Arc::clone(&memory), now)?)
            }
            Some(("postgres" | "postgresql", _)) => {
                Arc::new(postgres::PostgresEngine::open(url, Arc::clone(&memory), now).await?)
            }
            Some(("nats", _)) => Arc::new(nats::NatsEngine::open(url, Arc::clone(&memory)).await?),
            _ => {
                let why = "invalid store URL; use `sqlite:FILE`, `postgres://HOST` or `nats://HOST`".to_owned();
                return Err(OpenError::Failed { path: url.split(':').next().unwrap_or_default().into(), why });
            }
        };
        Ok(Arc::new(Self::new(engine, memory)))
    }

    /// Creates the store above an open engine.
    fn new(engine: Arc<dyn Engine>, memory: Arc<Memory>) -> Self {
        let ending = {
            let (engine, memory) = (Arc::clone(&engine), Arc::clone(&memory));
            tokio::spawn(async move { memory.endings.run(engine.as_ref(), &memory).await })
        };
        Self {
            engine,
            memory,
            ending: ending.abort_handle(),
            leasing: tokio::sync::Mutex::default(),
            counting: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            checked: Arc::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// Counts pending deliveries and subscriptions, for the metrics.
    pub(crate) async fn stats(&self) -> Result<Stats> {
        let pending = self.engine()?.count_pending().await?;
        let (mut active, mut deactivated): (u64, u64) = (0, 0);
        for cached in self.memory.catalog().all() {
            let count = if cached.record.subscription.health.is_active() { &mut active } else { &mut deactivated };
            *count = count.saturating_add(1);
        }
        Ok(Stats { pending, active, deactivated })
    }

    /// Checks that the store accepts writes, at most once a second; other callers share the result.
    pub(crate) async fn check(&self) -> Result<()> {
        self.engine()?;
        let mut checked = Arc::clone(&self.checked).lock_owned().await;
        if let Some((at, result)) = checked.as_ref()
            && at.elapsed() < CHECK_LIFETIME
        {
            return result.clone();
        }
        let engine = Arc::clone(&self.engine);
        // In its own task, so that a caller that leaves does not cause another check.
        let check = tokio::spawn(async move {
            let result = engine.check().await;
            *checked = Some((Instant::now(), result.clone()));
            result
        });
        check.await.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
    }

    /// Finishes writes in progress and closes the store; later calls return `Unavailable`.
    pub(crate) async fn close(&self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.ending.abort();
            self.engine.close().await;
        }
    }

    fn engine(&self) -> Result<&dyn Engine> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        Ok(self.engine.as_ref())
    }

    /// Reads a workspace again after a change met a conflict. Waits before that, except for the first time: a replica
    /// that is behind returns the state that the change had.
    async fn refresh(&self, workspace: &WorkspaceId, tries: usize) -> Result<()> {
        if tries > 0 {
            tokio::time::sleep(CONFLICT_PAUSE.saturating_mul(u32::try_from(tries).unwrap_or(u32::MAX))).await;
        }
        self.engine()?.refresh(workspace).await
    }

    /// Runs a change of a workspace, and again with the latest catalog while another worker interferes.
    async fn retry<T, F: Future<Output = WriteResult<T>>>(
        &self,
        workspace: &WorkspaceId,
        change: impl Fn() -> F,
    ) -> Result<T> {
        for tries in 0..MAX_TRIES {
            match change().await {
                Ok(value) => return Ok(value),
                Err(WriteError::Failed(error)) => return Err(error),
                Err(WriteError::Conflict) => self.refresh(workspace, tries).await?,
            }
        }
        Err(StoreError::Unavailable(format!("gave up after {MAX_TRIES} write conflicts")))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.ending.abort();
    }
}
