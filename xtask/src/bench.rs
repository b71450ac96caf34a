//! `cargo xtask bench`: what there is to measure so far.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::step;
use crate::{consumers, package};

/// The core beside its limit, and the bindings beside verification by hand, each pair in one run.
pub fn run(sh: &Shell, _quick: bool) -> Result<()> {
    let consumers = consumers::install(sh, &package::all(sh)?)?;
    step("bench: Rust");
    cmd!(sh, "cargo bench --quiet --package clarife-webhooks --features sender --bench canonical --bench verify")
        .run()?;
    let folder = consumers::copy_into(sh, "tests/bench", &consumers.npm)?;
    step("bench: Node");
    let script = folder.join("verify.mjs");
    cmd!(sh, "node {script} clarife-webhooks").run()?;
    cmd!(sh, "node {script} clarife-webhooks-wasm").run()?;
    step("bench: Python");
    let (python, script) = (&consumers.python, folder.join("verify.py"));
    cmd!(sh, "{python} {script}").run()?;
    Ok(())
}
