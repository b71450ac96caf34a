//! The cost of a package before its first call: the time to import it, and its size.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::projects::Projects;
use super::results::quantile;
use crate::npm;
use crate::project::{gzipped_size, npm_tool, root};

const RUNS: usize = 20;

const NPM: [&str; 6] =
    ["clarife-webhooks", "clarife-webhooks/wasm", "stripe", "svix", "standardwebhooks", "@octokit/webhooks-methods"];
/// Modules, and the distributions that contain them.
const PYTHON: [(&str, &str); 4] = [
    ("clarife_webhooks", "clarife-webhooks"),
    ("stripe", "stripe"),
    ("svix.webhooks", "svix"),
    ("standardwebhooks", "standardwebhooks"),
];

/// A package's import time and sizes.
pub struct Package {
    pub name: &'static str,
    /// The median time of an import in a new process, in milliseconds.
    pub import_ms: f64,
    /// The size on disk in bytes, with all dependencies.
    pub installed: u64,
    /// The size in bytes after bundling with esbuild, minified and gzipped, with the WebAssembly module.
    pub bundled: Option<u64>,
}

/// Import times and sizes of all packages.
pub struct Startup {
    pub npm: Vec<Package>,
    pub python: Vec<Package>,
    /// Sizes of the downloads in bytes, by file name.
    pub artefacts: Vec<(String, u64)>,
    /// The size of the WebAssembly module in bytes, gzipped.
    pub wasm_gzip: u64,
}

/// Measures import times and sizes.
pub fn measure(sh: &Shell, projects: &Projects, quick: bool) -> Result<Startup> {
    let runs = if quick { 3 } else { RUNS };
    let (mut node, mut cpython) = (BTreeMap::<_, Vec<f64>>::new(), BTreeMap::<_, Vec<f64>>::new());
    let (js, python) = (&projects.js, &projects.python);
    for _ in 0..runs {
        let _folder = sh.push_dir(js);
        for name in NPM {
            let program = format!(
                "const start = performance.now(); await import('{name}'); console.log(performance.now() - start)"
            );
            let output = cmd!(sh, "node --input-type=module --eval {program}").quiet().read()?;
            node.entry(name).or_default().push(output.trim().parse()?);
        }
        for (module, _) in PYTHON {
            let program = format!(
                "import time; start = time.perf_counter(); import {module}; print((time.perf_counter() - start) * 1e3)"
            );
            let output = cmd!(sh, "{python} -c {program}").quiet().read()?;
            cpython.entry(module).or_default().push(output.trim().parse()?);
        }
    }
    let names: Vec<_> = PYTHON.iter().map(|(_, distribution)| *distribution).collect();
    let script = root().join("tests/speed/bench/python/size.py");
    let sizes: Value = serde_json::from_str(&cmd!(sh, "{python} {script} {names...}").quiet().read()?)?;
    let wasm_gzip = gzipped_size(sh, &npm::module())? as u64;
    let npm = NPM.map(|name| -> Result<Package> {
        Ok(Package {
            name,
            import_ms: quantile(&node[name], 0.5),
            installed: npm_size(sh, &js.join("node_modules"), name.trim_end_matches("/wasm"), &mut BTreeSet::new())?,
            bundled: bundled(sh, js, name, wasm_gzip)?,
        })
    });
    let python = PYTHON.map(|(module, distribution)| Package {
        name: distribution,
        import_ms: quantile(&cpython[module], 0.5),
        installed: sizes[distribution].as_u64().unwrap_or_default(),
        bundled: None,
    });
    let mut artefacts = Vec::new();
    for file in sh.read_dir(root().join("dist"))? {
        artefacts.push((file.file_name().unwrap_or_default().to_string_lossy().into_owned(), file.metadata()?.len()));
    }
    Ok(Startup { npm: npm.into_iter().collect::<Result<_>>()?, python: python.into(), artefacts, wasm_gzip })
}

/// Returns the size of a package and all its dependencies, each counted once.
fn npm_size(sh: &Shell, modules: &Path, name: &str, seen: &mut BTreeSet<String>) -> Result<u64> {
    let folder = modules.join(name);
    if !folder.exists() || !seen.insert(name.into()) {
        return Ok(0);
    }
    let package: Value = serde_json::from_str(&sh.read_file(folder.join("package.json"))?)?;
    let mut size = folder_size(&folder)?;
    for dependency in package["dependencies"].as_object().into_iter().flat_map(|list| list.keys()) {
        size += npm_size(sh, modules, dependency, seen)?;
    }
    Ok(size)
}

fn folder_size(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        size += if entry.file_type()?.is_dir() { folder_size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(size)
}

/// Returns the size of a package bundled for a worker, or `None` for the native addon.
fn bundled(sh: &Shell, js: &Path, name: &str, wasm_gzip: u64) -> Result<Option<u64>> {
    if name == "clarife-webhooks" {
        return Ok(None);
    }
    let _folder = sh.push_dir(js);
    let (esbuild, output) = (npm_tool("esbuild"), js.join("bundled.js"));
    let import = match name {
        "stripe" => "import Stripe from 'stripe'; globalThis.used = Stripe.webhooks;".into(),
        "@octokit/webhooks-methods" => format!("import {{ verify }} from '{name}'; globalThis.used = verify;"),
        _ => format!("import {{ Webhook }} from '{name}'; globalThis.used = Webhook;"),
    };
    let conditions = ["--platform=neutral", "--main-fields=module,main", "--conditions=workerd,worker,import"];
    cmd!(sh, "{esbuild} --bundle --minify --format=esm {conditions...} --external:*.wasm --external:node:*")
        .args(["--external:http", "--external:https", "--external:events", "--external:child_process", "--external:os"])
        .args(["--external:crypto", "--external:buffer", "--log-level=error", "--outfile=bundled.js"])
        .stdin(import)
        .quiet()
        .run()
        .with_context(|| format!("cannot bundle {name}"))?;
    let module = if name == "clarife-webhooks/wasm" { wasm_gzip } else { 0 };
    Ok(Some(gzipped_size(sh, &output)? as u64 + module))
}
