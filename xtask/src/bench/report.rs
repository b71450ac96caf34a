//! `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Result;
use xshell::Shell;

use super::PASSES;
use super::facts::Facts;
use super::results::{OURS, Results};
use super::startup::{Package, Startup};
use super::targets::verdicts;
use crate::project::root;

/// Runtimes as they are measured, and as they are called.
pub const RUNTIMES: [(&str, &str); 7] = [
    ("node", "Node"),
    ("python", "Python"),
    ("rust", "Rust"),
    ("workerd", "workerd"),
    ("deno", "Deno"),
    ("bun", "Bun"),
    ("chromium", "Chromium"),
];

const JOBS: [(&str, &str); 5] = [
    ("route", "Verify and route"),
    ("read", "Verify and read"),
    ("reject", "Reject"),
    ("sign", "Sign"),
    ("canonical", "Write `data` as JSON"),
];

/// The whole report.
pub fn write(sh: &Shell, facts: &Facts, results: &Results, startup: &Startup) -> Result<String> {
    let mut out =
        String::from("# Benchmarks\n\nWritten by `cargo xtask bench`; run it to have the same of your machine.\n\n");
    out.push_str("| | |\n|---|---|\n");
    for (name, fact) in facts {
        writeln!(out, "| {name} | {fact} |")?;
    }
    targets(&mut out, results, startup)?;
    out.push_str(&sh.read_file(root().join("tests/bench/shortfalls.md"))?);
    write!(out, "\n## How it is measured\n\n{}", METHOD.replace("@PASSES@", &PASSES.to_string()))?;
    for (runtime, name) in RUNTIMES {
        write!(out, "\n## {name}\n\n![Verify and read in {name}](benchmarks/{runtime}.svg)\n")?;
        for (job, title) in JOBS {
            for (text, kind) in [("ascii", "ASCII"), ("unicode", "not only ASCII")] {
                table(&mut out, results, runtime, (job, title), (text, kind))?;
            }
        }
    }
    threads(&mut out, results)?;
    start_up(&mut out, results, startup)?;
    Ok(out)
}

const METHOD: &str = "\
- Every number is the median of @PASSES@ passes, with half the distance between the quartiles of the passes as ±. In a pass all contestants of a
  runtime do one job on one body right after one another, each for some 20 to 100 ms, measured by Criterion (Rust), mitata (Node, Deno, Bun,
  Chromium) and `timeit` (Python). A worker's clock stands still while it computes, so workerd is timed from outside.
- ÷ is ours by theirs: below 1, ours is quicker.
- *Verify and route* reads `id` and `type`; *verify and read* has all of `data` as objects of the language; *reject* refuses a signature
  that is wrong in one bit. Who verifies only (in Rust all peers, in Python svix, in JavaScript octokit) parses the body afterwards with the
  language's own parser, where the job needs that.
- Everybody verifies with the headers of their own scheme. Who can prepare a key before does so (clarife-webhooks, svix, standardwebhooks, and by hand in
  Rust and with WebCrypto); the others take the secret with every call.
- The bodies are documents of blocks, of exactly the size that is said. *Not only ASCII* has German, Japanese, French and Russian text.
- *The limit* is one HMAC-SHA256 of the body and one pass of `serde_json` over it that keeps nothing; for signing, one HMAC; for writing,
  `serde_json::to_vec`.
";

fn targets(out: &mut String, results: &Results, startup: &Startup) -> Result<()> {
    out.push_str("\n## Targets\n\nAt 1 KiB of ASCII, unless it says otherwise.\n\n| | target | measured | |\n|---|--:|--:|---|\n");
    for verdict in verdicts(results, startup) {
        let digits = if verdict.target < 0.1 {
            3
        } else if verdict.target > 100.0 {
            0
        } else {
            2
        };
        let number = |number: f64| if digits == 0 { grouped(number) } else { format!("{number:.digits$}") };
        let (target, measured, unit) = (number(verdict.target), number(verdict.measured), verdict.unit);
        let mark = if verdict.met() { "met" } else { "**missed**" };
        writeln!(out, "| {} | ≤ {target}{unit} | {measured}{unit} | {mark} |", verdict.what)?;
    }
    Ok(())
}

