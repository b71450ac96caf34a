//! Accepting events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Acceptance, Delivery, plan_accept};

use super::engine::{Arrival, Arrivals, StoredEvent, WriteError, WriteResult};
use super::{Accepted, MAX_EVENTS, NewEvent, Result, Store, StoreError};
use crate::ids::{DeliveryId, SubscriptionId, WorkspaceId};

impl Store {
    /// Accepts up to [`MAX_EVENTS`] events: stores them and creates their deliveries, all or none. An event that was
    /// accepted before with the same type and data is a duplicate and creates no deliveries. One with another type or
    /// other data fails with [`StoreError::Conflict`].
    pub(crate) async fn accept(
        &self,
        workspace: &WorkspaceId,
        events: Vec<NewEvent>,
        now: UnixTime,
    ) -> Result<Vec<Accepted>> {
        if events.len() > MAX_EVENTS {
            return Err(StoreError::Unavailable(format!("cannot accept more than {MAX_EVENTS} events at a time")));
        }
        let events: Arc<[NewEvent]> = events.into();
        let texts: Vec<(&str, &str)> = events.iter().map(|event| (event.id.as_str(), event.body.as_str())).collect();
        // The first try takes all events for new. A conflict tells that some are stored.
        let stored: Mutex<HashMap<String, StoredEvent>> = Mutex::default();
        self.retry(workspace, || async {
            let known = stored.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let plan = plan_accept(&texts, |id| known.get(id).map(|stored| stored.record.body.as_str()))
                .map_err(|conflict| StoreError::Conflict { index: conflict.index })?;
            let arrivals = self.plan_arrivals(workspace, &events, &plan, now)?;
            let counts: HashMap<usize, usize> =
                arrivals.new.iter().map(|arrival| (arrival.index, arrival.to.len())).collect();
            let inserted = if arrivals.new.is_empty() {
                self.engine().map(|_| Vec::new()).map_err(WriteError::from)
            } else {
                self.engine()?.insert(arrivals).await
            };
            if matches!(inserted, Err(WriteError::Conflict)) {
                let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
                let found = self.engine()?.events(workspace, ids.clone()).await?;
                let found = ids.into_iter().zip(found).filter_map(|(id, found)| Some((id, found?)));
                stored.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            }
            inserted?;
            let accepted = events.iter().zip(&plan).enumerate().map(|(index, (event, acceptance))| {
                let deliveries = match acceptance {
                    Acceptance::New => counts.get(&index).copied(),
                    Acceptance::Repeats(first) => counts.get(first).copied(),
                    Acceptance::Stored => known.get(&event.id).map(|stored| stored.deliveries),
                };
                Accepted { deliveries: deliveries.unwrap_or(0), repeated: *acceptance != Acceptance::New }
            });
            Ok(accepted.collect())
        })
        .await
    }

    /// Plans the deliveries of the new events: one for each subscription to the event's type.
    fn plan_arrivals(
        &self,
        workspace: &WorkspaceId,
        events: &Arc<[NewEvent]>,
        plan: &[Acceptance],
        now: UnixTime,
    ) -> WriteResult<Arrivals> {
        let catalog = self.memory.catalog();
        if !catalog.is_complete(workspace)? {
            return Err(WriteError::Conflict); // another worker's records are being read
        }
        let (subscriptions, (_, version)) = (catalog.subscriptions(workspace)?, catalog.workspace(workspace)?);
        let new = events.iter().zip(plan).enumerate().filter(|(_, (_, acceptance))| **acceptance == Acceptance::New);
        let new = new.map(|(index, (event, _))| {
            let event_type = EventType::from_name(&event.event_type);
            let deliveries = subscriptions.iter().filter_map(|cached| {
                let delivery = cached.record.subscription.accept(event_type, now)?;
                Some((cached.clone(), delivery))
            });
            Arrival { index, to: deliveries.collect() }
        });
        let (workspace, events) = (workspace.clone(), Arc::clone(events));
        Ok(Arrivals { workspace, version, at: now, new: new.collect(), events })
    }

    /// Accepts a test event for one subscription, active or not.
    pub(crate) async fn accept_test(
        &self,
        workspace: &WorkspaceId,
        id: &SubscriptionId,
        event: NewEvent,
        now: UnixTime,
    ) -> Result<DeliveryId> {
        let events: Arc<[NewEvent]> = vec![event].into();
        let inserted = self.retry(workspace, || async {
            let (to, version) = {
                let catalog = self.memory.catalog();
                let cached = catalog.subscription(workspace, id)?;
                (vec![(cached, Delivery::test(now))], catalog.workspace(workspace)?.1)
            };
            let new = vec![Arrival { index: 0, to }];
            let (workspace, events) = (workspace.clone(), Arc::clone(&events));
            self.engine()?.insert(Arrivals { workspace, version, at: now, events, new }).await
        });
        let id = inserted.await?.into_iter().flatten().next();
        id.ok_or_else(|| StoreError::Unavailable("the test event has no delivery".into()))
    }
}
