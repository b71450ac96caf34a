//! `cargo xtask torture`: kills the sender at random moments under load.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::project::{step, target};

/// Runs the long form, with release builds.
pub fn run(sh: &Shell, kills: u64) -> Result<()> {
    step("torture: building the sender");
    cmd!(sh, "cargo build --quiet --locked --release --package clarife-sender --package torture").run()?;
    kill(sh, "release", kills, &[])?;
    kill(sh, "release", kills, &["--postgres"])?;
    if cmd!(sh, "id -u").read()? == "0" && cmd!(sh, "ip -V").ignore_stdout().run().is_ok() {
        kill(sh, "release", kills.div_ceil(5), &["--network"])?;
    } else {
        step("torture: NOT RUN: cutting workers off needs root and iproute2");
    }
    kill(sh, "release", kills, &["--nats"])
}

/// Runs the short form for `cargo xtask test`, with its debug builds. Other features would rebuild half the workspace.
pub fn short(sh: &Shell) -> Result<()> {
    cmd!(sh, "cargo build --quiet --locked --workspace --all-features --bins --tests").run()?;
    kill(sh, "debug", 3, &[])?;
    kill(sh, "debug", 4, &["--postgres"])?;
    kill(sh, "debug", 4, &["--nats"])
}

fn kill(sh: &Shell, profile: &str, kills: u64, more: &[&str]) -> Result<()> {
    step("torture: killing the sender");
    let binaries = target().join(profile);
    let (torture, sender, kills) = (binaries.join("torture"), binaries.join("clarife-sender"), kills.to_string());
    cmd!(sh, "{torture} {sender} --kills {kills} {more...}").quiet().run()?;
    Ok(())
}
