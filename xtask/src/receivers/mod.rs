//! The consumer projects of `tests/consumers`: pages of code that readers copy, each with the packed artefact in its own framework and
//! runtime. Every one is started, and delivered to over HTTP.

mod apps;
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
use crate::project::{root, step, target};
use crate::servers::Server;
use crate::setup;

pub use start::{build, start};

/// The secret of every project, and of the demo's sender.
pub const SECRET: &str = "whsec_Y2xhcmlmZSB3ZWJob29rcyBkZW1vIHNlY3JldCAwMDA=";

/// The projects that receive, by their folders.
const RECEIVERS: &[&str] = &[
    "node",
    "typescript-esm",
    "typescript-commonjs",
    "express",
    "fastify",
    "koa",
    "nestjs",
    "lambda",
    "hono",
    "nextjs",
    "sveltekit",
    "react-router",
    "astro",
    "worker",
    "deno",
    "bun",
    "other-node",
    "redis-node",
    "fastapi",
    "starlette",
    "django",
    "flask",
    "aiohttp",
    "other-python",
    "redis-python",
    "own-store",
    "axum",
    "axum-extractor",
    "tower",
    "actix-web",
    "redis-rust",
];

/// What a project answers to an event, to the same again, and to one that was changed on the way.
fn expected(name: &str) -> [&'static str; 3] {
    let refused = "400 signature_mismatch";
    match name {
        // The page names no store: instances share nothing.
        "lambda" => ["200 handled", "200 handled", refused],
        // The user's function answers.
        "axum-extractor" => ["204", "204", refused],
        "fastapi" => ["200", "200 duplicate", refused],
        _ => ["200 handled", "200 duplicate", refused],
    }
}

/// Where the projects take deliveries.
pub const PATH: &str = "/webhooks/clarife";

/// Starts every project, or those that are named, delivers to it and prints what it answered; an error if one of the answers is wrong, or if the handler did
/// not do what it should.
pub fn run(sh: &Shell, consumers: &Consumers, names: &[String]) -> Result<()> {
    step("consumer projects");
    let chosen = |name: &&str| names.is_empty() || names.iter().any(|named| named == name);
    let receivers: Vec<&str> = RECEIVERS.iter().copied().filter(chosen).collect();
    build(sh, consumers, &receivers)?;
    eprintln!("{:22}{:18}{:18}tampered with", "project", "an event", "again");
    let mut wrong = Vec::new();
    for name in receivers {
        let server = start(sh, consumers, name)?;
        let responses = deliver(&server).with_context(|| format!("{name} was delivered to"))?;
        eprintln!("{name:22}{:18}{:18}{}", responses.responses[0], responses.responses[1], responses.responses[2]);
        let expected = expected(name);
        let times = if expected[1].ends_with("duplicate") { 1 } else { 2 };
        if responses.responses != expected || responses.handled != times || responses.handled_tampered != 0 {
            wrong.push(format!("{name}: {responses:?}\n{}", server.log()));
        }
    }
    ensure!(wrong.is_empty(), "wrong answers, or a handler ran too often or not at all:\n{}", wrong.join("\n"));
    if names.is_empty() {
        page(sh, consumers)?;
        users_tests(sh, consumers)?;
    }
    Ok(())
}

/// What a project made of three deliveries.
#[derive(Debug)]
struct Responses {
    /// Of an event, of the same once more, and of one that was changed on the way.
    responses: [String; 3],
    /// How often the handler wrote about the event, which is delivered twice.
    handled: usize,
    /// The same about the changed one.
    handled_tampered: usize,
}

fn deliver(server: &Server) -> Result<Responses> {
    let event = TestEvent::new(EventType::DocumentUpdated, now()?)?;
    let (title, changed) = ("Getting started", "Getting startet");
    ensure!(event.body.contains(title), "the sample has another title");
    let tampered = event.body.replacen(title, changed, 1);
    let responses = [
        post(server, &event.body, &event.body)?,
        post(server, &event.body, &event.body)?,
        post(server, &event.body, &tampered)?,
    ];
    // A handler writes before it answers, but what it writes may come later.
    let start = Instant::now();
    while server.log().matches(title).count() == 0 && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = server.log();
    Ok(Responses { responses, handled: log.matches(title).count(), handled_tampered: log.matches(changed).count() })
}

/// Posts a body under the signature of `signed`; the answer's status and code.
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
    // FastAPI puts what its dependencies say into `detail`.
    let code = json["code"].as_str().or(json["detail"]["code"].as_str()).unwrap_or_default();
    Ok(format!("{status} {code}").trim_end().to_owned())
}

/// The page, in a browser: it is given a good delivery and a changed one, and says which is which.
fn page(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let folder = apps::install(sh, consumers, "vite")?;
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
        .context("the page of tests/consumers/vite")
}

/// The tests that users would write with the packages' `testing`; and the types of what is written in Python.
fn users_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let (javascript, python) = (consumers.npm.join("tests/consumers/testing-node"), &consumers.python);
    cmd!(sh, "node --test --test-reporter=spec {javascript}/handler.test.mjs").run()?;
    for name in ["testing-vitest", "testing-jest"] {
        apps::test(sh, consumers, name)?;
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
            // Each on its own: they have modules of the same name.
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

/// The folder of a project.
fn source(name: &str) -> PathBuf {
    root().join("tests/consumers").join(name)
}

/// Where a project's output goes.
fn log(name: &str) -> PathBuf {
    target().join("receivers").join(name).with_extension("log")
}
