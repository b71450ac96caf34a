//! The WebAssembly module: cargo, wasm-bindgen and wasm-opt.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, dist, npm_tool, release_rustflags, root, target};

/// The target of modules for JavaScript.
pub const TRIPLE: &str = "wasm32-unknown-unknown";

/// Options of wasm-opt that make a module small, without custom sections.
const SMALL: [&str; 5] = ["-Oz", "--converge", "--strip-debug", "--strip-producers", "--strip-target-features"];

/// The features of every current JavaScript runtime, and no others: wasm-opt uses each feature that is enabled.
const JAVASCRIPT: [&str; 5] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
];

/// Passes that replace the later instructions in the standard library, which rustup builds for newer hosts.
const LOWER: [&str; 4] = [
    "--remove-unused-module-elements",
    "--signext-lowering",
    "--llvm-memory-copy-fill-lowering",
    "--strip-target-features",
];

/// The features of WebAssembly 1.0 alone, which every host has. wasm-opt fails if the module needs another one.
const WEBASSEMBLY_1: [&str; 1] = ["--mvp-features"];

/// Writes a module and its glue code, `index_bg.js` or `index.js`, for the runtime that `choose` sets.
pub fn bind(module: &Path, output: &Path, choose: impl FnOnce(&mut Bindgen) -> Result<&mut Bindgen>) -> Result<()> {
    let mut bindgen = Bindgen::new();
    choose(bindgen.input_path(module).out_name("index").typescript(false))?.generate(output)
}

/// Builds the module of the npm package. `cargo` is the command that builds for WebAssembly.
pub fn build(sh: &Shell, cargo: &[String], output: &Path) -> Result<()> {
    // SIMD makes SHA-256 a third faster, and every runtime has it. With --target, build scripts do not see these flags.
    let module = compile(sh, cargo, &["-Ctarget-feature=+simd128"], &[])?;
    optimize(sh, &module, &JAVASCRIPT, output)
}

/// Returns the path of the module for other hosts than JavaScript.
pub fn standalone() -> PathBuf {
    dist().join("clarife-webhooks-core.wasm")
}

/// Builds the module for other hosts than JavaScript, and puts the file of its numbers beside it.
pub fn build_standalone(sh: &Shell, cargo: &[String]) -> Result<()> {
    // wasm-bindgen needs reference types, which do not remain in the module.
    let flags = ["-Ctarget-cpu=mvp", "-Ctarget-feature=+reference-types"];
    let module = compile(sh, cargo, &flags, &["--features", "standalone"])?;
    let (wasm_opt, lowered) = (npm_tool("wasm-opt"), target().join("lowered.wasm"));
    cmd!(sh, "{wasm_opt} {LOWER...} {module} -o {lowered}").run()?;
    optimize(sh, &lowered, &WEBASSEMBLY_1, &standalone())?;
    Ok(sh.copy_file(root().join("bindings-wasm/abi.json"), standalone().with_extension("json"))?)
}

/// Fails if the module in `dist/` needs more than WebAssembly 1.0.
pub fn check_standalone(sh: &Shell) -> Result<()> {
    let (wasm_opt, module) = (npm_tool("wasm-opt"), standalone());
    Ok(cmd!(sh, "{wasm_opt} {WEBASSEMBLY_1...} --vacuum {module} -o /dev/null").quiet().ignore_stdout().run()?)
}

/// Compiles `bindings-wasm`, and returns the path of the module without wasm-bindgen's exports.
fn compile(sh: &Shell, cargo: &[String], flags: &[&str], options: &[&str]) -> Result<PathBuf> {
    let (program, arguments) = cargo.split_first().context("no cargo command was given")?;
    let build = ["build", "--quiet", "--locked", "--package", "bindings-wasm", "--profile", "wasm", "--target", TRIPLE];
    cmd!(sh, "{program} {arguments...} {build...} {options...}").env(RUSTFLAGS, release_rustflags(flags)).run()?;
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
    Ok(bound_file)
}

/// Optimizes a module for its size, with the given features of WebAssembly.
fn optimize(sh: &Shell, module: &Path, features: &[&str], output: &Path) -> Result<()> {
    let wasm_opt = npm_tool("wasm-opt");
    Ok(cmd!(sh, "{wasm_opt} {SMALL...} {features...} {module} -o {output}").run()?)
}
