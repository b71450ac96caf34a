//! HTTP client for attempts: one POST with a time limit.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clarife_webhooks::SIGNATURE_HEADER;
use clarife_webhooks::sender::{ATTEMPT_TIMEOUT, EndpointUrl, FailureKind, Outcome};
use clarife_webhooks::standard::StandardHeaders;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::Extensions;
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpInfo, capture_connection};
use hyper_util::client::legacy::{self, Client as HyperClient};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::address_policy::AddressPolicy;
use super::connector::{Connector, Lookup};
use super::fault::{Fault, find, is_shortage};

/// Limit of a response body. Up to it, the body is read so that the connection can be reused; beyond it, the connection
/// is closed.
pub(super) const MAX_RESPONSE_BODY: usize = 64 * 1024;

/// Number of bytes of a response body that are recorded.
pub(super) const KEPT_RESPONSE_BODY: usize = 1024;

/// Time limit of the response body after its headers. The body does not affect the outcome.
const RESPONSE_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Limit of the response headers.
const MAX_HEADERS: usize = 64 * 1024;

/// Time after which an idle connection is closed: before common servers close it, which Node.js does after 5 s.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Limit of the connections that are remembered as used: the number of ports.
const MAX_USED: usize = 65_536;

const USER_AGENT_VALUE: HeaderValue = HeaderValue::from_static(concat!("clarife-sender/", env!("CARGO_PKG_VERSION")));

/// Options of the client.
pub(crate) struct Options {
    /// Addresses that connections are allowed to.
    pub(crate) policy: AddressPolicy,
    /// Resolver of host names.
    pub(crate) lookup: Lookup,
    /// Additional trusted root certificates.
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
    /// Limit of the idle connections per host: the limit of concurrent attempts, since endpoints may share a host.
    pub(crate) idle_per_host: usize,
}

/// Client for deliveries. It reuses connections, follows no redirects and ignores proxy settings.
#[derive(Clone)]
pub(crate) struct Client {
    http: HyperClient<HttpsConnector<Connector>, Full<Bytes>>,
    /// Client that keeps no connection, for requests that a kept connection has lost.
    fresh: HyperClient<HttpsConnector<Connector>, Full<Bytes>>,
    /// Addresses of both ends of the connections that have had a response.
    used: Arc<Mutex<HashSet<Ends>>>,
    policy: AddressPolicy,
}

/// Addresses of both ends of a connection.
type Ends = (SocketAddr, SocketAddr);

/// Response of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointResponse {
    /// Status, or the failure if there was no response.
    pub(crate) outcome: Outcome,
    /// Cause of the failure in words, if there was no response.
    pub(crate) error: Option<String>,
    /// Time until the headers arrived or the attempt failed.
    pub(crate) took: Duration,
    /// First bytes of the response body.
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        for certificate in options.extra_roots {
            roots.add(certificate).context("invalid root certificate")?;
        }
        let provider = rustls::crypto::ring::default_provider();
        let tls = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let policy = options.policy;
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let builder = match policy {
            AddressPolicy::Public => builder.https_only(),
            AddressPolicy::PublicAndLoopback => builder.https_or_http(),
        };
        let connector = builder.enable_all_versions().wrap_connector(Connector::new(policy, options.lookup));
        let header_list = u32::try_from(MAX_HEADERS)?;
        let mut builder = HyperClient::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(options.idle_per_host)
            .http1_max_buf_size(MAX_HEADERS)
            .http2_max_header_list_size(header_list)
            .http2_initial_stream_window_size(header_list)
            .http2_initial_connection_window_size(header_list.saturating_mul(16))
            // A connection that died silently must not be reused.
            .http2_keep_alive_interval(ATTEMPT_TIMEOUT)
            .http2_keep_alive_timeout(ATTEMPT_TIMEOUT);
        let http = builder.build(connector.clone());
        let fresh = builder.pool_max_idle_per_host(0).build(connector);
        Ok(Self { http, fresh, used: Arc::default(), policy })
    }

    /// Makes one attempt, within [`ATTEMPT_TIMEOUT`] up to the end of the response headers.
    pub(crate) async fn post(
        &self,
        url: &EndpointUrl,
        body: Bytes,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)> + Send,
    ) -> EndpointResponse {
        let start = Instant::now();
        let response = self.request(url, body, headers).await;
        let took = start.elapsed();
        match response {
            Ok(response) => {
                let outcome = Outcome::Status(response.status().as_u16());
                EndpointResponse { outcome, error: None, took, body: read(response).await }
            }
            Err(Fault { kind, cause }) => {
                EndpointResponse { outcome: Outcome::Failure(kind), error: Some(cause), took, body: Vec::new() }
            }
        }
    }

    /// Sends the request and returns the response with its headers.
    async fn request(
        &self,
        url: &EndpointUrl,
        body: Bytes,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)> + Send,
    ) -> Result<Response<Incoming>, Fault> {
        // Plain HTTP is for development only, whatever URL is stored.
        if !url.is_https() && self.policy == AddressPolicy::Public {
            return Err(Fault::new(FailureKind::Tls, "the URL is not https"));
        }
        let uri = Uri::try_from(url.as_str()).map_err(|error| Fault::new(FailureKind::Connection, error))?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(USER_AGENT, USER_AGENT_VALUE);
        request.headers_mut().extend(headers);
        match tokio::time::timeout(ATTEMPT_TIMEOUT, self.send(request)).await {
            Err(_) => Err(Fault::new(FailureKind::Timeout, "no response headers within 10 s")),
            Ok(response) => response.map_err(|error| fault_of(&error)),
        }
    }

    /// Sends a request, and repeats it on a new connection if a kept connection was closed before the response.
    ///
    /// Servers close idle connections at any time, also while a request is on its way. That is no failure of the
    /// endpoint, and the event's id makes a repeat harmless.
    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, legacy::Error> {
        let again = request.clone();
        let connection = capture_connection(&mut request);
        let sent = self.http.request(request).await;
        let Some(ends) = ends_of(&connection) else { return sent };
        match sent {
            Ok(response) => {
                self.note(ends);
                Ok(response)
            }
            Err(error) if self.was_used(ends) && is_lost(&error) => {
                tracing::debug!("repeating a request that a kept connection has lost");
                self.fresh.request(again).await
            }
            Err(error) => Err(error),
        }
    }

    /// Notes that a connection has had a response.
    fn note(&self, ends: Ends) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MAX_USED {
            used.clear();
        }
        used.insert(ends);
    }

    /// Tells whether a connection that failed has had a response, and forgets it.
    fn was_used(&self, ends: Ends) -> bool {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).remove(&ends)
    }
}

