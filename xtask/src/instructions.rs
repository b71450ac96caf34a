//! `cargo xtask instructions`: the instructions of a verification, compared with the committed counts.
//!
//! Counts do not depend on a clock or on other programs. They include SHA-256 in software, because callgrind's
//! processor has no SHA instructions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::project::{RUSTFLAGS, cargo_home, debian, release_rustflags, root, step, target};

/// The harness's runner. Its version is that of the crate `gungraun` in `tests/speed/instructions/Cargo.toml`.
const RUNNER: &str = "gungraun-runner";
const RUNNER_VERSION: &str = "0.20.0";

/// The accepted relative change of a count. It limits decreases too, because a baseline that is too high would hide a
/// later increase.
const TOLERANCE: f64 = 0.03;

const RENEW: &str = "cargo xtask instructions --renew";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Baseline {
    /// The compiler and its host. Other compilers produce other counts.
    rustc: String,
    counts: BTreeMap<String, u64>,
}

/// Installs the tools, then compares the counts, or writes them with `renew`.
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

/// Installs Valgrind from Debian's packages unless the machine has it, and the harness's runner.
pub fn tools(sh: &Shell) -> Result<()> {
    if cmd!(sh, "valgrind --version").quiet().ignore_stdout().ignore_stderr().run().is_err() {
        debian(sh, "valgrind").context("cannot install Valgrind: install it yourself")?;
    }
    let runner = runner();
    let wanted = format!("{RUNNER} {RUNNER_VERSION}");
    if cmd!(sh, "{runner} --version").quiet().ignore_stderr().read().is_ok_and(|version| version.trim() == wanted) {
        return Ok(());
    }
    let target = target().join("gungraun-runner");
    Ok(cmd!(sh, "cargo install --quiet --locked {RUNNER} --version {RUNNER_VERSION} --target-dir {target}").run()?)
}

/// Counts, and compares with the committed counts.
///
/// Prints a notice instead if the committed counts are of another compiler.
pub fn check(sh: &Shell) -> Result<()> {
    step("instructions of a verification");
    let before: Baseline = serde_json::from_str(&sh.read_file(baseline())?)?;
    let rustc = rustc(sh)?;
    if before.rustc != rustc {
        eprintln!("NOT COMPARED: the committed counts are of {}, and this compiler is {rustc}", before.rustc);
        return Ok(());
    }
    let now = count(sh)?;
    ensure!(before.counts.keys().eq(now.counts.keys()), "the benchmarks have changed: run `{RENEW}`");
    let mut different = false;
    for ((name, &before), &now) in before.counts.iter().zip(now.counts.values()) {
        let change = now as f64 / before as f64 - 1.0;
        different |= change.abs() > TOLERANCE;
        eprintln!("{name:24}{before:>10}{now:>10}  {:+.2} %", change * 100.0);
    }
    if different {
        bail!("a count differs by more than {} %: if that is intended, run `{RENEW}`", TOLERANCE * 100.0);
    }
    Ok(())
}

fn count(sh: &Shell) -> Result<Baseline> {
    let folder = target().join("gungraun");
    sh.remove_path(&folder)?; // an earlier run must not be read
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
        counts.insert(name, count.context("the harness wrote no count")?);
    }
    Ok(Baseline { rustc: rustc(sh)?, counts })
}

fn rustc(sh: &Shell) -> Result<String> {
    let version = cmd!(sh, "rustc -vV").quiet().read()?;
    let line = |start: &str| version.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    Ok(format!("{} for {}", line("rustc "), line("host: ").trim_start_matches("host: ")))
}

fn runner() -> PathBuf {
    cargo_home().join("bin").join(RUNNER)
}

fn baseline() -> PathBuf {
    root().join("tests/speed/instructions/baseline.json")
}
