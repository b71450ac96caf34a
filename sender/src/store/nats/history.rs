//! Reading events, deliveries and attempts off the streams; and forgetting the old ones.
//!
//! There is no index but the subjects. A page is read backwards, a stretch of the workspace's arrivals at a time, so it costs as much as lies
//! between the first and the last delivery that it shows.

use std::collections::HashMap;

use clarife_webhooks::UnixTime;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::catalog::CachedSubscription;
use super::partition::{CONCURRENCY, Partition};
use super::pending::effective_state;
use super::schema::{Arrival, FIRST, Progress, delivery_id, event_subject, locate, progress_subject};
use super::stream::Message;
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Attempt, DeliveryFilter, DeliveryRecord, EventRecord, Page, Result, StateName, StoreError};

/// How many sequences of the stream are looked at together: the first time, at least, and at most.
const STRETCH: (u64, u64, u64) = (512, 256, 1 << 20);
/// With so many arrivals in a stretch the next one is shorter.
const MANY: usize = 512;

/// A delivery that may belong on the page.
struct Candidate {
    id: DeliveryId,
    arrival: std::sync::Arc<Arrival>,
    cached: CachedSubscription,
}

impl Worker {
    /// See [`Store::event`](crate::store::Store::event).
    pub(super) async fn event(&self, workspace: &WorkspaceId, id: &str) -> Result<EventRecord> {
        self.catalog().workspace(workspace)?;
        let subject = format!("{}.{FIRST}", event_subject(workspace, id));
        let read = self.partition(workspace)?.stream.last(&subject).await?.ok_or(StoreError::NotFound("event"))?;
        let (arrival, body) = Arrival::split(&read.payload)?;
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
            Some(event) => format!("{}.*", event_subject(workspace, event)),
            None => format!("a.{workspace}.>"),
        };
        let (first, last) = partition.stream.bounds().await?;
        let mut to = filter.before.map_or(u64::MAX, |id| locate(id).0).min(last).saturating_add(1);
        let (mut stretch, least, most) = STRETCH;
        let wanted = filter.limit.saturating_add(1);
        let mut page = Vec::new();
        while page.len() < wanted && to > first {
            let from = to.saturating_sub(stretch).max(first);
            let arrivals = partition.stream.range(&subject, from, to).await?;
            stretch = match arrivals.len() {
                MANY.. => stretch.checked_div(2).unwrap_or(stretch).max(least),
                0..64 => stretch.saturating_mul(4).min(most),
                _ => stretch,
            };
            let mut candidates = Vec::new();
            for read in arrivals.into_iter().rev() {
                let arrival = std::sync::Arc::new(Arrival::split(&read.payload)?.0);
                for (index, (to, _)) in arrival.to.iter().enumerate().rev() {
                    let id = delivery_id(read.sequence, partition.index, index);
                    if let Some(cached) = cached.get(to)
                        && filter.before.is_none_or(|before| id < before)
                    {
                        candidates.push(Candidate { id, arrival: arrival.clone(), cached: cached.clone() });
                    }
                }
            }
            let mut record = futures_util::stream::iter(candidates)
                .map(|candidate| self.read_record(partition, candidate))
                .buffered(CONCURRENCY);
            while page.len() < wanted
                && let Some(record) = record.try_next().await?
            {
                let passes = filter.state.is_none_or(|state| StateName::from(&record.delivery.state()) == state);
                page.extend(passes.then_some(record));
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
        let subject = progress_subject(&subscription.workspace, &subscription.id, id);
        let (progress, version) = match partition.stream.last(&subject).await? {
            Some(read) => (super::schema::read(&read)?, read.sequence),
            None => {
                let arrived = arrival.to.get(locate(id).2).map(|(_, delivery)| *delivery);
                (Progress::new(arrived.ok_or(StoreError::NotFound("delivery"))?), 0)
            }
        };
        let resent_as = match progress.resent {
            Some(which) => {
                let subject = format!("{}.{which}", event_subject(&subscription.workspace, &arrival.event_id));
                let read = partition.stream.last(&subject).await?;
                read.map(|read| delivery_id(read.sequence, partition.index, 0))
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
        let (partition, read) = self.arrival_of(workspace, id).await?;
        let (arrival, _) = Arrival::split(&read.payload)?;
        let cached = arrival.to.get(locate(id).2).and_then(|(to, _)| self.catalog().get(to).cloned());
        let cached = cached.ok_or(StoreError::NotFound("delivery"))?;
        let loaded = partition.load(workspace, &cached.record.id, id).await?;
        let (progress, _) = loaded.ok_or(StoreError::NotFound("delivery"))?;
        let record = self.read_record(partition, Candidate { id, arrival: arrival.into(), cached }).await?;
        Ok((record, progress.attempts.into_iter().map(Attempt::from).collect()))
    }

    /// See [`Store::prune`](crate::store::Store::prune). Each process forgets in the partitions that it has.
    pub(super) async fn prune(&self, before: UnixMillis, max: usize) -> Result<usize> {
        let mut pruned: usize = 0;
        for partition in &self.partitions {
            let mut from = 1;
            while pruned < max {
                let page = partition.stream.page("a.>", from).await?;
                let Some(last) = page.last() else { break };
                from = last.sequence.saturating_add(1);
                let count = page.len();
                let mut old = Vec::new();
                for read in page {
                    let (arrival, _) = Arrival::split(&read.payload)?;
                    if arrival.at < before && self.is_over(partition, &read, &arrival) == Some(true) {
                        old.push((read, arrival));
                    }
                }
                let none = old.is_empty();
                old.truncate(max.saturating_sub(pruned));
                pruned = pruned.saturating_add(old.len());
                let gone = futures_util::stream::iter(old).map(|(read, arrival)| self.erase(partition, read, arrival));
                gone.buffer_unordered(CONCURRENCY).try_collect::<Vec<()>>().await?;
                // Arrivals stand in the order of their age: after some that are all too young there are no old ones.
                if none && count > 0 {
                    break;
                }
            }
        }
        Ok(pruned)
    }

    /// Whether none of an arrival's deliveries is pending; `None` if this process cannot know.
    fn is_over(&self, partition: &Partition, read: &Message, arrival: &Arrival) -> Option<bool> {
        let state = partition.state();
        let pending = state.pending.as_ref().filter(|_| state.held.is_some_and(|held| held.complete))?;
        let mut ids = (0..arrival.to.len()).map(|index| delivery_id(read.sequence, partition.index, index));
        Some(!ids.any(|id| pending.is_pending(id)))
    }

    async fn erase(&self, partition: &Partition, read: Message, arrival: Arrival) -> Result<()> {
        let workspace = read.subject.split('.').nth(1).unwrap_or_default().to_owned().into();
        for (index, (subscription, _)) in arrival.to.iter().enumerate() {
            let id = delivery_id(read.sequence, partition.index, index);
            partition.stream.purge(&progress_subject(&workspace, subscription, id)).await?;
        }
        partition.stream.delete(read.sequence).await
    }
}
