//! Writing records of the catalog, events and deliveries, and reading the deliveries to lease.

use bytes::Bytes;
use clarife_webhooks::UnixTime;
use futures_util::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use super::partition::Partition;
use super::schema::{self, Arrival, Progress, SubscriptionData, TokenRecord, WorkspaceRecord, delivery_id, locate};
use super::stream::{Message, NewMessage, unavailable};
use super::subject;
use super::worker::{Worker, partition_of_key};
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::catalog::CatalogWrite;
use crate::store::engine::{Arrivals, DeliveryUpdate, DueDelivery, DueReply, ResentDelivery, WriteError, WriteResult};
use crate::store::scheduler::{DueRequest, Key};
use crate::store::types::AttemptRecord;
use crate::store::{CONCURRENCY, Result};

impl Worker {
    /// See [`Engine::write`](crate::store::engine::Engine::write).
    pub(super) async fn write(&self, workspace: &WorkspaceId, writes: Vec<CatalogWrite>) -> WriteResult<()> {
        let partition = self.partition(workspace)?;
        let mut deleted = None;
        let mut messages = Vec::with_capacity(writes.len());
        for write in writes {
            messages.push(match write {
                CatalogWrite::Workspace(workspace, replaces) => {
                    let subject = subject::workspace(&workspace.id);
                    schema::write(subject, &WorkspaceRecord::from(workspace), replaces)?
                }
                CatalogWrite::Token(token) => schema::write(subject::token(&token.id), &TokenRecord::from(&token), 0)?,
                CatalogWrite::DeleteToken(id) => empty(subject::token(&id), None),
                CatalogWrite::Subscription(record, replaces) => {
                    let subject = subject::subscription(workspace, &record.id);
                    schema::write(subject, &SubscriptionData::from(&record), replaces)?
                }
                CatalogWrite::DeleteSubscription(cached) => {
                    // The empty message replaces the record, so the secrets are gone at once.
                    let write = empty(subject::subscription(workspace, &cached.record.id), Some(cached.version));
                    deleted = Some(cached.record.id.clone());
                    write
                }
            });
        }
        self.write_and_learn(partition, messages).await?;
        if let Some(id) = deleted {
            partition.stream.purge(&subject::deliveries_of(workspace, &id)).await?;
        }
        Ok(())
    }

    /// Reads a workspace and its subscriptions from the stream's leader into the catalog.
    pub(super) async fn refresh(&self, workspace: &WorkspaceId) -> Result<()> {
        let partition = self.partition(workspace)?;
        let Some(message) = partition.stream.last(&subject::workspace(workspace)).await? else { return Ok(()) };
        let record: WorkspaceRecord = schema::read(&message)?;
        let reads = record.subscriptions.iter().map(|id| subject::subscription(workspace, id));
        let mut reads = futures_util::stream::iter(reads.collect::<Vec<_>>())
            .map(|subject| async move { partition.stream.last(&subject).await })
            .buffered(CONCURRENCY);
        while let Some(found) = reads.try_next().await? {
            found.iter().for_each(|message| self.learn(partition, message));
        }
        self.learn(partition, &message);
        Ok(())
    }

    /// See [`Engine::insert`](crate::store::engine::Engine::insert). The workspace's version is not checked, because the
    /// check would need a write of the workspace: a subscription that changes at the same moment may miss the event.
    pub(super) async fn insert(&self, arrivals: &Arrivals) -> WriteResult<Vec<Vec<DeliveryId>>> {
        let partition = self.partition(&arrivals.workspace)?;
        let (mut writes, mut records) = (Vec::new(), Vec::new());
        for (event, arrival) in arrivals.new_events() {
            let to = arrival.to.iter().map(|(to, delivery)| (to.record.id.clone(), *delivery)).collect();
            let record =
                Arrival { event_id: event.id.clone(), event_type: event.event_type.clone(), at: arrivals.at, to };
            let subject = subject::first_arrival(&arrivals.workspace, &event.id);
            let payload = record.with_body(&event.body)?;
            writes.push(NewMessage { subject, payload, replaces: Some(0), keep_forever: false });
            records.push((record, event));
        }
        let count = writes.len() as u64;
        let last = partition.stream.write(writes).await?;
        let first = last.saturating_add(1).saturating_sub(count);
        let mut ids = Vec::with_capacity(records.len());
        for (sequence, (record, event)) in (first..).zip(records) {
            self.apply_arrival(partition, sequence, &record, event.body.as_bytes(), true);
            ids.push((0..record.to.len()).map(|index| delivery_id(sequence, partition.index, index)).collect());
        }
        Ok(ids)
    }

