//! Redis (feature `redis`): one store for all processes that share a server, in any mix of languages.

use core::fmt;
use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, cmd};

use super::DedupStore;
use crate::dedup::{ClaimResult, DONE, KEY_PREFIX, RELEASE_SCRIPT, store_key};

/// A store in Redis, version 7 or later. Each step is one command, and so one round trip.
///
/// The connection is any asynchronous one that can be cloned: a `MultiplexedConnection`, or a `ConnectionManager`, which reconnects
/// by itself. Keys are `clarife-webhooks:` and the event's id, and expire by themselves. Set `maxmemory-policy noeviction`: an event whose
/// key was evicted may be handled twice.
///
/// A pool (deadpool, bb8) is not such a connection, and not needed: all commands share one connection without waiting for each other.
///
/// A command has the response time-out of its connection. Set one of a few seconds, or give the receiver a
/// [timer](super::Receiver::with_timer).
///
/// ```no_run
/// use clarife_webhooks::adapters::{Receiver, redis::RedisStore};
/// use clarife_webhooks::Webhook;
///
/// # async fn example<C>(connection: C) -> Result<(), clarife_webhooks::WebhookError>
/// # where C: redis::aio::ConnectionLike + Clone + Send + Sync + 'static {
/// // let connection = redis::Client::open("redis://127.0.0.1/")?.get_connection_manager().await?;
/// let receiver = Receiver::new(Webhook::new("whsec_c2VjcmV0")?).dedup(RedisStore::new(connection));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisStore<C> {
    connection: C,
}

impl<C> RedisStore<C> {
    /// Creates a store over a connection.
    #[must_use]
    pub const fn new(connection: C) -> Self {
        Self { connection }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> DedupStore for RedisStore<C> {
    type Error = RedisError;

    async fn claim(&self, id: &str, ttl: Duration) -> Result<ClaimResult<String>, RedisError> {
        let token = token()?;
        let mut claim = cmd("SET");
        claim.arg(key(id)).arg(&token).arg("NX").arg("GET").arg("PX").arg(millis(ttl));
        let before: Option<Vec<u8>> = claim.query_async(&mut self.connection.clone()).await?;
        Ok(match before {
            None => ClaimResult::New(token),
            Some(held) if held == DONE.as_bytes() => ClaimResult::Done,
            // The client sent the command twice, because the first reply was lost.
            Some(held) if held == token.as_bytes() => ClaimResult::New(token),
            Some(_) => ClaimResult::InProgress,
        })
    }

    async fn complete(&self, id: &str, _token: &str, ttl: Duration) -> Result<(), RedisError> {
        cmd("SET").arg(key(id)).arg(DONE).arg("PX").arg(millis(ttl)).exec_async(&mut self.connection.clone()).await
    }

    async fn release(&self, id: &str, token: &str) -> Result<(), RedisError> {
        cmd("EVAL").arg(RELEASE_SCRIPT).arg(1).arg(key(id)).arg(token).exec_async(&mut self.connection.clone()).await
    }
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

fn key(id: &str) -> String {
    format!("{KEY_PREFIX}{}", store_key(id))
}

/// Returns a time to live within the limits of Redis: at least 1 ms, and within its clock.
fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::MAX / 2)
}

fn token() -> Result<String, RedisError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| RedisError::from((ErrorKind::Client, "no random bytes for a token", format!("{error}"))))?;
    Ok(hex::encode(bytes))
}
