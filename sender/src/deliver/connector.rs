//! Connections to endpoints, restricted by the address policy.
//!
//! The connector checks a literal address before it connects, every address that a name resolves to, and the peer's
//! address afterwards. A name that changes its address between two checks therefore gains nothing.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use clarife_webhooks::sender::FailureKind;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt as _};

use super::address_policy::AddressPolicy;

type Future_<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Function that resolves a host name.
pub(crate) type Lookup = Arc<dyn Fn(String) -> Future_<Vec<IpAddr>, io::Error> + Send + Sync>;

/// Returns the system's resolver.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    })
}

/// Reason for which a connection failed.
#[derive(Debug)]
pub(crate) struct ConnectError(pub(crate) FailureKind);

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_str(), f)
    }
}

impl std::error::Error for ConnectError {}

/// Connector that enforces the address policy.
#[derive(Clone)]
pub(crate) struct Connector {
    http: HttpConnector<Resolver>,
    policy: AddressPolicy,
}

impl Connector {
    pub(crate) fn new(policy: AddressPolicy, lookup: Lookup) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver { policy, lookup });
        http.enforce_http(false); // allows https; TLS is added on top
        http.set_nodelay(true);
        Self { http, policy }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Future_<Self::Response, ConnectError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(())) // `oneshot` waits for the inner connector
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (http, policy) = (self.http.clone(), self.policy);
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            if host.parse().is_ok_and(|address: IpAddr| !policy.allows(address)) {
                return Err(ConnectError(FailureKind::ForbiddenAddress));
            }
            let stream = http.oneshot(uri).await.map_err(|error| ConnectError(kind_of(&error)))?;
            let peer = stream.inner().peer_addr().map_err(|_| ConnectError(FailureKind::Connection))?;
            if policy.allows(peer.ip()) { Ok(stream) } else { Err(ConnectError(FailureKind::ForbiddenAddress)) }
        })
    }
}

/// Returns the reason that our resolver gave, or a failed connection.
fn kind_of(error: &(dyn std::error::Error + 'static)) -> FailureKind {
    find::<ConnectError>(error).map_or(FailureKind::Connection, |found| found.0)
}

/// Returns the first error of a type in the chain of causes.
pub(crate) fn find<'e, E: std::error::Error + 'static>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e E> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// Resolver that returns allowed addresses only.
#[derive(Clone)]
struct Resolver {
    policy: AddressPolicy,
    lookup: Lookup,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ConnectError;
    type Future = Future_<Self::Response, ConnectError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (policy, found) = (self.policy, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await.unwrap_or_default();
            if found.is_empty() {
                return Err(ConnectError(FailureKind::Dns));
            }
            let allowed: Vec<_> =
                found.into_iter().filter(|ip| policy.allows(*ip)).map(|ip| SocketAddr::new(ip, 0)).collect();
            if allowed.is_empty() {
                return Err(ConnectError(FailureKind::ForbiddenAddress));
            }
            Ok(allowed.into_iter())
        })
    }
}
