//! The npm package `clarife-webhooks-wasm`: cargo, wasm-bindgen, wasm-opt, esbuild and tsc, into `bindings-wasm/dist`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use wasm_bindgen_cli_support::Bindgen;
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, dist, npm_tool, release_rustflags, root, target};

const TRIPLE: &str = "wasm32-unknown-unknown";
const MODULE: &str = "clarife_webhooks.wasm";

/// What every current runtime has, and no more: wasm-opt uses whatever is enabled.
const WASM_OPT: [&str; 10] = [
    "-Oz",
    "--converge",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// The entries of the package, and esbuild's format and platform for each. Each is a file with the whole face in it.
const ENTRIES: [(&str, &str, &str); 6] = [
    ("node.cjs", "cjs", "node"),
    ("bun.mjs", "esm", "neutral"),
    ("deno.mjs", "esm", "neutral"),
    ("workerd.mjs", "esm", "neutral"),
    ("edge-light.mjs", "esm", "neutral"),
    ("browser.mjs", "esm", "neutral"),
];

/// Limits of the project, in bytes after gzip: the module, and all JavaScript that one runtime loads. 6,500 since the face receives:
/// before the handler, dispatch, once-only stores and Standard Webhooks it was 4,000. Bun's file, with all names in it, comes from the disk.
const MOST_WASM: usize = 32_000;
const MOST_JAVASCRIPT: usize = 6_500;
const MOST_FOR_BUN: usize = 7_100;

fn package() -> PathBuf {
    root().join("bindings-wasm")
}

/// Builds the package; `cargo` is the command that can build for WebAssembly.
pub fn build(sh: &Shell, cargo: &[String]) -> Result<()> {
    let output = package().join("dist");
    sh.remove_path(&output)?;
    sh.create_dir(&output)?;
    module(sh, cargo, &output)?;
    check_types(sh, &package())?;
    for (entry, format, platform) in ENTRIES {
        let source = package().join("js").join(entry).with_extension("ts");
        bundle(sh, &source, &output.join(entry), format, platform)?;
    }
    sh.copy_file(package().join("js/node.mjs"), &output)?;
    declarations(sh, &output)?;
    licence(sh, &output)
}

/// Packs the package into `dist/`, for npm to install from.
pub fn pack(sh: &Shell) -> Result<PathBuf> {
    npm_pack(sh, &package())
}

/// Prints the sizes after gzip; an error where one is over the limit.
pub fn report_sizes(sh: &Shell) -> Result<()> {
    let output = package().join("dist");
    let wasm = gzipped(sh, &output.join(MODULE))?;
    let mut lines = format!("{MODULE}: {wasm} bytes gzipped, of {MOST_WASM} at most\n");
    let mut fits = wasm <= MOST_WASM;
    for (entry, ..) in ENTRIES {
        let mut size = gzipped(sh, &output.join(entry))?;
        if entry == "node.cjs" {
            size += gzipped(sh, &output.join("node.mjs"))?;
        }
        let most = if entry == "bun.mjs" { MOST_FOR_BUN } else { MOST_JAVASCRIPT };
        fits &= size <= most;
        lines.push_str(&format!("{entry}: {size} bytes gzipped, of {most} at most\n"));
    }
    eprint!("{lines}");
    ensure!(fits, "the npm package is larger than it may be");
    Ok(())
}

/// The module alone.
fn module(sh: &Shell, cargo: &[String], output: &Path) -> Result<()> {
    let (program, arguments) = cargo.split_first().context("no cargo command was given")?;
    // SIMD makes SHA-256 a third faster, and is everywhere. With --target, build scripts do not see these flags.
    cmd!(
        sh,
        "{program} {arguments...} build --quiet --locked --package bindings-wasm --profile wasm --target {TRIPLE}"
    )
    .env(RUSTFLAGS, release_rustflags(&["-Ctarget-feature=+simd128"]))
    .run()?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(target().join(TRIPLE).join("wasm/clarife_webhooks_wasm.wasm"));
    bindgen.out_name("clarife_webhooks").omit_default_module_path(false);
    let mut bound = bindgen.bundler(true)?.generate_output()?;
    // Only numbers cross this module's border: it needs no glue, nor what is there for the glue.
    for export in ["__wbindgen_start", "__wbindgen_externrefs", "__abort_handler", "__instance_terminated"] {
        bound.wasm_mut().exports.remove(export)?;
    }
    let bound_file = target().join("bound.wasm");
    sh.write_file(&bound_file, bound.wasm_mut().emit_wasm())?;
    let wasm_opt = npm_tool("wasm-opt");
    let module = output.join(MODULE);
    cmd!(sh, "{wasm_opt} {WASM_OPT...} {bound_file} -o {module}").run()?;
    Ok(())
}

/// Type-checks a package's sources.
pub(crate) fn check_types(sh: &Shell, package: &Path) -> Result<()> {
    let tsc = npm_tool("tsc");
    Ok(cmd!(sh, "{tsc} --project {package}").run()?)
}

/// One file of JavaScript from `source` and everything that it imports. Names are shortened, and the classes name themselves; what Bun
/// shows of a class is none the less what it is called in the file, so there names stay.
pub(crate) fn bundle(sh: &Shell, source: &Path, output: &Path, format: &str, platform: &str) -> Result<()> {
    let mut flags = vec![format!("--outfile={}", output.display()), format!("--platform={platform}")];
    if !source.ends_with("bun.ts") {
        flags.push("--minify-identifiers".into());
    }
    bundle_each(sh, &[source.to_path_buf()], &flags, format)
}

/// A file for each of several sources.
pub(crate) fn bundle_each(sh: &Shell, sources: &[PathBuf], flags: &[String], format: &str) -> Result<()> {
    let esbuild = npm_tool("esbuild");
    cmd!(sh, "{esbuild} {sources...} --bundle --format={format} --target=es2022 {flags...}")
        .args(["--minify-whitespace", "--minify-syntax", "--log-level=warning", "--supported:import-attributes=true"])
        .args([
            "--external:*.wasm",
            "--external:*.wasm?module",
            "--external:node:*",
            "--external:clarife-webhooks",
            "--external:clarife-webhooks-wasm",
        ])
        .run()?;
    Ok(())
}

/// The declarations of the face, the same in both packages.
pub(crate) fn declarations(sh: &Shell, output: &Path) -> Result<()> {
    let tsc = npm_tool("tsc");
    let project = package().join("tsconfig.types.json");
    let types = output.join("types");
    cmd!(sh, "{tsc} --project {project} --outDir {types}").run()?;
    Ok(sh.copy_file(package().join("js/index.d.mts"), output)?)
}

pub(crate) fn licence(sh: &Shell, output: &Path) -> Result<()> {
    Ok(sh.copy_file(root().join("LICENSE"), output)?)
}

pub(crate) fn npm_pack(sh: &Shell, package: &Path) -> Result<PathBuf> {
    let _folder = sh.push_dir(package);
    let to = dist();
    let packed = cmd!(sh, "npm pack --silent --pack-destination {to}").read()?;
    Ok(to.join(packed.lines().last().context("npm pack named no file")?))
}

pub(crate) fn gzipped(sh: &Shell, file: &Path) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&sh.read_binary_file(file)?)?;
    Ok(encoder.finish()?.len())
}
