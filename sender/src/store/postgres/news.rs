//! Notifications between the workers: changed records of the catalog, and deliveries that became pending.
//!
//! A notification of pending deliveries is not part of the transaction that inserts them: all such transactions would
//! wait for one lock. Each worker sends one notification for many deliveries instead, a few milliseconds later. If the
//! worker is killed in between, the holder of the slot finds the deliveries by itself within seconds.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use tokio::sync::{Notify, mpsc};
use tokio_postgres::AsyncMessage;

use super::catalog::CHANNEL as CATALOG;
use super::ids::slot_of;
use super::shard::Shard;
use super::{unavailable, within};
use crate::store::Result;
use crate::store::scheduler::{Key, QueueKind};

/// Channel of pending deliveries: the keys of their subscriptions.
const PENDING: &str = "clarife_pending";
/// Time for which pending deliveries are collected.
const COLLECT: Duration = Duration::from_millis(5);
/// Limit of the keys in one notification, whose text has at most 8,000 bytes.
const MAX_KEYS: usize = 350;
/// Pause before the connection is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// Subscriptions with deliveries that another worker delivers.
#[derive(Debug, Default)]
pub(super) struct News {
    keys: Mutex<BTreeSet<Key>>,
    added: Notify,
}

impl Shard {
    /// Announces a pending delivery to the scheduler, or to the worker that delivers it.
    pub(super) fn announce(&self, key: Key, delivery: &Delivery) {
        if self.slots.holds(slot_of(key)) {
            self.memory.announce(key, delivery);
        } else if delivery.due().is_some() {
            self.news.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
            self.news.added.notify_one();
        }
    }

    /// Sends notifications until the task is aborted.
    pub(super) async fn send_news(&self) {
        loop {
            self.news.added.notified().await;
            tokio::time::sleep(COLLECT).await;
            let keys = std::mem::take(&mut *self.news.keys.lock().unwrap_or_else(PoisonError::into_inner));
            let keys: Vec<Key> = keys.into_iter().collect();
            for keys in keys.chunks(MAX_KEYS) {
                let text = keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
                let sent = within(self.notify_pending(text));
                if let Err(error) = sent.await {
                    tracing::debug!(%error, "cannot tell other workers of pending deliveries");
                }
            }
        }
    }

    async fn notify_pending(&self, keys: String) -> Result<()> {
        let client = self.client().await?;
        client.execute("SELECT pg_notify($1, $2)", &[&PENDING, &keys]).await.map_err(unavailable)?;
        client.keep();
        Ok(())
    }

    /// Receives notifications until the task is aborted.
    pub(super) async fn receive_news(&self) {
        loop {
            if let Err(error) = self.receive_until_closed().await {
                tracing::debug!(%error, "cannot receive notifications");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn receive_until_closed(&self) -> Result<()> {
        let (client, mut connection) = within(self.database.connect()).await?;
        let (sender, mut received) = mpsc::unbounded_channel();
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message
                    && sender.send(notification).is_err()
                {
                    return;
                }
            }
        });
        let _stop = AbortOnDrop(driver.abort_handle());
        let listen = format!("LISTEN {CATALOG}; LISTEN {PENDING}");
        within(async { client.batch_execute(&listen).await.map_err(unavailable) }).await?;
        within(self.read_catalog(None)).await?; // what has changed before
        while let Some(notification) = received.recv().await {
            match notification.channel() {
                CATALOG => within(self.read_catalog(Some(&notification.payload().to_owned().into()))).await?,
                _ => {
                    notification.payload().split(' ').filter_map(|key| key.parse().ok()).for_each(|key| self.hear(key))
                }
            }
        }
        Ok(())
    }

    /// Adds a subscription that another worker has told of to the scheduler.
    fn hear(&self, key: Key) {
        if self.has_key(key) && self.slots.holds(slot_of(key)) {
            self.memory.add(key, QueueKind::Fresh, UnixTime::from_millis(i64::MIN));
            self.memory.add(key, QueueKind::Retry, UnixTime::from_millis(i64::MIN));
        }
    }
}

/// Aborts a task when it is dropped.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
