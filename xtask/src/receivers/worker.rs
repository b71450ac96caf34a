//! The Cloudflare worker as wrangler would deploy it: bundled, and served by workerd with a Durable Objects namespace.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::project::{npm_tool, target};
use crate::setup;
use crate::wasm::{self, TRIPLE};

/// Bundles a worker into one module, with the WebAssembly module beside it. Returns their folder, and the list of modules
/// for workerd. `more` are further flags of esbuild.
pub fn bundle(sh: &Shell, entry: &Path, more: &[&str]) -> Result<(PathBuf, String)> {
    let (esbuild, folder) = (npm_tool("esbuild"), entry.with_extension("built"));
    cmd!(sh, "{esbuild} {entry} --bundle --format=esm --conditions=workerd,worker --external:cloudflare:*")
        .args(["--loader:.wasm=copy", "--asset-names=[name]", "--log-level=warning"])
        .args(more)
        .arg(format!("--outdir={}", folder.display()))
        .quiet()
        .run()?;
    let mut modules = String::new();
    for file in sh.read_dir(&folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let kind = match file.extension().and_then(|extension| extension.to_str()) {
            Some("js") => "esModule",
            Some("wasm") => "wasm",
            _ => continue,
        };
        let module = format!("(name = \"{name}\", {kind} = embed \"{name}\")");
        // The first module is the worker's entry.
        if kind == "esModule" { modules.insert_str(0, &format!("{module}, ")) } else { modules.push_str(&module) }
    }
    Ok((folder, modules))
}

/// Writes a configuration for workerd that serves a bundled worker on a loopback port. Returns its path.
pub(super) fn config(sh: &Shell, entry: &Path, port: u16) -> Result<PathBuf> {
    let (folder, modules) = bundle(sh, entry, &[])?;
    let path = folder.join("config.capnp");
    sh.write_file(
        &path,
        format!(
            r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [{modules}],
    compatibilityDate = "2026-01-01",
    bindings = [
      (name = "CLARIFE_WEBHOOK_SECRET", fromEnvironment = "CLARIFE_WEBHOOK_SECRET"),
      (name = "DEDUP", durableObjectNamespace = "DedupObject"),
    ],
    durableObjectNamespaces = [(className = "DedupObject", uniqueKey = "dedup", enableSql = true)],
    durableObjectStorage = (inMemory = void),
  ))],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
"#
        ),
    )?;
    Ok(path)
}

/// The entry of the worker in Rust, as worker-build would write it: an instance of the module, whose glue code has the handlers.
const RUST_ENTRY: &str = r#"import * as glue from "./index_bg.js";
import module from "./index_bg.wasm";

const instance = new WebAssembly.Instance(module, { "./index_bg.js": glue });
glue.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();
export const DedupObject = glue.DedupObject;
export default { fetch: glue.fetch };
"#;

/// Builds the worker in Rust into `target/worker-rust`. worker-build is left out, because it downloads its tools.
pub(super) fn build_rust(sh: &Shell, consumers: &Consumers, package: &str) -> Result<()> {
    let cargo = setup::wasm_cargo(sh)?;
    let (program, arguments) = cargo.split_first().context("no cargo command was given")?;
    let (manifest, target) = (consumers.rust.join("Cargo.toml"), target());
    cmd!(sh, "{program} {arguments...} build --quiet --package {package} --target {TRIPLE}")
        .args(["--manifest-path".as_ref(), manifest.as_os_str(), "--target-dir".as_ref(), target.as_os_str()])
        .run()?;
    let module = target.join(TRIPLE).join("debug").join(package.replace('-', "_")).with_extension("wasm");
    let entry = rust_entry();
    wasm::bind(&module, &entry.with_file_name(""), |bindgen| bindgen.bundler(true))?;
    Ok(sh.write_file(entry, RUST_ENTRY)?)
}

/// Returns the entry of the worker in Rust.
pub(super) fn rust_entry() -> PathBuf {
    target().join("worker-rust/worker.js")
}
