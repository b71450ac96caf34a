//! The fault of an attempt without a response: its kind and its cause, and the line between an endpoint's faults and
//! the sender's own.
//!
//! Some errors of the system mean the sender itself:
//!
//! - No file descriptor, memory or buffer is left. Another address could have been reached, so one such error suffices.
//! - The system refuses a connection at once: no route, no port, no local address, a local firewall. A host with both
//!   families of addresses has no route to one of them on many machines. The fault is therefore the sender's only if
//!   every address of the endpoint fails in this way.
//!
//! A "host unreachable" or "network unreachable" that arrives later is the report of a router. It may be a router of
//! the endpoint's network, and a dead endpoint must not be attempted forever, so that counts as the endpoint's.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use clarife_webhooks::sender::FailureKind;

/// Fault of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Kind of the failure.
    pub(crate) kind: FailureKind,
    /// Cause in words.
    pub(crate) cause: String,
}

/// Limit of a cause in characters: a certificate's names can be long.
const MAX_CAUSE: usize = 300;

impl Fault {
    pub(super) fn new(kind: FailureKind, cause: impl fmt::Display) -> Self {
        Self { kind, cause: cause.to_string().chars().take(MAX_CAUSE).collect() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.cause)
    }
}

impl Error for Fault {}

/// Connection that was not established.
#[derive(Debug)]
pub(super) struct ConnectFailure {
    /// Error of the system.
    pub(super) error: io::Error,
    /// Set if the system failed at once, before it sent a packet.
    pub(super) at_once: bool,
}

/// Returns the fault of an endpoint whose addresses all failed.
pub(super) fn fault_of_connects(failures: &[ConnectFailure]) -> Fault {
    if let Some(shortage) = failures.iter().find(|failure| is_shortage(&failure.error)) {
        return Fault::new(FailureKind::Local, &shortage.error);
    }
    let of_endpoint = failures.iter().find(|failure| !(failure.at_once && is_refused_here(&failure.error)));
    match (of_endpoint, failures.first()) {
        (Some(failure), _) => Fault::new(FailureKind::Connection, &failure.error),
        (None, Some(failure)) => Fault::new(FailureKind::Local, &failure.error),
        (None, None) => Fault::new(FailureKind::Connection, "no address"),
    }
}

/// Returns the fault of a lookup of the system: an error of the operating system, or a name that does not resolve.
pub(super) fn fault_of_lookup(error: &io::Error) -> Fault {
    let local = error.raw_os_error().is_some() || is_shortage(error);
    Fault::new(if local { FailureKind::Local } else { FailureKind::Dns }, error)
}

/// Tells whether the system has run out of something.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    if error.kind() == ErrorKind::OutOfMemory {
        return true;
    }
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
    }
    #[cfg(windows)]
    {
        const WSAEMFILE: i32 = 10024;
        const WSAENOBUFS: i32 = 10055;
        matches!(error.raw_os_error(), Some(WSAEMFILE | WSAENOBUFS))
    }
}

/// Tells whether an error can mean that this machine has no way to an address.
fn is_refused_here(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrNotAvailable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
    )
}

/// Returns the first error of a type in the chain of causes.
pub(super) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    std::iter::successors(Some(error), |error| (**error).source()).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use clarife_webhooks::sender::FailureKind::{Connection, Dns, Local};

    use super::{ConnectFailure, fault_of_connects, fault_of_lookup};

    #[cfg(unix)]
    fn shortage() -> io::Error {
        rustix::io::Errno::MFILE.into()
    }

    #[cfg(windows)]
    fn shortage() -> io::Error {
        io::Error::from_raw_os_error(10024)
    }

    fn failure(kind: ErrorKind, at_once: bool) -> ConnectFailure {
        ConnectFailure { error: kind.into(), at_once }
    }

    #[test]
    fn a_shortage_is_the_sender_s() {
        let failures =
            [failure(ErrorKind::ConnectionRefused, false), ConnectFailure { error: shortage(), at_once: true }];
        assert_eq!(fault_of_connects(&failures).kind, Local);
        assert_eq!(fault_of_lookup(&shortage()).kind, Local);
        assert_eq!(fault_of_lookup(&io::Error::other("name or service not known")).kind, Dns);
    }

    #[test]
    fn a_missing_way_is_the_sender_s_unless_another_address_failed_otherwise() {
        for kind in [
            ErrorKind::NetworkUnreachable,
            ErrorKind::HostUnreachable,
            ErrorKind::AddrNotAvailable,
            ErrorKind::PermissionDenied,
        ] {
            let no_way = || failure(kind, true);
            assert_eq!(fault_of_connects(&[no_way()]).kind, Local, "{kind}");
            assert_eq!(fault_of_connects(&[no_way(), no_way()]).kind, Local, "{kind}");
            assert_eq!(fault_of_connects(&[failure(kind, false)]).kind, Connection, "{kind}: a router's report");
            let refused = || failure(ErrorKind::ConnectionRefused, true);
            for failures in [[no_way(), refused()], [refused(), no_way()]] {
                assert_eq!(fault_of_connects(&failures).kind, Connection, "{kind}");
            }
        }
    }
}
