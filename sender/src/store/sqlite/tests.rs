//! Conformance tests, and tests of SQLite's own behaviour: restarts, refused files, full disks.

use std::path::Path;
use std::sync::Arc;

use clarife_webhooks::EventType;
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::build_event;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{SqliteEngine, backup};
use crate::ids::WorkspaceId;
use crate::store::conformance::{NOW, PER_SUBSCRIPTION, TestStore, attempt, conformance, subscribed_workspace};
use crate::store::{DeliveryFilter, NewEvent, OpenError, Store, StoreError};

conformance! {new().await}
conformance! {new().await; each_event_is_forgotten_at_its_age}

async fn new() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    (open(&folder.path().join("store.db")).await.expect("is new"), folder)
}

/// A store in a file.
type SqliteStore = TestStore<SqliteEngine>;

async fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    TestStore::open(async |memory| SqliteEngine::open(path, memory, NOW)).await
}

/// Creates a store with a workspace, a subscription and `events` events.
async fn filled(events: usize) -> (TempDir, SqliteStore, WorkspaceId) {
    let (store, folder) = new().await;
    let id = subscribed_workspace(&store).await;
    let all = (0..events).map(|n| event(&format!("evt_{n}"), 10)).collect();
    store.accept(&id, all, NOW).await.expect("are kept");
    (folder, store, id)
}

fn event(id: &str, size: usize) -> NewEvent {
    let data = serde_json::json!({ "title": "x".repeat(size) });
    let body = build_event(id, EventType::DocumentUpdated, NOW, &data).expect("is an event");
    NewEvent { id: id.into(), event_type: "document.updated".into(), body }
}

async fn pending(store: &Store) -> u64 {
    store.stats().await.expect("is open").pending
}

#[tokio::test]
async fn everything_is_there_again_and_leases_are_not() {
    let (folder, store, workspace) = filled(3).await;
    let deliveries = store.lease(NOW, 2).await.expect("is open");
    store.record(&deliveries[0], attempt(&deliveries[0], 500, NOW)).await.expect("is open");
    // As after kill -9: nothing is closed, only the lock is released.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let name = |path: &Path| [path.to_str().expect("UTF-8"), end].concat();
        std::fs::copy(name(&folder.path().join("store.db")), name(&copy)).expect("is there");
    }
    let restarted = open(&copy).await.expect("is whole");
    assert_eq!(pending(&restarted).await, 3);
    let deliveries = restarted.lease(NOW, 10).await.expect("is open");
    assert_eq!(deliveries.len(), 2); // the third is a retry, due in one second
    let due = UnixTime::from_secs(NOW.as_secs() + 1);
    let retry = restarted.lease(due, 10).await.expect("is open");
    assert_eq!(retry.iter().map(|leased| leased.attempt).collect::<Vec<_>>(), [2]);
    let subscriptions = restarted.subscriptions(&workspace).await.expect("is there");
    assert_eq!(subscriptions[0].subscription.health.consecutive_failures(), 1);
    restarted.close().await;
    store.close().await;
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_delay_retries() {
    let (folder, store, _) = filled(1).await;
    let ahead = UnixTime::from_secs(NOW.as_secs() + 365 * 24 * 3600);
    let deliveries = store.lease(ahead, 1).await.expect("is open");
    store.record(&deliveries[0], attempt(&deliveries[0], 500, ahead)).await.expect("is open");
    store.close().await;
    let store = open(&folder.path().join("store.db")).await.expect("is whole"); // at NOW
    let latest = UnixTime::from_secs(NOW.as_secs() + 60);
    assert_eq!(store.lease(latest, 1).await.expect("is open").len(), 1);
    store.close().await;
}

#[tokio::test]
async fn one_process_at_a_time() {
    let (folder, store, _) = filled(0).await;
    let path = folder.path().join("store.db");
    assert!(matches!(open(&path).await, Err(OpenError::InUse(_))));
    store.close().await;
    open(&path).await.expect("is free").close().await;
}

