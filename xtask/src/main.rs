//! `cargo xtask`: the project's only scripts. `cargo xtask --help` lists them.

mod bench;
mod codegen;
mod consumers;
mod demo;
mod docs;
mod instructions;
mod nats;
mod npm;
mod package;
mod packed;
mod parity;
mod project;
mod python;
mod receivers;
mod redis;
mod runtimes;
mod sending;
mod servers;
mod setup;
mod test;
mod torture;
mod wasm;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xshell::cmd;

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
    /// Only the tests of the projects in tests/consumers, which the documentation quotes
    Consumers {
        /// Some of them, by their folders
        names: Vec<String>,
    },
    /// Only the tests of the packed npm package, its types and its sizes
    Javascript,
    /// Only the tests of the packed crate and the packed sender, each built by itself
    Packed,
    /// Submit numbers in every spelling to the packed sender, with each engine, and compare those that arrive
    Numbers {
        /// How many numbers
        #[arg(long, default_value_t = 1_000_000)]
        count: u64,
    },
    /// Kill the sender at random moments under load, and look whether anything was lost
    Torture {
        /// How often
        #[arg(long, default_value_t = 100)]
        kills: u64,
    },
    /// A NATS cluster of three on loopback, for as long as a command runs: `{nats}` in it is the cluster's URL
    Nats {
        /// The command and its arguments
        #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Simulate a large sender at its busiest, and compare with the capacity model; `-- --help` lists what can be set
    Simulate {
        /// What the simulation is told
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Write the files that are generated from the core, and the test vectors
    Codegen {
        /// Only compare; fail where a committed file differs
        #[arg(long)]
        check: bool,
    },
    /// Build the documentation's site into target/site and check its links
    Docs,
    /// Build the crate, the wheel and the npm package into dist/
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
        Command::Consumers { names } => test::consumers(&sh, &names),
        Command::Javascript => test::javascript(&sh),
        Command::Packed => packed::test(&sh, &package::pack_crates(&sh)?).map(|_| ()),
        Command::Numbers { count } => test::numbers(&sh, count),
        Command::Torture { kills } => torture::run(&sh, kills),
        Command::Nats { command } => nats::run(&sh, &command),
        Command::Simulate { arguments } => {
            Ok(cmd!(sh, "cargo run --quiet --locked --release --package simulate -- {arguments...}").quiet().run()?)
        }
        Command::Codegen { check } => codegen::run(&sh, check),
        Command::Docs => docs::build(&sh),
        Command::Package => package::all(&sh).map(|_| ()),
    }
}
