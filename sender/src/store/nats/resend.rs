//! Sending deliveries again.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError};
use futures_util::StreamExt as _;
use uuid::Uuid;

use super::partition::{CONCURRENCY, Partition};
use super::pending::effective_state;
use super::retry::retry_on_conflict;
use super::schema::{self, Arrival, delivery_id, locate, partition_of};
use super::stream::{Message, NewMessage, WriteError, unavailable};
use super::subject::{self, Subject};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Result, StoreError, SubscriptionRecord};

/// Number of sequences whose arrivals are read together.
const WINDOW: u64 = 1024;

impl Worker {
    /// See [`Store::resend`](crate::store::Store::resend).
    pub(super) async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixTime) -> Result<DeliveryId> {
        let (partition, message) = self.arrival_of(workspace, id).await?;
        let (arrival, body) = Arrival::split(&message.payload)?;
        let (sequence, _, index) = locate(id);
        let record = arrival.to.get(index).and_then(|(to, _)| Some(self.catalog().get(to)?.record.clone()));
        let record = record.ok_or(StoreError::NotFound("delivery"))?;
        debug_assert_eq!(sequence, message.sequence);
        retry_on_conflict(|| async {
            let loaded = partition.load(workspace, &record.id, id).await?;
            let (mut progress, version) = loaded.ok_or(StoreError::NotFound("delivery"))?;
            let cached = self.catalog().subscription(workspace, &record.id)?;
            let health = cached.record.subscription.health;
            progress.delivery = effective_state(progress.delivery, id, version, &cached);
            let fresh = progress.delivery.resend(&health, now).map_err(StoreError::Resend)?;
            let subject = subject::delivery(workspace, &record.id, id);
            if matches!(progress.delivery.state(), DeliveryState::Held { .. }) {
                progress.delivery = fresh;
                let sequence = partition.stream.write(vec![schema::write(subject, &progress, version)?]).await?;
                self.apply_own_progress(partition, (id, &record.id), fresh, sequence);
                return Ok(id);
            }
            // The failed delivery stays and is marked; a new arrival resends the event.
            let tag = Uuid::new_v4().simple().to_string();
            progress.resent = Some(tag.clone());
            let mark = schema::write(subject, &progress, version)?;
            self.arrive_again(partition, &record, (&arrival, &body), fresh, (tag, mark), now).await
        })
        .await
    }

    async fn arrive_again(
        &self,
        partition: &Partition,
        record: &SubscriptionRecord,
        (arrival, body): (&Arrival, &Bytes),
        fresh: Delivery,
        (tag, mark): (String, NewMessage),
        now: UnixTime,
    ) -> std::result::Result<DeliveryId, WriteError> {
        let again = Arrival { at: now, to: vec![(record.id.clone(), fresh)], ..arrival.clone() };
        let payload = again.with_body(std::str::from_utf8(body).map_err(unavailable)?)?;
        let subject = subject::resent_arrival(&record.workspace, &arrival.event_id, &tag);
        let write = NewMessage { subject, payload, replaces: Some(0), keep_forever: false };
        let sequence = partition.stream.write(vec![mark, write]).await?;
        self.apply_own_arrival(partition, sequence, &again, body);
        Ok(delivery_id(sequence, partition.index, 0))
    }

    /// See [`Store::resend_since`](crate::store::Store::resend_since).
    pub(super) async fn resend_since(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        since: UnixTime,
        now: UnixTime,
    ) -> Result<u64> {
        let cached = self.catalog().subscription(workspace, id)?;
        let health = cached.record.subscription.health;
        if !health.is_active() {
            return Err(StoreError::Resend(ResendError::SubscriptionDeactivated));
        }
        let partition = self.partition(workspace)?;
        let (mut from, last) = partition.stream.bounds().await?;
        let mut resent: u64 = 0;
        while from <= last {
            let to = from.saturating_add(WINDOW).min(last.saturating_add(1));
            let mut candidates = Vec::new();
            for message in partition.stream.range(&subject::arrivals_of(workspace), from, to).await? {
                let (arrival, _) = Arrival::split(&message.payload)?;
                let index = arrival.to.iter().position(|(to, _)| to == id).filter(|_| arrival.at >= since);
                candidates.extend(index.map(|index| delivery_id(message.sequence, partition.index, index)));
            }
            let cached = &cached;
            let resend_one = |delivery| async move {
                let Some((progress, version)) = partition.load(workspace, id, delivery).await? else {
                    return Ok(false);
                };
                let state = effective_state(progress.delivery, delivery, version, cached);
                if progress.resent.is_some() || state.resend(&health, now).is_err() {
                    return Ok(false);
                }
                match self.resend(workspace, delivery, now).await {
                    Ok(_) => Ok(true),
                    Err(StoreError::Resend(ResendError::SubscriptionDeactivated)) => {
                        Err(StoreError::Resend(ResendError::SubscriptionDeactivated))
                    }
                    Err(StoreError::Resend(_) | StoreError::NotFound(_)) => Ok(false),
                    Err(error) => Err(error),
                }
            };
            let mut results = futures_util::stream::iter(candidates).map(resend_one).buffer_unordered(CONCURRENCY);
            while let Some(result) = results.next().await {
                resent = resent.saturating_add(u64::from(result?));
            }
            from = to;
        }
        Ok(resent)
    }

    /// Returns the partition and the arrival of a workspace's delivery.
    pub(super) async fn arrival_of(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(&Partition, Message)> {
        self.catalog().workspace(workspace)?;
        let missing = StoreError::NotFound("delivery");
        let (sequence, index, _) = locate(id);
        if index != partition_of(workspace, self.partitions.len()) {
            return Err(missing);
        }
        let partition = self.partition(workspace)?;
        let message = partition.stream.at(sequence).await?.ok_or(missing.clone())?;
        match Subject::parse(&message.subject) {
            Some(Subject::Arrival { workspace: owner }) if owner == workspace.as_str() => Ok((partition, message)),
            _ => Err(missing),
        }
    }
}
