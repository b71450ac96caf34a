//! Reading events, deliveries and attempts, and sending deliveries again.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Resend, ResendError};
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::catalog::CachedSubscription;
use super::engine::{DeliveryUpdate, ListQuery, ResentDelivery};
use super::{
    Attempt, CONCURRENCY, DeliveryFilter, DeliveryRecord, EventRecord, Page, Result, StateName, Store, StoreError,
};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};

/// Number of deliveries that are read together to be resent.
const BATCH: usize = 500;

impl Store {
    /// Returns an event as it was accepted.
    pub(crate) async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord> {
        self.memory.catalog().workspace(workspace)?;
        let found = self.engine()?.events(workspace, vec![id.to_owned()]).await?.into_iter().flatten().next();
        found.map(|stored| stored.record).ok_or(StoreError::NotFound("event"))
    }

    /// Returns a page of a workspace's deliveries, newest first.
    pub(crate) async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page> {
        let subscriptions = match &filter.subscription {
            Some(id) => vec![self.memory.catalog().subscription(workspace, id)?],
            None => self.memory.catalog().subscriptions(workspace)?,
        };
        let needed = filter.limit.saturating_add(1);
        let mut query = ListQuery {
            workspace: workspace.clone(),
            subscriptions,
            event_id: filter.event_id.clone(),
            states: filter.state.map_or_else(|| StateName::ALL.to_vec(), |state| vec![state]),
            before: filter.before,
            to_resend_since: None,
            limit: needed,
        };
        let mut deliveries = self.list(&mut query, needed, filter.state).await?;
        let more = deliveries.len() > filter.limit;
        deliveries.truncate(filter.limit);
        Ok(Page { deliveries, more })
    }

    /// Reads deliveries until `needed` are in a state, and leaves the rest of the query in `query`. A deactivation may
    /// have ended a delivery whose end is not written yet.
    async fn list(
        &self,
        query: &mut ListQuery,
        needed: usize,
        state: Option<StateName>,
    ) -> Result<Vec<DeliveryRecord>> {
        let ending = |cached: &CachedSubscription| {
            !cached.record.subscription.health.is_active() || self.memory.endings.contains(cached.key)
        };
        if state == Some(StateName::Failed) && query.subscriptions.iter().any(ending) {
            query.states = vec![StateName::Failed, StateName::Pending];
        }
        let mut found = Vec::new();
        loop {
            let page = self.engine()?.list(query.clone()).await?;
            let is_last = page.len() < query.limit;
            query.before = page.last().map_or(query.before, |last| Some(last.id));
            let settled = page.into_iter().map(|record| self.settle(record));
            found.extend(
                settled.filter(|record| state.is_none_or(|state| StateName::from(&record.delivery.state()) == state)),
            );
            if is_last || found.len() >= needed {
                return Ok(found);
            }
        }
    }

    fn settle(&self, record: DeliveryRecord) -> DeliveryRecord {
        let catalog = self.memory.catalog();
        let Some(cached) = catalog.get(&record.subscription) else { return record };
        DeliveryRecord { delivery: record.delivery.settle(&cached.record.subscription.health), ..record }
    }

    /// Returns a delivery and its attempts.
    pub(crate) async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let (record, attempts, _) = self.read_delivery(workspace, id).await?;
        Ok((self.settle(record), attempts))
    }

    /// Reads a delivery of a workspace's subscription.
    async fn read_delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>, CachedSubscription)> {
        const NOT_FOUND: StoreError = StoreError::NotFound("delivery");
        let (record, attempts) = self.engine()?.delivery(workspace, id).await?.ok_or(NOT_FOUND)?;
        let cached = self.memory.catalog().subscription(workspace, &record.subscription).map_err(|_| NOT_FOUND)?;
        Ok((record, attempts, cached))
    }

    /// Sends a failed or held delivery again; returns the delivery that is now pending.
    pub(crate) async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId> {
        self.retry(workspace, || async {
            let (record, _, subscription) = self.read_delivery(workspace, id).await?;
            let health = &subscription.record.subscription.health;
            let (before, after) = (record.delivery, record.delivery.settle(health));
            match after.resend(health, now).map_err(StoreError::Resend)? {
                Resend::Reuse(fresh) => {
                    let after = fresh;
                    let update = DeliveryUpdate { id, subscription, before, after, attempt: None, record: None };
                    self.engine()?.update(update).await?;
                    Ok(id)
                }
                Resend::Beside(fresh) => {
                    let resent = ResentDelivery { id, subscription, before, after, fresh, at: now };
                    self.engine()?.resend(resent).await
                }
            }
        })
        .await
    }

    /// Sends all failed or held deliveries of a subscription again that were created at or after `since` and not resent
    /// before. Returns their number.
    pub(crate) async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64> {
        let cached = self.memory.catalog().subscription(workspace, id)?;
        if !cached.record.subscription.health.is_active() {
            return Err(StoreError::Resend(ResendError::SubscriptionDeactivated));
        }
        let mut resent: u64 = 0;
        for state in [StateName::Failed, StateName::Held] {
            let mut query = ListQuery {
                workspace: workspace.clone(),
                subscriptions: vec![cached.clone()],
                event_id: None,
                states: vec![state],
                before: None,
                to_resend_since: Some(since),
                limit: BATCH,
            };
            loop {
                let batch = self.list(&mut query, BATCH, Some(state)).await?;
                let is_last = batch.len() < BATCH;
                let calls = futures_util::stream::iter(batch).map(|record| async move {
                    match self.resend(workspace, record.id, now).await {
                        Ok(_) => Ok(1),
                        Err(StoreError::Resend(ResendError::NotFailed | ResendError::TestEvent)) => Ok(0),
                        Err(StoreError::NotFound(_)) => Ok(0), // was deleted meanwhile
                        Err(error) => Err(error),
                    }
                });
                let counts: Vec<u64> = calls.buffer_unordered(CONCURRENCY).try_collect().await?;
                resent = resent.saturating_add(counts.into_iter().sum());
                if is_last {
                    break;
                }
            }
        }
        Ok(resent)
    }

    /// Deletes events accepted before `before` with their deliveries, unless a delivery is pending. Returns the number
    /// of deleted events, at most `max`.
    pub(crate) async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        self.engine()?.prune(before, max).await
    }
}
