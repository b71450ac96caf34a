//! Conformance tests against a real server, and tests of PostgreSQL's own behaviour.

use std::sync::OnceLock;

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::{Delivery, EventTypes, Health};
use postgres_cluster::Cluster;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::PostgresEngine;
use super::history::{DUE, page};
use super::insert::InsertJob;
use super::update::{CHANGE, END};
use crate::ids::{DeliveryId, WorkspaceId};
use crate::store::catalog::CatalogRecord;
use crate::store::conformance::{
    self, NOW, TestStore, conformance, deliver, events, finish, lease, soon, subscribe, subscribed_workspace,
    workspaces,
};
use crate::store::engine::{Arrival, Arrivals, WriteError, WriteResult};
use crate::store::{DeliveryFilter, OpenError, StateName, StoreError};

/// Starts one server for all tests; each test has its own schema. The server ends with the process.
fn cluster() -> &'static (Cluster, tempfile::TempDir) {
    static CLUSTER: OnceLock<(Cluster, tempfile::TempDir)> = OnceLock::new();
    CLUSTER.get_or_init(|| start_cluster(false))
}

fn start_cluster(standby: bool) -> (Cluster, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = postgres_cluster::programs().expect("are installed");
    (Cluster::start(&programs, folder.path(), standby).expect("starts"), folder)
}

fn schema() -> String {
    format!("t{}", Uuid::new_v4().simple())
}

fn url() -> String {
    format!("{}?schema={}", cluster().0.url(), schema())
}

/// A store on the server.
type PostgresStore = TestStore<PostgresEngine>;

impl PostgresStore {
    fn slots(&self) -> usize {
        self.engine.shards.iter().map(|shard| shard.slots.count()).sum()
    }
}

async fn try_open(url: &str) -> Result<PostgresStore, OpenError> {
    TestStore::open(async |memory| PostgresEngine::open(url, memory, NOW).await).await
}

async fn open(url: &str) -> PostgresStore {
    try_open(url).await.expect("is there")
}

conformance! {(open(&url()).await, ())}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_work_and_hand_it_over() {
    let url = url();
    let first = open(&url).await;
    assert_eq!(first.slots(), 64);
    let all = workspaces(&first, 16).await;
    for workspace in &all {
        first.accept(workspace, events(5), NOW).await.expect("are kept");
    }
    let second = open(&url).await;
    soon(async || first.slots() == 32 && second.slots() == 32).await;
    let shares = deliver(&[&first, &second], 80).await;
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    // Each worker delivers what the other one accepts, and everything once the other one is gone.
    for workspace in &all {
        second.accept(workspace, events(7), NOW).await.expect("are kept");
    }
    deliver(&[&first, &second], 32).await;
    for workspace in &all {
        second.accept(workspace, events(9), NOW).await.expect("are kept");
    }
    first.close().await;
    assert_eq!(deliver(&[&second], 32).await, [32]);
    assert_eq!(second.stats().await.expect("is open").pending, 0);
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_see_each_other_s_changes() {
    let url = url();
    let (first, second) = (open(&url).await, open(&url).await);
    let workspace = subscribed_workspace(&first).await;
    soon(async || second.subscriptions(&workspace).await.is_ok_and(|all| all.len() == 1)).await;
    let id = second.subscriptions(&workspace).await.expect("is there")[0].id.clone();
    second.unsubscribe(&workspace, &id).await.expect("is there");
    // An event never goes to a subscription that another worker has deleted, however short ago.
    let accepted = first.accept(&workspace, events(1), NOW).await.expect("is kept");
    assert_eq!(accepted[0].deliveries, 0);
    first.close().await;
    second.close().await;
}

/// Inserts events through two calls of one transaction, one of which was planned before the other's subscription.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_an_old_plan_is_planned_again() {
    let store = open(&url()).await;
    let workspace = subscribed_workspace(&store).await;
    let plan = |id: &str| {
        let catalog = store.memory.catalog();
        let (_, version) = catalog.workspace(&workspace).expect("is there");
        let to = catalog.subscriptions(&workspace).expect("is there").into_iter();
        let to = to.map(|cached| (cached, Delivery::new(&Health::new(), NOW))).collect();
        let mut event = events(1).remove(0);
        event.id = id.into();
        let (events, new) = (vec![event].into(), vec![Arrival { index: 0, to }]);
        Arrivals { workspace: workspace.clone(), version, at: NOW, events, new }
    };
    let old = plan("evt_old");
    subscribe(&store, &workspace, EventTypes::ALL).await.expect("is within the plan");
    let new = plan("evt_new");
    let (replies, jobs): (Vec<_>, Vec<_>) = [old, new].into_iter().map(job).unzip();
    store.engine.shards[0].insert(jobs).await;
    let [old, new] = <[_; 2]>::try_from(replies).expect("two");
    assert!(matches!(old.await, Ok(Err(WriteError::Conflict))));
    assert_eq!(new.await.expect("is replied to").expect("is inserted")[0].len(), 2);
    store.close().await;
}