#[tokio::test]
async fn newer_foreign_and_damaged_stores_are_refused_and_unchanged() {
    let refuse = async |spoil: fn(&Path), expected: &str| {
        let (folder, store, _) = filled(200).await;
        store.close().await;
        let path = folder.path().join("store.db");
        spoil(&path);
        let before = std::fs::read(&path).expect("is there");
        let error = open(&path).await.err().expect("is refused").to_string();
        assert!(error.contains(expected), "{error}");
        assert!(std::fs::read(&path).expect("is there") == before, "{expected}");
        assert!(backup(&path, &folder.path().join("backup.db")).is_err());
        assert!(!folder.path().join("backup.db").exists());
    };
    refuse(|path| run(path, "PRAGMA user_version = 99"), "later version wrote it (schema 99").await;
    refuse(|path| run(path, "PRAGMA application_id = 7"), "not a store of this program").await;
    refuse(|path| overwrite(path, 0, b"something else entirely"), "damaged").await;
    refuse(|path| overwrite(path, 8 * 4096 + 100, &[0xff; 20_000]), "damaged").await;
    refuse(
        |path| {
            let length = std::fs::metadata(path).expect("is there").len();
            let file = std::fs::File::options().write(true).open(path).expect("is there");
            file.set_len(length / 2).expect("is writable");
        },
        "damaged",
    )
    .await;
}

fn run(path: &Path, sql: &str) {
    Connection::open(path).and_then(|file| file.execute_batch(sql)).expect("is a store");
}

fn overwrite(path: &Path, at: usize, with: &[u8]) {
    let mut bytes = std::fs::read(path).expect("is there");
    bytes[at..at + with.len()].copy_from_slice(with);
    std::fs::write(path, bytes).expect("is writable");
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_what_was_accepted() {
    let (folder, store, workspace) = filled(5).await;
    let limit = |pages: &'static str| {
        store.engine.writer.write(move |connection| {
            let _: i64 = connection.query_row(pages, [], |row| row.get(0))?;
            Ok(())
        })
    };
    let deliveries = store.lease(NOW, 2).await.expect("is open");
    limit("PRAGMA max_page_count = 1").await.expect("is set to what there is");
    let large = |id: &str| vec![event(id, 100_000)];
    for id in ["evt_a", "evt_b"] {
        let refused = store.accept(&workspace, large(id), NOW).await;
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("full")), "{refused:?}");
        assert_eq!(store.event(&workspace, id).await, Err(StoreError::NotFound("event")));
    }
    // Leases survive the failed transactions, and the scheduler knows the other deliveries.
    assert_eq!(pending(&store).await, 5);
    let others = store.lease(NOW, 10).await.expect("is open");
    assert_eq!(others.len(), 2);
    assert!(others.iter().all(|other| deliveries.iter().all(|leased| leased.id != other.id)));
    limit("PRAGMA max_page_count = 1000000").await.expect("is room again");
    assert_eq!(store.accept(&workspace, large("evt_a"), NOW).await.map(|accepted| accepted[0].repeated), Ok(false));
    assert_eq!(pending(&store).await, 6);
    store.close().await;
    drop(folder);
}

#[tokio::test]
async fn a_slow_store_keeps_all_accepted_events() {
    let (_folder, store, workspace) = filled(0).await;
    let store = Arc::new(store);
    let slow = {
        let sleep = |_: &Connection| {
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok(())
        };
        let engine = Arc::clone(&store.engine);
        tokio::spawn(async move { engine.writer.write(sleep).await })
    };
    let calls: Vec<_> = (0..200)
        .map(|n| {
            let (store, workspace) = (Arc::clone(&store), workspace.clone());
            tokio::spawn(async move { store.accept(&workspace, vec![event(&format!("evt_{n}"), 1)], NOW).await })
        })
        .collect();
    slow.await.expect("no panic").expect("is open");
    for call in calls {
        assert_eq!(call.await.expect("no panic").map(|accepted| accepted[0].deliveries), Ok(1));
    }
    assert_eq!(pending(&store).await, 200);
    store.close().await;
}

