//! The sender as a process, and its API.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::receiver::{PATHS, Receiver};

const ADMIN: &str = "the token of who tortures the sender";

/// A running sender; killed when dropped.
pub(crate) struct Sender {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Sender {
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = spawn(program, &folder, port)?;
        Ok(Self { program: program.into(), folder, port, process })
    }

    /// Kills it, or asks it to stop.
    pub(crate) fn end(&mut self, gently: bool) -> Result<()> {
        if gently {
            let asked = Command::new("kill").arg(self.process.id().to_string()).status()?;
            ensure!(asked.success() && self.process.wait()?.success(), "it did not stop as it should");
        } else {
            self.process.kill()?;
            self.process.wait()?;
        }
        Ok(())
    }

    pub(crate) fn restart(&mut self) -> Result<()> {
        self.process = spawn(&self.program, &self.folder, self.port)?;
        Ok(())
    }

    /// Makes a workspace, and a subscription to each endpoint.
    pub(crate) fn subscribe(&self, receiver: &Receiver) -> Result<Api> {
        let mut api =
            Api { url: format!("http://127.0.0.1:{}", self.port), token: ADMIN.into(), subscriptions: vec![] };
        let (_, workspace) = api.post("/v1/workspaces", &json!({"name": "Torture", "plan": "business"}))?;
        let id = workspace["id"].as_str().context("no workspace")?;
        let (_, token) = api.post(&format!("/v1/workspaces/{id}/tokens"), &json!({"name": "torture"}))?;
        api.token = token["token"].as_str().context("no token")?.into();
        for path in PATHS {
            let url = format!("http://{}{path}", receiver.address);
            let new = json!({"url": url, "event_types": ["document.updated"]});
            let (status, created) = api.post("/v1/subscriptions", &new)?;
            ensure!(status == 201, "no subscription: {created}");
            receiver.set_secret(path, created["secret"].as_str().context("no secret")?)?;
            api.subscriptions.push((path.into(), created["id"].as_str().context("no id")?.into()));
        }
        Ok(api)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts it, and waits until it listens.
fn spawn(program: &Path, folder: &TempDir, port: u16) -> Result<Child> {
    let store = folder.path().join("store.db");
    let mut process = Command::new(program)
        .args(["serve", "--dev", "--log", "error", "--requests-per-second", "1000000", "--admin-token", ADMIN])
        .args(["--listen", &format!("127.0.0.1:{port}"), "--store", &format!("sqlite:{}", store.display())])
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
    url: String,
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
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token));
        let mut answer = agent.run(request.body(body)?)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), serde_json::from_str(&text)?))
    }
}
