//! The same verdict in every language, on deliveries at random: code, message, hint, and everything an event has.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use xshell::{Cmd, Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{root, step};

/// The same deliveries in every run; `PARITY_SEED` gives others.
const SEED: &str = "1";
const DELIVERIES: &str = "5000";

/// Compares every language with Rust.
pub fn compare(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("parity");
    let seed = std::env::var("PARITY_SEED").unwrap_or_else(|_| SEED.into());
    let python = &consumers.python;
    let folder = root().join("tests/parity");
    let deliveries = cmd!(sh, "{python} {folder}/generate.py {seed} {DELIVERIES}").quiet().read()?;
    let script = consumers::copy_into(sh, "tests/parity", &consumers.npm)?.join("verdicts.mjs");

    let rust = cmd!(sh, "cargo run --quiet --locked --package clarife-webhooks --example verdicts");
    let rust = answers(rust, &deliveries)?;
    let mut kinds = BTreeMap::<&str, u32>::new();
    for answer in &rust {
        *kinds.entry(answer["code"].as_str().unwrap_or("accepted")).or_default() += 1;
    }
    eprintln!("{} deliveries of seed {seed}: {kinds:?}", rust.len());
    ensure!(kinds.len() == 9, "the deliveries do not have every verdict that verify can give");

    for (name, command) in [
        ("Node, native", cmd!(sh, "node {script} clarife-webhooks")),
        ("Node, WebAssembly", cmd!(sh, "node {script} clarife-webhooks/wasm")),
        ("Python", cmd!(sh, "{python} {folder}/verdicts.py")),
    ] {
        let theirs = answers(command, &deliveries)?;
        ensure!(theirs.len() == rust.len(), "{name} gave {} answers", theirs.len());
        let differing = rust.iter().zip(&theirs).zip(deliveries.lines()).find(|((rust, theirs), _)| rust != theirs);
        if let Some(((rust, theirs), delivery)) = differing {
            bail!("{name} differs.\ndelivery: {delivery}\nRust: {rust}\n{name}: {theirs}");
        }
        eprintln!("{name}: the same");
    }
    Ok(())
}

fn answers(command: Cmd<'_>, deliveries: &str) -> Result<Vec<Value>> {
    let output = command.quiet().stdin(deliveries).read()?;
    Ok(output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
