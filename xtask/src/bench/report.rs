//! The report `docs/benchmarks.md`.

use std::fmt::Write as _;

use anyhow::Result;
use xshell::Shell;

use super::PASSES;
use super::facts::Facts;
use super::results::{OURS, Results};
use super::startup::{Package, Startup};
use super::targets::verdicts;
use crate::project::root;

/// Keys and names of the runtimes.
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

/// Returns the report.
pub fn write(sh: &Shell, facts: &Facts, results: &Results, startup: &Startup) -> Result<String> {
    let mut out =
        String::from("# Benchmarks\n\n`cargo xtask bench` writes this report. Run it to measure your machine.\n\n");
    out.push_str("| | |\n|---|---|\n");
    for (name, fact) in facts {
        writeln!(out, "| {name} | {fact} |")?;
    }
    targets(&mut out, results, startup)?;
    out.push_str(&sh.read_file(root().join("tests/speed/bench/shortfalls.md"))?);
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
- Each number is the median of @PASSES@ passes. ± is half the distance between the quartiles of the passes.
- In a pass, all contestants of a runtime do one job on one body, one after another, for 20 to 100 ms each.
- Criterion measures Rust, mitata measures Node, Deno, Bun and Chromium, and `timeit` measures Python. A worker's clock
  does not advance while the worker computes, so workerd is timed from outside.
- ÷ is this library's time divided by the contestant's. Below 1, this library is faster.
- *Verify and route* reads `id` and `type`. *Verify and read* reads all of `data` as objects of the language. *Reject*
  gets a signature with one wrong bit.
- Some contestants only verify: all in Rust, svix in Python, and octokit in JavaScript. For jobs that need the parsed
  body, they parse it with the language's own parser.
- Each contestant verifies the headers of its own scheme. clarife-webhooks, svix and standardwebhooks prepare the key
  once, and so does code by hand in Rust and with WebCrypto. The others take the secret in each call.
- The bodies are documents of blocks, of exactly the named sizes. *Not only ASCII* contains German, Japanese, French
  and Russian text.
- *The limit* of verifying is one HMAC-SHA256 of the body and one pass of `serde_json` that keeps nothing. The limit of
  signing is one HMAC, and of writing `serde_json::to_vec`.
";

/// Appends the table of targets.
fn targets(out: &mut String, results: &Results, startup: &Startup) -> Result<()> {
    out.push_str(
        "\n## Targets\n\nFor 1 KiB of ASCII, unless the row names another size.\n\n\
         | | target | measured | |\n|---|--:|--:|---|\n",
    );
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
        writeln!(out, "| {} | ≤ {target}{unit} | {measured}{unit} | {mark} |", verdict.name)?;
    }
    Ok(())
}

/// Appends the table of a job on bodies of one text.
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

/// Appends the table of threads.
fn threads(out: &mut String, results: &Results) -> Result<()> {
    out.push_str(
        "\n## Threads\n\n\
         The time of one verification in ns, while several threads share one webhook. Two threads on two cores should\n\
         halve it. Python releases its GIL for bodies of at least 32 KiB.\n\n| |",
    );
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

/// Appends the tables of import times and sizes.
fn start_up(out: &mut String, results: &Results, startup: &Startup) -> Result<()> {
    out.push_str(
        "\n## Start-up and sizes\n\n\
         The median of 20 imports, each in a new process, with the files in the system's cache. *Installed* is the size\n\
         on disk, with all dependencies. *Bundled* is the size that a worker loads: minified by esbuild, gzipped, and\n\
         with the WebAssembly module.\n",
    );
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
        writeln!(out, "\nworkerd creates an instance of the module in {:.0} µs.", ns / 1e3)?;
    }
    Ok(())
}

/// Returns a size with its unit.
pub fn size_name(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}

/// Returns a number without its fraction, with commas between thousands.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
