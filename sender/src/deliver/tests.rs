//! Tests of attempts against real sockets, and of the addresses that are never connected to.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Router, routing::post};
use bytes::Bytes;
use clarife_webhooks::sender::{
    ATTEMPT_TIMEOUT, EndpointUrl, EventTypes, FailureKind, Outcome, Plan, Signer, build_event,
};
use clarife_webhooks::{EventType, SIGNATURE_HEADER, Webhook};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::client::{EndpointResponse, KEPT_RESPONSE_BODY, MAX_RESPONSE_BODY};
use super::connector::Lookup;
use super::{AddressPolicy, Client, DeliverySettings, Dispatcher, Options, signature_header, system_lookup};
use crate::clock::{Clock, wall};
use crate::ids::WorkspaceId;
use crate::metrics::Metrics;
use crate::store::{Attempt, DeliveryFilter, Limits, NewEvent, StateName, Stats, Store, SubscriptionRecord, Workspace};

fn client(policy: AddressPolicy) -> Client {
    client_with(policy, system_lookup(), vec![])
}

fn client_with(policy: AddressPolicy, lookup: Lookup, extra_roots: Vec<CertificateDer<'static>>) -> Client {
    Client::new(Options { policy, lookup, extra_roots, idle_per_host: 8 }).expect("is a client")
}

/// Returns a resolver that resolves every name to these addresses.
fn names_lead_to(addresses: &[&str]) -> Lookup {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect("an address")).collect();
    Arc::new(move |_| {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    })
}

async fn post_to(client: &Client, url: &str) -> EndpointResponse {
    let url = EndpointUrl::parse_allowing_plain_http(url).expect("a URL");
    client.post(&url, Bytes::from_static(b"{}"), [signature_header("t=1,v1=00")]).await
}

async fn outcome(url: &str) -> Outcome {
    post_to(&client(AddressPolicy::PublicAndLoopback), url).await.outcome
}

const fn failure(kind: FailureKind) -> Outcome {
    Outcome::Failure(kind)
}

/// Starts a server that sends these bytes to every request; returns its address and its number of connections.
async fn raw_server(response: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, count) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            let response = response.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&response).await;
                if response.is_empty() {
                    std::future::pending::<()>().await; // never responds
                }
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn each_kind_of_response_has_its_outcome() {
    let status = |status: u16| format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\nok").into_bytes();
    let long_header = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "a".repeat(1_000_000)).into_bytes();
    for (response, expected) in [
        (status(200), Outcome::Status(200)),
        (status(204), Outcome::Status(204)),
        (status(410), Outcome::Status(410)),
        (status(503), Outcome::Status(503)),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), failure(FailureKind::InvalidResponse)),
        (b"HTTP/1.1 abc\r\n\r\n".to_vec(), failure(FailureKind::InvalidResponse)),
        (b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(), failure(FailureKind::Connection)),
        (long_header, failure(FailureKind::TooLarge)),
    ] {
        let (address, _) = raw_server(response.clone()).await;
        let start = String::from_utf8_lossy(&response[..response.len().min(40)]).into_owned();
        assert_eq!(outcome(&format!("http://{address}/hooks")).await, expected, "{start}");
    }
    let free = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port");
    let refused = post_to(&client(AddressPolicy::PublicAndLoopback), &format!("http://{free}/")).await;
    assert_eq!(refused.outcome, failure(FailureKind::Connection));
    assert!(refused.error.as_ref().is_some_and(|cause| cause.contains("refused")), "{refused:?}");
    assert_eq!(outcome("http://does-not-exist.invalid/").await, failure(FailureKind::Dns));
}

#[tokio::test]
async fn an_endpoint_that_never_responds_fails_after_ten_seconds() {
    let start = tokio::time::Instant::now();
    let (silent, _) = raw_server(vec![]).await;
    // One server's headers never end. Another one's body never ends, which does not affect the outcome.
    let headers = trickle(b"HTTP/1.1 200 OK\r\nx: ".to_vec()).await;
    let body = trickle(b"HTTP/1.1 200 OK\r\n\r\nbody".to_vec()).await;
    let client = client(AddressPolicy::PublicAndLoopback);
    let urls = [silent, headers, body].map(|address| format!("http://{address}/"));
    let (silent, headers, body) =
        tokio::join!(post_to(&client, &urls[0]), post_to(&client, &urls[1]), post_to(&client, &urls[2]));
    assert_eq!((silent.outcome, headers.outcome), (failure(FailureKind::Timeout), failure(FailureKind::Timeout)));
    assert_eq!((body.outcome, body.body.starts_with(b"body")), (Outcome::Status(200), true));
    assert!(body.took < Duration::from_secs(1), "{:?}", body.took); // ends with the headers, not with the body
    assert!(start.elapsed() >= ATTEMPT_TIMEOUT);
}

