//! How each consumer project is started.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use super::{SECRET, apps, log, source, worker};
use crate::consumers::{self, Consumers};
use crate::project::{npm_tool, target};
use crate::redis;
use crate::servers::Server;

/// Builds what has to be built before these projects can be started. Those in JavaScript are copied to where the packed artefacts are
/// installed.
pub fn build(sh: &Shell, consumers: &Consumers, names: &[&str]) -> Result<()> {
    consumers::copy_into(sh, "tests/consumers", &consumers.npm)?;
    consumers::copy_into(sh, "tests/runners", &consumers.npm)?;
    let tsc = npm_tool("tsc");
    for name in ["typescript-esm", "typescript-commonjs", "nestjs"].iter().filter(|name| names.contains(name)) {
        let project = consumers.npm.join("tests/consumers").join(name);
        cmd!(sh, "{tsc} --project {project}").run()?;
    }
    if !names.iter().any(|name| consumers::RUST.contains(name)) {
        return Ok(());
    }
    let (manifest, target) = (consumers.rust.join("Cargo.toml"), target());
    Ok(cmd!(sh, "cargo build --quiet --manifest-path {manifest} --target-dir {target}").run()?)
}

/// Starts a project, which was built.
pub fn start(sh: &Shell, consumers: &Consumers, name: &str) -> Result<Server> {
    Server::start(name, &log(name), |port| command(sh, consumers, name, port))
}

fn command(sh: &Shell, consumers: &Consumers, name: &str, port: u16) -> Result<Command> {
    let folder = consumers.npm.join("tests/consumers").join(name);
    let mut command = match name {
        "node" | "express" | "fastify" | "koa" | "hono" | "other-node" | "redis-node" => {
            run("node", &[&folder.join("server.mjs")])
        }
        "typescript-esm" | "typescript-commonjs" | "nestjs" => run("node", &[&folder.join("dist/server.js")]),
        "lambda" => {
            let gateway = consumers.npm.join("tests/runners/api-gateway.mjs");
            run("node", &[&gateway, &folder.join("handler.mjs")])
        }
        "nextjs" => {
            let mut next = apps::program(&apps::install(sh, consumers, name)?, "next");
            next.args(["start", "--hostname", "127.0.0.1"]).env("NEXT_TELEMETRY_DISABLED", "1");
            next
        }
        "sveltekit" => run("node", &[&apps::install(sh, consumers, name)?.join("build")]),
        "react-router" => {
            let mut serve = apps::program(&apps::install(sh, consumers, name)?, "react-router-serve");
            serve.arg("build/server/index.js");
            serve
        }
        "astro" => run("node", &[&apps::install(sh, consumers, name)?.join("dist/server/entry.mjs")]),
        "worker" => {
            let mut workerd = Command::new(npm_tool("workerd"));
            workerd.arg("serve").arg(worker::config(sh, &folder.join("worker.mjs"), port)?);
            workerd
        }
        "deno" => {
            let mut deno = Command::new(npm_tool("deno"));
            deno.args(["run", "--quiet", "--allow-env", "--allow-net=127.0.0.1", "--allow-read"])
                .arg(folder.join("server.ts"));
            deno
        }
        "bun" => run(npm_tool("bun"), &[&folder.join("server.ts")]),
        "fastapi" | "starlette" => {
            python(consumers, name, &["uvicorn", "--no-access-log", "server:app", "--port"], port)
        }
        "flask" | "redis-python" => python(consumers, name, &["flask", "--app", "server", "run", "--port"], port),
        "django" => {
            let address = format!("127.0.0.1:{port}");
            let mut django =
                python(consumers, name, &["django", "runserver", "--noreload", &address, "--verbosity"], 0);
            django.env("DJANGO_SETTINGS_MODULE", "settings");
            django
        }
        "own-store" => {
            let database = log(name).with_extension("sqlite");
            sh.remove_path(&database)?;
            let mut flask = python(consumers, name, &["flask", "--app", "server", "run", "--port"], port);
            flask.env("DATABASE", database);
            flask
        }
        "aiohttp" | "other-python" => run(&consumers.python, &[&source(name).join("server.py")]),
        "axum" | "axum-extractor" | "tower" | "actix-web" | "redis-rust" => {
            Command::new(target().join("debug").join(format!("consumer-{name}")))
        }
        _ => bail!("nothing is known of starting {name}"),
    };
    if let Ok(url) = sh.var(redis::URL) {
        command.env(redis::URL, url);
    }
    // HOST is for those whose framework starts the server.
    command.envs([("HOST", "127.0.0.1"), ("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1")]);
    command.envs([("CLARIFE_WEBHOOK_SECRET", SECRET), ("PORT", &port.to_string())]);
    Ok(command)
}

fn run(program: impl AsRef<std::ffi::OsStr>, files: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command.args(files);
    command
}

/// A module of Python, in the project's folder, with a last argument.
fn python(consumers: &Consumers, name: &str, arguments: &[&str], last: u16) -> Command {
    let mut python = Command::new(&consumers.python);
    python.arg("-m").args(arguments).arg(last.to_string()).current_dir(source(name));
    python
}
