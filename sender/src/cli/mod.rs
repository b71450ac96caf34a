//! The command line.

mod bench;
mod development;
mod failure;
mod inspect;
mod listen;
mod moment;
mod send;
mod serve;
mod signals;
mod signatures;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use clarife_webhooks::sender::SigningSecret;
use clarife_webhooks::{EventType, Webhook};

use crate::print::may_be_coloured;
use crate::settings::Settings;
use crate::store::backup;

/// Send, receive and inspect clarife webhooks.
#[derive(Parser)]
#[command(name = "clarife-sender", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the sender: the API and the deliveries
    Serve(serve::Serve),
    /// Sign an event, send it once to a URL and print the response
    Send(send::Send),
    /// Receive deliveries on this machine, verify and print them
    Listen(listen::Listen),
    /// Sign a body: print the value of the X-Clarife-Signature header
    Sign(signatures::Sign),
    /// Verify a delivery
    Verify(signatures::Verify),
    /// Find the cause of a refused delivery
    Inspect(inspect::Inspect),
    /// Make a signing secret and print it
    Secret,
    /// Measure the throughput of this machine
    Bench(bench::Bench),
    /// Copy the store to a new file, even while it is in use
    Backup {
        /// New file
        to: PathBuf,
        #[command(flatten)]
        store: StoreFlag,
    },
    /// Print the API's OpenAPI 3.1 document
    Openapi,
    /// Print shell completions
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// Existing folder
        folder: PathBuf,
    },
}

/// Option for the store.
#[derive(Debug, clap::Args)]
struct StoreFlag {
    /// Store: `sqlite:FILE` [default: sqlite:clarife-sender.db]
    #[arg(long, env = "CLARIFE_SENDER_STORE", value_name = "URL", hide_env_values = true)]
    store: Option<String>,
}

/// Options for the secrets.
#[derive(Debug, clap::Args)]
struct Secrets {
    /// Signing secret; repeat it during a rotation, newest first
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
        webhook(&self.secrets)
    }
}

fn webhook(secrets: &[String]) -> Result<Webhook> {
    Webhook::from_secrets(secrets).map_err(|error| anyhow::anyhow!("{error}; {}", error.hint()))
}

/// Parses the name of a known event type.
fn known_type(name: &str) -> Result<EventType<'_>> {
    let event_type = EventType::from_name(name);
    if !event_type.is_known() {
        let known: Vec<_> = EventType::KNOWN.map(EventType::as_str).into();
        bail!("invalid event type {name:?}; known types are {}", known.join(", "));
    }
    Ok(event_type)
}

/// Runs the command line.
pub(crate) fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run().map(|()| ExitCode::SUCCESS),
        Command::Send(send) => block_on(send.run()),
        Command::Listen(listen) => block_on(listen.run()),
        Command::Sign(sign) => sign.run(),
        Command::Verify(verify) => verify.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Secret => {
            println!("{}", SigningSecret::generate()?.expose());
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench(bench) => block_on(bench.run()),
        Command::Backup { to, store } => {
            let from = Settings { store: store.store, ..Settings::default() }.store_path()?;
            backup(&from, &to)?;
            println!("copied {} to {}", from.display(), to.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Openapi => {
            println!("{}", crate::api::document().to_pretty_json()?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "clarife-sender", &mut script);
            println!("{}", String::from_utf8(script)?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man { folder } => {
            let pages = clap_mangen::generate_to(Cli::command(), &folder);
            pages.with_context(|| format!("cannot write man pages into {}", folder.display()))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background(); // a thread that hangs, for example in a lookup, must not delay the end
    result
}

/// Reads a file, or standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Replaces the control characters of untrusted text, which could steer the terminal.
fn printable(text: &str) -> String {
    let replace = |char: char| if char.is_control() && !matches!(char, '\n' | '\t') { '\u{fffd}' } else { char };
    text.chars().map(replace).collect()
}

/// Colours for terminal output.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn for_stdout() -> Self {
        Self(may_be_coloured(&std::io::stdout()))
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
    use clap::CommandFactory as _;

    #[test]
    fn untrusted_text_does_not_steer_the_terminal() {
        assert_eq!(super::printable("a\tb\n\u{1b}[2J\u{7}\u{9b}é"), "a\tb\n\u{fffd}[2J\u{fffd}\u{fffd}é");
    }

    #[test]
    fn a_thread_that_hangs_does_not_delay_the_end() {
        let start = std::time::Instant::now();
        let hanging = super::block_on(async {
            tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_secs(30)));
            Ok(())
        });
        assert!(hanging.is_ok() && start.elapsed().as_secs() < 10);
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    /// Variables that never hold a password, so `--help` may show them.
    const OPEN: [&str; 12] = [
        "CLARIFE_SENDER_CONFIG",
        "CLARIFE_SENDER_LISTEN",
        "CLARIFE_SENDER_EXTRA_ROOTS",
        "CLARIFE_SENDER_MAX_IN_FLIGHT",
        "CLARIFE_SENDER_MAX_PER_SUBSCRIPTION",
        "CLARIFE_SENDER_STANDARD_WEBHOOKS",
        "CLARIFE_SENDER_RETENTION_DAYS",
        "CLARIFE_SENDER_MAX_REQUEST_BYTES",
        "CLARIFE_SENDER_MAX_EVENT_BYTES",
        "CLARIFE_SENDER_REQUESTS_PER_SECOND",
        "CLARIFE_SENDER_LOG",
        "CLARIFE_SENDER_LOG_FORMAT",
    ];

    #[test]
    fn help_shows_no_secret() {
        for command in super::Cli::command().get_subcommands() {
            for argument in command.get_arguments() {
                let Some(name) = argument.get_env().and_then(|name| name.to_str()) else { continue };
                assert!(OPEN.contains(&name) || argument.is_hide_env_values_set(), "{}: {name}", command.get_name());
            }
        }
    }
}
