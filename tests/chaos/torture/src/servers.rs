//! The servers below several workers.

use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

/// Servers that can be killed.
pub(crate) trait Servers {
    /// Returns the URL of the store for a worker.
    fn store(&self, worker: usize) -> String;

    /// Cuts a worker off from the servers for a while, without a sign to either side; returns `false` if these servers
    /// have no network that can be cut.
    fn cut(&mut self, _worker: usize, _outage: Duration) -> Result<bool> {
        Ok(false)
    }

    /// Kills one server or all, and starts them again after a while; returns when all are well.
    fn kill(&mut self, all: bool, outage: Duration) -> Result<()>;
}

/// A cluster of three NATS servers.
pub(crate) struct Nats {
    cluster: nats_cluster::Cluster,
    _folder: TempDir,
}

/// A PostgreSQL server with a standby, which takes over when the server is killed for the second time.
pub(crate) struct Postgres {
    cluster: postgres_cluster::Cluster,
    store: String,
    kills: usize,
    _folder: TempDir,
}

impl Nats {
    const SERVERS: usize = 3;

    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let cluster = nats_cluster::Cluster::start(&nats_cluster::server()?, folder.path(), Self::SERVERS)?;
        Ok(Self { cluster, _folder: folder })
    }
}

impl Servers for Nats {
    fn store(&self, _worker: usize) -> String {
        format!("{}/torture", self.cluster.url())
    }

    fn kill(&mut self, all: bool, outage: Duration) -> Result<()> {
        let (first, count) = (fastrand::usize(..Self::SERVERS), if all { Self::SERVERS } else { 1 });
        let chosen: Vec<usize> = (first..first + count).map(|server| server % Self::SERVERS).collect();
        for server in &chosen {
            self.cluster.kill(*server)?;
        }
        std::thread::sleep(outage);
        for server in chosen {
            self.cluster.restart(server)?;
        }
        Ok(self.cluster.wait()?)
    }
}

impl Postgres {
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let cluster = postgres_cluster::Cluster::start(&postgres_cluster::programs()?, folder.path(), true)?;
        let store = cluster.url_with_standby();
        Ok(Self { cluster, store, kills: 0, _folder: folder })
    }
}

impl Servers for Postgres {
    fn store(&self, _worker: usize) -> String {
        self.store.clone()
    }

    fn kill(&mut self, _all: bool, outage: Duration) -> Result<()> {
        self.kills += 1;
        self.cluster.kill()?;
        std::thread::sleep(outage);
        let back = if self.kills == 2 { self.cluster.promote() } else { self.cluster.restart() };
        Ok(back?)
    }
}
