//! `cargo xtask`: the project's only scripts. `cargo xtask --help` lists the commands.

mod bench;
mod bundlers;
mod codegen;
mod consumers;
mod demo;
mod deny;
mod docs;
mod edge;
mod frameworks;
mod frozen;
mod instructions;
mod nats;
mod npm;
mod odd_events;
mod openapi;
mod package;
mod package_lints;
mod packed;
mod parity;
mod ports;
mod postgres;
mod project;
mod prose;
mod python;
mod receivers;
mod redis;
mod release;
mod runtimes;
mod rust_frameworks;
mod sbom;
mod servers;
mod setup;
mod test;
mod torture;
mod vectors;
mod wasm;
mod workflows;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xshell::cmd;

use crate::package::targets::{TARGETS, Target};

/// Build, test and document clarife-webhooks. Each command installs the tools that it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Install the wasm target, the pinned npm and Python packages, Chromium, OpenSSH, PHP, Redis and Valgrind
    Setup,
    /// Deliver events over HTTP to servers in Rust, Node, Python and workerd
    Demo,
    /// Run all tests, in all languages, runtimes and frameworks
    Test,
    /// Measure speed, start-up and sizes next to other libraries, and write docs/benchmarks.md
    Bench {
        /// Measure two sizes in one pass, and print the report without writing it
        #[arg(long)]
        quick: bool,
    },
    /// Count the instructions of a verification, and compare with the committed counts
    Instructions {
        /// Write the counts instead of comparing them
        #[arg(long)]
        renew: bool,
    },
    /// Test the projects in tests/e2e/consumers, which the documentation quotes
    Consumers {
        /// The folders of the projects to test [default: all]
        names: Vec<String>,
    },
    /// Bundle a receiver with every bundler and into executables, and start each bundle alone
    Bundlers,
    /// Test the crate on wasm32-unknown-unknown: in Node.js with JavaScript's clock, and without any clock
    Edge,
    /// Deliver to receivers in Rust frameworks without an adapter: poem, Rocket, salvo and warp
    RustFrameworks,
    /// Walk the vectors with the verifier in PHP, and with the WebAssembly module in other hosts than JavaScript
    Ports,
    /// Test the packed npm package, its types and its sizes
    Javascript,
    /// Freeze a program with the wheel by PyInstaller, cx_Freeze, shiv, pex, zipapp and Nuitka, and run it
    Frozen,
    /// Test the packed crate and build the packed sender, each outside the workspace
    Packed,
    /// Validate the OpenAPI document of the sender, and test the API against it
    Openapi,
    /// Send numbers in every notation through the packed sender, with each store, and compare what arrives
    Numbers {
        /// The number of numbers to send
        #[arg(long, default_value_t = 1_000_000)]
        count: u64,
    },
    /// Kill the sender at random moments under load, and count lost deliveries
    Torture {
        /// The number of kills for each store
        #[arg(long, default_value_t = 100)]
        kills: u64,
    },
    /// Run a command next to a PostgreSQL server on loopback
    Postgres {
        /// Adds a standby with synchronous replication
        #[arg(long)]
        standby: bool,
        /// The command and its arguments, in which `{postgres}` is replaced by the server's URL
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Run a command next to a NATS cluster of three on loopback
    Nats {
        /// The command and its arguments, in which `{nats}` is replaced by the cluster's URL
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Simulate the busiest hour of a large sender, and compare with the capacity model
    Simulate {
        /// Arguments of the simulation; `-- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Generate files from the core, and the test vectors from their generator
    Codegen {
        /// Write nothing, and fail if a committed file differs
        #[arg(long)]
        check: bool,
    },
    /// Check the licenses, versions, sources and advisories of the dependencies
    Deny,
    /// Check the English of comments and pages, and the citations of the protocol
    Prose,
    /// Lint the workflows of GitHub Actions, and test the scripts that they run
    Workflows,
    /// Build the documentation into target/site, and check its links
    Docs,
    /// Build the packages for this machine into dist/, or a release for all platforms
    Package {
        /// Build everything that a release consists of, for all platforms
        #[arg(long, conflicts_with_all = ["target", "check"])]
        all_targets: bool,
        /// Run the packages of a release, under qemu, Wine and musl too
        #[arg(long, conflicts_with = "target")]
        check: bool,
        /// Build everything that a release consists of, for a target of Rust only; can be repeated
        #[arg(long, value_name = "TARGET")]
        target: Vec<&'static Target>,
    },
    /// Check the metadata and the contents of the packages in dist/
    PackageLints,
    /// Set the version, date the changelog, commit and make a signed tag. Publishes and pushes nothing
    Release {
        /// The version, for example 0.2.0
        version: String,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let sh = project::shell()?;
    match command {
        Command::Setup => setup::all(&sh),
        Command::Demo => demo::run(&sh),
        Command::Test => test::run(&sh),
        Command::Bench { quick } => bench::run(&sh, quick),
        Command::Instructions { renew } => instructions::run(&sh, renew),
        Command::Consumers { names } => test::consumers(&sh, &names),
        Command::Bundlers => test::bundlers(&sh),
        Command::RustFrameworks => rust_frameworks::run(&sh),
        Command::Edge => edge::test(&sh),
        Command::Ports => ports::run(&sh),
        Command::Javascript => test::javascript(&sh),
        Command::Frozen => frozen::run(&sh),
        Command::Packed => packed::test(&sh, &package::pack_crates(&sh)?).map(|_| ()),
        Command::Openapi => openapi::run(&sh),
        Command::Numbers { count } => test::numbers(&sh, count),
        Command::Torture { kills } => torture::run(&sh, kills),
        Command::Postgres { standby, command } => postgres::run(&sh, standby, &command),
        Command::Nats { command } => nats::run(&sh, &command),
        Command::Simulate { arguments } => {
            Ok(cmd!(sh, "cargo run --quiet --locked --release --package simulate -- {arguments...}").quiet().run()?)
        }
        Command::Codegen { check } => codegen::run(&sh, check),
        Command::Deny => deny::run(&sh),
        Command::Prose => prose::check(&sh),
        Command::Workflows => workflows::check(&sh),
        Command::Docs => docs::build(&sh),
        Command::Package { all_targets: true, .. } => package::release(&sh, &TARGETS.each_ref()),
        Command::Package { check: true, .. } => package::check(&sh),
        Command::Package { target, .. } if target.is_empty() => package::all(&sh).map(|_| ()),
        Command::Package { target, .. } => package::release(&sh, &target),
        Command::PackageLints => package_lints::check(&sh),
        Command::Release { version } => release::run(&sh, &version),
    }
}
