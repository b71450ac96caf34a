//! Resolver of host names without threads: asynchronous, with a short cache, and one lookup of a name at a time.
//!
//! A lookup occupies neither a thread nor a slot, so that names that do not resolve hold up no others. A workspace has
//! no more lookups at a time than subscriptions, because lookups of the same name are joined.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clarife_webhooks::sender::FailureKind;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ResolverOpts;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

use super::at_once::ready_at_once;
use super::connector::Lookup;
use super::fault::{Fault, fault_of_lookup, is_shortage};

/// Longest time for which an address and the absence of a name are cached, whatever the name server says.
const CACHED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(5));

/// Time limit of a query, which is sent twice, and of a lookup. A lookup must fail before its attempt times out, since
/// the time-out of an attempt counts against the endpoint.
const LIMITS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(8));

/// Limit of the queries at a time over a connection to a name server. Further ones would fail.
const MAX_QUERIES: usize = 65_536;

/// A lookup in progress that any number of attempts wait for.
type Running = Shared<BoxFuture<'static, Result<Vec<IpAddr>, Fault>>>;

/// Resolver with the lookups in progress.
struct Names {
    resolver: TokioResolver,
    running: Mutex<HashMap<String, Running>>,
    /// Time of the last response of a name server.
    answered_at: Mutex<Option<Instant>>,
}

/// Returns the system's resolver: `/etc/hosts` and the name servers of `/etc/resolv.conf`, as they are now.
///
/// Without readable settings, the system's own function resolves names on tokio's threads.
pub(crate) fn system_lookup() -> Lookup {
    let resolver = TokioResolver::builder_tokio().and_then(|mut builder| {
        limit(builder.options_mut());
        builder.build()
    });
    match resolver {
        Ok(resolver) => lookup_with(resolver),
        Err(error) => {
            tracing::warn!(%error, "cannot read the settings of the name servers: names are resolved on threads");
            Arc::new(|name| lookup_on_thread(name).boxed())
        }
    }
}

fn limit(options: &mut ResolverOpts) {
    options.timeout = LIMITS.0;
    options.attempts = 1; // after the first
    options.max_active_requests = MAX_QUERIES;
    options.positive_max_ttl = Some(CACHED.0);
    options.negative_max_ttl = Some(CACHED.1);
}

/// Returns a lookup that joins the lookups of the same name.
fn lookup_with(resolver: TokioResolver) -> Lookup {
    let names = Arc::new(Names { resolver, running: Mutex::default(), answered_at: Mutex::default() });
    Arc::new(move |name| join(&names, name).boxed())
}

