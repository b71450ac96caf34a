//! Fault tests: servers that are down, paused or out of disk space, and workers that are away. Accepted events are
//! kept, other events are refused, and attempts being recorded are not repeated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clarife_webhooks::EventType;
use clarife_webhooks::sender::{DeliveryState, RETRY_DELAYS, build_event};
use nats_cluster::Cluster;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::partition::Partition;
use super::stream::PATIENCE;
use super::tests::{NatsStore, open, start_cluster, url};
use crate::clock::wall;
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::conformance::{NOW, PER_SUBSCRIPTION, attempt, deliver, events, finish, lease, soon, workspaces};
use crate::store::lease::LEASE;
use crate::store::{DeliveryFilter, NewEvent, StateName, StoreError};

const SERVERS: usize = 3;
/// Longer than any request waits for a server.
const STANDSTILL: Duration = PATIENCE.saturating_add(Duration::from_secs(2));

/// A dispatcher that leases all deliveries and records them as delivered, with retries until the store accepts the
/// record.
struct Dispatcher {
    /// Number of attempts per delivery.
    attempts: Arc<Mutex<HashMap<DeliveryId, usize>>>,
    /// Set once outcomes are to be recorded.
    records: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Dispatcher {
    fn start(stores: &[Arc<NatsStore>], records: bool) -> Self {
        let (attempts, records, mut tasks) = (Arc::default(), watch::Sender::new(records), JoinSet::new());
        for store in stores {
            tasks.spawn(dispatch(Arc::clone(store), Arc::clone(&attempts), records.subscribe()));
        }
        Self { attempts, records, _tasks: tasks }
    }

    fn attempts(&self) -> Vec<usize> {
        self.attempts.lock().expect("no panic").values().copied().collect()
    }

    /// Waits until `count` deliveries were attempted and none is pending, and checks that each was attempted
    /// once. The count of pending deliveries may be a renewal old, so the history of each workspace is read.
    async fn ends_with(self, store: &NatsStore, workspaces: &[WorkspaceId], count: usize) {
        let filter = DeliveryFilter { state: Some(StateName::Pending), limit: 1, ..DeliveryFilter::default() };
        soon(async || self.attempts().len() == count).await;
        for workspace in workspaces {
            soon(async || store.deliveries(workspace, &filter).await.is_ok_and(|page| page.deliveries.is_empty()))
                .await;
        }
        assert!(self.attempts().iter().all(|attempts| *attempts == 1), "{:?}", self.attempts());
        soon(async || store.stats().await.is_ok_and(|stats| stats.pending == 0)).await;
    }
}

async fn dispatch(
    store: Arc<NatsStore>,
    attempts: Arc<Mutex<HashMap<DeliveryId, usize>>>,
    records: watch::Receiver<bool>,
) {
    let mut in_flight = JoinSet::new();
    loop {
        for leased in store.lease(NOW, 100).await.unwrap_or_default() {
            *attempts.lock().expect("no panic").entry(leased.id).or_default() += 1;
            let (store, mut records) = (Arc::clone(&store), records.clone());
            in_flight.spawn(async move {
                records.wait_for(|records| *records).await.expect("is not over");
                while let Err(error) = store.record(&leased, attempt(&leased, 200, NOW)).await {
                    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Accepts an event, with retries until the store accepts it; returns the number of refusals.
async fn accept_with_retries(store: &NatsStore, workspace: &WorkspaceId, event: NewEvent) -> usize {
    for refused in 0..1000 {
        match store.accept(workspace, vec![event.clone()], NOW).await {
            Ok(_) => return refused,
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("an event was refused again and again");
}

fn held_partitions(store: &NatsStore) -> usize {
    let complete = |partition: &&Partition| partition.state().held.is_some_and(|held| held.complete);
    store.engine.worker.partitions.iter().filter(complete).count()
}

fn kill_all(cluster: &mut Cluster) {
    (0..SERVERS).for_each(|server| cluster.kill(server).expect("runs"));
}

fn restart_all(cluster: &mut Cluster) {
    (0..SERVERS).for_each(|server| cluster.restart(server).expect("starts"));
    cluster.wait().expect("is well again");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_away_for_longer_than_a_lease_repeat_no_attempt() {
    let (mut cluster, _folder) = start_cluster();
    let url = format!("{}/away?partitions=4", cluster.url());
    let stores = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    soon(async || stores.iter().all(|store| held_partitions(store) == 2)).await;
    let workspaces = workspaces(&stores[0], 8).await;
    let (each, first) = (2 * PER_SUBSCRIPTION, workspaces.len() * PER_SUBSCRIPTION);
    for workspace in &workspaces {
        stores[0].accept(workspace, events(each), NOW).await.expect("are kept");
    }
    let dispatcher = Dispatcher::start(&stores, false);
    soon(async || dispatcher.attempts().len() == first).await;
    kill_all(&mut cluster);
    dispatcher.records.send_replace(true);
    tokio::time::sleep(LEASE.saturating_add(Duration::from_secs(3))).await;
    assert_eq!(dispatcher.attempts().len(), first);
    restart_all(&mut cluster);
    dispatcher.ends_with(&stores[0], &workspaces, workspaces.len() * each).await;
    for workspace in &workspaces {
        let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
        let history = stores[0].deliveries(workspace, &filter).await.expect("is there").deliveries;
        let delivered_once = DeliveryState::Delivered { attempts: 1, at: NOW };
        assert!(
            history.len() == each && history.iter().all(|record| record.delivery.state() == delivered_once),
            "{history:?}"
        );
    }
    for store in stores {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_stand_still_lose_nothing_that_was_accepted() {
    const EVENTS: usize = 100;
    let (cluster, _folder) = start_cluster();
    let store = Arc::new(open(&format!("{}/still?partitions=1", cluster.url())).await);
    let workspace = workspaces(&store, 1).await.remove(0);
    let dispatcher = Dispatcher::start(&[Arc::clone(&store)], true);
    let mut clients = JoinSet::new();
    let each = |event: NewEvent| {
        let (store, workspace) = (Arc::clone(&store), workspace.clone());
        async move { accept_with_retries(&store, &workspace, event).await }
    };
    let mut all = events(EVENTS).into_iter();
    for servers in [vec![0, 1, 2], vec![1]] {
        all.by_ref().take(EVENTS / 4).for_each(|event| drop(clients.spawn(each(event))));
        servers.iter().for_each(|server| cluster.pause(*server).expect("runs"));
        all.by_ref().take(EVENTS / 5).for_each(|event| drop(clients.spawn(each(event))));
        tokio::time::sleep(STANDSTILL).await;
        servers.iter().for_each(|server| cluster.resume(*server).expect("runs"));
        cluster.wait().expect("is well again");
    }
    all.for_each(|event| drop(clients.spawn(each(event))));
    let refused: usize = clients.join_all().await.into_iter().sum();
    assert!(refused > 0, "with all servers standing still, something cannot be kept");
    dispatcher.ends_with(&store, &[workspace], EVENTS).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_keeps_what_was_accepted() {
    let (mut cluster, _folder) = start_cluster();
    let store = open(&format!("{}/full?partitions=1", cluster.url())).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    let event = |n| {
        let mut event = events(n + 1).remove(n);
        let data = serde_json::json!({ "title": "x".repeat(50_000) });
        event.body = build_event(&event.id, EventType::ShareCreated, NOW, &data).expect("is an event");
        event
    };
    (0..SERVERS).for_each(|server| cluster.fill_disk(server, 1_000_000).expect("runs"));
    let mut kept = 0;
    let refused = loop {
        match store.accept(&workspace, vec![event(kept)], NOW).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 1000, "there was no room for so much");
    };
    assert!(kept > 0 && matches!(refused, StoreError::Unavailable(_)), "{kept}, {refused}");
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
    // There is space again.
    kill_all(&mut cluster);
    restart_all(&mut cluster);
    accept_with_retries(&store, &workspace, event(kept)).await;
    for n in 0..=kept {
        let event = event(n);
        assert_eq!(store.event(&workspace, &event.id).await.expect("is kept").body, event.body);
    }
    assert_eq!(deliver(&[&store], kept + 1).await, [kept + 1]);
    soon(async || store.stats().await.is_ok_and(|stats| stats.pending == 0)).await;
    store.close().await;
}

#[tokio::test]
async fn a_worker_that_was_away_keeps_nothing_of_what_another_had() {
    let url = url();
    let away = open(&url).await;
    let workspace = workspaces(&away, 1).await.remove(0);
    away.accept(&workspace, events(1), NOW).await.expect("are kept");
    let leased = lease(&away, NOW, 1).await.remove(0);
    away.engine.tasks.lock().expect("no panic").drain(..).for_each(|task| task.abort()); // its leases are no longer renewed
    let other = open(&url).await;
    let again = lease(&other, NOW, 1).await.remove(0);
    assert_eq!((again.id, again.attempt), (leased.id, 1));
    let partition = away.engine.worker.partition(&workspace).expect("is there");
    away.engine.worker.renew(partition).await;
    assert!(partition.state().held.is_none() && partition.state().pending.is_none());
    // Its outcome is not lost, and the attempt counts once.
    finish(&away, &leased, 200, NOW).await;
    let recorded = other.record(&again, attempt(&again, 200, NOW)).await.expect("is open").expect("is there");
    assert!(!recorded.changed);
    assert_eq!(other.delivery(&workspace, leased.id).await.expect("is there").1.len(), 1);
    soon(async || other.stats().await.is_ok_and(|stats| stats.pending == 0)).await;
    other.close().await;
    away.close().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_delay_retries() {
    let url = url();
    let store = open(&url).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    store.accept(&workspace, events(1), NOW).await.expect("are kept");
    let first = lease(&store, NOW, 1).await.remove(0);
    let ahead = wall().saturating_add(Duration::from_secs(365 * 24 * 3600));
    store.record(&first, attempt(&first, 500, ahead)).await.expect("is open");
    store.close().await;
    let store = open(&url).await;
    let longest = RETRY_DELAYS.iter().max().copied().expect("some");
    let minutes_later = wall().saturating_add(longest.saturating_mul(3)); // counted from when the record was read
    assert_eq!(lease(&store, minutes_later, 1).await[0].attempt, 2);
    store.close().await;
}