/// Starts a server that responds to the first requests of each connection, and closes it when the next one arrives.
/// Returns its address and its number of requests.
async fn forgetful_server(answered: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, count) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let requests = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                for _ in 0..answered {
                    let _ = stream.read(&mut request).await;
                    requests.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
                let _ = stream.read(&mut request).await;
                requests.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn a_request_that_a_kept_connection_has_lost_is_repeated() {
    let (address, requests) = forgetful_server(1).await;
    let (client, url) = (client(AddressPolicy::PublicAndLoopback), format!("http://{address}/"));
    for sent in 1..=5 {
        assert_eq!(post_to(&client, &url).await.outcome, Outcome::Status(200), "request {sent}");
        tokio::time::sleep(Duration::from_millis(50)).await; // until the connection is idle
    }
    assert!(requests.load(Ordering::SeqCst) > 5); // the server saw the lost ones
    // A new connection that is closed in this way is the endpoint's failure, without a repeat.
    let (address, requests) = forgetful_server(0).await;
    let response = post_to(&client, &format!("http://{address}/")).await;
    assert_eq!(response.outcome, failure(FailureKind::Connection));
    assert_eq!(requests.load(Ordering::SeqCst), 1, "{response:?}");
}

/// Starts a server that sends these bytes and then one byte at a time.
async fn trickle(start: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(&start).await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    address
}

#[tokio::test]
async fn responses_are_read_and_kept_within_bounds() {
    let response = |length: usize| {
        let mut response = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        response.extend(vec![b'x'; length]);
        response
    };
    let (address, _) = raw_server(response(MAX_RESPONSE_BODY * 100)).await;
    let large = post_to(&client(AddressPolicy::PublicAndLoopback), &format!("http://{address}/")).await;
    assert_eq!((large.outcome, large.body), (Outcome::Status(200), vec![b'x'; KEPT_RESPONSE_BODY]));
    let (address, _) = raw_server(response(5)).await;
    let small = post_to(&client(AddressPolicy::PublicAndLoopback), &format!("http://{address}/")).await;
    assert_eq!(small.body, b"xxxxx");
}

#[tokio::test]
async fn redirects_are_responses_and_never_followed() {
    let (target, visits) = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    for status in [301, 302, 303, 307, 308] {
        for location in [format!("http://{target}/"), "http://169.254.169.254/latest/meta-data/".to_owned()] {
            let response = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            let (address, _) = raw_server(response.into_bytes()).await;
            assert_eq!(outcome(&format!("http://{address}/")).await, Outcome::Status(status));
        }
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn forbidden_addresses_are_never_connected_to() {
    let (server, connections) = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let port = server.port();
    let public = client(AddressPolicy::Public);
    for host in [
        "127.0.0.1",
        "127.8.8.8",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[::]",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "localhost",
    ] {
        let response = post_to(&public, &format!("https://{host}:{port}/")).await;
        assert_eq!(response.outcome, failure(FailureKind::ForbiddenAddress), "{host}");
    }
    // Spellings that the URL rules refuse are refused by the connector as well.
    let connector = super::connector::Connector::new(AddressPolicy::Public, system_lookup());
    for host in ["127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.1", "127.0.0.1.", "0"] {
        let uri = format!("http://{host}:{port}/").parse().expect("is a URI");
        let refused = tower::ServiceExt::oneshot(connector.clone(), uri).await.expect_err(host);
        assert!(matches!(refused.kind, FailureKind::ForbiddenAddress | FailureKind::Dns), "{host}: {refused}");
    }
    // Names that resolve to such addresses, alone or among others.
    for addresses in [&["127.0.0.1"][..], &["::1"], &["::ffff:127.0.0.1"], &["10.0.0.1", "127.0.0.1", "fe80::1"]] {
        let named = client_with(AddressPolicy::Public, names_lead_to(addresses), vec![]);
        let response = post_to(&named, &format!("https://hooks.example.com:{port}/")).await;
        assert_eq!(response.outcome, failure(FailureKind::ForbiddenAddress), "{addresses:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    // Plain HTTP is refused even for an allowed address.
    assert_eq!(post_to(&public, "http://192.0.2.1/").await.outcome, failure(FailureKind::Tls));
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let (server, connections) = raw_server(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec()).await;
    // For development, this machine is allowed and a private network is not.
    let lookups = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lookups);
    let changing: Lookup = Arc::new(move |_| {
        let private = count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        let address: IpAddr = if private { "10.0.0.1" } else { "127.0.0.1" }.parse().expect("an address");
        Box::pin(async move { Ok(vec![address]) })
    });
    let client = client_with(AddressPolicy::PublicAndLoopback, changing, vec![]);
    let url = format!("http://rebinding.example.com:{}/", server.port());
    assert_eq!(post_to(&client, &url).await.outcome, Outcome::Status(200));
    assert_eq!(post_to(&client, &url).await.outcome, failure(FailureKind::ForbiddenAddress));
    assert_eq!(post_to(&client, &url).await.outcome, Outcome::Status(200));
    assert_eq!((lookups.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (3, 2));
    // Of several addresses, only allowed ones are used.
    let mixed = client_with(AddressPolicy::PublicAndLoopback, names_lead_to(&["10.0.0.1", "127.0.0.1"]), vec![]);
    assert_eq!(post_to(&mixed, &url).await.outcome, Outcome::Status(200));
}

/// Starts a TLS server for `localhost` that replies with the HTTP version; returns its address and certificate.
async fn tls_server() -> (SocketAddr, CertificateDer<'static>) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = certified.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = rustls::crypto::ring::default_provider();
    let mut config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .expect("a key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_tls(acceptor.clone(), stream));
        }
    });
    (address, certificate)
}

async fn serve_tls(acceptor: tokio_rustls::TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(async |request: Request<hyper::body::Incoming>| {
        let body = if request.version() == Version::HTTP_2 { "HTTP/2" } else { "HTTP/1.1" };
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(body))))
    });
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

#[tokio::test]
async fn certificates_are_checked_and_http_2_is_spoken() {
    let (address, certificate) = tls_server().await;
    let url = format!("https://localhost:{}/", address.port());
    let lookup = || names_lead_to(&["127.0.0.1"]);
    let stranger = client_with(AddressPolicy::PublicAndLoopback, lookup(), vec![]);
    let unknown = post_to(&stranger, &url).await;
    assert_eq!(unknown.outcome, failure(FailureKind::Tls));
    assert!(unknown.error.as_ref().is_some_and(|cause| cause.contains("UnknownIssuer")), "{unknown:?}");
    let trusting = client_with(AddressPolicy::PublicAndLoopback, lookup(), vec![certificate]);
    let response = post_to(&trusting, &url).await;
    assert_eq!((response.outcome, &response.body[..]), (Outcome::Status(200), &b"HTTP/2"[..]));
    let wrong_name = post_to(&trusting, &format!("https://other.example.com:{}/", address.port())).await;
    assert_eq!(wrong_name.outcome, failure(FailureKind::Tls));
    assert!(wrong_name.error.as_ref().is_some_and(|cause| cause.contains("not valid for name")), "{wrong_name:?}");
    let (plain, _) = raw_server(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
    assert_eq!(
        post_to(&trusting, &format!("https://localhost:{}/", plain.port())).await.outcome,
        failure(FailureKind::Tls)
    );
}

/// A receiver that verifies both kinds of signature headers and delays its responses.
#[derive(Clone)]
struct Receiver {
    webhook: Arc<Webhook>,
    /// Verifier of the headers of Standard Webhooks.
    standard: Arc<Webhook>,
    received: Arc<Mutex<Vec<String>>>,
    now: Arc<AtomicUsize>,
    max: Arc<AtomicUsize>,
    statuses: Arc<Mutex<Vec<u16>>>,
    delay: Duration,
}

impl Receiver {
    async fn start(secret: &str, delay: Duration, statuses: Vec<u16>) -> (Self, String) {
        let receiver = Self {
            webhook: Arc::new(Webhook::new(secret).expect("a secret")),
            standard: Arc::new(Webhook::new(secret).and_then(Webhook::require_standard_webhooks).expect("a secret")),
            received: Arc::default(),
            now: Arc::default(),
            max: Arc::default(),
            statuses: Arc::new(Mutex::new(statuses)),
            delay,
        };
        let app = Router::new().route("/", post(Self::receive)).with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (receiver, url)
    }

    async fn receive(State(this): State<Self>, headers: HeaderMap, body: Bytes) -> axum::http::StatusCode {
        let now = this.now.fetch_add(1, Ordering::SeqCst) + 1;
        this.max.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(this.delay).await;
        this.now.fetch_sub(1, Ordering::SeqCst);
        let Ok(_) = this.standard.verify(&body, &headers) else { return axum::http::StatusCode::UNAUTHORIZED };
        let Ok(event) = this.webhook.verify(&body, &headers) else { return axum::http::StatusCode::BAD_REQUEST };
        this.received.lock().expect("no panic").push(event.id().to_owned());
        let next = this.statuses.lock().expect("no panic").pop().unwrap_or(200);
        axum::http::StatusCode::from_u16(next).expect("a status")
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().expect("no panic").clone()
    }
}

/// A running sender with its own store.
struct Sender {
    store: Arc<Store>,
    workspace: WorkspaceId,
    metrics: Metrics,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Sender {
    async fn start(per_subscription: usize, max_in_flight: u32) -> Self {
        Self::start_with(client(AddressPolicy::PublicAndLoopback), per_subscription, max_in_flight).await
    }

    async fn start_with(client: Client, per_subscription: usize, max_in_flight: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::start();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url, Limits { per_subscription }, clock.now()).await.expect("is new");
        let id = WorkspaceId::random();
        let workspace = Workspace::new(id.clone(), "Test".into(), Plan::Business, clock.now());
        store.create_workspace(workspace).await.expect("is kept");
        let (stop, stopped) = watch::channel(false);
        let metrics = Metrics::new();
        let settings = DeliverySettings { max_in_flight, standard_webhooks: true };
        let dispatcher = Dispatcher::new(store.clone(), client, clock, metrics.clone(), settings);
        let running = tokio::spawn(dispatcher.run(stopped));
        Self { store, workspace: id, metrics, stop, running, _folder: folder }
    }

    async fn subscribe(&self, signer: Signer, url: &str, event_type: EventType<'_>) -> Arc<SubscriptionRecord> {
        let url = EndpointUrl::parse_allowing_plain_http(url).expect("a URL");
        let types = EventTypes::new([event_type]).expect("one");
        self.store.subscribe(&self.workspace, url, types, signer, wall()).await.expect("is kept")
    }

    async fn send(&self, event_type: EventType<'static>, ids: impl IntoIterator<Item = String>) {
        let event = |id: String| {
            let body = build_event(&id, event_type, wall(), &serde_json::json!({})).expect("an event");
            NewEvent { id, event_type: event_type.to_string(), body }
        };
        let events = ids.into_iter().map(event).collect();
        self.store.accept(&self.workspace, events, wall()).await.expect("are kept");
    }

    /// Waits until `count` deliveries are in a state.
    async fn wait_for(&self, count: usize, state: StateName) {
        let filter = DeliveryFilter { state: Some(state), limit: 10_000, ..DeliveryFilter::default() };
        for _ in 0..1500 {
            let found = self.store.deliveries(&self.workspace, &filter).await.expect("is open").deliveries.len();
            if found >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("fewer than {count} deliveries are {state:?} after 30 s");
    }

    /// Returns the attempts of all deliveries, and the failures in a row of the only subscription.
    async fn attempts(&self) -> (Vec<Attempt>, u32) {
        let filter = DeliveryFilter { limit: 10_000, ..DeliveryFilter::default() };
        let mut attempts = Vec::new();
        for delivery in self.store.deliveries(&self.workspace, &filter).await.expect("is open").deliveries {
            attempts.extend(self.store.delivery(&self.workspace, delivery.id).await.expect("is there").1);
        }
        let subscriptions = self.store.subscriptions(&self.workspace).await.expect("is open");
        (attempts, subscriptions[0].subscription.health.consecutive_failures())
    }

    fn metric(&self, line: &str) -> u64 {
        let text = self.metrics.text(Stats::default());
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or_default()
    }

    async fn stop(self) {
        self.stop.send(true).expect("is running");
        self.running.await.expect("no panic");
        self.store.close().await;
    }
}

fn signer() -> Signer {
    Signer::generate().expect("random bytes")
}

#[tokio::test]
async fn events_arrive_signed_and_are_retried_with_the_same_bytes() {
    let sender = Sender::start(8, 64).await;
    let signer = signer();
    let (receiver, url) = Receiver::start(signer.secret().expose(), Duration::ZERO, vec![503]).await;
    sender.subscribe(signer, &url, EventType::ShareCreated).await;
    sender.send(EventType::ShareCreated, ["evt_1".to_owned()]).await;
    sender.wait_for(1, StateName::Delivered).await;
    assert_eq!(receiver.received(), ["evt_1", "evt_1"]); // verified both times
    let filter = DeliveryFilter { limit: 1, ..DeliveryFilter::default() };
    let id = sender.store.deliveries(&sender.workspace, &filter).await.expect("is open").deliveries[0].id;
    let attempts = sender.store.delivery(&sender.workspace, id).await.expect("is there").1;
    let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Status(503), Outcome::Status(200)]);
    assert!(attempts[1].started_at.as_millis() >= attempts[0].ended_at.as_millis() + 1000);
    sender.stop().await;
}

/// Returns a resolver that runs out of file descriptors `count` times, and returns this machine afterwards.
#[cfg(unix)]
fn without_descriptors(count: usize) -> (Lookup, Arc<AtomicUsize>) {
    let lookups = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&lookups);
    let lookup: Lookup = Arc::new(move |_| {
        let fails = counted.fetch_add(1, Ordering::SeqCst) < count;
        let error = std::io::Error::from(rustix::io::Errno::MFILE);
        let found = if fails { Err(super::fault::fault_of_lookup(&error)) } else { Ok(vec![[127, 0, 0, 1].into()]) };
        Box::pin(async move { found })
    });
    (lookup, lookups)
}

