//! The npm package `clarife-webhooks`: the native addon, the WebAssembly module and the TypeScript API over both, in
//! `bindings-node/dist`.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
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

/// Builds the package for this machine. `wasm_cargo` is the command that builds for WebAssembly.
pub fn build(sh: &Shell, wasm_cargo: &[String]) -> Result<()> {
    let (package, output) = (package(), package().join("dist"));
    sh.remove_path(&output)?;
    sh.create_dir(&output)?;
    wasm::build(sh, wasm_cargo, &module())?;
    cmd!(sh, "cargo build --quiet --locked --package bindings-node --release")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .run()?;
    let (library, name) = addon()?;
    sh.copy_file(target().join("release").join(library), output.join(name))?;
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

/// Returns cargo's name of the addon, and the name that the package looks for (as napi-rs names addons).
fn addon() -> Result<(&'static str, String)> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("cannot name the addon for the architecture {other}"),
    };
    let (library, platform) = match std::env::consts::OS {
        "linux" if cfg!(target_env = "musl") => ("libclarife_webhooks_node.so", format!("linux-{arch}-musl")),
        "linux" => ("libclarife_webhooks_node.so", format!("linux-{arch}-gnu")),
        "macos" => ("libclarife_webhooks_node.dylib", format!("darwin-{arch}")),
        "windows" => ("clarife_webhooks_node.dll", format!("win32-{arch}-msvc")),
        other => bail!("cannot name the addon for the system {other}"),
    };
    Ok((library, format!("clarife-webhooks.{platform}.node")))
}