#[tokio::test]
async fn a_backup_of_a_store_in_use_is_a_store() {
    let (folder, store, workspace) = filled(50).await;
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("backup.db"));
    backup(&path, &copy).expect("is readable");
    let again = backup(&path, &copy).expect_err("exists").to_string();
    assert!(again.contains("exists already"), "{again}");
    store.accept(&workspace, vec![event("evt_later", 1)], NOW).await.expect("is open");
    let restored = open(&copy).await.expect("is a store");
    assert_eq!((pending(&restored).await, pending(&store).await), (50, 51));
    let filter = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    assert_eq!(restored.deliveries(&workspace, &filter).await.expect("is there").deliveries.len(), 50);
    restored.close().await;
    store.close().await;
}

#[tokio::test]
async fn ready_wakes_for_new_events_and_for_retries() {
    let (_folder, store, workspace) = filled(0).await;
    assert_eq!(store.lease(NOW, 1).await.expect("is open").len(), 0);
    let ready = store.ready(NOW);
    let accept = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        store.accept(&workspace, vec![event("evt_1", 1)], NOW).await
    };
    let both = async { tokio::join!(ready, accept) };
    tokio::time::timeout(std::time::Duration::from_secs(10), both).await.expect("wakes").1.expect("is open");
    assert_eq!(store.lease(NOW, 1).await.expect("is open").len(), 1);
    store.close().await;
}

#[tokio::test]
async fn a_subscription_keeps_its_turn_while_ends_are_written() {
    let (_folder, store, workspace) = filled(3 * PER_SUBSCRIPTION).await;
    store.ending.abort();
    let key = store.memory.catalog().subscriptions(&workspace).expect("is there")[0].key;
    store.memory.endings.add(key);
    for _ in 0..3 {
        let deliveries = store.lease(NOW, 100).await.expect("is open");
        assert_eq!(deliveries.len(), PER_SUBSCRIPTION);
        for leased in &deliveries {
            store.record(leased, attempt(leased, 200, NOW)).await.expect("is open");
        }
    }
    store.close().await;
}

#[tokio::test]
async fn a_check_reaches_the_disk_once_a_second() {
    let (folder, store, _) = filled(1).await;
    let path = folder.path().join("store.db");
    let log = || std::fs::metadata(folder.path().join("store.db-wal")).expect("is there").len();
    let writes = || {
        let reader = super::schema::open_for_reading(&path).expect("is there");
        reader.query_row("SELECT writes FROM probe", [], |row| row.get::<_, i64>(0)).expect("is there")
    };
    let before = log();
    // A caller that leaves does not end the check.
    let _ = tokio::time::timeout(std::time::Duration::ZERO, store.check()).await;
    let checks = (0..50).map(|_| store.check());
    futures_util::future::try_join_all(checks).await.expect("is open");
    assert!(log() > before);
    assert_eq!(writes(), 1);
    tokio::time::sleep(super::super::CHECK_LIFETIME).await;
    store.check().await.expect("is open");
    assert_eq!(writes(), 2);
    store.close().await;
    assert!(store.check().await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (folder, store, _) = filled(1).await;
    let file = |name: &str| folder.path().join(name);
    backup(&file("store.db"), &file("backup.db")).expect("is readable");
    for name in ["store.db", "store.db-wal", "store.db-shm", "store.db.lock", "backup.db"] {
        let mode = std::fs::metadata(file(name)).expect("is there").mode();
        assert_eq!(mode & 0o777, 0o600, "{name}: {mode:o}");
    }
    store.close().await;
    // A wider mode is the owner's decision.
    let wide = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(file("store.db"), wide).expect("is mine");
    open(&file("store.db")).await.expect("is whole").close().await;
    assert_eq!(std::fs::metadata(file("store.db")).expect("is there").mode() & 0o777, 0o640);
}

#[tokio::test]
async fn names_that_are_not_files_are_refused() {
    let (_folder, store, _) = filled(0).await;
    for name in [":memory:", ":x", "file:a.db", "file::memory:?cache=shared"] {
        for refused in [open(Path::new(name)).await.err(), backup(Path::new(name), Path::new("/dev/null/x")).err()] {
            let error = refused.expect(name).to_string();
            assert_eq!(
                error,
                format!(
                    "cannot open the store {name}: not the path of a file, and the store must be on disk; use `sqlite:FILE`"
                )
            );
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let error = open(folder.path()).await.err().expect("is a folder").to_string();
    assert!(error.contains("directory"), "{error}");
    store.close().await;
}
