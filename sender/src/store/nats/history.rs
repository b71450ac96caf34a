//! Reading events, deliveries and attempts from the streams, and deleting old ones.
//!
//! The subjects are the only index. A page reads windows of the workspace's arrivals backwards, so its cost depends on
//! the records between its first and its last delivery.

use std::sync::Arc;

use clarife_webhooks::UnixTime;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::partition::Partition;
use super::schema::{self, Arrival, Progress, delivery_id, locate};
use super::stream::{Message, unavailable};
use super::subject::{self, Subject};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::engine::{ListQuery, StoredEvent};
use crate::store::{Attempt, CONCURRENCY, DeliveryRecord, EventRecord, Result, StateName, StoreError};

/// Number of sequences in a window: the first, the minimum and the maximum.
const WINDOW: (u64, u64, u64) = (512, 256, 1 << 20);
/// Number of arrivals in a window from which the next window shrinks.
const FULL_WINDOW: usize = 512;

/// A delivery that may belong to a list.
struct Candidate {
    id: DeliveryId,
    arrival: Arc<Arrival>,
    subscription: SubscriptionId,
}

impl Worker {
    /// See [`Engine::events`](crate::store::engine::Engine::events).
    pub(super) async fn events(&self, workspace: &WorkspaceId, ids: Vec<String>) -> Result<Vec<Option<StoredEvent>>> {
        let partition = self.partition(workspace)?;
        let reads = ids.iter().map(|id| async move {
            let Some(message) = partition.stream.last(&subject::first_arrival(workspace, id)).await? else {
                return Ok(None);
            };
            let (arrival, body) = Arrival::split(&message.payload)?;
            let body = String::from_utf8(body.to_vec()).map_err(unavailable)?;
            let record = EventRecord { body, accepted_at: arrival.at };
            Ok(Some(StoredEvent { record, deliveries: arrival.to.len() }))
        });
        futures_util::stream::iter(reads.collect::<Vec<_>>()).buffered(CONCURRENCY).try_collect().await
    }

    /// See [`Engine::list`](crate::store::engine::Engine::list).
    pub(super) async fn list(&self, query: &ListQuery) -> Result<Vec<DeliveryRecord>> {
        let partition = self.partition(&query.workspace)?;
        let subject = match &query.event_id {
            Some(event) => subject::arrivals_of_event(&query.workspace, event),
            None => subject::arrivals_of(&query.workspace),
        };
        let (first, last) = partition.stream.bounds().await?;
        let mut to = query.before.map_or(u64::MAX, |id| locate(id).0).min(last).saturating_add(1);
        let (mut window, min, max) = WINDOW;
        let mut found = Vec::new();
        while found.len() < query.limit && to > first {
            let from = to.saturating_sub(window).max(first);
            let arrivals = partition.stream.range(&subject, from, to).await?;
            window = match arrivals.len() {
                FULL_WINDOW.. => window.checked_div(2).unwrap_or(window).max(min),
                0..64 => window.saturating_mul(4).min(max),
                _ => window,
            };
            let mut candidates = Vec::new();
            for message in arrivals.into_iter().rev() {
                candidates.extend(candidates_of(partition, &message, query)?);
            }
            let records = candidates.into_iter().map(|candidate| self.read_candidate(partition, query, candidate));
            let mut records = futures_util::stream::iter(records).buffered(CONCURRENCY);
            while found.len() < query.limit
                && let Some(record) = records.try_next().await?
            {
                let matches = query.states.contains(&StateName::from(&record.delivery.state()))
                    && (query.to_resend_since.is_none() || record.resent_as.is_none());
                found.extend(matches.then_some(record));
            }
            to = from;
        }
        Ok(found)
    }

    async fn read_candidate(
        &self,
        partition: &Partition,
        query: &ListQuery,
        candidate: Candidate,
    ) -> Result<DeliveryRecord> {
        let Candidate { id, arrival, subscription } = candidate;
        let subject = subject::delivery(&query.workspace, &subscription, id);
        let progress = match partition.stream.last(&subject).await? {
            Some(message) => schema::read(&message)?,
            None => {
                let arrived = arrival.to.get(locate(id).2).map(|(_, delivery)| *delivery);
                Progress::new(arrived.ok_or(StoreError::NotFound("delivery"))?)
            }
        };
        self.record_of(partition, &query.workspace, (id, &arrival, subscription), &progress).await
    }

    async fn record_of(
        &self,
        partition: &Partition,
        workspace: &WorkspaceId,
        (id, arrival, subscription): (DeliveryId, &Arrival, SubscriptionId),
        progress: &Progress,
    ) -> Result<DeliveryRecord> {
        let resent_as = match &progress.resent {
            Some(tag) => {
                let message =
                    partition.stream.last(&subject::resent_arrival(workspace, &arrival.event_id, tag)).await?;
                message.map(|message| delivery_id(message.sequence, partition.index, 0))
            }
            None => None,
        };
        Ok(DeliveryRecord {
            id,
            event_id: arrival.event_id.clone(),
            event_type: arrival.event_type.clone(),
            subscription,
            delivery: progress.delivery,
            created_at: arrival.at,
            resent_as,
        })
    }

