//! The consumer projects of `tests/e2e/consumers`, which the documentation quotes.
//!
//! Each is a receiver in its own framework and runtime, on the packed package. The tests start it and deliver to it.

pub mod apps;
mod start;
pub mod worker;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::TestEvent;
use clarife_webhooks::{EventType, SIGNATURE_HEADER, Webhook};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::frameworks::{PROJECTS, Project};
use crate::project::{root, step, target};
use crate::servers::Server;
use crate::setup;

pub use start::{build, start};

/// The signing secret of all projects, and of the demo's sender.
pub const SECRET: &str = "whsec_Y2xhcmlmZSB3ZWJob29rcyBkZW1vIHNlY3JldCAwMDA=";

/// The path at which the projects receive deliveries.
pub const PATH: &str = "/webhooks/clarife";

/// Starts all projects or the named ones, delivers to each, and prints the responses.
///
/// # Errors
///
/// Returns an error if a response is not as expected, or if a handler ran too often or not at all.
pub fn run(sh: &Shell, consumers: &Consumers, names: &[String]) -> Result<()> {
    step("consumer projects");
    let chosen = |project: &&Project| names.is_empty() || names.iter().any(|name| name == project.name);
    let projects: Vec<&Project> = PROJECTS.iter().filter(chosen).collect();
    build(sh, consumers, &projects.iter().map(|project| project.name).collect::<Vec<_>>())?;
    eprintln!("{:22}{:18}{:18}changed", "project", "an event", "again");
    let mut wrong = Vec::new();
    for project in projects {
        let name = project.name;
        wrong.extend(wrong_responses(&start(sh, consumers, name)?, name, project.responses)?);
    }
    ensure!(wrong.is_empty(), "wrong responses, or a handler ran too often or not at all:\n{}", wrong.join("\n"));
    if names.is_empty() {
        page(sh, consumers)?;
        users_tests(sh, consumers)?;
    }
    Ok(())
}

/// Builds the project of Next.js with webpack in place of Turbopack, and delivers to it.
pub fn next_with_webpack(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let (name, script) = ("nextjs", "build:webpack");
    expect_once(&start::start_after(sh, consumers, name, script)?, &format!("{name} {script}"))
}

/// Delivers to a server, and expects that it handles an event once and refuses a changed one.
pub fn expect_once(server: &Server, name: &str) -> Result<()> {
    let wrong = wrong_responses(server, name, ["200 handled", "200 duplicate"])?.unwrap_or_default();
    ensure!(wrong.is_empty(), "wrong responses, or a handler ran too often or not at all:\n{wrong}");
    Ok(())
}

/// Delivers to a server and prints its responses. Returns a description of them if they are not as expected.
fn wrong_responses(server: &Server, name: &str, [first, again]: [&str; 2]) -> Result<Option<String>> {
    let responses = deliver(server).with_context(|| format!("cannot deliver to {name}"))?;
    eprintln!("{name:22}{:18}{:18}{}", responses.responses[0], responses.responses[1], responses.responses[2]);
    let expected = [first, again, "400 signature_mismatch"];
    let times = if again.ends_with("duplicate") { 1 } else { 2 };
    let right = responses.responses == expected && responses.handled == times && responses.handled_changed == 0;
    Ok((!right).then(|| format!("{name}: {responses:?}\n{}", server.log())))
}

/// A project's responses to three deliveries, and the calls of its handler.
#[derive(Debug)]
struct Responses {
    /// The responses to an event, to the event again, and to a changed event.
    responses: [String; 3],
    /// The number of times that the handler printed the event, which is delivered twice.
    handled: usize,
    /// The number of times that the handler printed the changed event.
    handled_changed: usize,
}

