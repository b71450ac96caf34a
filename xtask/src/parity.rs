//! Comparison of the languages on random deliveries: code, message and hint of an error, and all members of an event.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{root, step};

/// The seed of the deliveries, unless `PARITY_SEED` is set.
const SEED: &str = "1";
const DELIVERIES: &str = "5000";

/// Compares the verdicts of each language with Rust's.
pub fn compare(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("parity");
    let seed = std::env::var("PARITY_SEED").unwrap_or_else(|_| SEED.into());
    let python = &consumers.python;
    let folder = root().join("tests/e2e/parity");
    let deliveries = cmd!(sh, "{python} {folder}/generate.py {seed} {DELIVERIES}").quiet().read()?;
    let script = consumers::copy_into(sh, "tests/e2e/parity", &consumers.npm)?.join("verdicts.mjs");

    let rust = cmd!(sh, "cargo run --quiet --locked --package clarife-webhooks --example verdicts");
    let rust = verdicts(rust, &deliveries)?;
    let mut kinds = BTreeMap::<&str, u32>::new();
    for verdict in &rust {
        *kinds.entry(verdict["code"].as_str().unwrap_or("accepted")).or_default() += 1;
    }
    eprintln!("{} deliveries of seed {seed}: {kinds:?}", rust.len());
    ensure!(kinds.len() == 9, "the deliveries do not cover every verdict of verify");

    for (name, command) in [
        ("Node, native", cmd!(sh, "node {script} clarife-webhooks")),
        ("Node, WebAssembly", cmd!(sh, "node {script} clarife-webhooks/wasm")),
        ("Python", cmd!(sh, "{python} {folder}/verdicts.py")),
    ] {
        let theirs = verdicts(command, &deliveries)?;
        ensure!(theirs.len() == rust.len(), "{name} returned {} verdicts", theirs.len());
        let differing = rust.iter().zip(&theirs).zip(deliveries.lines()).find(|((rust, theirs), _)| rust != theirs);
        if let Some(((rust, theirs), delivery)) = differing {
            bail!("{name} differs.\ndelivery: {delivery}\nRust: {rust}\n{name}: {theirs}");
        }
        eprintln!("{name}: no difference");
    }
    Ok(())
}

/// Runs a program on the deliveries, and returns its verdict for each.
fn verdicts(command: Cmd<'_>, deliveries: &str) -> Result<Vec<Value>> {
    let output = command.quiet().stdin(deliveries).read()?;
    Ok(output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
