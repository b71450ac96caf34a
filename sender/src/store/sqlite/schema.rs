//! Opening a store: checks that it is ours, undamaged and of a supported version before anything is written.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::files;
use crate::store::OpenError;

/// Marks a file as a store of this program: "clwh".
const APPLICATION_ID: i64 = 0x636c_7768;

/// SQL that migrates a store from each version of the schema to the next. Never change a released migration.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// Time limit of waiting for a reader, for example a backup.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the store for writing; creates it if it does not exist. The lock excludes other processes while it lives.
pub(super) fn open(path: &Path) -> Result<(Connection, File), OpenError> {
    open_up_to(path, &MIGRATIONS)
}

/// Opens the store and migrates it with the given steps.
fn open_up_to(path: &Path, steps: &[&str]) -> Result<(Connection, File), OpenError> {
    files::check_name(path)?;
    let lock = lock(path)?;
    files::create(path).map_err(|error| unusable(path, &error))?;
    let failed = |error| failure(path, error);
    inspect(path, version_number(steps.len()))?;
    let connection = Connection::open(path).map_err(failed)?;
    configure(&connection).and_then(|()| migrate(&connection, steps)).map_err(failed)?;
    Ok((connection, lock))
}

/// Opens an existing store for reading, concurrently with the writer.
pub(super) fn open_for_reading(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Copies a store, in use or not, to a new file.
pub(crate) fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    let failed = |why: String| OpenError::Backup { path: to.into(), why };
    files::check_name(from)?;
    inspect(from, version_number(MIGRATIONS.len()))?;
    let target = to.to_str().ok_or_else(|| failed("the path is not UTF-8".into()))?;
    let connection = open_for_reading(from).map_err(|error| failure(from, error))?;
    let copy = files::private().create_new(true).open(to).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => failed("the file exists already".into()),
        _ => failed(error.to_string()),
    })?;
    // SQLite writes into an empty file too.
    let copied = connection.execute("VACUUM INTO ?1", [target]).map_err(|error| failed(error.to_string()));
    let copied = copied.and_then(|_| copy.sync_all().map_err(|error| failed(error.to_string())));
    if copied.is_err() {
        let _ = std::fs::remove_file(to); // an incomplete copy; the error names the cause
    }
    copied
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = files::private().create(true).truncate(false).open(PathBuf::from(name));
    let lock = lock.map_err(|error| unusable(path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(unusable(path, &error)),
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> OpenError {
    OpenError::Failed { path: path.into(), why: error.to_string() }
}

/// Refuses stores that are not ours, too new or damaged; only reads.
fn inspect(path: &Path, known: i64) -> Result<(), OpenError> {
    if !std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let failed = |error| failure(path, error);
    let connection = open_for_reading(path).map_err(failed)?;
    let application: i64 = pragma(&connection, "application_id").map_err(failed)?;
    let version: i64 = pragma(&connection, "user_version").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    // A process that is killed while it creates a store leaves an empty database.
    if application != APPLICATION_ID && (application, tables) != (0, 0) {
        return Err(OpenError::Foreign(path.into()));
    }
    if version > known {
        return Err(OpenError::Newer { path: path.into(), found: version, known });
    }
    let integrity: String = pragma(&connection, "quick_check(1)").map_err(failed)?;
    if integrity == "ok" { Ok(()) } else { Err(OpenError::Corrupt { path: path.into(), damage: integrity }) }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // FULL: a commit is on disk before it returns. The log is moved into the file every 32 MiB.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; \
         PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864;",
    )
}

/// Runs all missing migrations, or none.
fn migrate(connection: &Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let version: i64 = pragma(connection, "user_version")?;
    let missing = steps.get(usize::try_from(version).unwrap_or_default()..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let (missing, to) = (missing.join("\n"), version_number(steps.len()));
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {missing} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {to}; COMMIT;"
    ))
}

fn version_number(migrations: usize) -> i64 {
    i64::try_from(migrations).unwrap_or(i64::MAX)
}

fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn failure(path: &Path, error: rusqlite::Error) -> OpenError {
    let why = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Corrupt { path: path.into(), damage: why }
        }
        _ => OpenError::Failed { path: path.into(), why },
    }
}

#[cfg(test)]
mod tests {
    use super::{MIGRATIONS, OpenError, open_up_to, pragma};

    #[test]
    fn an_older_store_takes_each_missing_step_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let last = MIGRATIONS.len();
        let mut steps = MIGRATIONS.to_vec();
        steps.extend(["CREATE TABLE taken (step INTEGER); INSERT INTO taken VALUES (1);"]);
        steps.extend(["INSERT INTO taken VALUES (2);", "INSERT INTO taken VALUES (3);"]);
        for (known, taken) in [(1, ""), (last, ""), (last + 1, "1"), (last + 1, "1"), (last + 3, "1,2,3")] {
            let (connection, _lock) = open_up_to(&path, &steps[..known]).expect("is whole");
            assert_eq!(pragma::<usize>(&connection, "user_version"), Ok(known));
            if !taken.is_empty() {
                let sql = "SELECT group_concat(step) FROM taken";
                assert_eq!(connection.query_row(sql, [], |row| row.get(0)), Ok(taken.to_owned()));
            }
        }
        let newer = open_up_to(&path, &MIGRATIONS).map(|_| ());
        assert!(matches!(newer, Err(OpenError::Newer { found, known, .. }) if found == known + 3));
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        drop(open_up_to(&path, &MIGRATIONS).expect("is new"));
        let before = std::fs::read(&path).expect("is there");
        let mut steps = MIGRATIONS.to_vec();
        steps.extend(["CREATE TABLE taken (step INTEGER);", "INSERT INTO taken VALUES (3); INSERT INTO nowhere;"]);
        assert!(matches!(open_up_to(&path, &steps), Err(OpenError::Failed { .. })));
        assert!(std::fs::read(&path).expect("is there") == before);
        let (connection, _lock) = open_up_to(&path, &steps[..=MIGRATIONS.len()]).expect("is whole");
        assert_eq!(connection.query_row("SELECT count(*) FROM taken", [], |row| row.get(0)), Ok(0));
    }

    #[test]
    fn a_store_of_the_first_version_keeps_its_subscriptions_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let (connection, lock) = open_up_to(&path, &MIGRATIONS[..1]).expect("is new");
        let fill = "INSERT INTO workspaces VALUES (1, 'wsp_1', 'a', '\"pro\"', 0), (2, 'wsp_2', 'b', '\"pro\"', 0);
            INSERT INTO subscriptions (reference, workspace, subscription, secrets, created_at, deleted) VALUES
                ('sub_2', 1, '', '', 0, 0), ('sub_3', 1, '', '', 0, 1), ('sub_1', 1, '', '', 0, 0);";
        connection.execute_batch(fill).expect("are the tables");
        drop((connection, lock));
        let (connection, _lock) = open_up_to(&path, &MIGRATIONS).expect("is whole");
        let lists = "SELECT group_concat(subscriptions, ' ') FROM (SELECT * FROM workspaces ORDER BY id)";
        let lists: String = connection.query_row(lists, [], |row| row.get(0)).expect("is there");
        assert_eq!(lists, r#"["sub_2","sub_1"] []"#);
    }
}
