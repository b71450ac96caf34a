//! `cargo xtask demo`: the main job on real input. A sender delivers every type of event, and deliveries that must be
//! refused, over HTTP to servers in four languages, each with the packed artefact of its language.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::package;
use crate::project::{RUSTFLAGS, npm_tool, release_rustflags, root, step, target};
use crate::servers::Server;

const SECRET: &str = "whsec_Y2xhcmlmZSB3ZWJob29rcyBkZW1vIHNlY3JldCAwMDA=";

/// Everything, from a fresh clone on.
pub fn run(sh: &Shell) -> Result<()> {
    let packages = package::all(sh)?;
    show(sh, &consumers::install(sh, &packages)?)
}

/// The demo, once the packages are installed.
pub fn show(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("demo: building the sender and the servers");
    cmd!(sh, "cargo build --quiet --locked --release --package demo-sender")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    let receiver = consumers.rust.join("Cargo.toml");
    let target = target();
    cmd!(sh, "cargo build --quiet --release --manifest-path {receiver} --target-dir {target}")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    let logs = target.join("demo");
    let binaries = target.join("release");
    let servers = [
        Server::start("rust (axum)", &logs.join("rust.log"), |port| {
            Ok(serve(Command::new(binaries.join("receiver")), port))
        })?,
        node(sh, consumers, &logs)?,
        python(consumers, &logs)?,
        worker(sh, consumers, &logs)?,
    ];
    step("demo: delivering");
    let endpoints = servers.iter().map(|server| format!("{}={}/webhooks/clarife", server.name(), server.url()));
    let sender = binaries.join("demo-sender");
    cmd!(sh, "{sender} {endpoints...}").env("CLARIFE_WEBHOOK_SECRET", SECRET).quiet().run().context("the demo failed")
}

fn serve(mut command: Command, port: u16) -> Command {
    command.env("PORT", port.to_string()).env("CLARIFE_WEBHOOK_SECRET", SECRET);
    command
}

fn node(sh: &Shell, consumers: &Consumers, logs: &Path) -> Result<Server> {
    let folder = consumers::copy_into(sh, "tests/servers/node", &consumers.npm)?;
    Server::start("node (node:http)", &logs.join("node.log"), |port| {
        let mut node = Command::new("node");
        node.arg(folder.join("server.mjs"));
        Ok(serve(node, port))
    })
}

fn python(consumers: &Consumers, logs: &Path) -> Result<Server> {
    Server::start("python (starlette)", &logs.join("python.log"), |port| {
        let mut python = Command::new(&consumers.python);
        python.args(["-m", "uvicorn", "--no-access-log", "--app-dir"]).arg(root().join("tests/servers/python"));
        python.args(["--port", &port.to_string(), "server:app"]);
        Ok(serve(python, port))
    })
}

fn worker(sh: &Shell, consumers: &Consumers, logs: &Path) -> Result<Server> {
    let folder = consumers::copy_into(sh, "tests/servers/worker", &consumers.npm)?;
    let built = bundle_worker(sh, &folder.join("worker.js"))?;
    Server::start("worker (workerd)", &logs.join("worker.log"), |port| {
        let mut workerd = Command::new(npm_tool("workerd"));
        workerd.arg("serve").arg(config(sh, &built, port)?);
        Ok(serve(workerd, port))
    })
}

/// Bundles a worker as wrangler does: one module, and the WebAssembly module beside it.
pub fn bundle_worker(sh: &Shell, entry: &Path) -> Result<std::path::PathBuf> {
    let esbuild = npm_tool("esbuild");
    let folder = entry.with_extension("built");
    cmd!(sh, "{esbuild} {entry} --bundle --format=esm --conditions=workerd,worker --loader:.wasm=copy --asset-names=[name] --outdir={folder} --log-level=warning")
        .quiet()
        .run()?;
    Ok(folder)
}

/// A configuration of workerd that serves the bundled worker on a loopback port.
pub fn config(sh: &Shell, built: &Path, port: u16) -> Result<std::path::PathBuf> {
    let mut modules = String::new();
    for file in sh.read_dir(built)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let kind = match file.extension().and_then(|extension| extension.to_str()) {
            Some("js") => "esModule",
            Some("wasm") => "wasm",
            _ => continue,
        };
        let module = format!("(name = \"{name}\", {kind} = embed \"{name}\")");
        // The first module is the worker.
        if kind == "esModule" { modules.insert_str(0, &format!("{module}, ")) } else { modules.push_str(&module) }
    }
    let path = built.join("config.capnp");
    sh.write_file(
        &path,
        format!(
            r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [{modules}],
    compatibilityDate = "2026-01-01",
    bindings = [(name = "CLARIFE_WEBHOOK_SECRET", fromEnvironment = "CLARIFE_WEBHOOK_SECRET")],
  ))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
"#
        ),
    )?;
    Ok(path)
}
