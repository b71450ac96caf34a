//! `cargo xtask bench`: measures speed, start-up and sizes next to other libraries, and writes `docs/benchmarks.md`.
//!
//! In each pass, each runtime measures all of its contestants one after another. A number is the median of the passes.

mod bodies;
mod chart;
mod facts;
mod projects;
mod report;
mod results;
mod startup;
mod targets;

use anyhow::{Result, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::project::{npm_tool, root, step};
use crate::{package, setup};

use projects::Projects;
use results::Results;

const PASSES: usize = 7;

/// Measures and writes the report. With `quick`, measures two sizes in one pass and prints the report.
pub fn run(sh: &Shell, quick: bool) -> Result<()> {
    let packages = package::all(sh)?;
    step("bench: installing the other libraries");
    let projects = Projects::install(sh, &packages)?;
    let folder = bodies::write(sh, quick)?;
    let facts = facts::gather(sh, &projects)?;
    let worker = projects.start_worker(sh)?;
    let mut results = Results::default();
    for pass in 1..=if quick { 1 } else { PASSES } {
        step(&format!("bench: pass {pass}"));
        let (js, python, rust) = (&projects.js, &projects.python, &projects.rust);
        let scripts = root().join("tests/speed/bench/python");
        let (deno, bun) = (npm_tool("deno"), npm_tool("bun"));
        let (site, url, chromium) = (js.join("site"), worker.url(), setup::chromium(sh)?);
        let commands: Vec<(&str, Cmd<'_>)> = vec![
            ("rust", cmd!(sh, "{rust} race {folder}")),
            ("node", cmd!(sh, "node --expose-gc {js}/node.mjs {folder}")),
            ("python", cmd!(sh, "{python} {scripts}/race.py {folder}")),
            ("deno", cmd!(sh, "{deno} run --quiet --allow-read --v8-flags=--expose-gc {js}/runtime.mjs {folder}")),
            ("bun", cmd!(sh, "{bun} {js}/runtime.mjs {folder}")),
            ("workerd", cmd!(sh, "node {js}/workerd.mjs {url} {folder}")),
            ("chromium", cmd!(sh, "node {js}/chromium.mjs {site} {folder}").env("CHROMIUM", chromium)),
            ("rust", cmd!(sh, "{rust} threads {folder}")),
            ("python", cmd!(sh, "{python} {scripts}/threads.py {folder}")),
        ];
        for (runtime, command) in commands {
            eprintln!("{runtime}");
            results.add(runtime, &output(command)?)?;
        }
    }
    drop(worker);
    step("bench: start-up and sizes");
    let startup = startup::measure(sh, &projects, quick)?;
    let report = report::write(sh, &facts, &results, &startup)?;
    if quick {
        println!("{report}");
        return Ok(());
    }
    let docs = root().join("docs");
    sh.write_file(docs.join("benchmarks.md"), report)?;
    for (name, chart) in chart::all(&results) {
        sh.write_file(docs.join("benchmarks").join(name), chart)?;
    }
    eprintln!("wrote docs/benchmarks.md and its charts");
    Ok(())
}

/// Runs a program and returns its output. An error contains the program's error output.
fn output(command: Cmd<'_>) -> Result<String> {
    let name = command.to_string();
    let output = command.quiet().ignore_status().output()?;
    ensure!(output.status.success(), "{name} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
