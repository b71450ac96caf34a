//! `cargo xtask test`: all tests.

use std::ffi::OsStr;
use std::time::Instant;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::consumers::{self, Consumers};
use crate::frameworks::{self, Language};
use crate::project::{npm_tool, root, step, target};
use crate::{
    bundlers, codegen, demo, docs, edge, instructions, npm, odd_events, openapi, package, packed, parity, ports, prose,
    python, receivers, redis, release, runtimes, setup, torture, workflows,
};

/// The count of numbers that the sender receives with each store. `cargo xtask numbers` sends a million.
const NUMBERS: u64 = 100_000;

/// Runs all tests from a fresh clone on, and stops at the first failure.
pub fn run(sh: &Shell) -> Result<()> {
    let start = Instant::now();
    setup::all(sh)?;
    let _redis = redis::start(sh)?;
    prose::check(sh)?;
    workflows::check(sh)?;
    step("generated files");
    codegen::run(sh, true)?;
    release::check_versions(sh)?;
    let python = python::venv(sh)?;
    cmd!(sh, "{python} tests/vectors/validate.py").quiet().run()?;
    rust(sh)?;
    instructions::check(sh)?;
    let packages = package::all(sh)?;
    let consumers = consumers::install(sh, &packages)?;
    javascript_tests(sh, &consumers)?;
    python_tests(sh, &consumers)?;
    runtimes::walk(sh, &consumers)?;
    ports::walk(sh)?;
    parity::compare(sh, &consumers)?;
    receivers::run(sh, &consumers, &[])?;
    bundlers::quick(sh, &consumers)?;
    let sender = packed::test(sh, &packages.crates)?;
    openapi::check(sh, &sender)?;
    odd_events::run(sh, &consumers, &sender)?;
    odd_events::numbers(sh, &consumers, &sender, NUMBERS)?;
    demo::show(sh, &consumers)?;
    docs::build(sh)?;
    npm::report_sizes(sh, &consumers)?;
    eprintln!("\nEverything passed, in {} s.", start.elapsed().as_secs());
    Ok(())
}

/// Tests the projects of `tests/e2e/consumers`, all or the named ones.
pub fn consumers(sh: &Shell, names: &[String]) -> Result<()> {
    let _redis = redis::start(sh)?;
    receivers::run(sh, &consumers::install(sh, &package::all(sh)?)?, names)
}

/// Runs the matrix of bundlers.
pub fn bundlers(sh: &Shell) -> Result<()> {
    bundlers::all(sh, &consumers::install(sh, &package::all(sh)?)?)
}

/// Runs the tests of the npm package alone.
pub fn javascript(sh: &Shell) -> Result<()> {
    let _redis = redis::start(sh)?;
    let consumers = consumers::install(sh, &package::all(sh)?)?;
    javascript_tests(sh, &consumers)?;
    receivers::build(sh, &consumers, &[])?;
    npm::report_sizes(sh, &consumers)
}

/// Tests the numbers that the packed sender delivers, with each store.
pub fn numbers(sh: &Shell, count: u64) -> Result<()> {
    let packages = package::all(sh)?;
    let consumers = consumers::install(sh, &packages)?;
    odd_events::numbers(sh, &consumers, &packed::test(sh, &packages.crates)?, count)
}

/// The worker in Rust is built for WebAssembly alone: its dependencies take a minute on each target.
const WITHOUT_WORKER: [&str; 2] = ["--exclude", "consumer-worker-rust"];

/// Runs the checks and tests of all crates.
fn rust(sh: &Shell) -> Result<()> {
    step("Rust: format, lints");
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo clippy --quiet --workspace {WITHOUT_WORKER...} --all-targets --all-features -- -D warnings")
        .run()?;
    // The core without features, for receivers and embedded targets.
    cmd!(sh, "cargo check --quiet --package clarife-webhooks --no-default-features").run()?;
    step("Rust: tests");
    cmd!(sh, "cargo test --quiet --workspace {WITHOUT_WORKER...} --all-features").run()?;
    edge::test(sh)?;
    torture::short(sh)?;
    step("the capacity model and the simulation");
    let simulate = target().join("debug/simulate");
    for engine in ["sqlite", "postgres", "nats"] {
        cmd!(sh, "{simulate} --engine {engine} --seconds 120").quiet().ignore_stdout().run()?;
    }
    Ok(())
}

/// Runs the tests of the API with the native addon and with WebAssembly, then those of the adapters and the types, in a
/// project with the packed package.
fn javascript_tests(sh: &Shell, consumers: &Consumers) -> Result<()> {
    for (entry, project) in [
        ("clarife-webhooks", &consumers.npm),
        ("clarife-webhooks/wasm", &consumers.npm),
        ("clarife-webhooks", &consumers.npm_without_addon),
    ] {
        step(&format!("JavaScript: {entry} in {}", project.file_name().unwrap_or_default().to_string_lossy()));
        let tests = consumers::copy_into(sh, "bindings-node/tests", project)?;
        let _folder = sh.push_dir(tests.join("api"));
        cmd!(sh, "node --test --test-reporter=spec").env("ENTRY", entry).run()?;
    }
    step("WebAssembly: no key remains in the module's memory");
    let (wiped, module) = (root().join("tests/runners/wiped.mjs"), npm::module());
    cmd!(sh, "node {wiped} {module}").run()?;
    step("JavaScript: the adapters");
    let tests = consumers.npm.join("bindings-node/tests");
    {
        let _folder = sh.push_dir(tests.join("adapters"));
        cmd!(sh, "node --test --test-reporter=spec").env("TOOLS", npm_tool("")).run()?;
    }
    step("TypeScript: types");
    let tsc = npm_tool("tsc");
    for config in sh.read_dir(tests.join("types"))? {
        if config.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tsconfig")) {
            cmd!(sh, "{tsc} --project {config}").run()?;
        }
    }
    Ok(())
}

/// A program that imports the modules without a framework, and expects that each framework's module names its
/// framework as missing.
const WITHOUT_FRAMEWORKS: &str = r#"
import doctest, importlib, sys

ALONE = ["", ".dedup", ".testing", ".wsgi", ".asgi", ".redis"]
for name in ALONE:
    module = importlib.import_module(f"clarife_webhooks{name}")
    if name not in (".asgi", ".redis"):
        run = doctest.testmod(module)
        assert run.attempted and not run.failed, name
for module in sys.argv[1:]:
    _, name = module.split(".")
    if f".{name}" in ALONE:
        continue
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        assert error.name in (name, "asgiref"), error
    else:
        sys.exit(f"{name} does not need its framework")
"#;

/// Runs the tests of the wheel, and checks its types.
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
    let modules = frameworks::modules(Language::Python);
    cmd!(sh, "{alone} -c {WITHOUT_FRAMEWORKS} {modules...}").run()?;
    step("Python: pyright");
    let (pyright, programs) = (npm_tool("pyright"), tests.join("typing"));
    cmd!(sh, "{pyright} --pythonpath {python} --project {programs}").run()?;
    // All public names must have types. pyright finds the package through PATH, and only outside its sources.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = [python.with_file_name("").into_os_string(), path].join(OsStr::new(":"));
    let _folder = sh.push_dir(&empty);
    cmd!(sh, "{pyright} --verifytypes clarife_webhooks --ignoreexternal").env("PATH", path).run()?;
    Ok(())
}
