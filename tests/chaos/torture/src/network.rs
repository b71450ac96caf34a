//! PostgreSQL in a network namespace of its own, with a link for each worker that can be cut.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use postgres_cluster::Cluster;
use tempfile::TempDir;

use crate::distributed::WORKERS;
use crate::servers::Servers;

/// A server behind one link for each worker. The links have private addresses and belong to the two namespaces only.
pub(crate) struct Network {
    // Dropped in this order: the namespace goes when its processes are gone.
    cluster: Cluster,
    namespace: Namespace,
    _folder: TempDir,
}

/// A network namespace, deleted when it is dropped.
struct Namespace(String);

impl Network {
    /// Creates the namespace and its links. The process must be in a namespace of its own, which [`isolate`] creates.
    pub(crate) fn start() -> Result<Self> {
        let namespace = Namespace::create("store")?;
        for worker in 0..WORKERS {
            let (near, far) = (format!("near{worker}"), format!("far{worker}"));
            let name = &namespace.0;
            ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", name])?;
            ip(&["address", "add", &format!("10.98.{worker}.1/24"), "dev", &near])?;
            ip(&["link", "set", &near, "up"])?;
            ip(&["-n", name, "address", "add", &format!("10.98.{worker}.2/24"), "dev", &far])?;
            ip(&["-n", name, "link", "set", &far, "up"])?;
        }
        let folder = tempfile::tempdir()?;
        let programs = postgres_cluster::programs()?;
        let cluster = Cluster::start_in(Some(&namespace.0), &programs, folder.path(), false)?;
        Ok(Self { cluster, namespace, _folder: folder })
    }

    fn link(&self, worker: usize, state: &str) -> Result<()> {
        ip(&["-n", &self.namespace.0, "link", "set", &format!("far{worker}"), state])
    }
}

impl Servers for Network {
    fn store(&self, worker: usize) -> String {
        format!("postgres://postgres@10.98.{worker}.2:{}/postgres", self.cluster.port())
    }

    fn kill(&mut self, _all: bool, outage: Duration) -> Result<()> {
        self.cluster.kill()?;
        std::thread::sleep(outage);
        Ok(self.cluster.restart()?)
    }

    fn cut(&mut self, worker: usize, outage: Duration) -> Result<bool> {
        self.link(worker, "down")?;
        std::thread::sleep(outage);
        self.link(worker, "up")?;
        Ok(true)
    }
}

impl Namespace {
    fn create(name: &str) -> Result<Self> {
        let namespace = Self(format!("torture-{name}-{}", std::process::id()));
        ip(&["netns", "add", &namespace.0])?;
        ip(&["-n", &namespace.0, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "delete", &self.0]);
    }
}

/// Runs this program again in a network namespace of its own, and returns its success.
pub(crate) fn isolate() -> Result<bool> {
    const INSIDE: &str = "TORTURE_IS_ISOLATED";
    if std::env::var_os(INSIDE).is_some() {
        return Ok(false);
    }
    let namespace = Namespace::create("workers")?;
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &namespace.0]).arg(std::env::current_exe()?).args(std::env::args_os().skip(1));
    let status = command.env(INSIDE, "1").status()?;
    ensure!(status.success(), "the run in its own network failed");
    Ok(true)
}

/// Runs `ip`, which needs root.
fn ip(arguments: &[&str]) -> Result<()> {
    let context = "cannot run `ip`: install iproute2, and run this command as root";
    let output = Command::new("ip").args(arguments).output().context(context)?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "cannot run `ip {}`: {}", arguments.join(" "), error.trim());
    Ok(())
}
