//! `cargo xtask edge`: the crate on `wasm32-unknown-unknown`, which has no clock of its own.

use anyhow::{Context as _, Result, ensure};
use xshell::{Shell, cmd};

use crate::project::{root, step, target};
use crate::setup;
use crate::wasm::{self, TRIPLE};

/// Runs the functions of `tests/e2e/edge-rust` in Node.js. Checks that without the feature `js`, only code that reads the
/// clock does not compile, and that the errors name the feature.
pub fn test(sh: &Shell) -> Result<()> {
    step("Rust: WebAssembly with JavaScript's clock, and without a clock");
    let cargo = setup::wasm_cargo(sh)?;
    let (program, arguments) = cargo.split_first().context("no cargo command was given")?;
    let cargo = |command: &str, features: &str| {
        cmd!(sh, "{program} {arguments...} {command} --quiet --package edge-rust --target {TRIPLE}")
            .args(["--features", features])
            .quiet()
    };
    cargo("build", "clock,js").run()?;
    let output = target().join("edge-rust");
    let module = target().join(TRIPLE).join("debug/edge_rust.wasm");
    wasm::bind(&module, &output, |bindgen| bindgen.nodejs(true))?;
    let (test, module) = (root().join("tests/e2e/edge-rust/edge.mjs"), output.join("index.js"));
    cmd!(sh, "node {test} {module}").run()?;

    cargo("check", "").run().context("code that takes the time from its caller needs no clock")?;
    let refused = cargo("check", "clock").ignore_status().output()?;
    let errors = String::from_utf8_lossy(&refused.stderr);
    let functions = sh.read_file(root().join("tests/e2e/edge-rust/src/clock.rs"))?.matches("pub fn ").count();
    let named = errors.matches("error[E0277]: this target has no clock: enable the feature `js`").count();
    ensure!(named == functions, "{named} of {functions} functions have an error that names the feature:\n{errors}");
    Ok(())
}
