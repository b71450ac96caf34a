//! Connections to endpoints, restricted by the address policy.
//!
//! The connector checks a literal address before it connects, every address that a name resolves to, and the peer's
//! address afterwards. A name that changes its address between two checks therefore gains nothing.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use clarife_webhooks::sender::FailureKind;
use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::address_policy::AddressPolicy;
use super::connect::connect;
use super::fault::Fault;

type Future_<T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send>>;

/// Function that resolves a host name.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Future_<Vec<IpAddr>> + Send + Sync>;

/// Connector that enforces the address policy.
#[derive(Clone)]
pub(crate) struct Connector {
    policy: AddressPolicy,
    lookup: Lookup,
}

impl Connector {
    pub(crate) fn new(policy: AddressPolicy, lookup: Lookup) -> Self {
        Self { policy, lookup }
    }

    /// Connects to the host and the port of a URL.
    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, Fault> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let addresses = match host.parse() {
            Ok(address) if self.policy.allows(address) => vec![address],
            Ok(_) => return Err(forbidden()),
            Err(_) => self.resolve(host).await?,
        };
        let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
        let stream = connect(addresses).await?;
        let peer = stream.peer_addr().map_err(|error| Fault::new(FailureKind::Connection, error))?;
        if self.policy.allows(peer.ip()) { Ok(TokioIo::new(stream)) } else { Err(forbidden()) }
    }

    /// Returns the allowed addresses of a host name.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Fault> {
        let mut addresses = (self.lookup)(host.to_owned()).await?;
        if addresses.is_empty() {
            return Err(Fault::new(FailureKind::Dns, "the name has no address"));
        }
        addresses.retain(|address| self.policy.allows(*address));
        if addresses.is_empty() { Err(forbidden()) } else { Ok(addresses) }
    }
}

fn forbidden() -> Fault {
    Fault::new(FailureKind::ForbiddenAddress, "the address is not public")
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = Fault;
    type Future = Future_<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}
