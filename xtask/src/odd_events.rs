//! Thousands of odd events, which the reference sender delivers over HTTP to servers in four languages and to clarife's
//! documented example. Each server must accept every event.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::nats;
use crate::project::{root, step, target};
use crate::receivers::{self, PATH, SECRET};
use crate::servers::{Server, free_port};

/// The consumer projects that receive the events.
const SERVERS: [&str; 4] = ["axum", "node", "starlette", "worker"];

const EVENTS: &str = "2000";

/// Delivers the events from `program`, the packed sender. The projects must be built.
pub fn run(sh: &Shell, consumers: &Consumers, program: &Path) -> Result<()> {
    step("the sender: odd events to servers in four languages, and to the documented example");
    let mut servers = Vec::new();
    for project in SERVERS {
        servers.push(receivers::start(sh, consumers, project)?);
    }
    let logs = target().join("odd-events");
    servers.push(Server::start("documented example", &logs.join("documented.log"), |port| {
        let mut node = Command::new("node");
        node.arg(root().join("tests/e2e/odd-events/documented-server.cjs"));
        node.env("PORT", port.to_string()).env("CLARIFE_WEBHOOK_SECRET", SECRET);
        Ok(node)
    })?);
    send_samples(sh, consumers, &servers)?;
    let endpoints: Vec<String> = servers.iter().map(|server| format!("{}{PATH}", server.url())).collect();
    let sender = serve(program, &logs.join("sender.log"), &endpoints, None)?;
    let script = consumers::copy_into(sh, "tests/e2e/odd-events", &consumers.npm)?.join("deliver.mjs");
    let (url, token) = (sender.url(), sender.line("token ")?);
    cmd!(sh, "node {script} {url} {token} {EVENTS}").quiet().run().context("not all events were delivered")
}

/// Sends an event to the servers with the scripts that the pages of the frameworks show.
fn send_samples(sh: &Shell, consumers: &Consumers, servers: &[Server]) -> Result<()> {
    const SECRET_VARIABLE: &str = "CLARIFE_WEBHOOK_SECRET";
    let (python, scripts) = (&consumers.python, root().join("tests/e2e/send"));
    let javascript = consumers::copy_into(sh, "tests/e2e/send", &consumers.npm)?;
    for server in servers.iter().take(SERVERS.len()) {
        let url = format!("{}{PATH}", server.url());
        let outputs = [
            cmd!(sh, "node {javascript}/send.mjs {url}").env(SECRET_VARIABLE, SECRET).quiet().read()?,
            cmd!(sh, "{python} {scripts}/send.py {url}").env(SECRET_VARIABLE, SECRET).quiet().read()?,
        ];
        for output in outputs {
            ensure!(output == r#"200 {"code":"handled"}"#, "the scripts of the pages printed {output}");
        }
    }
    Ok(())
}

/// Sends numbers in every notation through the API, `send` and test events, with each store. None may change.
pub fn numbers(sh: &Shell, consumers: &Consumers, program: &Path, count: u64) -> Result<()> {
    step("the sender: no number changes");
    compare_numbers(sh, consumers, program, count, None)?;
    let cluster = nats::start(sh)?;
    compare_numbers(sh, consumers, program, count, Some(&cluster.url()))
}

fn compare_numbers(sh: &Shell, consumers: &Consumers, program: &Path, count: u64, store: Option<&str>) -> Result<()> {
    let folder = target().join("odd-events/numbers");
    sh.create_dir(&folder)?;
    let port = free_port()?.to_string();
    let sender = serve(program, &folder.join("sender.log"), &[format!("http://127.0.0.1:{port}/")], store)?;
    let (url, token, count) = (sender.url(), sender.line("token ")?, count.to_string());
    let scripts = root().join("tests/e2e/odd-events");
    cmd!(sh, "node {scripts}/numbers.mjs {port} {url} {token} {folder} {count} {program}").quiet().run()?;
    let python = &consumers.python;
    Ok(cmd!(sh, "{python} {scripts}/numbers.py {folder}").quiet().run()?)
}

/// Starts a sender in development mode that delivers to these endpoints.
fn serve(program: &Path, log: &Path, endpoints: &[String], store: Option<&str>) -> Result<Server> {
    Server::start("clarife-sender", log, |port| {
        let mut sender = Command::new(program);
        sender.args(["serve", "--dev", "--dev-secret", SECRET, "--listen", &format!("127.0.0.1:{port}")]);
        sender.args(endpoints.iter().flat_map(|endpoint| ["--dev-endpoint", endpoint]));
        sender.args(store.iter().flat_map(|store| ["--store", store]));
        Ok(sender)
    })
}
