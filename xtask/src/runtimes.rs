//! The vectors in every language and runtime, reported as a table of runtimes and passed cases.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use xshell::{Cmd, Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{npm_tool, root, step};
use crate::setup;

/// The line that every runner prints. tests/vectors/README.md describes it.
#[derive(Deserialize)]
struct Report {
    runtime: String,
    version: String,
    engine: Option<String>,
    passed: BTreeMap<String, u64>,
    failed: Vec<serde_json::Value>,
    /// `true` if the runner exited with status 0.
    #[serde(skip)]
    succeeded: bool,
}

/// Runs the runners of the packages.
pub fn walk(sh: &Shell, consumers: &Consumers) -> Result<()> {
    step("vectors");
    let runners = consumers::copy_into(sh, "tests/runners", &consumers.npm)?;
    let vectors = root().join("tests/vectors");
    let (node, python) = (runners.join("node.mjs"), &consumers.python);
    let (deno, bun) = (npm_tool("deno"), npm_tool("bun"));
    let python_runner = root().join("tests/runners/vectors.py");
    let (workerd_runner, workerd) = (runners.join("workerd.mjs"), npm_tool("workerd"));
    let (chromium_runner, chromium) = (runners.join("chromium.mjs"), setup::chromium(sh)?);
    let commands: Vec<Cmd<'_>> = vec![
        cmd!(sh, "cargo test --quiet --package clarife-webhooks --all-features --test vectors -- --nocapture"),
        cmd!(sh, "node {node} clarife-webhooks {vectors}"),
        cmd!(sh, "node {node} clarife-webhooks/wasm {vectors}"),
        cmd!(sh, "{python} {python_runner} {vectors}"),
        cmd!(sh, "{deno} run --quiet --allow-read {node} clarife-webhooks {vectors}"),
        cmd!(sh, "{bun} {node} clarife-webhooks {vectors}"),
        cmd!(sh, "node {workerd_runner} clarife-webhooks {vectors}").env("WORKERD", workerd),
        cmd!(sh, "node {chromium_runner} clarife-webhooks {vectors}").env("CHROMIUM", chromium),
    ];
    run(commands)
}

/// Runs runners and prints the table of their reports.
///
/// # Errors
///
/// Returns an error if a case failed or a runner ran no case.
pub fn run(commands: Vec<Cmd<'_>>) -> Result<()> {
    let mut reports = Vec::new();
    for command in commands {
        reports.push(report(command)?);
    }
    print(&reports);
    let good = |report: &Report| report.succeeded && report.failed.is_empty() && !report.passed.is_empty();
    if let Some(bad) = reports.iter().find(|report| !good(report)) {
        let first: Vec<_> = bad.failed.iter().take(5).map(ToString::to_string).collect();
        bail!("{}: {} cases failed\n{}", bad.runtime, bad.failed.len(), first.join("\n"));
    }
    Ok(())
}

fn report(command: Cmd<'_>) -> Result<Report> {
    let name = command.to_string();
    let output = command.quiet().ignore_status().output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let line = printed
        .lines()
        .find(|line| line.starts_with('{'))
        .with_context(|| format!("no report from {name}:\n{printed}{errors}"))?;
    let report: Report = serde_json::from_str(line)?;
    Ok(Report { succeeded: output.status.success(), ..report })
}

fn print(reports: &[Report]) {
    let files: BTreeSet<&String> = reports.iter().flat_map(|report| report.passed.keys()).collect();
    eprint!("\n{:26}", "runtime");
    for file in &files {
        eprint!("{file:>13}");
    }
    eprintln!("{:>8}{:>8}", "all", "failed");
    for report in reports {
        let engine = report.engine.as_deref().map(|engine| format!(" {engine}")).unwrap_or_default();
        eprint!("{:26}", format!("{} {}{engine}", report.runtime, report.version));
        for file in &files {
            // Only Rust has the rules of a sender.
            eprint!("{:>13}", report.passed.get(*file).map_or("-".into(), u64::to_string));
        }
        eprintln!("{:>8}{:>8}", report.passed.values().sum::<u64>(), report.failed.len());
    }
}
