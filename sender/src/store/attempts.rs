//! Leasing deliveries that are due, and recording their attempts.

use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{DeliveryState, Recorded};

use super::engine::{DeliveryUpdate, DueReply, WriteError};
use super::scheduler::{DueRequest, Key, QueueKind};
use super::{Attempt, LeasedDelivery, MAX_TRIES, Result, Store, StoreError};

/// Longest wait of [`Store::ready`].
const MAX_WAIT: Duration = Duration::from_secs(1);

impl Store {
    /// Leases up to `max` deliveries that are due. A leased delivery is not leased again until it is recorded or
    /// released, or until the process that leased it is gone.
    ///
    /// Due retries come before new deliveries, and subscriptions take turns. A subscription has at most
    /// [`Limits::per_subscription`](super::Limits::per_subscription) leases at a time.
    pub(crate) async fn lease(&self, now: UnixTime, max: usize) -> Result<Vec<LeasedDelivery>> {
        let _leasing = self.leasing.lock().await;
        let engine = self.engine()?;
        let mut leased = Vec::new();
        for (kind, due) in [(QueueKind::Retry, now), (QueueKind::Fresh, UnixTime::from_millis(i64::MAX))] {
            loop {
                let requests = self.memory.scheduler().select(kind, now, max.saturating_sub(leased.len()));
                if requests.is_empty() {
                    break;
                }
                match engine.due(requests.clone(), due).await {
                    Ok(replies) => {
                        let served = requests.iter().zip(replies);
                        served.for_each(|(request, reply)| self.lease_reply(request, reply, &mut leased));
                    }
                    Err(error) => {
                        requests.iter().for_each(|request| self.memory.add(request.key, kind, now));
                        for leased in &leased {
                            self.give_back(leased);
                        }
                        return Err(error);
                    }
                }
            }
        }
        Ok(leased)
    }

    /// Leases the deliveries of a reply, except for those that a deactivation has ended.
    fn lease_reply(&self, request: &DueRequest, reply: DueReply, leased: &mut Vec<LeasedDelivery>) {
        let Some(cached) = self.memory.catalog().by_key(request.key).cloned() else { return };
        let health = &cached.record.subscription.health;
        let mut has_ended = false;
        for due in reply.deliveries {
            if due.delivery.settle(health) != due.delivery {
                has_ended = true;
                continue;
            }
            if let DeliveryState::Pending { attempt, due: at } = due.delivery.state() {
                self.memory.scheduler().lease(due.id, request.key);
                let (event_id, subscription) = (due.event_id, cached.record.clone());
                let (id, delivery, body) = (due.id, due.delivery, due.body);
                leased.push(LeasedDelivery { id, delivery, attempt, due: at, event_id, body, subscription });
            }
        }
        match reply.next {
            _ if has_ended => self.memory.endings.add(request.key), // announces the deliveries that have not ended
            Some(next) => self.memory.scheduler().add(request.key, request.kind, next),
            None => {}
        }
    }

    /// Returns when there may be a delivery to lease. Spurious returns are possible.
    pub(crate) async fn ready(&self, now: UnixTime) {
        let mut changed = std::pin::pin!(self.memory.changed.notified());
        changed.as_mut().enable();
        let wake_at = self.memory.scheduler().wake_at();
        let wait = wake_at.map_or(i64::MAX, |wake_at| wake_at.as_millis().saturating_sub(now.as_millis()));
        if let Ok(wait @ 1..) = u64::try_from(wait) {
            let _ = tokio::time::timeout(Duration::from_millis(wait).min(MAX_WAIT), changed).await;
        }
    }

    /// Records an attempt together with its consequences for the delivery and for the subscription's health, and ends
    /// the lease. Recording an attempt again changes nothing. Returns `None` if the delivery no longer exists.
    pub(crate) async fn record(&self, leased: &LeasedDelivery, attempt: Attempt) -> Result<Option<Recorded>> {
        let (workspace, subscription) = (&leased.subscription.workspace, &leased.subscription.id);
        let mut before = leased.delivery;
        let mut counting = None;
        for tries in 0..MAX_TRIES {
            let Some(cached) = self.memory.catalog().get(subscription).cloned() else { break };
            let health = cached.record.subscription.health;
            if counting.is_none() && !(attempt.outcome.is_success() && health.consecutive_failures() == 0) {
                counting = Some(self.counting_lock(cached.key).lock().await);
                continue; // another attempt may have changed the health meanwhile
            }
            let recorded = before.record(&health, attempt.number, attempt.outcome, attempt.ended_at);
            let record = (recorded.health != health).then(|| {
                let mut record = cached.record.as_ref().clone();
                record.subscription.health = recorded.health;
                record
            });
            let (id, after, attempt) = (leased.id, recorded.delivery, Some(attempt.clone()));
            let update = DeliveryUpdate { id, subscription: cached, before, after, attempt, record };
            match self.engine()?.update(update).await {
                Ok(()) => {
                    self.memory.end_lease(leased.id);
                    return Ok(Some(recorded));
                }
                Err(WriteError::Failed(error)) => return Err(error),
                Err(WriteError::Conflict) => {
                    self.refresh(workspace, tries).await?;
                    let Some((record, _)) = self.engine()?.delivery(workspace, leased.id).await? else { break };
                    before = record.delivery;
                }
            }
        }
        let deleted = self.memory.catalog().get(subscription).is_none();
        if !deleted && self.engine()?.delivery(workspace, leased.id).await?.is_some() {
            return Err(StoreError::Unavailable(format!("gave up after {MAX_TRIES} write conflicts")));
        }
        self.memory.end_lease(leased.id);
        Ok(None)
    }

    /// Returns the lock of a subscription, which it shares with some others.
    fn counting_lock(&self, key: Key) -> &tokio::sync::Mutex<()> {
        let [first, rest @ ..] = &self.counting;
        let index = usize::try_from(key).ok().and_then(|key| key.checked_rem(self.counting.len()));
        index.and_then(|index| rest.get(index)).unwrap_or(first)
    }

    /// Ends a lease without an attempt. Returns `false` if the subscription was deleted.
    pub(crate) async fn release(&self, leased: &LeasedDelivery) -> bool {
        self.give_back(leased)
    }

    fn give_back(&self, leased: &LeasedDelivery) -> bool {
        let key = self.memory.catalog().get(&leased.subscription.id).map(|cached| cached.key);
        self.memory.end_lease(leased.id);
        if let Some(key) = key {
            self.memory.announce(key, &leased.delivery);
        }
        key.is_some()
    }
}