    /// See [`Engine::due`](crate::store::engine::Engine::due).
    pub(super) async fn due(&self, requests: Vec<DueRequest>, now: UnixTime) -> Result<Vec<DueReply>> {
        let found: Vec<_> = requests.iter().map(|request| self.find_due(request, now)).collect();
        let loads = found.into_iter().map(|(partition, ids, next)| async move {
            let loads = ids.into_iter().map(|id| self.load_due(partition, id));
            let loads = futures_util::stream::iter(loads.collect::<Vec<_>>()).buffered(CONCURRENCY);
            let deliveries: Vec<Option<DueDelivery>> = loads.try_collect().await?;
            let mut reply = DueReply { deliveries: deliveries.into_iter().flatten().collect(), next };
            // The reads may have taken so long that attempts may no longer start.
            if partition.is_some_and(|partition| partition.state().startable().is_none()) {
                reply = DueReply::default();
            }
            Ok(reply)
        });
        futures_util::stream::iter(loads.collect::<Vec<_>>()).buffered(CONCURRENCY).try_collect().await
    }

    fn find_due(&self, request: &DueRequest, now: UnixTime) -> (Option<&Partition>, Vec<DeliveryId>, Option<UnixTime>) {
        let partition = self.partitions.get(partition_of_key(request.key));
        let found = partition.and_then(|partition| Some(partition.state().startable()?.due(request, now)));
        let (ids, next) = found.unwrap_or_default();
        (partition, ids, next)
    }

    /// Adds the event's body to a due delivery; returns `None` if the delivery is gone.
    async fn load_due(&self, partition: Option<&Partition>, id: DeliveryId) -> Result<Option<DueDelivery>> {
        let Some(partition) = partition else { return Ok(None) };
        let entry = partition.state().pending.as_ref().and_then(|pending| pending.entry(id).cloned());
        let Some(entry) = entry else { return Ok(None) };
        let (event_id, body) = match entry.body {
            Some(cached) => cached,
            None => match partition.stream.at(locate(id).0).await? {
                Some(message) => {
                    let (arrival, body) = Arrival::split(&message.payload)?;
                    (arrival.event_id, body)
                }
                None => {
                    self.forget(partition, id);
                    return Ok(None);
                }
            },
        };
        Ok(Some(DueDelivery { id, delivery: entry.delivery, event_id, body }))
    }

    fn forget(&self, partition: &Partition, id: DeliveryId) {
        if let Some(pending) = &mut partition.state().pending {
            pending.forget_one(id);
        }
    }

