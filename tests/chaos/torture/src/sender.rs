//! The sender's process and its API.

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

const ADMIN: &str = "the token of the torture test's admin";

/// A running sender, killed when it is dropped.
pub(crate) struct Sender {
    program: PathBuf,
    store: String,
    _folder: TempDir,
    address: SocketAddr,
    process: Child,
}

impl Sender {
    /// Starts a sender, with its own store unless one is given.
    pub(crate) fn start(program: &Path, store: Option<&str>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let new_store = || format!("sqlite:{}", folder.path().join("store.db").display());
        let store = store.map_or_else(new_store, str::to_owned);
        let address = server_process::free_addresses(1)?.pop().context("no address")?;
        let process = spawn(program, &store, address)?;
        Ok(Self { program: program.into(), store, _folder: folder, address, process })
    }

    /// Returns the URL of the API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills the process, or asks it to stop.
    pub(crate) fn end(&mut self, gently: bool) -> Result<()> {
        if gently {
            kill_process(Pid::from_child(&self.process), Signal::TERM)?;
            ensure!(self.process.wait()?.success(), "the sender did not stop cleanly");
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

/// Creates workspaces with a subscription to each endpoint, through any of the senders.
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

/// Starts the process and waits until it listens.
fn spawn(program: &Path, store: &str, address: SocketAddr) -> Result<Child> {
    let mut process = Command::new(program)
        .args(["serve", "--dev", "--log", "error", "--requests-per-second", "1000000", "--admin-token", ADMIN])
        .args(["--listen", &address.to_string(), "--store", store])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
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
    anyhow::bail!("the sender did not start: {}", log.join().unwrap_or_default())
}

/// Client of the senders' API.
#[derive(Clone)]
pub(crate) struct Api {
    /// URLs of all senders.
    urls: Vec<String>,
    token: String,
    /// Paths of the endpoints with the ids of their subscriptions.
    pub(crate) subscriptions: Vec<(String, String)>,
}

impl Api {
    pub(crate) fn get(&self, path: &str) -> Result<(u16, Value)> {
        self.request("GET", path, String::new())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        self.request("POST", path, body.to_string())
    }

    /// Creates a resource, with retries for a second: other workers see new records with a delay.
    fn create(&self, path: &str, body: &Value) -> Result<Value> {
        let mut response = (0, Value::Null);
        for _ in 0..50 {
            response = self.post(path, body)?;
            if response.0 == 201 {
                return Ok(response.1);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("unexpected response to {path}: {} {}", response.0, response.1)
    }

    /// Returns all deliveries of a subscription.
    pub(crate) fn all(&self, subscription: &str) -> Result<Vec<Value>> {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let (status, mut page) =
                self.get(&format!("/v1/deliveries?subscription_id={subscription}&limit=200{before}"))?;
            ensure!(status == 200, "cannot list deliveries: {page}");
            if let Some(deliveries) = page["deliveries"].as_array_mut() {
                all.append(deliveries);
            }
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => return Ok(all),
            }
        }
    }

    fn request(&self, method: &str, path: &str, body: String) -> Result<(u16, Value)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.urls[fastrand::usize(..self.urls.len())]))
            .header("authorization", format!("Bearer {}", self.token));
        let mut response = agent.run(request.body(body)?)?;
        let text = response.body_mut().read_to_string()?;
        Ok((response.status().as_u16(), serde_json::from_str(&text)?))
    }
}