#[cfg(unix)]
#[tokio::test]
async fn the_sender_s_own_failures_do_not_count() {
    let (lookup, _) = without_descriptors(20);
    let client = client_with(AddressPolicy::PublicAndLoopback, lookup, vec![]);
    let sender = Sender::start_with(client, 8, 64).await;
    let signer = signer();
    let (receiver, url) = Receiver::start(signer.secret().expose(), Duration::ZERO, vec![]).await;
    sender.subscribe(signer, &url.replace("127.0.0.1", "hooks.example.com"), EventType::ShareCreated).await;
    sender.send(EventType::ShareCreated, (0..12).map(|n| format!("evt_{n}"))).await;
    sender.wait_for(12, StateName::Delivered).await;
    let mut received = receiver.received();
    received.sort();
    received.dedup();
    assert_eq!((received.len(), receiver.received().len()), (12, 12));
    let (attempts, failures) = sender.attempts().await;
    assert!(attempts.iter().all(|attempt| (attempt.number, attempt.outcome) == (1, Outcome::Status(200))));
    assert_eq!((attempts.len(), failures), (12, 0));
    assert_eq!(sender.metric(r#"clarife_sender_attempts_total{outcome="local"}"#), 20);
    sender.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_stop_does_not_wait_for_the_sender_s_own_failures() {
    let (lookup, lookups) = without_descriptors(usize::MAX);
    let client = client_with(AddressPolicy::PublicAndLoopback, lookup, vec![]);
    let sender = Sender::start_with(client, 2, 64).await;
    sender.subscribe(signer(), "http://hooks.example.com/", EventType::ShareCreated).await;
    sender.send(EventType::ShareCreated, (0..9).map(|n| format!("evt_{n}"))).await;
    while lookups.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(lookups.load(Ordering::SeqCst) <= 6); // two at a time, with pauses
    assert_eq!(sender.store.stats().await.expect("is open").pending, 9);
    let start = tokio::time::Instant::now();
    sender.stop().await;
    assert!(start.elapsed() < Duration::from_millis(900));
}

#[tokio::test]
async fn attempts_stop_while_most_endpoints_fail_at_once() {
    let signer = signer();
    let (receiver, url) = Receiver::start(signer.secret().expose(), Duration::ZERO, vec![]).await;
    let port = url.rsplit(':').next().expect("has a port").trim_end_matches('/').to_owned();
    // The name servers are cut off until `up` is set.
    let (up, lookups) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (is_up, counted) = (Arc::clone(&up), Arc::clone(&lookups));
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        let found = match is_up.load(Ordering::SeqCst) {
            0 => Err(super::fault::Fault::new(FailureKind::Dns, "no name server")),
            _ => Ok(vec![[127, 0, 0, 1].into()]),
        };
        Box::pin(async move { found })
    });
    let client = client_with(AddressPolicy::PublicAndLoopback, lookup, vec![]);
    let sender = Sender::start_with(client, 8, 64).await;
    for host in 0..12 {
        let url = format!("http://{host}.example.com:{port}/");
        sender.subscribe(signer.clone(), &url, EventType::ShareCreated).await;
    }
    sender.send(EventType::ShareCreated, (0..4).map(|n| format!("evt_{n}"))).await;
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(sender.metric("clarife_sender_network_down"), 1);
    // Without the breaker, 48 first and 48 second attempts are made in this time.
    assert!(lookups.load(Ordering::SeqCst) <= 64 + 4, "{lookups:?}");
    up.store(1, Ordering::SeqCst);
    sender.wait_for(48, StateName::Delivered).await;
    assert_eq!(receiver.received().len(), 48);
    assert_eq!(sender.metric("clarife_sender_network_down"), 0);
    // Only the failures of the first four hosts count.
    let (attempts, _) = sender.attempts().await;
    assert!(attempts.iter().filter(|attempt| !attempt.outcome.is_success()).count() <= 16, "{attempts:?}");
    sender.stop().await;
}

#[tokio::test]
async fn a_slow_endpoint_keeps_to_its_limit() {
    let sender = Sender::start(3, 64).await;
    let (slow_signer, quick_signer) = (signer(), signer());
    let (slow, slow_url) = Receiver::start(slow_signer.secret().expose(), Duration::from_secs(5), vec![]).await;
    let (quick, quick_url) = Receiver::start(quick_signer.secret().expose(), Duration::ZERO, vec![]).await;
    sender.subscribe(slow_signer, &slow_url, EventType::ShareCreated).await;
    sender.subscribe(quick_signer, &quick_url, EventType::MediaUploaded).await;
    sender.send(EventType::ShareCreated, (0..100).map(|n| format!("evt_slow_{n}"))).await;
    sender.send(EventType::MediaUploaded, (0..300).map(|n| format!("evt_quick_{n}"))).await;
    sender.wait_for(300, StateName::Delivered).await;
    assert_eq!((quick.received().len(), slow.received().len()), (300, 0)); // the slow endpoint was at its first three
    assert_eq!(slow.max.load(Ordering::SeqCst), 3);
    assert!(quick.max.load(Ordering::SeqCst) <= 3);
    sender.running.abort();
    sender.store.close().await;
}

#[tokio::test]
async fn stopping_finishes_attempts_in_flight() {
    let sender = Sender::start(4, 64).await;
    let signer = signer();
    let (receiver, url) = Receiver::start(signer.secret().expose(), Duration::from_millis(300), vec![]).await;
    sender.subscribe(signer, &url, EventType::ShareCreated).await;
    sender.send(EventType::ShareCreated, (0..50).map(|n| format!("evt_{n}"))).await;
    while receiver.now.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (store, workspace) = (Arc::clone(&sender.store), sender.workspace.clone());
    sender.stop.send(true).expect("is running");
    sender.running.await.expect("no panic");
    let filter = DeliveryFilter { state: Some(StateName::Delivered), limit: 100, ..DeliveryFilter::default() };
    let delivered = store.deliveries(&workspace, &filter).await.expect("is open").deliveries.len();
    assert_eq!(delivered, receiver.received().len()); // all posted deliveries are recorded
    assert_eq!(store.stats().await.expect("is open").pending, 50 - delivered as u64);
    store.close().await;
}

#[test]
fn the_header_has_its_documented_name() {
    let (name, value) = signature_header("t=1,v1=00");
    assert!(name.as_str().eq_ignore_ascii_case(SIGNATURE_HEADER));
    assert_eq!(value, "t=1,v1=00");
}