fn job(arrivals: Arrivals) -> (oneshot::Receiver<WriteResult<Vec<Vec<DeliveryId>>>>, InsertJob) {
    let (reply, replied) = oneshot::channel();
    (replied, InsertJob { arrivals, reply })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_misses_no_subscription_whose_record_is_not_known_yet() {
    let url = url();
    let (first, second) = (open(&url).await, open(&url).await);
    second.engine.shards[0].stop_tasks("news");
    let workspace = subscribed_workspace(&first).await;
    // The second worker reads the workspace, and not yet its subscription.
    let record = {
        let catalog = first.memory.catalog();
        let (record, version) = catalog.workspace(&workspace).expect("is there");
        (CatalogRecord::Workspace(record.clone()), version)
    };
    second.memory.learn(record.0, record.1);
    let accepted = second.accept(&workspace, events(1), NOW).await.expect("is kept");
    assert_eq!(accepted[0].deliveries, 1);
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn everything_is_there_again() {
    let url = url();
    conformance::everything_is_there_again(async || open(&url).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_loses_nothing() {
    let (mut cluster, _folder) = start_cluster(false);
    let store = open(&cluster.url()).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    store.accept(&workspace, events(8), NOW).await.expect("are kept");
    let leased = lease(&store, NOW, 4).await;
    cluster.kill().expect("runs");
    let refused = store.accept(&workspace, events(9), NOW).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(matches!(store.check().await, Err(StoreError::Unavailable(_))));
    cluster.restart().expect("starts");
    soon(async || store.check().await.is_ok()).await;
    // Outcomes of attempts in flight are recorded, and the rest is delivered once.
    for leased in &leased {
        finish(&store, leased, 200, NOW).await;
    }
    assert_eq!(deliver(&[&store], 4).await, [4]);
    // A server that stands still refuses within seconds, and goes on.
    cluster.pause().expect("runs");
    let refused = store.accept(&workspace, events(10), NOW).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    cluster.resume().expect("runs");
    soon(async || store.accept(&workspace, events(10), NOW).await.is_ok()).await;
    deliver(&[&store], 2).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_with_everything() {
    let (mut cluster, _folder) = start_cluster(true);
    let store = open(&cluster.url_with_standby()).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    store.accept(&workspace, events(20), NOW).await.expect("are kept");
    let leased = lease(&store, NOW, 4).await;
    cluster.kill().expect("runs");
    cluster.promote().expect("takes over");
    soon(async || store.check().await.is_ok()).await;
    for leased in &leased {
        finish(&store, leased, 200, NOW).await;
    }
    assert_eq!(deliver(&[&store], 16).await, [16]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_spread_over_databases() {
    let (other, _folder) = start_cluster(false);
    let address = |cluster: &Cluster| {
        let url = cluster.url();
        url.split_once('@').and_then(|(_, rest)| rest.split_once('/')).expect("a URL").0.to_owned()
    };
    let (schema, servers) = (schema(), [&cluster().0, &other].map(address).join(","));
    let url = format!("postgres://postgres@{servers}/postgres?schema={schema}");
    let store = open(&url).await;
    let mut all: Vec<WorkspaceId> = Vec::new();
    while [0, 1].iter().any(|part| all.iter().filter(|workspace| workspace.part(2) == *part).count() < 3) {
        all.push(subscribed_workspace(&store).await);
    }
    for workspace in &all {
        store.accept(workspace, events(3), NOW).await.expect("are kept");
    }
    assert_eq!(deliver(&[&store], 3 * all.len()).await, [3 * all.len()]);
    for workspace in &all {
        let delivered = DeliveryFilter { state: Some(StateName::Delivered), limit: 9, ..DeliveryFilter::default() };
        assert_eq!(store.deliveries(workspace, &delivered).await.expect("is there").deliveries.len(), 3);
    }
    for (part, server) in [&cluster().0, &other].into_iter().enumerate() {
        let own = all.iter().filter(|workspace| workspace.part(2) == part).count();
        for (table, count) in [("workspaces", own), ("events", 3 * own), ("deliveries", 3 * own)] {
            let count_rows = format!("SELECT count(*) FROM {schema}.{table}");
            assert_eq!(server.query(&count_rows).expect("works"), count.to_string(), "{table}");
        }
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_cut_off_repeats_no_attempt_that_another_one_made() {
    let url = url();
    let away = open(&url).await;
    let workspace = workspaces(&away, 1).await.remove(0);
    away.accept(&workspace, events(1), NOW).await.expect("are kept");
    let leased = lease(&away, NOW, 1).await.remove(0);
    away.engine.shards.iter().for_each(|shard| shard.stop_tasks("slots"));
    let other = open(&url).await;
    soon(async || other.slots() == 64).await; // after a lease of 15 s
    let again = lease(&other, NOW, 1).await.remove(0);
    assert_eq!((again.id, again.attempt), (leased.id, 1));
    assert!(away.lease(NOW, 10).await.expect("is open").is_empty());
    // The row of a worker that is gone is deleted.
    let schema = url.split_once("schema=").expect("a schema").1.to_owned();
    let count = || cluster().0.query(&format!("SELECT count(*) FROM {schema}.workers")).expect("works");
    soon(async || count() == "1").await;
    // Its outcome is not lost, and the attempt counts once.
    finish(&away, &leased, 200, NOW).await;
    let recorded = other.record(&again, conformance::attempt(&again, 200, NOW)).await;
    assert!(!recorded.expect("is open").expect("is there").changed);
    assert_eq!(other.delivery(&workspace, leased.id).await.expect("is there").1.len(), 1);
    other.close().await;
    away.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_and_foreign_stores_are_refused_and_unchanged() {
    let (server, schema) = (&cluster().0, schema());
    let url = format!("{}?schema={schema}", server.url());
    open(&url).await.close().await;
    server.query(&format!("UPDATE {schema}.store SET version = 99")).expect("works");
    let refused = try_open(&url).await.err().expect("is refused").to_string();
    assert!(refused.contains("later version wrote it (schema 99") && !refused.contains("postgres@"), "{refused}");
    assert_eq!(server.query(&format!("SELECT version FROM {schema}.store")).expect("works"), "99");
    server.query(&format!("DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")).expect("works");
    server.query(&format!("CREATE TABLE {schema}.mine (n int)")).expect("works");
    let refused = try_open(&url).await.err().expect("is refused").to_string();
    assert!(refused.contains("not a store of this program"), "{refused}");
    let tables = format!("SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = '{schema}'");
    assert_eq!(server.query(&tables).expect("works"), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_dropped_as_a_table() {
    let (server, schema) = (&cluster().0, schema());
    let store = open(&format!("{}?schema={schema}", server.url())).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    store.accept(&workspace, events(3), NOW).await.expect("are kept");
    assert_eq!(deliver(&[&store], 3).await, [3]);
    let days = |days: i64| UnixTime::from_secs(NOW.as_secs() + days * 86_400);
    assert_eq!(store.prune(days(0), 100).await, Ok(0), "the day is not over");
    assert_eq!(store.prune(days(1), 100).await, Ok(3));
    let tables = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}' AND tablename ~ '_[0-9]+$'");
    assert_eq!(server.query(&tables).expect("works"), "0");
    // The day's tables are made again for a clock that was set back.
    store.accept(&workspace, events(3), NOW).await.expect("are kept");
    store.close().await;
}

#[tokio::test]
async fn no_statement_is_planned_for_an_empty_table() {
    let store = open(&url()).await;
    let workspace = workspaces(&store, 1).await.remove(0);
    store.accept(&workspace, events(1), NOW).await.expect("is kept"); // makes the partition of the day
    let client = store.engine.shards[0].client().await.expect("is there");
    for (statement, parameters, indexes) in [
        (DUE, 6, &["pending_queue"][..]),
        (END, 5, &["pending_pkey"]),
        (CHANGE, 6, &["pending_pkey"]),
        (&page(), 8, &["pending_list", "_subscription_state_id_idx"]),
    ] {
        let arguments = vec!["NULL"; parameters].join(", ");
        let explain =
            format!("PREPARE planned AS {statement}; EXPLAIN EXECUTE planned({arguments}); DEALLOCATE planned");
        let plan = client.simple_query(&explain).await.expect("is planned");
        let lines = plan.iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        let plan = lines.collect::<Vec<_>>().join("\n");
        assert!(indexes.iter().all(|index| plan.contains(index)), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Bitmap"), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_server_is_known_by_its_own_authority() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (cluster, folder) = start_cluster(false);
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("is generated");
    let data = folder.path().join("primary");
    let owner = std::fs::metadata(&data).expect("exists");
    for (name, text) in [("server.crt", signed.cert.pem()), ("server.key", signed.signing_key.serialize_pem())] {
        let file = data.join(name);
        std::fs::write(&file, text).expect("is written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("is its owner");
        std::os::unix::fs::chown(&file, Some(owner.uid()), Some(owner.gid())).expect("is root or its owner");
    }
    cluster.query("ALTER SYSTEM SET ssl = on").expect("runs");
    cluster.query("SELECT pg_reload_conf()").expect("runs");
    let (roots, encrypted) = (folder.path().join("roots.pem"), format!("{}?sslmode=require", cluster.url()));
    std::fs::write(&roots, signed.cert.pem()).expect("is written");
    soon(async || cluster.query("SHOW ssl").is_ok_and(|ssl| ssl == "on")).await;
    let store = open(&format!("{encrypted}&sslrootcert={}", roots.display())).await;
    store.close().await;
    let Err(refused) = try_open(&encrypted).await else { panic!("the authority is not public") };
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let Err(refused) = try_open(&format!("{encrypted}&sslrootcert=/missing.pem")).await else { panic!("is missing") };
    assert!(refused.to_string().contains("cannot read the certificates of sslrootcert=/missing.pem"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_beside_a_later_version_that_added_columns() {
    let schema = schema();
    let url = format!("{}?schema={schema}", cluster().0.url());
    let store = open(&url).await;
    let workspace = subscribed_workspace(&store).await;
    store.accept(&workspace, events(2), NOW).await.expect("are kept");
    deliver(&[&store], 2).await;
    // A later version migrates while this worker runs: its migrations only add.
    let tables = ["workspaces", "tokens", "subscriptions", "events", "pending", "deliveries", "slots", "workers"];
    let add = tables.map(|table| format!("ALTER TABLE {schema}.{table} ADD COLUMN later text NOT NULL DEFAULT '';"));
    cluster().0.query(&format!("{} UPDATE {schema}.store SET version = 2", add.concat())).expect("is migrated");
    for event in events(5).split_off(2) {
        store.accept(&workspace, vec![event], NOW).await.expect("is kept");
    }
    deliver(&[&store], 3).await;
    subscribed_workspace(&store).await;
    store.close().await;
    // It cannot start again.
    assert!(matches!(try_open(&url).await, Err(OpenError::Newer { found: 2, known: 1, .. })));
}
