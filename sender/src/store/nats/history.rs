//! Reading events, deliveries and attempts from the streams, and deleting old ones.
//!
//! The subjects are the only index. A page reads windows of the workspace's arrivals backwards, so its cost depends on
//! the records between its first and its last delivery.

use std::collections::HashMap;

use clarife_webhooks::UnixTime;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::catalog::CachedSubscription;
use super::partition::{CONCURRENCY, Partition};
use super::pending::effective_state;
use super::schema::{Arrival, Progress, delivery_id, locate};
use super::stream::Message;
use super::subject::{self, Subject};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Attempt, DeliveryFilter, DeliveryRecord, EventRecord, Page, Result, StateName, StoreError};

/// Number of sequences in a window: the first, the minimum and the maximum.
const WINDOW: (u64, u64, u64) = (512, 256, 1 << 20);
/// Number of arrivals in a window from which the next window shrinks.
const FULL_WINDOW: usize = 512;

/// A delivery that may belong to the page.
struct Candidate {
    id: DeliveryId,
    arrival: std::sync::Arc<Arrival>,
    cached: CachedSubscription,
}

impl Worker {
    /// See [`Store::event`](crate::store::Store::event).
    pub(super) async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord> {
        self.catalog().workspace(workspace)?;
        let subject = subject::first_arrival(workspace, id);
        let message = self.partition(workspace)?.stream.last(&subject).await?.ok_or(StoreError::NotFound("event"))?;
        let (arrival, body) = Arrival::split(&message.payload)?;
        let body = String::from_utf8(body.to_vec()).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(EventRecord { body, accepted_at: arrival.at })
    }

    /// See [`Store::deliveries`](crate::store::Store::deliveries).
    pub(super) async fn deliveries(&self, workspace: &WorkspaceId, filter: &DeliveryFilter) -> Result<Page> {
        let cached: HashMap<SubscriptionId, _> = {
            let catalog = self.catalog();
            let all = match &filter.subscription {
                Some(id) => vec![catalog.subscription(workspace, id)?],
                None => catalog.subscriptions(workspace)?,
            };
            all.into_iter().map(|cached| (cached.record.id.clone(), cached)).collect()
        };
        let partition = self.partition(workspace)?;
        let subject = match &filter.event_id {
            Some(event) => subject::arrivals_of_event(workspace, event),
            None => subject::arrivals_of(workspace),
        };
        let (first, last) = partition.stream.bounds().await?;
        let mut to = filter.before.map_or(u64::MAX, |id| locate(id).0).min(last).saturating_add(1);
        let (mut window, min, max) = WINDOW;
        let needed = filter.limit.saturating_add(1);
        let mut page = Vec::new();
        while page.len() < needed && to > first {
            let from = to.saturating_sub(window).max(first);
            let arrivals = partition.stream.range(&subject, from, to).await?;
            window = match arrivals.len() {
                FULL_WINDOW.. => window.checked_div(2).unwrap_or(window).max(min),
                0..64 => window.saturating_mul(4).min(max),
                _ => window,
            };
            let mut candidates = Vec::new();
            for message in arrivals.into_iter().rev() {
                let arrival = std::sync::Arc::new(Arrival::split(&message.payload)?.0);
                for (index, (to, _)) in arrival.to.iter().enumerate().rev() {
                    let id = delivery_id(message.sequence, partition.index, index);
                    if let Some(cached) = cached.get(to)
                        && filter.before.is_none_or(|before| id < before)
                    {
                        candidates.push(Candidate { id, arrival: arrival.clone(), cached: cached.clone() });
                    }
                }
            }
            let mut records = futures_util::stream::iter(candidates)
                .map(|candidate| self.read_record(partition, candidate))
                .buffered(CONCURRENCY);
            while page.len() < needed
                && let Some(record) = records.try_next().await?
            {
                let matches = filter.state.is_none_or(|state| StateName::from(&record.delivery.state()) == state);
                page.extend(matches.then_some(record));
            }
            to = from;
        }
        let more = page.len() > filter.limit;
        page.truncate(filter.limit);
        Ok(Page { deliveries: page, more })
    }

    async fn read_record(&self, partition: &Partition, candidate: Candidate) -> Result<DeliveryRecord> {
        let Candidate { id, arrival, cached } = candidate;
        let subscription = &cached.record;
        let subject = subject::delivery(&subscription.workspace, &subscription.id, id);
        let (progress, version) = match partition.stream.last(&subject).await? {
            Some(message) => (super::schema::read(&message)?, message.sequence),
            None => {
                let arrived = arrival.to.get(locate(id).2).map(|(_, delivery)| *delivery);
                (Progress::new(arrived.ok_or(StoreError::NotFound("delivery"))?), 0)
            }
        };
        let resent_as = match progress.resent {
            Some(tag) => {
                let subject = subject::resent_arrival(&subscription.workspace, &arrival.event_id, &tag);
                let message = partition.stream.last(&subject).await?;
                message.map(|message| delivery_id(message.sequence, partition.index, 0))
            }
            None => None,
        };
        Ok(DeliveryRecord {
            id,
            event_id: arrival.event_id.clone(),
            event_type: arrival.event_type.clone(),
            subscription: subscription.id.clone(),
            delivery: effective_state(progress.delivery, id, version, &cached),
            created_at: arrival.at,
            resent_as,
        })
    }

    /// See [`Store::delivery`](crate::store::Store::delivery).
    pub(super) async fn delivery(
        &self,
        workspace: &WorkspaceId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let (partition, message) = self.arrival_of(workspace, id).await?;
        let (arrival, _) = Arrival::split(&message.payload)?;
        let cached = arrival.to.get(locate(id).2).and_then(|(to, _)| self.catalog().get(to).cloned());
        let cached = cached.ok_or(StoreError::NotFound("delivery"))?;
        let loaded = partition.load(workspace, &cached.record.id, id).await?;
        let (progress, _) = loaded.ok_or(StoreError::NotFound("delivery"))?;
        let record = self.read_record(partition, Candidate { id, arrival: arrival.into(), cached }).await?;
        Ok((record, progress.attempts.into_iter().map(Attempt::from).collect()))
    }

    /// See [`Store::prune`](crate::store::Store::prune). Each worker prunes the partitions that it holds.
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
