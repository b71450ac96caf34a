//! The reference sender delivers thousands of odd events over HTTP to servers in four languages, and to one that verifies as clarife's
//! page shows it. Each has to accept every one.

use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{root, step, target};
use crate::receivers::{self, PATH, SECRET};
use crate::servers::Server;

/// The projects of tests/consumers that it delivers to.
const SERVERS: [&str; 4] = ["axum", "node", "starlette", "worker"];

const EVENTS: &str = "2000";

/// The projects were built, and so was the sender, for the tests.
pub fn run(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("the sender: odd events to servers in four languages, and to the documented example");
    let mut servers = Vec::new();
    for project in SERVERS {
        servers.push(receivers::start(sh, consumers, project)?);
    }
    let logs = target().join("sending");
    servers.push(Server::start("documented example", &logs.join("documented.log"), |port| {
        let mut node = Command::new("node");
        node.arg(root().join("tests/sending/documented-server.cjs"));
        node.env("PORT", port.to_string()).env("CLARIFE_WEBHOOK_SECRET", SECRET);
        Ok(node)
    })?);
    let log = logs.join("sender.log");
    let sender = Server::start("clarife-sender", &log, |port| {
        let mut sender = Command::new(target().join("debug/clarife-sender"));
        sender.args(["serve", "--dev", "--dev-secret", SECRET, "--listen", &format!("127.0.0.1:{port}")]);
        sender.args(servers.iter().flat_map(|server| ["--dev-endpoint".to_owned(), format!("{}{PATH}", server.url())]));
        Ok(sender)
    })?;
    let said = sh.read_file(&log)?;
    let token = said.lines().find_map(|line| line.strip_prefix("token ")).context("the sender showed no token")?;
    let (script, url, token) =
        (consumers::copy_into(sh, "tests/sending", &consumers.npm)?.join("deliver.mjs"), sender.url(), token.trim());
    cmd!(sh, "node {script} {url} {token} {EVENTS}").quiet().run().context("not everything was delivered")
}
