//! A real NATS cluster on loopback, for tests and measurements: three servers with a folder each, which flush every
//! write.
//!
//! The servers end with the process that started them, even if that process is killed.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use server_process::{Process, free_addresses};

/// Time limit of the cluster's start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns the server program: the one in the variable `NATS_SERVER`, or the one that `cargo xtask setup` installs.
///
/// # Errors
///
/// If neither exists; the error says what to do.
pub fn server() -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
    let installed = target.join("venv/bin/nats-server");
    let server = std::env::var_os("NATS_SERVER").map_or(installed, PathBuf::from);
    if server.is_file() {
        return Ok(server);
    }
    let hint = "run `cargo xtask setup`, or set NATS_SERVER to a server program";
    Err(io::Error::new(io::ErrorKind::NotFound, format!("cannot find {}: {hint}", server.display())))
}

/// A running cluster. Dropping it kills the servers; their folders stay.
#[derive(Debug)]
pub struct Cluster {
    server: PathBuf,
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    client: SocketAddr,
    monitor: SocketAddr,
    config: PathBuf,
    log: PathBuf,
    server: Option<Process>,
}

impl Cluster {
    /// Starts `nodes` servers with their files in `folder`, and waits until they form a cluster.
    ///
    /// # Errors
    ///
    /// If a server cannot be started, or the cluster is not ready within a minute.
    pub fn start(server: &Path, folder: &Path, nodes: usize) -> io::Result<Self> {
        let mut addresses = free_addresses(nodes.saturating_mul(3))?;
        let clients = addresses.split_off(nodes.saturating_mul(2));
        let monitors = addresses.split_off(nodes);
        let routes = addresses;
        let all = routes.iter().map(|route| format!("\"nats://{route}\"")).collect::<Vec<_>>().join(", ");
        let mut cluster = Self { server: server.into(), nodes: Vec::new() };
        for (index, ((client, monitor), route)) in clients.into_iter().zip(monitors).zip(routes).enumerate() {
            let home = folder.join(format!("node-{index}"));
            std::fs::create_dir_all(&home)?;
            let store = home.display();
            let text = format!(
                "server_name: node-{index}\nlisten: \"{client}\"\nhttp: \"{monitor}\"\n\
                 jetstream {{ store_dir: \"{store}\", sync_interval: always }}\n\
                 cluster {{ name: loopback, listen: \"{route}\", routes: [{all}] }}\n"
            );
            let config = home.join("server.conf");
            std::fs::write(&config, text)?;
            cluster.nodes.push(Node { client, monitor, config, log: home.join("server.log"), server: None });
        }
        for index in 0..nodes {
            cluster.spawn(index)?;
        }
        cluster.wait()?;
        Ok(cluster)
    }

    /// Returns the URL of all servers, for clients.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| node.client.to_string()).collect();
        format!("nats://{}", nodes.join(","))
    }

    /// Kills a server, as a failure of its machine would.
    ///
    /// # Errors
    ///
    /// If the exit status cannot be read.
    pub fn kill(&mut self, node: usize) -> io::Result<()> {
        self.nodes.get_mut(node).and_then(|node| node.server.take()).map_or(Ok(()), Process::kill)
    }

    /// Starts a killed server again with the same files. Does not wait until the server has caught up, see
    /// [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// If the server cannot be started.
    pub fn restart(&mut self, node: usize) -> io::Result<()> {
        self.spawn(node)
    }

    /// Suspends a server: it neither replies nor closes its connections.
    ///
    /// # Errors
    ///
    /// If the server is not running.
    pub fn pause(&self, node: usize) -> io::Result<()> {
        Ok(kill_process(self.process(node)?, Signal::STOP)?)
    }

    /// Resumes a [paused](Self::pause) server.
    ///
    /// # Errors
    ///
    /// If the server is not running.
    pub fn resume(&self, node: usize) -> io::Result<()> {
        Ok(kill_process(self.process(node)?, Signal::CONT)?)
    }

    /// Limits the size of a server's files until its restart, as a full disk would.
    ///
    /// # Errors
    ///
    /// If the server is not running.
    pub fn fill_disk(&self, node: usize, bytes: u64) -> io::Result<()> {
        let limit = Rlimit { current: Some(bytes), ..getrlimit(Resource::Fsize) };
        Ok(prlimit(Some(self.process(node)?), Resource::Fsize, limit).map(|_| ())?)
    }

    fn process(&self, node: usize) -> io::Result<Pid> {
        let server = self.nodes.get(node).and_then(|node| node.server.as_ref()).map(Process::id);
        server.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the server is not running"))
    }

    /// Waits until every running server is healthy.
    ///
    /// # Errors
    ///
    /// If a server is not healthy within a minute.
    pub fn wait(&self) -> io::Result<()> {
        let start = Instant::now();
        for node in self.nodes.iter().filter(|node| node.server.is_some()) {
            while !node.is_healthy() {
                if start.elapsed() > START_TIMEOUT {
                    let log = std::fs::read_to_string(&node.log).unwrap_or_default();
                    let end = log.get(log.len().saturating_sub(2000)..).unwrap_or(&log);
                    return Err(io::Error::new(io::ErrorKind::TimedOut, format!("the cluster is not ready: {end}")));
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    fn spawn(&mut self, index: usize) -> io::Result<()> {
        let Some(node) = self.nodes.get_mut(index).filter(|node| node.server.is_none()) else { return Ok(()) };
        let mut server = Command::new(&self.server);
        server.arg("--config").arg(&node.config);
        node.server = Some(Process::spawn(&node.log, &server)?);
        Ok(())
    }
}

impl Node {
    fn is_healthy(&self) -> bool {
        let request = || {
            let mut stream = TcpStream::connect(self.monitor)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
            let mut response = String::new();
            stream.read_to_string(&mut response)?;
            io::Result::Ok(response)
        };
        request().is_ok_and(|response| response.lines().next().is_some_and(|status| status.contains(" 200 ")))
    }
}
