//! Accepting events.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use futures_util::StreamExt as _;

use super::partition::{CONCURRENCY, Partition};
use super::retry::retry_on_conflict;
use super::schema::{Arrival, delivery_id};
use super::stream::{NewMessage, WriteError};
use super::subject;
use super::worker::Worker;
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};
use crate::store::{Accepted, MAX_EVENTS, NewEvent, Result, StoreError, same_event};

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
            return Err(StoreError::Unavailable(format!("cannot accept more than {MAX_EVENTS} events at a time")));
        }
        let subscriptions = self.catalog().subscriptions(workspace)?;
        let partition = self.partition(workspace)?;
        let mut firsts: HashMap<&str, &str> = HashMap::new();
        for (index, event) in events.iter().enumerate() {
            let first = *firsts.entry(&event.id).or_insert(&event.body);
            if !same_event(first, &event.body) {
                return Err(StoreError::Conflict { index });
            }
        }
        let new_arrival = |event: &NewEvent| {
            let event_type = EventType::from_name(&event.event_type);
            let deliveries = subscriptions.iter().filter_map(|cached| {
                let delivery = cached.record.subscription.accept(event_type, now)?;
                Some((cached.record.id.clone(), delivery))
            });
            arrival(event, now, deliveries.collect())
        };
        let earlier: Mutex<HashMap<&str, Earlier>> = Mutex::default();
        let earlier = || earlier.lock().unwrap_or_else(PoisonError::into_inner);
        retry_on_conflict(|| async {
            let new = distinct(&events, &earlier());
            let arrivals: Vec<Arrival> = new.iter().map(|event| new_arrival(event)).collect();
            match self.write_arrivals(partition, workspace, &new, &arrivals).await {
                Ok(()) => {
                    let counts =
                        new.iter().zip(&arrivals).map(|(event, arrival)| (event.id.as_str(), arrival.to.len()));
                    return Ok(outcomes(&events, &earlier(), counts.collect()));
                }
                Err(WriteError::Conflict) => {}
                Err(error) => return Err(error),
            }
            // At least one of the events was accepted before.
            let found = self.read_earlier(partition, workspace, &new).await?;
            let mut earlier = earlier();
            earlier.extend(found);
            for (index, event) in events.iter().enumerate() {
                let conflicts = earlier.get(event.id.as_str()).is_some_and(|earlier| {
                    !std::str::from_utf8(&earlier.body).is_ok_and(|earlier| same_event(earlier, &event.body))
                });
                if conflicts {
                    return Err(StoreError::Conflict { index }.into());
                }
            }
            Err(WriteError::Conflict)
        })
        .await
    }

    /// Reads the first arrivals of those events that were accepted before.
    async fn read_earlier<'e>(
        &self,
        partition: &Partition,
        workspace: &WorkspaceId,
        events: &[&'e NewEvent],
    ) -> Result<Vec<(&'e str, Earlier)>> {
        let mut found = Vec::new();
        let reads = events.iter().map(|event| async {
            let subject = subject::first_arrival(workspace, &event.id);
            partition.stream.last(&subject).await.map(|found| (event.id.as_str(), found))
        });
        let mut reads = futures_util::stream::iter(reads.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY);
        while let Some(read) = reads.next().await {
            if let (id, Some(message)) = read? {
                let (arrival, body) = Arrival::split(&message.payload)?;
                found.push((id, Earlier { body, deliveries: arrival.to.len() }));
            }
        }
        Ok(found)
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
            let (subject, payload) = (subject::first_arrival(workspace, &event.id), arrival.with_body(&event.body)?);
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
        let (subject, payload) = (subject::first_arrival(workspace, &event.id), arrival.with_body(&event.body)?);
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

/// Returns the events that were not accepted before, the first of each id.
fn distinct<'e>(events: &'e [NewEvent], earlier: &HashMap<&str, Earlier>) -> Vec<&'e NewEvent> {
    let mut new: Vec<&NewEvent> = Vec::new();
    for event in events {
        if !earlier.contains_key(event.id.as_str()) && !new.iter().any(|other| other.id == event.id) {
            new.push(event);
        }
    }
    new
}

/// Returns the outcome of each event. An event is repeated if it was accepted before, or earlier in the request.
fn outcomes(events: &[NewEvent], earlier: &HashMap<&str, Earlier>, mut new: HashMap<&str, usize>) -> Vec<Accepted> {
    let mut reported: HashMap<&str, usize> = HashMap::new();
    let accepted = events.iter().map(|event| {
        let id = event.id.as_str();
        if let Some(deliveries) = new.remove(id) {
            reported.insert(id, deliveries);
            return Accepted { deliveries, repeated: false };
        }
        let before = earlier.get(id).map(|earlier| earlier.deliveries);
        let deliveries = before.or_else(|| reported.get(id).copied()).unwrap_or(0);
        Accepted { deliveries, repeated: true }
    });
    accepted.collect()
}
