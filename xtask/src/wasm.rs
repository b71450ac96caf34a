//! The WebAssembly module: cargo, wasm-bindgen and wasm-opt.

use std::path::Path;

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, npm_tool, release_rustflags, target};

/// The target of modules for JavaScript.
pub const TRIPLE: &str = "wasm32-unknown-unknown";

/// The features of every current runtime, and no others: wasm-opt uses each feature that is enabled.
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

/// Writes a module and its glue code, `index_bg.js` or `index.js`, for the runtime that `choose` sets.
pub fn bind(module: &Path, output: &Path, choose: impl FnOnce(&mut Bindgen) -> Result<&mut Bindgen>) -> Result<()> {
    let mut bindgen = Bindgen::new();
    choose(bindgen.input_path(module).out_name("index").typescript(false))?.generate(output)
}

/// Builds the module of `bindings-wasm`. `cargo` is the command that builds for WebAssembly.
pub fn build(sh: &Shell, cargo: &[String], output: &Path) -> Result<()> {
    let (program, arguments) = cargo.split_first().context("no cargo command was given")?;
    // SIMD makes SHA-256 a third faster, and every runtime has it. With --target, build scripts do not see these flags.
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
    // Only numbers cross this module's border, so it needs no glue code, nor the exports for it.
    for export in ["__wbindgen_start", "__wbindgen_externrefs", "__abort_handler", "__instance_terminated"] {
        bound.wasm_mut().exports.remove(export)?;
    }
    let bound_file = target().join("bound.wasm");
    sh.write_file(&bound_file, bound.wasm_mut().emit_wasm())?;
    let wasm_opt = npm_tool("wasm-opt");
    Ok(cmd!(sh, "{wasm_opt} {WASM_OPT...} {bound_file} -o {output}").run()?)
}
