//! Conformance tests against a cluster of three servers, and tests of NATS's own behaviour.

use std::sync::OnceLock;

use async_nats::jetstream::stream::Config;
use nats_cluster::Cluster;
use uuid::Uuid;

use super::NatsEngine;
use super::connect::{SCHEMA_KEY, is_too_old};
use super::partition::Partition;
use crate::store::conformance::{self, NOW, TestStore, conformance, deliver, events, soon, workspaces};
use crate::store::{OpenError, StoreError};

/// Starts one cluster for all tests; each test has its own store. The cluster ends with the process.
fn cluster() -> &'static (Cluster, tempfile::TempDir) {
    static CLUSTER: OnceLock<(Cluster, tempfile::TempDir)> = OnceLock::new();
    CLUSTER.get_or_init(start_cluster)
}

/// Starts a cluster of three servers.
pub(super) fn start_cluster() -> (Cluster, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = nats_cluster::server().expect("is installed");
    (Cluster::start(&server, folder.path(), 3).expect("starts"), folder)
}

pub(super) fn url() -> String {
    format!("{}/{}?partitions=2", cluster().0.url(), Uuid::new_v4())
}

/// A store on the cluster.
pub(super) type NatsStore = TestStore<NatsEngine>;

async fn try_open(url: &str) -> Result<NatsStore, OpenError> {
    TestStore::open(async |memory| NatsEngine::open(url, memory).await).await
}

pub(super) async fn open(url: &str) -> NatsStore {
    try_open(url).await.expect("is there")
}

conformance! {(open(&url()).await, ())}
conformance! {(open(&url()).await, ()); each_event_is_forgotten_at_its_age}

#[tokio::test]
async fn workers_share_the_work_and_hand_it_over() {
    let url = url().replace("partitions=2", "partitions=4");
    let first = open(&url).await;
    let all = workspaces(&first, 16).await;
    for workspace in &all {
        first.accept(workspace, events(5), NOW).await.expect("are kept");
    }
    let second = open(&url).await;
    // The first worker gives up half of the partitions.
    let complete = |partition: &&Partition| partition.state().held.is_some_and(|held| held.complete);
    soon(async || second.engine.worker.partitions.iter().filter(complete).count() == 2).await;
    let shares = deliver(&[&first, &second], 80).await;
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    // The second worker delivers what the first accepts, and everything once the first is gone.
    for workspace in &all {
        second.accept(workspace, events(7), NOW).await.expect("are kept");
    }
    first.close().await;
    assert_eq!(deliver(&[&second], 32).await, [32]);
    assert_eq!(second.stats().await.expect("is open").pending, 0);
    second.close().await;
}

#[tokio::test]
async fn everything_is_there_again() {
    let url = url();
    conformance::everything_is_there_again(async || open(&url).await).await;
}

#[tokio::test]
async fn stores_of_other_programs_and_versions_are_refused() {
    let client = async_nats::connect(cluster().0.url().split(',').collect::<Vec<_>>()).await.expect("is up");
    let context = async_nats::jetstream::new(client);
    for (schema, expected) in [
        (None, "not a store of this program"),
        (Some("99"), "later version wrote it (schema 99"),
        (Some("1"), "earlier version wrote it (schema 1"),
    ] {
        let store = Uuid::new_v4().to_string();
        let metadata = schema.map(|schema| (SCHEMA_KEY.to_owned(), schema.to_owned())).into_iter().collect();
        let (name, subjects) = (format!("{store}-0"), vec![format!("{store}.0.>")]);
        context.create_stream(Config { name, subjects, metadata, ..Config::default() }).await.expect("is made");
        let error = try_open(&format!("{}/{store}", cluster().0.url())).await.err().expect("is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let refused = try_open("nats://me:secret@127.0.0.1:1/store").await.err().expect("no server listens").to_string();
    assert!(refused.contains("cannot open the store") && !refused.contains("secret"), "{refused}");
}

#[test]
fn old_servers_are_refused() {
    for (version, old) in
        [("2.9.10", true), ("2.11.99", true), ("2.12.0", false), ("2.15.1", false), ("3.0.0-beta", false)]
    {
        assert_eq!(is_too_old(version), old, "{version}");
    }
}

#[tokio::test]
async fn too_many_events_at_a_time_are_refused_whole() {
    let store = open(&url()).await;
    let workspace = &workspaces(&store, 1).await[0];
    let refused = store.accept(workspace, events(crate::store::MAX_EVENTS + 1), NOW).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert_eq!(store.event(workspace, "evt_0").await, Err(StoreError::NotFound("event")));
    store.close().await;
}
