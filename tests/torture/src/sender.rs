//! The sender as a process, and its API.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::receiver::{ENDPOINTS, Receiver};

const ADMIN: &str = "the token of who tortures the sender";

/// A running sender; killed when dropped.
pub(crate) struct Sender {
    program: PathBuf,
    store: String,
    _folder: TempDir,
    address: SocketAddr,
    process: Child,
}

impl Sender {
    /// Starts one, with a store of its own if it is not given one.
    pub(crate) fn start(program: &Path, store: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let own = || format!("sqlite:{}", folder.path().join("store.db").display());
        let store = store.map_or_else(own, str::to_owned);
        let address = nats_cluster::free_addresses(1)?.pop().context("no address")?;
        let process = spawn(program, &store, address)?;
        Ok(Self { program: program.into(), store, _folder: folder, address, process })
    }

    /// Where its API is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it, or asks it to stop.
    pub(crate) fn end(&mut self, gently: bool) -> Result<()> {
        if gently {
            kill_process(Pid::from_child(&self.process), Signal::TERM)?;
            ensure!(self.process.wait()?.success(), "it did not stop as it should");
        } else {
            self.process.kill()?;
            self.process.wait()?;
        }
        Ok(())
    }

    pub(crate) fn restart(&mut self) -> Result<()> {
        self.process = spawn(&self.program, &self.store, self.address)?;
        Ok(())
    }
}

/// Makes workspaces, each with a subscription to each endpoint, through whichever sender.
pub(crate) fn subscribe(urls: &[String], receiver: &Receiver, workspaces: usize) -> Result<Vec<Api>> {
    let mut apis = Vec::new();
    for number in 0..workspaces {
        let mut api = Api { urls: urls.to_vec(), token: ADMIN.into(), subscriptions: vec![] };
        let workspace = api.create("/v1/workspaces", &json!({"name": "Torture", "plan": "business"}))?;
        let id = workspace["id"].as_str().context("no workspace")?;
        let token = api.create(&format!("/v1/workspaces/{id}/tokens"), &json!({"name": "torture"}))?;
        api.token = token["token"].as_str().context("no token")?.into();
        for endpoint in ENDPOINTS {
            let path = format!("/{number}/{endpoint}");
            let url = format!("http://{}{path}", receiver.address);
            let created = api.create("/v1/subscriptions", &json!({"url": url, "event_types": ["document.updated"]}))?;
            receiver.set_secret(&path, created["secret"].as_str().context("no secret")?)?;
            api.subscriptions.push((path, created["id"].as_str().context("no id")?.into()));
        }
        apis.push(api);
    }
    Ok(apis)
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts it, and waits until it listens.
fn spawn(program: &Path, store: &str, address: SocketAddr) -> Result<Child> {
    let mut process = Command::new(program)
        .args(["serve", "--dev", "--log", "error", "--requests-per-second", "1000000", "--admin-token", ADMIN])
        .args(["--listen", &address.to_string(), "--store", store])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let output = BufReader::new(process.stdout.take().context("no output")?);
    let mut errors = process.stderr.take().context("no errors")?;
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        let _ = errors.read_to_string(&mut log);
        log
    });
    for line in output.lines() {
        if line?.starts_with("listening on ") {
            return Ok(process);
        }
    }
    process.wait()?;
    anyhow::bail!("it did not start: {}", log.join().unwrap_or_default())
}

/// The sender's API.
#[derive(Clone)]
pub(crate) struct Api {
    /// Of all senders.
    urls: Vec<String>,
    token: String,
    /// The path of each endpoint, and its subscription.
    pub(crate) subscriptions: Vec<(String, String)>,
}

impl Api {
    pub(crate) fn get(&self, path: &str) -> Result<(u16, Value)> {
        self.ask("GET", path, String::new())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        self.ask("POST", path, body.to_string())
    }

    /// Creates something; what another process has just created is known a moment later, so it is tried for a second.
    fn create(&self, path: &str, body: &Value) -> Result<Value> {
        let mut answer = (0, Value::Null);
        for _ in 0..50 {
            answer = self.post(path, body)?;
            if answer.0 == 201 {
                return Ok(answer.1);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("{path} was answered {}: {}", answer.0, answer.1)
    }

    /// All deliveries of a subscription.
    pub(crate) fn all(&self, subscription: &str) -> Result<Vec<Value>> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let (status, mut page) =
                self.get(&format!("/v1/deliveries?subscription_id={subscription}&limit=200{before}"))?;
            ensure!(status == 200, "no deliveries: {page}");
            if let Some(deliveries) = page["deliveries"].as_array_mut() {
                all.append(deliveries);
            }
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return Ok(all),
            }
        }
    }

    fn ask(&self, method: &str, path: &str, body: String) -> Result<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.urls[fastrand::usize(..self.urls.len())]))
            .header("authorization", format!("Bearer {}", self.token));
        let mut answer = agent.run(request.body(body)?)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), serde_json::from_str(&text)?))
    }
}
