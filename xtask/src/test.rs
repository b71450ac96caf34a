//! `cargo xtask test`: every test there is.

use std::time::Instant;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::project::{npm_tool, root, step};
use crate::{codegen, demo, instructions, package, parity, python, redis, runtimes, setup, wasm};

/// Everything, from a fresh clone on; the first failure ends it.
pub fn run(sh: &Shell) -> Result<()> {
    let start = Instant::now();
    setup::all(sh)?;
    let _redis = redis::start(sh)?;
    step("generated files");
    codegen::run(sh, true)?;
    let python = python::venv(sh)?;
    cmd!(sh, "{python} tests/vectors/validate.py").quiet().run()?;
    rust(sh)?;
    instructions::check(sh)?;
    let consumers = consumers::install(sh, &package::all(sh)?)?;
    javascript_tests(sh, &consumers)?;
    python_tests(sh, &consumers)?;
    runtimes::walk(sh, &consumers)?;
    parity::compare(sh, &consumers)?;
    demo::show(sh, &consumers)?;
    wasm::report_sizes(sh)?;
    eprintln!("\nEverything passed, in {} s.", start.elapsed().as_secs());
    Ok(())
}

fn rust(sh: &Shell) -> Result<()> {
    step("Rust: format, lints, documentation");
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings").run()?;
    cmd!(sh, "cargo doc --quiet --package clarife-webhooks --all-features --no-deps")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    // The core alone, as a receiver and an embedded target have it.
    cmd!(sh, "cargo check --quiet --package clarife-webhooks --no-default-features").run()?;
    step("Rust: tests");
    cmd!(sh, "cargo test --quiet --workspace --all-features").run()?;
    Ok(())
}

/// The same tests for the native addon and for WebAssembly, in a project with the packed packages.
fn javascript_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    for (package, project) in [
        ("clarife-webhooks", &consumers.npm),
        ("clarife-webhooks-wasm", &consumers.npm),
        ("clarife-webhooks", &consumers.npm_without_addon),
    ] {
        step(&format!("JavaScript: {package} in {}", project.file_name().unwrap_or_default().to_string_lossy()));
        let tests = consumers::copy_into(sh, "bindings-wasm/tests", project)?;
        let _folder = sh.push_dir(&tests);
        cmd!(sh, "node --test --test-reporter=spec").env("PACKAGE", package).run()?;
    }
    step("TypeScript: types");
    let tsc = npm_tool("tsc");
    let types = consumers.npm.join("bindings-wasm/tests/types");
    for config in sh.read_dir(&types)? {
        let name = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("tsconfig") {
            cmd!(sh, "{tsc} --project {config}").run()?;
        }
    }
    Ok(())
}

fn python_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    let python = &consumers.python;
    let tests = root().join("bindings-python/tests");
    step("Python: tests, mypy, stubtest");
    cmd!(sh, "{python} -m pytest --quiet {tests}").run()?;
    step("Python: the wheel alone in an empty environment");
    let empty = consumers.npm.with_file_name("python");
    let (alone, wheel) = (empty.join("bin/python"), &consumers.wheel);
    cmd!(sh, "python3 -m venv --without-pip {empty}").run()?;
    cmd!(sh, "{python} -m pip --python {alone} install --quiet --no-index {wheel}").run()?;
    let program = "import clarife_webhooks, doctest, sys; run = doctest.testmod(clarife_webhooks); sys.exit(run.failed or not run.attempted)";
    cmd!(sh, "{alone} -c {program}").run()?;
    step("Python: pyright");
    let (pyright, programs) = (npm_tool("pyright"), tests.join("typing"));
    cmd!(sh, "{pyright} --pythonpath {python} --project {programs}").run()?;
    Ok(())
}
