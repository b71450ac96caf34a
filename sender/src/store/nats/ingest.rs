//! Accepting events, and sending deliveries again.

use std::collections::HashMap;

use bytes::Bytes;
use clarife_webhooks::EventType;
use clarife_webhooks::sender::{Delivery, UnixMillis};
use futures_util::StreamExt as _;

use super::partition::{CONCURRENCY, Partition};
use super::schema::{Arrival, FIRST, delivery_id, event_subject};
use super::stream::{NewMessage, WriteError};
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Accepted, MAX_EVENTS, NewEvent, Result, StoreError, same};

/// How often something is tried anew when another process was faster.
pub(super) const TRIES: usize = 16;

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
