//! Leasing deliveries that are due, and recording their attempts.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Recorded;
use futures_util::StreamExt as _;

use super::partition::{CONCURRENCY, Partition};
use super::pending::DueDelivery;
use super::retry::retry_on_conflict;
use super::schema::{self, Arrival, AttemptRecord, Progress, locate};
use super::stream::{Message, WriteError};
use super::subject;
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId};
use crate::store::scheduler::QueueKind;
use crate::store::{Attempt, LeasedDelivery, Result};

impl Worker {
    /// See [`Store::lease`](crate::store::Store::lease).
    pub(super) async fn lease(&self, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>> {
        let due = self.take_due(now, max);
        let count = due.len();
        let ids: Vec<(usize, DeliveryId)> = due.iter().map(|(index, due)| (*index, due.id)).collect();
        let loads = futures_util::stream::iter(due).map(|(index, due)| self.load_body(index, due));
        let mut loads = loads.buffered(CONCURRENCY);
        let mut deliveries = Vec::with_capacity(count);
        while let Some(leased) = loads.next().await {
            match leased {
                Ok(leased) => deliveries.extend(leased),
                Err(error) => {
                    ids.iter().for_each(|(index, id)| self.end_lease(*index, *id, false));
                    return Err(error);
                }
            }
        }
        // The reads may have taken so long that attempts may no longer start.
        deliveries.retain(|leased: &LeasedDelivery| {
            let index = locate(leased.id).1;
            let may_start = self.partitions.get(index).is_some_and(|partition| partition.state().startable().is_some());
            if !may_start {
                self.end_lease(index, leased.id, false);
            }
            may_start
        });
        Ok(deliveries)
    }

    /// Takes due deliveries under lease. Partitions take turns, as subscriptions do within each of them.
    fn take_due(&self, now: UnixTime, max: usize) -> Vec<(usize, DueDelivery)> {
        let catalog = self.catalog();
        let mut all = Vec::new();
        for kind in [QueueKind::Retry, QueueKind::Fresh] {
            let mut more = true;
            while more && all.len() < max {
                more = false;
                for partition in &self.partitions {
                    let left = max.saturating_sub(all.len());
                    if left == 0 {
                        break;
                    }
                    let mut state = partition.state();
                    let due = state.startable().and_then(|pending| pending.take(kind, now, left, &catalog));
                    more |= due.is_some();
                    all.extend(due.into_iter().flatten().map(|due| (partition.index, due)));
                }
            }
        }
        all
    }

    /// Adds the event's body to a due delivery; returns `None` and ends the lease if the delivery is gone.
    async fn load_body(&self, index: usize, due: DueDelivery) -> Result<Option<LeasedDelivery>> {
        let Some(partition) = self.partitions.get(index) else { return Ok(None) };
        let (event_id, body) = match due.body {
            Some(cached) => cached,
            None => match partition.stream.at(locate(due.id).0).await? {
                Some(message) => {
                    let (arrival, body) = Arrival::split(&message.payload)?;
                    (arrival.event_id, body)
                }
                None => {
                    self.end_lease(index, due.id, true);
                    return Ok(None);
                }
            },
        };
        let DueDelivery { id, attempt, due, cached, .. } = due;
        Ok(Some(LeasedDelivery { id, attempt, due, event_id, body, subscription: cached.record }))
    }

    /// Ends a lease; `gone` means that the delivery no longer exists.
    pub(super) fn end_lease(&self, index: usize, id: DeliveryId, gone: bool) {
        let Some(partition) = self.partitions.get(index) else { return };
        if let Some(pending) = &mut partition.state().pending {
            if gone {
                pending.forget_one(id);
            } else {
                pending.release(id);
            }
        }
        self.changed.notify_waiters();
    }

    /// See [`Store::record`](crate::store::Store::record).
    pub(super) async fn record(&self, leased: &LeasedDelivery, attempt: &Attempt) -> Result<Option<Recorded>> {
        let (workspace, subscription) = (&leased.subscription.workspace, &leased.subscription.id);
        let partition = self.partition(workspace)?;
        let health_unchanged = self.catalog().get(subscription).is_some_and(|cached| {
            attempt.outcome.is_success() && cached.record.subscription.health.consecutive_failures() == 0
        });
        let locks = &partition.health;
        let lock = leased.subscription.created_at.as_millis().unsigned_abs() as usize;
        let lock = locks.get(lock.checked_rem(locks.len()).unwrap_or(0)).filter(|_| !health_unchanged);
        let _lock = match lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        retry_on_conflict(|| async {
            if self.catalog().subscription(workspace, subscription).is_err() {
                self.end_lease(partition.index, leased.id, true);
                return Ok(None);
            }
            let result = self.try_record(partition, (leased.id, subscription), attempt).await;
            if matches!(result, Err(WriteError::Conflict)) {
                self.refresh_subscription(partition, workspace, subscription).await?;
                self.refresh_delivery(partition, leased).await?;
            }
            result
        })
        .await
    }

    async fn try_record(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionId),
        attempt: &Attempt,
    ) -> std::result::Result<Option<Recorded>, WriteError> {
        let Some(cached) = self.catalog().get(subscription).cloned() else { return Err(WriteError::Conflict) };
        let workspace = &cached.record.workspace;
        let unchanged = {
            let state = partition.state();
            let entry = state.pending.as_ref().and_then(|pending| pending.entry(id));
            entry.filter(|entry| entry.version == 0).map(|entry| entry.delivery)
        };
        let loaded = match unchanged {
            Some(delivery) => Some((Progress::new(delivery), 0)),
            None => partition.load(workspace, subscription, id).await?,
        };
        let Some((mut progress, version)) = loaded else {
            self.end_lease(partition.index, id, true);
            return Ok(None);
        };
        let health = &cached.record.subscription.health;
        let recorded = progress.delivery.record(health, attempt.number, attempt.outcome, attempt.ended_at);
        let is_recorded = progress.attempts.iter().any(|made| made.number == attempt.number);
        if is_recorded && !recorded.changed {
            self.end_lease(partition.index, id, false);
            return Ok(Some(recorded));
        }
        if !is_recorded {
            progress.attempts.push(AttemptRecord::from(attempt));
        }
        progress.delivery = recorded.delivery;
        let mut writes = vec![schema::write(subject::delivery(workspace, subscription, id), &progress, version)?];
        if recorded.health != *health {
            let mut data = cached.data();
            data.subscription.health = recorded.health;
            let mut write = schema::write(subject::subscription(workspace, subscription), &data, cached.version)?;
            write.keep_forever = true;
            writes.push(write);
        }
        let health_write = writes.get(1).cloned();
        let last = partition.stream.write(writes).await?;
        let sequence = last.saturating_sub(u64::from(health_write.is_some()));
        self.apply_own_progress(partition, (id, subscription), recorded.delivery, sequence);
        if let Some(write) = health_write {
            let message = Message { subject: write.subject, sequence: last, payload: write.payload };
            self.learn(partition, &message);
        }
        self.end_lease(partition.index, id, false);
        Ok(Some(recorded))
    }

    /// Reads a delivery that another process has changed.
    async fn refresh_delivery(&self, partition: &Partition, leased: &LeasedDelivery) -> Result<()> {
        let subscription = &leased.subscription;
        let loaded = partition.load(&subscription.workspace, &subscription.id, leased.id).await?;
        if let (Some(pending), Some((progress, version))) = (&mut partition.state().pending, loaded)
            && version > 0
        {
            pending.apply_progress(leased.id, &subscription.id, progress.delivery, version);
        }
        Ok(())
    }

    /// See [`Store::release`](crate::store::Store::release).
    pub(super) fn release(&self, leased: &LeasedDelivery) {
        self.end_lease(locate(leased.id).1, leased.id, false);
    }

    /// See [`Store::ready`](crate::store::Store::ready).
    pub(super) async fn ready(&self, now: UnixTime) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let wake_at = self.partitions.iter().filter_map(|partition| partition.state().startable()?.wake_at()).min();
        let wait = wake_at.map_or(i64::MAX, |wake_at| wake_at.as_millis().saturating_sub(now.as_millis()));
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(wait.min(1000)), changed).await;
        }
    }
}
