//! `cargo xtask instructions`: how many instructions a verification takes, compared with the committed counts.
//!
//! It needs no quiet machine, unlike everything that reads a clock. What it counts is software SHA-256: callgrind's processor has
//! no instructions for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, cargo_home, release_rustflags, root, step, target};
use crate::setup;

/// The harness; its crate in `tests/instructions/Cargo.toml` has the same version.
const RUNNER: &str = "gungraun-runner";
const RUNNER_VERSION: &str = "0.20.0";

/// How far a count may be from the committed one, both ways: a baseline that is too high would hide what comes next.
const WITHIN: f64 = 0.03;

const RENEW: &str = "cargo xtask instructions --renew";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Baseline {
    /// Another compiler, or another machine's, makes other instructions.
    rustc: String,
    counts: BTreeMap<String, u64>,
}

/// Installs what is needed and counts.
pub fn run(sh: &Shell, renew: bool) -> Result<()> {
    tools(sh)?;
    if !renew {
        return check(sh);
    }
    let counted = count(sh)?;
    sh.write_file(baseline(), serde_json::to_string_pretty(&counted)? + "\n")?;
    eprintln!("{counted:#?}");
    Ok(())
}

/// Valgrind, from the machine or from Debian's packages, and the harness's runner.
pub fn tools(sh: &Shell) -> Result<()> {
    if cmd!(sh, "valgrind --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        setup::debian(sh, "valgrind").context("no Valgrind here and it could not be installed: install it")?;
    }
    let runner = runner();
    let wanted = format!("{RUNNER} {RUNNER_VERSION}");
    if cmd!(sh, "{runner} --version").quiet().ignore_stderr().read().is_ok_and(|version| version.trim() == wanted) {
        return Ok(());
    }
    let target = target().join("gungraun-runner");
    Ok(cmd!(sh, "cargo install --quiet --locked {RUNNER} --version {RUNNER_VERSION} --target-dir {target}").run()?)
}

/// Counts, and fails where a count differs from the committed one. With another compiler than that of the committed counts there is
/// nothing to compare, and it says so.
pub fn check(sh: &Shell) -> Result<()> {
    step("instructions of a verification");
    let before: Baseline = serde_json::from_str(&sh.read_file(baseline())?)?;
    let rustc = rustc(sh)?;
    if before.rustc != rustc {
        eprintln!(
            "NOT COMPARED: the counts were made with {}, and this is {rustc}, which makes other instructions",
            before.rustc
        );
        return Ok(());
    }
    let now = count(sh)?;
    ensure!(before.counts.keys().eq(now.counts.keys()), "the counts are of other benchmarks than before: `{RENEW}`");
    let mut different = false;
    for ((name, &before), &now) in before.counts.iter().zip(now.counts.values()) {
        let change = now as f64 / before as f64 - 1.0;
        different |= change.abs() > WITHIN;
        eprintln!("{name:24}{before:>10}{now:>10}  {:+.2} %", change * 100.0);
    }
    if different {
        bail!("a count differs by more than {} %: if that is meant, `{RENEW}`", WITHIN * 100.0);
    }
    Ok(())
}

fn count(sh: &Shell) -> Result<Baseline> {
    let folder = target().join("gungraun");
    sh.remove_path(&folder)?; // nothing of an earlier run is counted
    cmd!(sh, "cargo bench --quiet --locked --package instructions -- --save-summary=json --home={folder}")
        .env(RUSTFLAGS, release_rustflags(&[]))
        .env("GUNGRAUN_RUNNER", runner())
        .ignore_stdout()
        .run()?;
    let mut counts = BTreeMap::new();
    let group = folder.join("instructions/verify/group");
    for benchmark in sh.read_dir(&group).with_context(|| format!("no counts in {}", group.display()))? {
        let name = benchmark.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let summary: Value = serde_json::from_str(&sh.read_file(benchmark.join("summary.json"))?)?;
        let count = summary.pointer("/profiles/0/data/total/metrics/Ir/values/new").and_then(Value::as_u64);
        counts.insert(name, count.context("the harness left no count")?);
    }
    Ok(Baseline { rustc: rustc(sh)?, counts })
}

fn rustc(sh: &Shell) -> Result<String> {
    let said = cmd!(sh, "rustc -vV").quiet().read()?;
    let line = |start: &str| said.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    Ok(format!("{} for {}", line("rustc "), line("host: ").trim_start_matches("host: ")))
}

fn runner() -> PathBuf {
    cargo_home().join("bin").join(RUNNER)
}

fn baseline() -> PathBuf {
    root().join("tests/instructions/baseline.json")
}
