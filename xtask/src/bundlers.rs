//! The matrix of bundlers in `tests/e2e/bundlers`, which start a receiver as one file.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::consumers::Consumers;
use crate::project::{npm_tool, root, step};
use crate::receivers::{self, apps};

/// Runs the whole matrix.
pub fn all(sh: &Shell, consumers: &Consumers) -> Result<()> {
    run(sh, consumers, &[])?;
    step("Next.js with webpack");
    receivers::next_with_webpack(sh, consumers)
}

/// Runs the part of the matrix that takes about a minute.
pub fn quick(sh: &Shell, consumers: &Consumers) -> Result<()> {
    run(sh, consumers, &["bundlers.test.mjs", "runtimes.test.mjs"])
}

/// Runs files of the matrix, or all without a name.
fn run(sh: &Shell, consumers: &Consumers, files: &[&str]) -> Result<()> {
    step("bundlers");
    let _folder = sh.push_dir(apps::copy(sh, consumers, &root().join("tests/e2e/bundlers"))?);
    Ok(cmd!(sh, "node --test --test-reporter=spec {files...}").env("TOOLS", npm_tool("")).run()?)
}
