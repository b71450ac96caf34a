//! The sender that is measured: processes of this program that run `serve`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::http::Connection;
use crate::api::token;

/// Unit of the processor times of Linux.
const TICK: Duration = Duration::from_millis(10);

/// Workers with a new store.
pub(super) struct Servers {
    workers: Vec<Worker>,
    admin: String,
    folder: TempDir,
}

struct Worker {
    process: Child,
    address: SocketAddr,
    /// Open as long as the process may print.
    _output: BufReader<ChildStdout>,
}

impl Servers {
    /// Starts workers. `store` is the URL of a server, and `flags` are more flags of `serve`.
    pub(super) fn start(store: Option<&str>, workers: usize, flags: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let name = format!("bench_{}", Uuid::new_v4().simple());
        let url = match store {
            Some(servers) if servers.starts_with("nats:") => format!("{servers}/{name}"),
            Some(database) if database.contains('?') => format!("{database}&schema={name}"),
            Some(database) => format!("{database}?schema={name}"),
            None => format!("sqlite:{}", folder.path().join("bench.db").display()),
        };
        let mut servers = Self { workers: Vec::new(), admin: token::generate()?, folder };
        for _ in 0..workers {
            servers.workers.push(Worker::start(&url, &servers.admin, servers.folder.path(), flags)?);
        }
        Ok(servers)
    }

    /// Opens a connection to one of the workers; connections take them in turn.
    pub(super) async fn connect(&self, number: usize) -> Result<Connection> {
        let index = number.checked_rem(self.workers.len()).unwrap_or_default();
        let worker = self.workers.get(index).context("no worker runs")?;
        Connection::open(worker.address).await
    }

    /// Creates a workspace with a subscription for each URL; returns its token.
    pub(super) async fn create_workspace(&self, subscriptions: &[(String, &str)]) -> Result<String> {
        let mut api = self.connect(0).await?;
        let workspace = json!({"name": "Bench", "plan": "business"});
        let id = api.create("/v1/workspaces", &self.admin, &workspace, "id").await?;
        let path = format!("/v1/workspaces/{id}/tokens");
        let token = api.create(&path, &self.admin, &json!({"name": "bench"}), "token").await?;
        for (url, event_type) in subscriptions {
            let subscription = json!({"url": url, "event_types": [event_type]});
            api.create("/v1/subscriptions", &token, &subscription, "id").await?;
        }
        Ok(token)
    }

    /// Waits until no delivery is pending.
    pub(super) async fn wait_until_idle(&self) -> Result<()> {
        for number in 0..self.workers.len() {
            let mut api = self.connect(number).await?;
            loop {
                let metrics = api.get("/metrics", &self.admin).await?;
                if String::from_utf8_lossy(&metrics).lines().any(|line| line == "clarife_sender_deliveries_pending 0") {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// Returns the peak memory of all workers in MiB, if the system reports it.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let mut total: u64 = 0;
        for worker in &self.workers {
            let status = std::fs::read_to_string(format!("/proc/{}/status", worker.process.id())).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            total = total.saturating_add(kibibytes.div_euclid(1024));
        }
        Some(total)
    }
}

impl Worker {
    fn start(store: &str, admin: &str, folder: &std::path::Path, flags: &[String]) -> Result<Self> {
        let log = folder.join("log");
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--requests-per-second", "1000000"])
            .args(flags)
            .env("CLARIFE_SENDER_STORE", store)
            .env("CLARIFE_SENDER_ADMIN_TOKEN", admin)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()?;
        let mut output = BufReader::new(process.stdout.take().context("the process has no output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(address) = line.trim().strip_prefix("listening on http://") {
                return Ok(Self { process, address: address.parse()?, _output: output });
            }
            line.clear();
        }
        let _ = process.wait();
        bail!("cannot start `serve`:\n{}", std::fs::read_to_string(&log)?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the processor time of the whole machine without this process, if the system reports it: the workers', a
/// store's servers' and the system's.
pub(super) fn processor_time() -> Option<Duration> {
    let all = std::fs::read_to_string("/proc/stat").ok()?;
    // user, nice, system, idle, iowait, irq, softirq
    let mut fields = all.lines().next()?.split_ascii_whitespace().skip(1).map(str::parse::<u32>);
    let mut busy: u32 = 0;
    for counts in [true, true, true, false, false, true, true] {
        let ticks = fields.next()?.ok()?;
        busy = if counts { busy.saturating_add(ticks) } else { busy };
    }
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, own) = own.rsplit_once(')')?; // the name may have spaces
    let mut own = own.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    let own = own.next()?.ok()?.saturating_add(own.next()?.ok()?);
    Some(TICK.saturating_mul(busy.saturating_sub(own)))
}