    /// See [`Engine::update`](crate::store::engine::Engine::update).
    pub(super) async fn update(&self, update: DeliveryUpdate) -> WriteResult<()> {
        let DeliveryUpdate { id, subscription, before, after, attempt, record } = update;
        let (workspace, to) = (&subscription.record.workspace, &subscription.record.id);
        let partition = self.partition(workspace)?;
        let unchanged = {
            let state = partition.state();
            let entry = state.pending.as_ref().and_then(|pending| pending.entry(id));
            entry.is_some_and(|entry| entry.version == 0 && entry.delivery == before)
        };
        let (mut progress, version) = if unchanged {
            (Progress::new(before), 0)
        } else {
            let Some(loaded) = partition.load(workspace, to, id).await? else {
                self.forget(partition, id);
                return Err(WriteError::Conflict);
            };
            loaded
        };
        let mut changes = before != after || record.is_some();
        if let Some(attempt) =
            attempt.filter(|attempt| progress.attempts.iter().all(|made| made.number != attempt.number))
        {
            progress.attempts.push(AttemptRecord::from(&attempt));
            changes = true;
        }
        if progress.delivery != before {
            self.catch_up(partition, id, subscription.key, &progress, version);
            return Err(WriteError::Conflict);
        }
        if !changes {
            return Ok(());
        }
        progress.delivery = after;
        let mut writes = vec![schema::write(subject::delivery(workspace, to, id), &progress, version)?];
        if let Some(record) = record {
            let subject = subject::subscription(workspace, to);
            let mut write = schema::write(subject, &SubscriptionData::from(&record), subscription.version)?;
            write.keep_forever = true;
            writes.push(write);
        }
        let health = writes.get(1).cloned();
        let written = partition.stream.write(writes).await;
        if matches!(written, Err(WriteError::Conflict))
            && let Some((progress, version)) = partition.load(workspace, to, id).await?
        {
            self.catch_up(partition, id, subscription.key, &progress, version);
        }
        let last = written?;
        let sequence = last.saturating_sub(u64::from(health.is_some()));
        self.apply_own_progress(partition, id, subscription.key, (after, sequence));
        if let Some(write) = health {
            self.learn(partition, &Message { subject: write.subject, sequence: last, payload: write.payload });
        }
        Ok(())
    }

    /// Applies a delivery that another process has changed.
    fn catch_up(&self, partition: &Partition, id: DeliveryId, key: Key, progress: &Progress, version: u64) {
        if let Some(pending) = &mut partition.state().pending
            && pending.is_pending(id)
            && version > 0
        {
            pending.apply_progress(id, key, progress.delivery, version);
        }
    }

    /// See [`Engine::resend`](crate::store::engine::Engine::resend). The failed delivery is marked, and a new arrival
    /// sends the event again.
    pub(super) async fn resend(&self, resent: ResentDelivery) -> WriteResult<DeliveryId> {
        let ResentDelivery { id, subscription, before, after, fresh, at } = resent;
        let (workspace, to) = (&subscription.record.workspace, &subscription.record.id);
        let found = self.arrival_of(workspace, id).await?;
        let (partition, message) = found.ok_or(WriteError::Conflict)?;
        let (arrival, body) = Arrival::split(&message.payload)?;
        let loaded = partition.load(workspace, to, id).await?;
        let (mut progress, version) =
            loaded.filter(|(progress, _)| progress.delivery == before).ok_or(WriteError::Conflict)?;
        let tag = Uuid::new_v4().simple().to_string();
        progress.delivery = after;
        progress.resent = Some(tag.clone());
        let mark = schema::write(subject::delivery(workspace, to, id), &progress, version)?;
        let again = Arrival { at, to: vec![(to.clone(), fresh)], ..arrival };
        let payload = again.with_body(std::str::from_utf8(&body).map_err(unavailable)?)?;
        let subject = subject::resent_arrival(workspace, &again.event_id, &tag);
        let write = NewMessage { subject, payload, replaces: Some(0), keep_forever: false };
        let sequence = partition.stream.write(vec![mark, write]).await?;
        self.apply_own_progress(partition, id, subscription.key, (after, sequence.saturating_sub(1)));
        self.apply_arrival(partition, sequence, &again, &body, true);
        Ok(delivery_id(sequence, partition.index, 0))
    }
}

/// Creates an empty message, which stands for a deleted record.
fn empty(subject: String, replaces: Option<u64>) -> NewMessage {
    NewMessage { subject, payload: Bytes::new(), replaces, keep_forever: false }
}
