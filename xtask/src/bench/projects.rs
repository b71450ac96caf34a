//! Projects under `target/bench` with the packed packages and the libraries that they are compared with.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::package::Packages;
use crate::project::{npm_tool, root, target, unless_unchanged};
use crate::receivers::worker;
use crate::servers::Server;

/// The tools that measure, linked from `xtask/tools`, which pins them.
const LINKED: [&str; 2] = ["mitata", "playwright-core"];

/// The benchmark's projects.
pub struct Projects {
    /// An npm project with the scripts of `tests/speed/bench/js`.
    pub js: PathBuf,
    /// The Python of a virtual environment with the wheel and the compared libraries.
    pub python: PathBuf,
    /// The program of `tests/speed/bench/rust`.
    pub rust: PathBuf,
}

impl Projects {
    /// Installs all projects.
    pub fn install(sh: &Shell, packages: &Packages) -> Result<Self> {
        Ok(Self { js: js(sh, packages)?, python: python(sh, packages)?, rust: rust(sh)? })
    }

    /// Bundles and starts the worker of `tests/speed/bench/js`.
    pub fn start_worker(&self, sh: &Shell) -> Result<Server> {
        let (folder, modules) = worker::bundle(sh, &self.js.join("worker.mjs"), &[])?;
        let config = folder.join("config.capnp");
        Server::start("workerd", &target().join("bench/workerd.log"), |port| {
            let text = format!(
                r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [{modules}], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
"#
            );
            sh.write_file(&config, text)?;
            let mut workerd = Command::new(npm_tool("workerd"));
            workerd.arg("serve").arg(&config);
            Ok(workerd)
        })
    }
}

fn js(sh: &Shell, packages: &Packages) -> Result<PathBuf> {
    let (sources, project) = (root().join("tests/speed/bench/js"), target().join("bench/js"));
    sh.create_dir(&project)?;
    cmd!(sh, "cp --recursive --no-target-directory {sources} {project}").quiet().run()?;
    let modules = project.join("node_modules");
    let _folder = sh.push_dir(&project);
    unless_unchanged(sh, &sources.join("package-lock.json"), &modules, || {
        Ok(cmd!(sh, "npm ci --no-audit --no-fund").run()?)
    })?;
    // npm removes packages that its lock file does not name, and might follow the links.
    for tool in LINKED {
        sh.remove_path(modules.join(tool))?;
    }
    let package = &packages.npm;
    cmd!(sh, "npm install --no-save --prefer-offline --no-audit --no-fund {package}").quiet().ignore_stdout().run()?;
    for tool in LINKED {
        symlink(root().join("xtask/tools/node_modules").join(tool), modules.join(tool))?;
    }
    // The page for Chromium, bundled for browsers.
    let (esbuild, page, site) = (npm_tool("esbuild"), project.join("page.mjs"), project.join("site"));
    cmd!(sh, "{esbuild} {page} --bundle --format=esm --target=esnext --outdir={site}")
        .args(["--external:bun:*", "--external:os", "--external:@mitata/*", "--log-level=warning"])
        .quiet()
        .run()?;
    Ok(project)
}

fn python(sh: &Shell, packages: &Packages) -> Result<PathBuf> {
    let folder = target().join("bench/python");
    let python = folder.join("bin/python");
    let requirements = root().join("tests/speed/bench/python/requirements.txt");
    unless_unchanged(sh, &requirements, &python, || {
        cmd!(sh, "python3 -m venv --clear {folder}").run()?;
        cmd!(sh, "{python} -m pip install --quiet --disable-pip-version-check --no-deps --requirement {requirements}")
            .run()?;
        Ok(cmd!(sh, "{python} -m pip check").ignore_stdout().run()?)
    })?;
    let wheel = &packages.wheel;
    cmd!(sh, "{python} -m pip install --quiet --no-index --no-deps --force-reinstall {wheel}").run()?;
    Ok(python)
}

fn rust(sh: &Shell) -> Result<PathBuf> {
    let (manifest, folder) = (root().join("tests/speed/bench/rust/Cargo.toml"), target().join("bench/rust"));
    // Not --locked, because this lock file may lag behind a new dependency of the core.
    cmd!(sh, "cargo build --quiet --release --manifest-path {manifest} --target-dir {folder}").run()?;
    Ok(folder.join("release/bench"))
}