async fn lookup_on_thread(name: String) -> Result<Vec<IpAddr>, Fault> {
    let addresses = tokio::net::lookup_host((name, 0)).await.map_err(|error| fault_of_lookup(&error))?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// Returns the lookup of a name that is in progress, or starts one. It ends even if no attempt waits for it anymore.
fn join(names: &Arc<Names>, name: String) -> Running {
    let mut running = names.running();
    if let Some(lookup) = running.get(&name) {
        return lookup.clone();
    }
    let (of, searched) = (Arc::clone(names), name.clone());
    let task = tokio::spawn(async move {
        let found = of.resolve(&searched).await;
        of.running().remove(&searched);
        found
    });
    let ended = |result: Result<_, tokio::task::JoinError>| {
        result.unwrap_or_else(|error| Err(Fault::new(FailureKind::Local, error)))
    };
    let lookup = task.map(ended).boxed().shared();
    running.insert(name, lookup.clone());
    lookup
}

impl Names {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.answered_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Fault> {
        let start = Instant::now();
        let lookup = tokio::time::timeout(LIMITS.1, self.resolver.lookup_ip(name));
        let (found, is_cached) = ready_at_once(lookup).await; // cached, or from the file of hosts
        let found = found.unwrap_or(Err(NetError::Timeout));
        let has_answer = matches!(found, Ok(_) | Err(NetError::Dns(_)));
        if has_answer && !is_cached {
            *self.answered_at() = Some(Instant::now());
        }
        let others_have = self.answered_at().is_some_and(|at| at > start);
        found.map(|addresses| addresses.iter().collect()).map_err(|error| fault_of(&error, others_have))
    }
}

/// Returns the fault of a lookup. Name servers that do not respond are the sender's fault, unless they responded about
/// another name meanwhile: then the name's own servers do not.
fn fault_of(error: &NetError, others_have: bool) -> Fault {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError => {
            Fault::new(FailureKind::Dns, "the name has no address")
        }
        NetError::Dns(DnsError::NoRecordsFound(none)) => Fault::new(FailureKind::Dns, none.response_code),
        NetError::Dns(error) => Fault::new(FailureKind::Dns, error),
        NetError::Io(error) if is_shortage(error) => Fault::new(FailureKind::Local, error),
        NetError::Io(_) | NetError::Timeout | NetError::NoConnections | NetError::Busy if !others_have => {
            Fault::new(FailureKind::Local, format_args!("no name server responds: {error}"))
        }
        error => Fault::new(FailureKind::Dns, error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use clarife_webhooks::sender::FailureKind::{Dns, Local};
    use hickory_resolver::TokioResolver;
    use hickory_resolver::config::{NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::op::{Message, ResponseCode};
    use hickory_resolver::proto::rr::{RData, Record, RecordType};
    use tokio::net::UdpSocket;

    use super::{Lookup, limit, lookup_with, system_lookup};

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

    fn addresses() -> Vec<IpAddr> {
        vec![ADDRESS.to_ipv6_mapped().into(), ADDRESS.into()]
    }

    /// Starts a name server that does not respond about names with "silent", knows no names with "none", and resolves
    /// all others after 100 ms. Returns a lookup that asks it, and the number of its queries.
    async fn name_server() -> (Lookup, Arc<AtomicUsize>) {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.expect("a port"));
        let port = socket.local_addr().expect("an address").port();
        let queries = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&queries);
        tokio::spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                count.fetch_add(1, Ordering::SeqCst);
                let (socket, query) = (Arc::clone(&socket), Message::from_vec(&buffer[..length]).expect("a query"));
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    if let Some(response) = respond(query) {
                        let _ = socket.send_to(&response, from).await;
                    }
                });
            }
        });
        let mut server = NameServerConfig::udp(Ipv4Addr::LOCALHOST.into());
        server.connections[0].port = port;
        let config = ResolverConfig::from_parts(None, vec![], vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        limit(builder.options_mut());
        (lookup_with(builder.build().expect("is valid")), queries)
    }

    fn respond(query: Message) -> Option<Vec<u8>> {
        let question = query.queries[0].clone();
        let name = question.name().to_utf8();
        if name.contains("silent") {
            return None;
        }
        let mut response = query.into_response();
        if name.contains("none") {
            response.metadata.response_code = ResponseCode::NXDomain;
        } else {
            let data = match question.query_type() {
                RecordType::A => RData::A(ADDRESS.into()),
                _ => RData::AAAA(ADDRESS.to_ipv6_mapped().into()),
            };
            response.add_answer(Record::from_rdata(question.name().clone(), 300, data));
        }
        response.to_vec().ok()
    }

    #[tokio::test]
    async fn lookups_of_a_name_are_joined_and_cached() {
        let (lookup, queries) = name_server().await;
        let found = futures_util::future::join_all((0..50).map(|_| lookup("hooks.example.com".into()))).await;
        assert!(found.into_iter().all(|found| found == Ok(addresses())));
        assert_eq!(lookup("hooks.example.com".into()).await, Ok(addresses()));
        assert_eq!(queries.load(Ordering::SeqCst), 2); // one for each family
        let unknown = lookup("none.example.com".into()).await.expect_err("does not exist");
        assert_eq!((unknown.kind, &*unknown.cause), (Dns, "Non-Existent Domain"));
    }

    #[tokio::test]
    async fn a_silent_name_server_is_the_sender_s_fault_and_a_silent_name_is_not() {
        let (lookup, _) = name_server().await;
        let (away, _) = name_server().await;
        let slow: Vec<_> = (0..600).map(|n| tokio::spawn(lookup(format!("silent-{n}.example.com")))).collect();
        let start = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await; // until the name server has read all of it
        assert_eq!(lookup("hooks.example.com".into()).await, Ok(addresses())); // does not wait for the others
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert_eq!(away("silent.example.com".into()).await.expect_err("no response").kind, Local);
        for slow in slow {
            assert_eq!(slow.await.expect("no panic").expect_err("no response").kind, Dns);
        }
        assert!(start.elapsed() < Duration::from_secs(10)); // before an attempt times out
    }

    #[tokio::test]
    async fn the_system_s_resolver_knows_this_machine() {
        let found = system_lookup()("localhost".into()).await.expect("is known");
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
