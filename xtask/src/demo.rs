//! `cargo xtask demo`: a sender that delivers over HTTP to servers in four languages, each on its packed package.
//!
//! It delivers events of all types, and deliveries that the servers must reject.

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::package;
use crate::project::{RUSTFLAGS, release_rustflags, step, target};
use crate::receivers::{self, PATH, SECRET};

/// The consumer projects that receive the events, and their names in the output.
const SERVERS: [(&str, &str); 4] = [
    ("axum", "rust (axum)"),
    ("node", "node (node:http)"),
    ("starlette", "python (starlette)"),
    ("worker", "worker (workerd)"),
];

/// Runs the demo from a fresh clone on.
pub fn run(sh: &Shell) -> Result<()> {
    let packages = package::all(sh)?;
    let consumers = consumers::install(sh, &packages)?;
    receivers::build(sh, &consumers, &SERVERS.map(|(project, _)| project))?;
    show(sh, &consumers)
}

/// Runs the demo, after the projects are built.
pub fn show(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("demo: building the sender and starting the servers");
    cmd!(sh, "cargo build --quiet --locked --release --package demo-sender")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    let mut servers = Vec::new();
    for (project, _) in SERVERS {
        servers.push(receivers::start(sh, consumers, project)?);
    }
    step("demo: delivering");
    let endpoints = servers.iter().zip(SERVERS).map(|(server, (_, name))| format!("{name}={}{PATH}", server.url()));
    let sender = target().join("release/demo-sender");
    cmd!(sh, "{sender} {endpoints...}").env("CLARIFE_WEBHOOK_SECRET", SECRET).quiet().run().context("the demo failed")
}
