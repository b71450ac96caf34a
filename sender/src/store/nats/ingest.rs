//! Accepting events, and sending deliveries again.

use std::collections::HashMap;

use bytes::Bytes;
use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, DeliveryState, ResendError};
use futures_util::StreamExt as _;
use uuid::Uuid;

use super::partition::{CONCURRENCY, Partition, Worker};
use super::pending::effective_state;
use super::schema::{self, Arrival, FIRST, delivery_id, event_subject, locate, partition_of, progress_subject};
use super::stream::{Message, NewMessage, WriteError};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Accepted, MAX_EVENTS, NewEvent, Result, StoreError, SubscriptionRecord, same};

/// How often something is tried anew when another process was faster.
pub(super) const TRIES: usize = 16;
/// How many arrivals are looked at together when deliveries are sent again.
const WINDOW: u64 = 1024;

/// An event that was accepted before.
struct Earlier {
    body: Bytes,
    deliveries: usize,
}

impl Worker {
    /// See [`Store::accept`](crate::store::Store::accept).
    pub(super) async fn accept(
        &self,
        workspace: &WorkspaceId,
        events: Vec<NewEvent>,
        now: UnixTime,
    ) -> Result<Vec<Accepted>> {
        if events.len() > MAX_EVENTS {
            return Err(StoreError::Unavailable(format!("it takes at most {MAX_EVENTS} events at a time")));
        }
        let subscriptions = self.catalog().subscriptions(workspace)?;
        let partition = self.partition(workspace)?;
        let mut firsts: HashMap<&str, &str> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            let first = *firsts.entry(&event.id).or_insert(&event.body);
            if !same(first, &event.body) {
                return Err(StoreError::Conflict { index });
            }
        }
        let arrive = |event: &NewEvent| {
            let event_type = EventType::from_name(&event.event_type);
            let wanted = subscriptions.iter().filter_map(|cached| {
                let delivery = cached.record.subscription.accept(event_type, now)?;
                Some((cached.record.id.clone(), delivery))
            });
            arrival(event, now, wanted.collect())
        };
        let mut earlier: HashMap<&str, Earlier> = HashMap::new();
        for _ in 0..TRIES {
            let mut new: Vec<&NewEvent> = Vec::new();
            for event in &events {
                if !earlier.contains_key(event.id.as_str()) && !new.iter().any(|other| other.id == event.id) {
                    new.push(event);
                }
            }
            let arrivals: Vec<Arrival> = new.iter().map(|event| arrive(event)).collect();
            match self.write_arrivals(partition, workspace, &new, &arrivals).await {
                Ok(()) => {
                    let counts =
                        new.iter().zip(&arrivals).map(|(event, arrival)| (event.id.as_str(), arrival.to.len()));
                    let counts = counts.collect();
                    return Ok(outcomes(&events, &earlier, counts));
                }
                Err(WriteError::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
            let look = new.iter().map(|event| async {
                let subject = format!("{}.{FIRST}", event_subject(workspace, &event.id));
                partition.stream.last(&subject).await.map(|found| (event.id.as_str(), found))
            });
            let mut looks = futures_util::stream::iter(look.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY);
            while let Some(found) = looks.next().await {
                let (id, found) = found?;
                if let Some(read) = found {
                    let (arrival, body) = Arrival::split(&read.payload)?;
                    earlier.insert(id, Earlier { body, deliveries: arrival.to.len() });
                }
            }
            for (index, event) in events.iter().enumerate() {
                let conflicts = earlier.get(event.id.as_str()).is_some_and(|earlier| {
                    !std::str::from_utf8(&earlier.body).is_ok_and(|earlier| same(earlier, &event.body))
                });
                if conflicts {
                    return Err(StoreError::Conflict { index });
                }
            }
        }
        Err(WriteError::Conflict.into())
    }

    async fn write_arrivals(
        &self,
        partition: &Partition,
        workspace: &WorkspaceId,
        events: &[&NewEvent],
        arrivals: &[Arrival],
    ) -> std::result::Result<(), WriteError> {
        let mut writes = Vec::with_capacity(events.len());
        for (event, arrival) in events.iter().zip(arrivals) {
            let subject = format!("{}.{FIRST}", event_subject(workspace, &event.id));
            let payload = arrival.with_body(&event.body).map_err(|error| WriteError::Unavailable(error.to_string()))?;
            writes.push(NewMessage { subject, payload, replaces: Some(0), keep_forever: false });
        }
        let count = writes.len() as u64;
        let last = partition.stream.write(writes).await?;
        let first = last.saturating_add(1).saturating_sub(count);
        for (sequence, (event, arrival)) in (first..).zip(events.iter().zip(arrivals)) {
            self.apply_own_arrival(partition, sequence, arrival, event.body.as_bytes());
        }
        Ok(())
    }

    /// See [`Store::accept_test`](crate::store::Store::accept_test).
    pub(super) async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: &NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId> {
        self.catalog().subscription(workspace, id)?;
        let arrival = arrival(event, now, vec![(id.clone(), Delivery::test(now))]);
        let subject = format!("{}.{FIRST}", event_subject(workspace, &event.id));
        let payload = arrival.with_body(&event.body)?;
        let partition = self.partition(workspace)?;
        let write = NewMessage { subject, payload, replaces: Some(0), keep_forever: false };
        let sequence = partition.stream.write(vec![write]).await?;
        self.apply_own_arrival(partition, sequence, &arrival, event.body.as_bytes());
        Ok(delivery_id(sequence, partition.index, 0))
    }

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

fn arrival(event: &NewEvent, at: UnixTime, to: Vec<(SubscriptionId, Delivery)>) -> Arrival {
    Arrival { event_id: event.id.clone(), event_type: event.event_type.clone(), at, to }
}

/// What to say of each event: the first time it was given it was new, unless it was there before.
fn outcomes(events: &[NewEvent], earlier: &HashMap<&str, Earlier>, mut new: HashMap<&str, usize>) -> Vec<Accepted> {
    let mut said: HashMap<&str, usize> = HashMap::new();
    let accepted = events.iter().map(|event| {
        let id = event.id.as_str();
        if let Some(deliveries) = new.remove(id) {
            said.insert(id, deliveries);
            return Accepted { deliveries, repeated: false };
        }
        let before = earlier.get(id).map(|earlier| earlier.deliveries);
        let deliveries = before.or_else(|| said.get(id).copied()).unwrap_or(0);
        Accepted { deliveries, repeated: true }
    });
    accepted.collect()
}
