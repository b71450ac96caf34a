//! The npm package `clarife-webhooks`: the native addon, the WebAssembly module and the TypeScript API over both, in
//! `bindings-node/dist`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::package::targets::Target;
use crate::project::{RUSTFLAGS, dist, gzipped_size, npm_tool, release_rustflags, root, target};
use crate::receivers::worker;
use crate::wasm;

/// The limit of the module, in bytes after gzip.
const MAX_MODULE: usize = 33_000;
/// The limit of a user's worker, minified, with the module, in bytes after gzip.
const MAX_WORKER: usize = 45_000;

fn package() -> PathBuf {
    root().join("bindings-node")
}

/// The WebAssembly module of the package.
pub fn module() -> PathBuf {
    package().join("dist/clarife_webhooks.wasm")
}

/// Builds the addon for this machine with this machine's own compiler. Returns its file.
pub fn build_addon(sh: &Shell) -> Result<PathBuf> {
    cmd!(sh, "cargo build --quiet --locked --package bindings-node --release")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    Ok(target().join("release").join(Target::host()?.library))
}

/// Builds the package with the addons. `wasm_cargo` is the command that builds for WebAssembly.
pub fn build(sh: &Shell, wasm_cargo: &[String], addons: &[(&Target, PathBuf)]) -> Result<()> {
    let (package, output) = (package(), package().join("dist"));
    sh.remove_path(&output)?;
    sh.create_dir(&output)?;
    wasm::build(sh, wasm_cargo, &module())?;
    for (to, file) in addons {
        sh.copy_file(file, output.join(to.addon_file()))?;
    }
    let tsc = npm_tool("tsc");
    cmd!(sh, "{tsc} --project {package}").run()?;
    cmd!(sh, "{tsc} --project {package}/tsconfig.types.json").run()?;
    Ok(cmd!(sh, "node xtask/tools/bundle.mjs {package}").run()?)
}

/// Packs the package into `dist/`, for npm to install from.
pub fn pack(sh: &Shell) -> Result<PathBuf> {
    let _folder = sh.push_dir(package());
    let to = dist();
    sh.copy_file(root().join("LICENSE"), package())?; // npm packs no link
    let packed = cmd!(sh, "npm pack --silent --pack-destination {to}").read()?;
    Ok(to.join(packed.lines().last().context("npm pack named no file")?))
}

/// Prints the sizes of the module and of a user's worker after gzip. Fails if one exceeds its limit.
pub fn report_sizes(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let module = gzipped_size(sh, &module())?;
    let (folder, _) = worker::bundle(sh, &consumers.npm.join("tests/e2e/consumers/worker/worker.mjs"), &["--minify"])?;
    let worker = module + gzipped_size(sh, &folder.join("worker.js"))?;
    eprintln!("the WebAssembly module: {module} bytes gzipped, limit {MAX_MODULE}");
    eprintln!("a worker with the module: {worker} bytes gzipped, limit {MAX_WORKER}");
    ensure!(module <= MAX_MODULE && worker <= MAX_WORKER, "the npm package exceeds its size limits");
    Ok(())
}
