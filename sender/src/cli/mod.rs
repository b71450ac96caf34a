//! The command line.

mod bench;
mod inspect;
mod listen;
mod send;
mod serve;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use clarife_webhooks::Webhook;

use crate::settings::Settings;
use crate::store::sqlite::backup;

/// Send, receive and look at clarife webhooks.
#[derive(Parser)]
#[command(name = "clarife-sender", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the sender: its API, and the deliveries
    Serve(serve::Serve),
    /// Sign one event, deliver it once to a URL, and show what was answered
    Send(send::Send),
    /// Receive deliveries here, verify them and show them
    Listen(listen::Listen),
    /// Sign a body: the value of the X-Clarife-Signature header
    Sign(inspect::Sign),
    /// Verify a delivery
    Verify(inspect::Verify),
    /// Say what a signature header says, and why it would fail
    Inspect(inspect::Inspect),
    /// Measure how much this machine delivers to itself
    Bench(bench::Bench),
    /// Copy the store, in use or not, into a new file
    Backup {
        /// The new file
        to: PathBuf,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which store.
#[derive(Debug, clap::Args)]
struct StoreFlag {
    /// The store: `sqlite:` and a file [default: sqlite:clarife-sender.db]
    #[arg(long, env = "CLARIFE_SENDER_STORE", value_name = "URL")]
    store: Option<String>,
}

/// The secrets of a webhook.
#[derive(Debug, clap::Args)]
struct Secrets {
    /// The signing secret; several, newest first, while one is rotated
    #[arg(
        long = "secret",
        env = "CLARIFE_WEBHOOK_SECRET",
        value_name = "SECRET",
        hide_env_values = true,
        required = true
    )]
    secrets: Vec<String>,
}

impl Secrets {
    fn webhook(&self) -> Result<Webhook> {
        Webhook::from_secrets(&self.secrets).map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))
    }
}

/// Does what the command line says.
pub(crate) fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run().map(|()| ExitCode::SUCCESS),
        Command::Send(send) => block_on(send.run()),
        Command::Listen(listen) => block_on(listen.run()),
        Command::Sign(sign) => sign.run(),
        Command::Verify(verify) => verify.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Bench(bench) => block_on(bench.run()),
        Command::Backup { to, store } => {
            let from = Settings { store: store.store, ..Settings::default() }.store_path()?;
            backup(&from, &to)?;
            println!("{} is a copy of {}", to.display(), from.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            println!("{}", crate::api::document().to_pretty_json()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "clarife-sender", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// A file's bytes; those of the standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("the standard input cannot be read")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// What somebody else has said, without what would steer the terminal.
fn printable(text: &str) -> String {
    let harmless = |char: char| if char.is_control() && !matches!(char, '\n' | '\t') { '\u{fffd}' } else { char };
    text.chars().map(harmless).collect()
}

/// Colours, where somebody sees them.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn for_stdout() -> Self {
        use std::io::IsTerminal as _;
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    fn wrap(self, code: u8, text: impl std::fmt::Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    fn good(self, text: impl std::fmt::Display) -> String {
        self.wrap(32, text)
    }

    fn bad(self, text: impl std::fmt::Display) -> String {
        self.wrap(31, text)
    }

    fn dim(self, text: impl std::fmt::Display) -> String {
        self.wrap(2, text)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn strangers_do_not_steer_the_terminal() {
        assert_eq!(super::printable("a\tb\n\u{1b}[2J\u{7}\u{9b}é"), "a\tb\n\u{fffd}[2J\u{fffd}\u{fffd}é");
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