fn deliver(server: &Server) -> Result<Responses> {
    let event = TestEvent::new(EventType::DocumentUpdated, now()?)?;
    let (title, changed) = ("Getting started", "Getting startet");
    ensure!(event.body.contains(title), "the sample has another title");
    let changed_body = event.body.replacen(title, changed, 1);
    let responses = [
        post(server, &event.body, &event.body)?,
        post(server, &event.body, &event.body)?,
        post(server, &event.body, &changed_body)?,
    ];
    // A handler prints before the response, but the output may arrive later.
    let start = Instant::now();
    while server.log().matches(title).count() == 0 && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = server.log();
    Ok(Responses { responses, handled: log.matches(title).count(), handled_changed: log.matches(changed).count() })
}

/// Posts `body` with the signature of `signed`. Returns the response's status and code.
fn post(server: &Server, signed: &str, body: &str) -> Result<String> {
    let signature = Webhook::new(SECRET)?.sign(signed, now()?)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent
        .post(format!("{}{PATH}", server.url()))
        .header("Content-Type", "application/json")
        .header(SIGNATURE_HEADER, signature.to_string())
        .send(body)?;
    let status = response.status().as_u16();
    let json: Value = serde_json::from_str(&response.body_mut().read_to_string()?).unwrap_or_default();
    // FastAPI puts the error of a dependency into `detail`.
    let code = json["code"].as_str().or(json["detail"]["code"].as_str()).unwrap_or_default();
    Ok(format!("{status} {code}").trim_end().to_owned())
}

/// Opens the web page in a browser, and lets it verify a valid and a changed delivery.
fn page(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let folder = apps::install_and_run(sh, consumers, "vite", "build")?;
    let server = Server::start("vite", &log("vite"), |port| {
        let mut vite = apps::program(&folder, "vite");
        vite.args(["preview", "--host", "127.0.0.1", "--strictPort", "--port", &port.to_string()]);
        Ok(vite)
    })?;
    let event = TestEvent::new(EventType::DocumentUpdated, now()?)?;
    let signature = Webhook::new(SECRET)?.sign(&event.body, now()?)?.to_string();
    let (runner, url) = (consumers.npm.join("tests/runners/page.mjs"), server.url());
    cmd!(sh, "node {runner} {url} {SECRET} {signature}")
        .stdin(event.body)
        .env("CHROMIUM", setup::chromium(sh)?)
        .quiet()
        .run()
        .context("wrong result of the page in tests/e2e/consumers/vite")
}

/// Runs the tests that users would write with the packages' `testing`, and checks the types of the Python projects.
fn users_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let (javascript, python) = (consumers.npm.join("tests/e2e/consumers/testing-node"), &consumers.python);
    cmd!(sh, "node --test --test-reporter=spec {javascript}/handler.test.mjs").run()?;
    for name in ["testing-vitest", "testing-jest"] {
        apps::install_and_run(sh, consumers, name, "test")?;
        eprintln!("{name}: passed");
    }
    let tests = source("testing-python");
    cmd!(sh, "{python} -m pytest --quiet -p no:cacheprovider --rootdir {tests} {tests}").run()?;
    let (manifest, package) = (consumers.rust.join("Cargo.toml"), "consumer-testing-rust");
    let target = target();
    cmd!(sh, "cargo test --quiet --package {package} --manifest-path {manifest} --target-dir {target}").run()?;
    let cache = target.join("mypy");
    for project in sh.read_dir(source(""))?.into_iter().filter(|path| path.is_dir()) {
        if sh.read_dir(&project)?.iter().any(|file| file.extension().is_some_and(|extension| extension == "py")) {
            // One at a time, because their modules have equal names.
            let _folder = sh.push_dir(project);
            cmd!(sh, "{python} -m mypy --strict --no-error-summary --cache-dir {cache} .").quiet().run()?;
        }
    }
    Ok(())
}

fn now() -> Result<UnixTime> {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(UnixTime::from_millis(i64::try_from(elapsed.as_millis())?))
}

/// Returns the folder of a project.
fn source(name: &str) -> PathBuf {
    root().join("tests/e2e/consumers").join(name)
}

/// Returns the log file of a project.
fn log(name: &str) -> PathBuf {
    target().join("receivers").join(name).with_extension("log")
}
