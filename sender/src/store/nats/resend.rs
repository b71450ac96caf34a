//! Sending deliveries again.

use bytes::Bytes;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError, UnixMillis};
use futures_util::StreamExt as _;
use uuid::Uuid;

use super::ingest::TRIES;
use super::partition::{CONCURRENCY, Partition};
use super::pending::effective_state;
use super::schema::{self, Arrival, delivery_id, event_subject, locate, partition_of, progress_subject};
use super::stream::{Message, NewMessage, WriteError};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Result, StoreError, SubscriptionRecord};

/// How many arrivals are looked at together when deliveries are sent again.
const WINDOW: u64 = 1024;

impl Worker {
    /// See [`Store::resend`](crate::store::Store::resend).
    pub(super) async fn resend(&self, workspace: &WorkspaceId, id: DeliveryId, now: UnixMillis) -> Result<DeliveryId> {
        let (partition, read) = self.arrival_of(workspace, id).await?;
        let (arrival, body) = Arrival::split(&read.payload)?;
        let (sequence, _, index) = locate(id);
        let record = arrival.to.get(index).and_then(|(to, _)| Some(self.catalog().get(to)?.record.clone()));
        let record = record.ok_or(StoreError::NotFound("delivery"))?;
        debug_assert_eq!(sequence, read.sequence);
        for _ in 0..TRIES {
            let loaded = partition.load(workspace, &record.id, id).await?;
            let (mut progress, version) = loaded.ok_or(StoreError::NotFound("delivery"))?;
            let cached = self.catalog().subscription(workspace, &record.id)?;
            let health = cached.record.subscription.health;
            progress.delivery = effective_state(progress.delivery, id, version, &cached);
            let fresh = progress.delivery.resend(&health, now).map_err(StoreError::Resend)?;
            let subject = progress_subject(workspace, &record.id, id);
            let result = if matches!(progress.delivery.state(), DeliveryState::Held { .. }) {
                progress.delivery = fresh;
                let written = partition.stream.write(vec![schema::write(subject, &progress, version)?]).await;
                written.map(|sequence| {
                    self.apply_own_progress(partition, (id, &record.id), fresh, sequence);
                    id
                })
            } else {
                // The failed one stays, with a mark; another arrival beside it.
                let which = Uuid::new_v4().simple().to_string();
                progress.resent = Some(which.clone());
                let mark = schema::write(subject, &progress, version)?;
                self.arrive_again(partition, &record, (&arrival, &body), fresh, (which, mark), now).await
            };
            match result {
                Ok(id) => return Ok(id),
                Err(WriteError::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(WriteError::Conflict.into())
    }

    async fn arrive_again(
        &self,
        partition: &Partition,
        record: &SubscriptionRecord,
        (arrival, body): (&Arrival, &Bytes),
        fresh: Delivery,
        (which, mark): (String, NewMessage),
        now: UnixMillis,
    ) -> std::result::Result<DeliveryId, WriteError> {
        let unreadable = |error: &dyn std::fmt::Display| WriteError::Unavailable(error.to_string());
        let again = Arrival { at: now, to: vec![(record.id.clone(), fresh)], ..arrival.clone() };
        let text = std::str::from_utf8(body).map_err(|error| unreadable(&error))?;
        let payload = again.with_body(text).map_err(|error| unreadable(&error))?;
        let subject = format!("{}.{which}", event_subject(&record.workspace, &arrival.event_id));
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
        since: UnixMillis,
        now: UnixMillis,
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
            for read in partition.stream.range(&format!("a.{workspace}.>"), from, to).await? {
                let (arrival, _) = Arrival::split(&read.payload)?;
                let index = arrival.to.iter().position(|(to, _)| to == id).filter(|_| arrival.at >= since);
                candidates.extend(index.map(|index| delivery_id(read.sequence, partition.index, index)));
            }
            let cached = &cached;
            let one = |delivery| async move {
                let Some((progress, version)) = partition.load(workspace, id, delivery).await? else {
                    return Ok(false);
                };
                let seen = effective_state(progress.delivery, delivery, version, cached);
                if progress.resent.is_some() || seen.resend(&health, now).is_err() {
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
            let mut all = futures_util::stream::iter(candidates).map(one).buffer_unordered(CONCURRENCY);
            while let Some(done) = all.next().await {
                resent = resent.saturating_add(u64::from(done?));
            }
            from = to;
        }
        Ok(resent)
    }

    /// The arrival that a workspace's delivery belongs to.
    pub(super) async fn arrival_of(&self, workspace: &WorkspaceId, id: DeliveryId) -> Result<(&Partition, Message)> {
        self.catalog().workspace(workspace)?;
        let missing = StoreError::NotFound("delivery");
        let (sequence, index, _) = locate(id);
        if index != partition_of(workspace, self.partitions.len()) {
            return Err(missing);
        }
        let partition = self.partition(workspace)?;
        let read = partition.stream.at(sequence).await?.ok_or(missing.clone())?;
        let mine = read.subject.strip_prefix("a.").and_then(|rest| rest.strip_prefix(workspace.as_str()));
        if mine.is_some_and(|rest| rest.starts_with('.')) { Ok((partition, read)) } else { Err(missing) }
    }
}
