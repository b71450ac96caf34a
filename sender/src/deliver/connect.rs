//! Connections to one of several addresses, as in RFC 8305 (Happy Eyeballs).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::at_once::ready_at_once;
use super::fault::{ConnectFailure, Fault, fault_of_connects};

/// Time after which the next address is tried beside the one before: the value of RFC 8305 is 250 ms.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the first address that accepts. The next address is tried when one fails or does not respond.
pub(super) async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, Fault> {
    let mut left = families_in_turn(addresses).into_iter();
    let mut connecting = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = left.next() {
            connecting.push(connect_one(address));
        }
        let waits = async {
            tokio::time::sleep(STAGGER).await;
            if left.as_slice().is_empty() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            connected = connecting.next() => match connected {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(failure)) => failures.push(failure),
                None => return Err(fault_of_connects(&failures)),
            },
            () = waits => {}
        }
    }
}

/// Returns the addresses with the families in turn, the first one's family first.
fn families_in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|one| one.is_ipv4() == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut all = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

/// Connects to an address, and notes if the system itself refused without sending a packet.
async fn connect_one(address: SocketAddr) -> Result<TcpStream, ConnectFailure> {
    let (connected, at_once) = ready_at_once(TcpStream::connect(address)).await;
    let stream = connected.map_err(|error| ConnectFailure { error, at_once })?;
    let _ = stream.set_nodelay(true); // a socket without it works as well
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use clarife_webhooks::sender::FailureKind;
    use tokio::net::TcpListener;

    use super::{connect, families_in_turn};

    #[test]
    fn families_take_turns() {
        let parse = |addresses: &[&str]| -> Vec<SocketAddr> {
            addresses.iter().map(|address| format!("{address}:1").parse().expect("an address")).collect()
        };
        let mixed = parse(&["[::1]", "[::2]", "[::3]", "1.1.1.1"]);
        assert_eq!(families_in_turn(mixed), parse(&["[::1]", "1.1.1.1", "[::2]", "[::3]"]));
        assert_eq!(families_in_turn(Vec::new()), []);
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hinder_another() {
        let closed = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let open = listener.local_addr().expect("an address");
        let stream = connect(vec![closed, closed, open]).await.expect("the last one listens");
        assert_eq!(stream.peer_addr().expect("is connected"), open);
        let fault = connect(vec![closed, closed]).await.expect_err("both refuse");
        assert_eq!((fault.kind, fault.cause.contains("refused")), (FailureKind::Connection, true), "{fault}");
    }
}
