//! `cargo xtask`: the project's only scripts. `cargo xtask --help` lists them.

mod bench;
mod codegen;
mod consumers;
mod demo;
mod instructions;
mod node;
mod package;
mod parity;
mod project;
mod python;
mod redis;
mod runtimes;
mod servers;
mod setup;
mod test;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Builds, tests and shows clarife-webhooks. Every command installs what it needs first.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Install what the machine lacks: the wasm target, npm and Python packages, Chromium, Redis, Valgrind
    Setup,
    /// The main job: a sender delivers events over HTTP to servers in four languages
    Demo,
    /// Every test, in every language and runtime
    Test,
    /// Speed, start-up and sizes beside the limit and the peers, into docs/benchmarks.md
    Bench {
        /// Two sizes, one pass, and nothing is written
        #[arg(long)]
        quick: bool,
    },
    /// Count the instructions of a verification and compare with the committed counts
    Instructions {
        /// Write the counts instead
        #[arg(long)]
        renew: bool,
    },
    /// Write the files that are generated from the core, and the test vectors
    Codegen {
        /// Only compare; fail where a committed file differs
        #[arg(long)]
        check: bool,
    },
    /// Build the crate, the wheel and the npm packages into dist/
    Package,
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
        Command::Codegen { check } => codegen::run(&sh, check),
        Command::Package => package::all(&sh).map(|_| ()),
    }
}
