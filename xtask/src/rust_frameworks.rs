//! `cargo xtask rust-frameworks`: receivers in Rust frameworks without an adapter.
//!
//! The command is not part of `cargo xtask test`, because building the frameworks takes minutes.

use std::process::Command;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{root, step, target};
use crate::receivers::{self, SECRET};
use crate::servers::Server;

const FRAMEWORKS: [&str; 4] = ["poem", "rocket", "salvo", "warp"];

/// Builds `tests/e2e/rust-frameworks`, starts each receiver and delivers to it.
pub fn run(sh: &Shell) -> Result<()> {
    step("receivers in Rust frameworks without an adapter");
    let (manifest, target) = (root().join("tests/e2e/rust-frameworks/Cargo.toml"), target().join("rust-frameworks"));
    cmd!(sh, "cargo build --quiet --locked --manifest-path {manifest} --target-dir {target}").run()?;
    for name in FRAMEWORKS {
        let server = Server::start(name, &target.join(name).with_extension("log"), |port| {
            let mut program = Command::new(target.join("debug").join(name));
            program.envs([("CLARIFE_WEBHOOK_SECRET", SECRET), ("PORT", &port.to_string())]);
            Ok(program)
        })?;
        receivers::expect_once(&server, name)?;
    }
    Ok(())
}
