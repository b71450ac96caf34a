//! A server that ends with the process that started it, even if that process is killed.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// Shell script that runs a server, prints its process id, and kills it when standard input closes; `$0` is the log,
/// the rest the command.
const SUPERVISOR: &str = r#""$@" >>"$0" 2>&1 & server=$!; echo $server; cat >/dev/null; kill -9 $server; wait $server"#;

/// A running server. Dropping it kills the server.
#[derive(Debug)]
pub struct Process {
    supervisor: Child,
    id: Pid,
}

impl Process {
    /// Starts the program and the arguments of a command, with its output in a log.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    pub fn spawn(log: &Path, server: &Command) -> io::Result<Self> {
        let mut supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR])
            .arg(log)
            .arg(server.get_program())
            .args(server.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // the shell reports the kill
            .spawn()?;
        let mut id = String::new();
        if let Some(output) = supervisor.stdout.take() {
            BufReader::new(output).read_line(&mut id)?;
        }
        let id = id.trim().parse().ok().and_then(Pid::from_raw);
        Ok(Self { supervisor, id: id.ok_or_else(|| io::Error::other("the server did not start"))? })
    }

    /// Returns the server's process id.
    #[must_use]
    pub const fn id(&self) -> Pid {
        self.id
    }

    /// Kills the server, as a failure of its machine would, and waits for its end.
    ///
    /// # Errors
    ///
    /// If the exit status cannot be read.
    pub fn kill(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().map(|_| ())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end(); // errors cannot be returned here
    }
}

/// Returns free addresses from below the range of ephemeral ports, so that no outgoing connection takes them while a
/// server is down.
///
/// # Errors
///
/// If there are not enough free ports.
pub fn free_addresses(count: usize) -> io::Result<Vec<SocketAddr>> {
    // Concurrent tests start at different ports.
    let nanoseconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    let start = (nanoseconds ^ std::process::id().wrapping_mul(7919)).checked_rem(20_000).unwrap_or(0);
    let candidates =
        (start..start.saturating_add(2000)).filter_map(|port| u16::try_from(port.checked_add(10_000)?).ok());
    let listeners = candidates.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()).take(count);
    let addresses =
        listeners.collect::<Vec<_>>().iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    if addresses.len() == count { Ok(addresses) } else { Err(io::Error::other("not enough free ports")) }
}
