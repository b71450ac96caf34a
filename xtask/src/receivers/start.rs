//! The commands that build and start consumer projects.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use super::{SECRET, apps, log, source, worker};
use crate::consumers::{self, Consumers};
use crate::frameworks::{PROJECTS, Project, Start};
use crate::project::{npm_tool, target};
use crate::redis;
use crate::servers::Server;

/// Builds these projects, after copying those in JavaScript to the folder with the installed packages.
pub fn build(sh: &Shell, consumers: &Consumers, names: &[&str]) -> Result<()> {
    consumers::copy_into(sh, "tests/e2e/consumers", &consumers.npm)?;
    consumers::copy_into(sh, "tests/runners", &consumers.npm)?;
    let projects = names.iter().map(|name| project(name)).collect::<Result<Vec<_>>>()?;
    let tsc = npm_tool("tsc");
    for project in projects.iter().filter(|project| matches!(project.start, Start::TypeScript)) {
        let project = consumers.npm.join("tests/e2e/consumers").join(project.name);
        cmd!(sh, "{tsc} --project {project}").run()?;
    }
    if let Some(project) = projects.iter().find(|project| matches!(project.start, Start::WorkerRust)) {
        worker::build_rust(sh, consumers, &format!("consumer-{}", project.name))?;
    }
    let rust: Vec<String> = projects
        .iter()
        .filter(|project| matches!(project.start, Start::Cargo))
        .map(|project| format!("--package=consumer-{}", project.name))
        .collect();
    if rust.is_empty() {
        return Ok(()); // without a package, cargo would build all
    }
    let (manifest, target) = (consumers.rust.join("Cargo.toml"), target());
    Ok(cmd!(sh, "cargo build --quiet {rust...} --manifest-path {manifest} --target-dir {target}").run()?)
}

/// Starts a project that [`build`] has built.
pub fn start(sh: &Shell, consumers: &Consumers, name: &str) -> Result<Server> {
    start_after(sh, consumers, name, "build")
}

/// Starts a project. If it has npm packages of its own, its npm script `script` builds it.
pub(super) fn start_after(sh: &Shell, consumers: &Consumers, name: &str, script: &str) -> Result<Server> {
    Server::start(name, &log(name), |port| command(sh, consumers, name, script, port))
}

/// Returns the command that starts a project on a port.
fn command(sh: &Shell, consumers: &Consumers, name: &str, script: &str, port: u16) -> Result<Command> {
    let folder = consumers.npm.join("tests/e2e/consumers").join(name);
    let mut command = match project(name)?.start {
        Start::Node => run("node", &[&folder.join("server.mjs")]),
        Start::TypeScript => run("node", &[&folder.join("dist/server.js")]),
        Start::Lambda => {
            let gateway = consumers.npm.join("tests/runners/api-gateway.mjs");
            run("node", &[&gateway, &folder.join("handler.mjs")])
        }
        Start::App(command) => apps::command(&apps::install_and_run(sh, consumers, name, script)?, command),
        Start::Worker => {
            let mut workerd = Command::new(npm_tool("workerd"));
            workerd.arg("serve").arg(worker::config(sh, &folder.join("worker.mjs"), port)?);
            workerd
        }
        Start::WorkerRust => {
            let mut workerd = Command::new(npm_tool("workerd"));
            workerd.arg("serve").arg(worker::config(sh, &worker::rust_entry(), port)?);
            workerd
        }
        Start::Deno => {
            let mut deno = Command::new(npm_tool("deno"));
            deno.args(["run", "--quiet", "--allow-env", "--allow-net=127.0.0.1", "--allow-read"])
                .arg(folder.join("server.ts"));
            deno
        }
        Start::Bun => run(npm_tool("bun"), &[&folder.join("server.ts")]),
        Start::Python => run(&consumers.python, &[&source(name).join("server.py")]),
        Start::PythonModule(arguments) => python(consumers, name, arguments, &port.to_string()),
        Start::Django => {
            let mut django =
                python(consumers, name, "django runserver --noreload --verbosity 0", &format!("127.0.0.1:{port}"));
            django.env("DJANGO_SETTINGS_MODULE", "settings");
            django
        }
        Start::Cargo => Command::new(target().join("debug").join(format!("consumer-{name}"))),
    };
    if let Ok(url) = sh.var(redis::URL) {
        command.env(redis::URL, url);
    }
    // The project of a custom store.
    let database = log(name).with_extension("sqlite");
    sh.remove_path(&database)?;
    command.env("DATABASE", database);
    // HOST is for frameworks that start the server themselves.
    command.envs([("HOST", "127.0.0.1"), ("NEXT_TELEMETRY_DISABLED", "1")]);
    command.envs([("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1")]);
    command.envs([("CLARIFE_WEBHOOK_SECRET", SECRET), ("PORT", &port.to_string())]);
    Ok(command)
}

fn run(program: impl AsRef<std::ffi::OsStr>, files: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command.args(files);
    command
}

/// Returns the command of a Python module with arguments, to run in the project's folder.
fn python(consumers: &Consumers, name: &str, arguments: &str, last: &str) -> Command {
    let mut python = Command::new(&consumers.python);
    python.arg("-m").args(arguments.split(' ')).arg(last).current_dir(source(name));
    python
}

/// Returns the table's row of a project.
fn project(name: &str) -> Result<&'static Project> {
    PROJECTS.iter().find(|project| project.name == name).with_context(|| format!("unknown project {name}"))
}
