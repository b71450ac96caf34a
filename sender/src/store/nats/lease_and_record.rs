//! Handing out what is due, and recording what came of it.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Recorded;
use futures_util::StreamExt as _;

use super::ingest::TRIES;
use super::partition::{CONCURRENCY, Partition};
use super::pending::DueDelivery;
use super::schema::{self, Arrival, AttemptRecord, Progress, locate, progress_subject, subscription_subject};
use super::stream::{Message, WriteError};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId};
use crate::store::scheduler::QueueKind;
use crate::store::{Attempt, LeasedDelivery, Result, StoreError};

impl Worker {
    /// See [`Store::lease`](crate::store::Store::lease).
    pub(super) async fn lease(&self, now: UnixMillis, max: usize) -> Result<Vec<LeasedDelivery>> {
        let taken = self.take_due(now, max);
        let count = taken.len();
        let ids: Vec<(usize, DeliveryId)> = taken.iter().map(|(index, taken)| (*index, taken.id)).collect();
        let bodies = futures_util::stream::iter(taken).map(|(index, taken)| self.with_body(index, taken));
        let mut bodies = bodies.buffered(CONCURRENCY);
        let mut deliveries = Vec::with_capacity(count);
        while let Some(leased) = bodies.next().await {
            match leased {
                Ok(leased) => deliveries.extend(leased),
                Err(error) => {
                    ids.iter().for_each(|(index, id)| self.end_lease(*index, *id, false));
                    return Err(error);
                }
            }
        }
        // Reading may have taken so long that there is no more time for an attempt.
        deliveries.retain(|leased: &LeasedDelivery| {
            let index = locate(leased.id).1;
            let may_start = self.partitions.get(index).is_some_and(|one| one.state().startable().is_some());
            if !may_start {
                self.end_lease(index, leased.id, false);
            }
            may_start
        });
        Ok(deliveries)
    }

    /// What is due, under lease: the partitions take turns, as the subscriptions do in each.
    fn take_due(&self, now: UnixMillis, max: usize) -> Vec<(usize, DueDelivery)> {
        let catalog = self.catalog();
        let mut all = Vec::new();
        for lane in [QueueKind::Retry, QueueKind::Fresh] {
            let mut more = true;
            while more && all.len() < max {
                more = false;
                for partition in &self.partitions {
                    let left = max.saturating_sub(all.len());
                    if left == 0 {
                        break;
                    }
                    let mut state = partition.state();
                    let taken = state.startable().and_then(|pending| pending.take(lane, now, left, &catalog));
                    more |= taken.is_some();
                    all.extend(taken.into_iter().flatten().map(|taken| (partition.index, taken)));
                }
            }
        }
        all
    }

    async fn with_body(&self, index: usize, taken: DueDelivery) -> Result<Option<LeasedDelivery>> {
        let Some(partition) = self.partitions.get(index) else { return Ok(None) };
        let (event_id, body) = match taken.body {
            Some(at_hand) => at_hand,
            None => match partition.stream.at(locate(taken.id).0).await? {
                Some(read) => {
                    let (arrival, body) = Arrival::split(&read.payload)?;
                    (arrival.event_id, body)
                }
                None => {
                    self.end_lease(index, taken.id, true);
                    return Ok(None);
                }
            },
        };
        let DueDelivery { id, attempt, due, cached, .. } = taken;
        Ok(Some(LeasedDelivery { id, attempt, due, event_id, body, subscription: cached.record }))
    }

    /// Ends a lease; `gone`: there is no such delivery any more.
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
        let was_well = self.catalog().get(subscription).is_some_and(|cached| {
            attempt.outcome.is_success() && cached.record.subscription.health.consecutive_failures() == 0
        });
        let locks = &partition.health;
        let lock = leased.subscription.created_at.as_millis().unsigned_abs() as usize;
        let lock = locks.get(lock.checked_rem(locks.len()).unwrap_or(0)).filter(|_| !was_well);
        let _lock = match lock {
            Some(lock) => Some(lock.lock().await),
            None => None,
        };
        for _ in 0..TRIES {
            if self.catalog().subscription(workspace, subscription).is_err() {
                self.end_lease(partition.index, leased.id, true);
                return Ok(None);
            }
            match self.try_record(partition, (leased.id, subscription), attempt).await {
                Ok(recorded) => return Ok(recorded),
                Err(WriteError::Conflict) => {
                    if let Some(read) = partition.stream.last(&subscription_subject(workspace, subscription)).await? {
                        self.learn(partition, &read);
                    }
                    self.refresh(partition, (leased.id, subscription), leased).await?;
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    async fn try_record(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionId),
        attempt: &Attempt,
    ) -> std::result::Result<Option<Recorded>, WriteError> {
        let failed = |error: StoreError| WriteError::Unavailable(error.to_string());
        let Some(cached) = self.catalog().get(subscription).cloned() else { return Err(WriteError::Conflict) };
        let workspace = &cached.record.workspace;
        let untouched = {
            let state = partition.state();
            let entry = state.pending.as_ref().and_then(|pending| pending.entry(id));
            entry.filter(|entry| entry.version == 0).map(|entry| entry.delivery)
        };
        let loaded = match untouched {
            Some(delivery) => Some((Progress::new(delivery), 0)),
            None => partition.load(workspace, subscription, id).await.map_err(failed)?,
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
        let mut writes =
            vec![schema::write(progress_subject(workspace, subscription, id), &progress, version).map_err(failed)?];
        if recorded.health != *health {
            let mut data = cached.data();
            data.subscription.health = recorded.health;
            let subject = subscription_subject(workspace, subscription);
            let mut write = schema::write(subject, &data, cached.version).map_err(failed)?;
            write.keep_forever = true;
            writes.push(write);
        }
        let with_health = writes.get(1).cloned();
        let last = partition.stream.write(writes).await?;
        let sequence = last.saturating_sub(u64::from(with_health.is_some()));
        self.apply_own_progress(partition, (id, subscription), recorded.delivery, sequence);
        if let Some(write) = with_health {
            let read = Message { subject: write.subject, sequence: last, payload: write.payload };
            self.learn(partition, &read);
        }
        self.end_lease(partition.index, id, false);
        Ok(Some(recorded))
    }

    /// Looks at a delivery again: somebody else has written it.
    async fn refresh(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionId),
        leased: &LeasedDelivery,
    ) -> Result<()> {
        let loaded = partition.load(&leased.subscription.workspace, subscription, id).await?;
        if let (Some(pending), Some((progress, version))) = (&mut partition.state().pending, loaded)
            && version > 0
        {
            pending.apply_progress(id, subscription, progress.delivery, version);
        }
        Ok(())
    }

    /// See [`Store::release`](crate::store::Store::release).
    pub(super) fn release(&self, leased: &LeasedDelivery) {
        self.end_lease(locate(leased.id).1, leased.id, false);
    }

    /// See [`Store::ready`](crate::store::Store::ready).
    pub(super) async fn ready(&self, now: UnixMillis) {
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
