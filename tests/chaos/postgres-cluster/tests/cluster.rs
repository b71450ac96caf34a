//! Tests of the cluster with real servers.

use std::io;

use postgres_cluster::Cluster;

fn start(standby: bool) -> io::Result<(Cluster, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let programs = postgres_cluster::programs()?;
    Ok((Cluster::start(&programs, folder.path(), standby)?, folder))
}

#[test]
fn commits_survive_a_kill_and_queries_wait_for_a_paused_server() -> io::Result<()> {
    let (mut cluster, _folder) = start(false)?;
    cluster.query("CREATE TABLE t AS SELECT 7 AS n")?;
    cluster.kill()?;
    assert!(cluster.query("SELECT n FROM t").is_err());
    cluster.restart()?;
    assert_eq!(cluster.query("SELECT n FROM t")?, "7");
    cluster.pause()?;
    assert!(cluster.query("SELECT n FROM t").is_err(), "psql waits 5 s for a connection");
    cluster.resume()?;
    assert_eq!(cluster.query("SELECT n FROM t")?, "7");
    Ok(())
}

#[test]
fn a_standby_has_every_commit() -> io::Result<()> {
    let (mut cluster, _folder) = start(true)?;
    cluster.query("CREATE TABLE t AS SELECT 7 AS n")?;
    cluster.kill()?;
    cluster.promote()?;
    assert_eq!(cluster.query("SELECT n FROM t")?, "7");
    cluster.query("INSERT INTO t VALUES (8)").map(|_| ())
}
