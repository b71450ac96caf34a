//! Writing the ends of the deliveries that were pending when their subscription was deactivated.
//!
//! A deactivation is one write, and ends everything at once for every reader: see
//! [`Delivery::settle`](clarife_webhooks::sender::Delivery::settle). The ends are written afterwards, in steps, so that
//! no request waits for them.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::Notify;

use super::engine::{DeliveryUpdate, Engine, WriteError};
use super::memory::Memory;
use super::scheduler::Key;
use super::{CONCURRENCY, Result};
use crate::ids::DeliveryId;

/// Number of the deliveries that are read together.
const PAGE: usize = 1000;

/// Pause after the engine failed.
const PAUSE: Duration = Duration::from_millis(250);

/// Queue of the subscriptions whose pending deliveries are to be checked.
#[derive(Debug, Default)]
pub(super) struct Endings {
    queue: Mutex<Queue>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    /// Subscriptions in the order in which they are checked. The first one is being checked.
    order: VecDeque<Key>,
    keys: HashSet<Key>,
    /// Set if the first subscription was added again.
    again: bool,
}

impl Endings {
    /// Adds a subscription.
    pub(super) fn add(&self, key: Key) {
        let mut queue = self.queue();
        if queue.keys.insert(key) {
            queue.order.push_back(key);
        } else if queue.order.front() == Some(&key) {
            queue.again = true;
        }
        drop(queue);
        self.added.notify_one();
    }

    /// Tells whether the ends of a subscription's deliveries are to be written.
    pub(super) fn contains(&self, key: Key) -> bool {
        self.queue().keys.contains(&key)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the ends until the task is aborted.
    pub(super) async fn run(&self, engine: &dyn Engine, memory: &Memory) {
        loop {
            let first = self.queue().order.front().copied();
            let Some(key) = first else {
                self.added.notified().await;
                continue;
            };
            match end_pending(engine, memory, key).await {
                Ok(()) => {
                    let mut queue = self.queue();
                    if !std::mem::take(&mut queue.again) {
                        queue.order.pop_front();
                        queue.keys.remove(&key);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot end the deliveries of a deactivated subscription yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Writes the ends of a subscription's deliveries, and announces those that have not ended.
async fn end_pending(engine: &dyn Engine, memory: &Memory, key: Key) -> Result<()> {
    let mut after = DeliveryId(0);
    loop {
        let page = engine.pending(key, after, PAGE).await?;
        let Some(cached) = memory.catalog().by_key(key).cloned() else { return Ok(()) };
        let health = cached.record.subscription.health;
        let mut ends = Vec::new();
        for (id, delivery) in &page {
            let (id, before, after) = (*id, *delivery, delivery.settle(&health));
            if before == after {
                memory.announce(key, delivery);
            } else {
                let subscription = cached.clone();
                ends.push(DeliveryUpdate { id, subscription, before, after, attempt: None, record: None });
            }
        }
        let mut writes = futures_util::stream::iter(ends).map(|end| engine.update(end)).buffer_unordered(CONCURRENCY);
        while let Some(written) = writes.next().await {
            match written {
                // After a conflict, an attempt in flight has ended its delivery.
                Ok(()) | Err(WriteError::Conflict) => {}
                Err(WriteError::Failed(error)) => return Err(error),
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == PAGE => after = *last,
            _ => return Ok(()),
        }
    }
}