    /// See [`Engine::delivery`](crate::store::engine::Engine::delivery).
    pub(super) async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<Option<(DeliveryRecord, Vec<Attempt>)>> {
        let Some((partition, message)) = self.arrival_of(workspace, id).await? else { return Ok(None) };
        let (arrival, _) = Arrival::split(&message.payload)?;
        let Some((subscription, _)) = arrival.to.get(locate(id).2).cloned() else { return Ok(None) };
        let Some((progress, _)) = partition.load(workspace, &subscription, id).await? else { return Ok(None) };
        let record = self.record_of(partition, workspace, (id, &arrival, subscription), &progress).await?;
        Ok(Some((record, progress.attempts.into_iter().map(Attempt::from).collect())))
    }

    /// Returns the partition and the arrival of a workspace's delivery.
    pub(super) async fn arrival_of(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<Option<(&Partition, Message)>> {
        let (sequence, index, _) = locate(id);
        let partition = self.partition(workspace)?;
        if index != partition.index {
            return Ok(None);
        }
        let message = partition.stream.at(sequence).await?.filter(|message| {
            let owner = Subject::parse(&message.subject);
            matches!(owner, Some(Subject::Arrival { workspace: owner }) if owner == workspace.as_str())
        });
        Ok(message.map(|message| (partition, message)))
    }

    /// See [`Engine::prune`](crate::store::engine::Engine::prune). Each worker prunes the partitions that it holds.
    pub(super) async fn prune(&self, before: UnixTime, max: usize) -> Result<usize> {
        let mut pruned: usize = 0;
        for partition in &self.partitions {
            let mut from = 1;
            while pruned < max {
                let page = partition.stream.page(subject::ARRIVALS, from).await?;
                let Some(last) = page.last() else { break };
                from = last.sequence.saturating_add(1);
                let count = page.len();
                let mut old = Vec::new();
                for message in page {
                    let (arrival, _) = Arrival::split(&message.payload)?;
                    if arrival.at < before && self.has_ended(partition, &message, &arrival) == Some(true) {
                        old.push((message, arrival));
                    }
                }
                let none_old = old.is_empty();
                old.truncate(max.saturating_sub(pruned));
                pruned = pruned.saturating_add(old.len());
                let erased =
                    futures_util::stream::iter(old).map(|(message, arrival)| self.erase(partition, message, arrival));
                erased.buffer_unordered(CONCURRENCY).try_collect::<Vec<()>>().await?;
                // Arrivals are ordered by age: after a page with no old arrival there are none.
                if none_old && count > 0 {
                    break;
                }
            }
        }
        Ok(pruned)
    }

    /// Tells whether none of an arrival's deliveries is pending; `None` if this worker cannot know.
    fn has_ended(&self, partition: &Partition, message: &Message, arrival: &Arrival) -> Option<bool> {
        let state = partition.state();
        let pending = state.pending.as_ref().filter(|_| state.held.is_some_and(|held| held.complete))?;
        let mut ids = (0..arrival.to.len()).map(|index| delivery_id(message.sequence, partition.index, index));
        Some(!ids.any(|id| pending.is_pending(id)))
    }

    async fn erase(&self, partition: &Partition, message: Message, arrival: Arrival) -> Result<()> {
        let Some(Subject::Arrival { workspace }) = Subject::parse(&message.subject) else { return Ok(()) };
        let workspace = workspace.to_owned().into();
        for (index, (subscription, _)) in arrival.to.iter().enumerate() {
            let id = delivery_id(message.sequence, partition.index, index);
            partition.stream.purge(&subject::delivery(&workspace, subscription, id)).await?;
        }
        partition.stream.delete(message.sequence).await
    }
}

/// Returns the deliveries of an arrival that may belong to a list, newest first.
fn candidates_of(partition: &Partition, message: &Message, query: &ListQuery) -> Result<Vec<Candidate>> {
    let arrival = Arc::new(Arrival::split(&message.payload)?.0);
    if query.to_resend_since.is_some_and(|since| arrival.at < since) {
        return Ok(Vec::new());
    }
    let mut candidates = Vec::new();
    for (index, (to, _)) in arrival.to.iter().enumerate().rev() {
        let id = delivery_id(message.sequence, partition.index, index);
        let is_listed = query.subscriptions.iter().any(|cached| cached.record.id == *to);
        if is_listed && query.before.is_none_or(|before| id < before) {
            candidates.push(Candidate { id, arrival: Arc::clone(&arrival), subscription: to.clone() });
        }
    }
    Ok(candidates)
}