/// Returns clarife's signature header.
pub(crate) fn signature_header(value: &str) -> (HeaderName, HeaderValue) {
    static NAME: std::sync::LazyLock<HeaderName> = std::sync::LazyLock::new(|| {
        HeaderName::from_bytes(SIGNATURE_HEADER.as_bytes()).unwrap_or(HeaderName::from_static("x-clarife-signature"))
    });
    (NAME.clone(), HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")))
}

/// Returns the headers of Standard Webhooks.
pub(crate) fn standard_headers(headers: &StandardHeaders<'_>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers
        .pairs()
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
}

/// Reads the first bytes of the response body, up to the time limit or the end of the connection.
async fn read(response: Response<Incoming>) -> Vec<u8> {
    let (mut kept, mut length) = (Vec::new(), 0_usize);
    let mut body = response.into_body();
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Some(data) = frame.data_ref() else { continue };
            let room = KEPT_RESPONSE_BODY.saturating_sub(kept.len());
            kept.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            length = length.saturating_add(data.len());
            if length > MAX_RESPONSE_BODY {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(RESPONSE_BODY_TIMEOUT, all).await;
    kept
}

/// Returns the addresses of the connection of a request, if it had one.
fn ends_of(connection: &CaptureConnection) -> Option<Ends> {
    let mut extras = Extensions::new();
    connection.connection_metadata().as_ref()?.get_extras(&mut extras);
    let info: &HttpInfo = extras.get()?;
    Some((info.local_addr(), info.remote_addr()))
}

/// Tells whether the connection ended before the response.
fn is_lost(error: &legacy::Error) -> bool {
    let closed = |error: &hyper::Error| error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    find::<hyper::Error>(error).is_some_and(closed) || find::<std::io::Error>(error).is_some()
}

/// Returns the fault of a request from the HTTP client's error.
fn fault_of(error: &legacy::Error) -> Fault {
    if let Some(fault) = find::<Fault>(error) {
        return fault.clone();
    }
    let cause = innermost(error);
    if find::<std::io::Error>(error).is_some_and(is_shortage) {
        return Fault::new(FailureKind::Local, cause);
    }
    if error.is_connect() {
        return Fault::new(FailureKind::Tls, cause); // the TCP connection was established
    }
    let kind = match find::<hyper::Error>(error) {
        Some(error) if error.is_parse_too_large() => FailureKind::TooLarge,
        Some(error) if error.is_parse() => FailureKind::InvalidResponse,
        _ => FailureKind::Connection,
    };
    Fault::new(kind, cause)
}

/// Returns the last error in the chain of causes, which says most.
fn innermost<'e>(error: &'e (dyn std::error::Error + 'static)) -> &'e (dyn std::error::Error + 'static) {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error)
}