fn table(
    out: &mut String,
    results: &Results,
    runtime: &str,
    (job, title): (&str, &str),
    (text, kind): (&str, &str),
) -> Result<()> {
    let contestants = results.contestants(runtime, job);
    if contestants.is_empty() {
        return Ok(());
    }
    let sizes = results.sizes();
    write!(out, "\n**{title}**, {kind}, ns\n\n| |")?;
    for &size in &sizes {
        write!(out, " {} | ÷ |", size_name(size))?;
    }
    write!(out, "\n|---|{}\n", "--:|--:|".repeat(sizes.len()))?;
    for contestant in contestants {
        write!(out, "| {contestant} |")?;
        for &size in &sizes {
            let ours = results.median(runtime, job, text, OURS, size);
            match (results.number(runtime, job, text, contestant, size), ours) {
                (Some((ns, spread)), Some(ours)) => {
                    let ratio = if contestant == OURS { String::new() } else { format!("{:.2}", ours / ns) };
                    write!(out, " {} ±{:.0} % | {ratio} |", grouped(ns), spread * 100.0)?;
                }
                _ => out.push_str(" | |"),
            }
        }
        out.push('\n');
    }
    Ok(())
}

fn threads(out: &mut String, results: &Results) -> Result<()> {
    out.push_str("\n## Threads\n\nThe time of one verification when so many threads share one webhook, in ns; twice as many cores should halve it. Python lets go of its GIL for bodies from 32 KiB on.\n\n| |");
    let sizes = results.sizes();
    for &size in &sizes {
        write!(out, " {} |", size_name(size))?;
    }
    write!(out, "\n|---|{}\n", "--:|".repeat(sizes.len()))?;
    for (runtime, name) in [("rust", "Rust"), ("python", "Python")] {
        for job in results.jobs(runtime, " threads") {
            write!(out, "| {name}, {} |", job.replace("1 threads", "1 thread"))?;
            for &size in &sizes {
                let ns = results.median(runtime, job, "ascii", OURS, size);
                write!(out, " {} |", ns.map(grouped).unwrap_or_default())?;
            }
            out.push('\n');
        }
    }
    Ok(())
}

fn start_up(out: &mut String, results: &Results, startup: &Startup) -> Result<()> {
    out.push_str("\n## Start-up and sizes\n\nThe median of 20 imports, each in a new process, with the files in the system's cache. *Installed* is everything on the disk, dependencies and all. *Bundled* is what a worker loads: minified by esbuild, gzipped, the WebAssembly module included.\n");
    for (language, packages) in [("Node", &startup.npm), ("Python", &startup.python)] {
        write!(out, "\n| {language} | import, ms | installed, bytes | bundled, bytes |\n|---|--:|--:|--:|\n")?;
        for Package { name, import_ms, installed, bundled } in packages {
            let bundled = bundled.map(|size| grouped(size as f64)).unwrap_or_default();
            writeln!(out, "| {name} | {import_ms:.1} | {} | {bundled} |", grouped(*installed as f64))?;
        }
    }
    out.push_str("\n| artefact | bytes |\n|---|--:|\n");
    for (name, size) in &startup.artefacts {
        writeln!(out, "| {name} | {} |", grouped(*size as f64))?;
    }
    writeln!(out, "| the .wasm, gzipped | {} |", grouped(startup.wasm_gzip as f64))?;
    if let Some(ns) = results.median("workerd", "instantiate", "", OURS, 0) {
        writeln!(out, "\nAn instance of the module takes workerd {:.0} µs to make.", ns / 1e3)?;
    }
    Ok(())
}

pub fn size_name(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

/// A number without its fraction, with commas.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
