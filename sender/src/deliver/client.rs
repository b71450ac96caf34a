//! One attempt: a POST with a deadline, and what came of it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clarife_webhooks::SIGNATURE_HEADER;
use clarife_webhooks::sender::{ATTEMPT_TIMEOUT, EndpointUrl, FailureKind, Outcome};
use clarife_webhooks::standard::StandardHeaders;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, Client as HyperClient};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::address_policy::AddressPolicy;
use super::connector::{ConnectError, Connector, Lookup, find};

/// An answer is read so far, so that its connection can be used again; whoever sends more loses the connection.
pub(super) const MAX_RESPONSE_BODY: usize = 64 * 1024;

/// So much of an answer is kept in the log.
pub(super) const KEPT_RESPONSE_BODY: usize = 1024;

/// How long the body of an answer may take after its headers; it decides nothing.
const RESPONSE_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Headers longer than this are not read.
const MAX_HEADERS: usize = 64 * 1024;

/// How long a connection is kept for the next delivery.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT_VALUE: HeaderValue = HeaderValue::from_static(concat!("clarife-sender/", env!("CARGO_PKG_VERSION")));

/// How connections are made.
pub(crate) struct Options {
    /// Where to.
    pub(crate) policy: AddressPolicy,
    /// Names to addresses.
    pub(crate) lookup: Lookup,
    /// Authorities to trust beside the public ones.
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
    /// How many connections to one host are kept when idle.
    pub(crate) idle_per_host: usize,
}

/// Posts deliveries. It keeps connections, follows no redirects and knows of no proxies.
#[derive(Clone)]
pub(crate) struct Client {
    http: HyperClient<HttpsConnector<Connector>, Full<Bytes>>,
    policy: AddressPolicy,
}

/// What an endpoint has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointResponse {
    /// The status, or why there is none.
    pub(crate) outcome: Outcome,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        for certificate in options.extra_roots {
            roots.add(certificate).context("an extra root certificate is not usable")?;
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
        let http = HyperClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(options.idle_per_host)
            .http1_max_buf_size(MAX_HEADERS)
            .http2_max_header_list_size(header_list)
            .http2_initial_stream_window_size(header_list)
            .http2_initial_connection_window_size(header_list.saturating_mul(16))
            // A connection that has died in silence must not be used for every delivery to come.
            .http2_keep_alive_interval(ATTEMPT_TIMEOUT)
            .http2_keep_alive_timeout(ATTEMPT_TIMEOUT)
            .build(connector);
        Ok(Self { http, policy })
    }

    /// Makes one attempt: within [`ATTEMPT_TIMEOUT`] up to the last byte of the answer's headers.
    pub(crate) async fn post(
        &self,
        url: &EndpointUrl,
        body: Bytes,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)> + Send,
    ) -> EndpointResponse {
        let failed = |kind| EndpointResponse { outcome: Outcome::Failure(kind), body: Vec::new() };
        // Plain HTTP is for development only, whatever is in the store.
        if !url.is_https() && self.policy == AddressPolicy::Public {
            return failed(FailureKind::Tls);
        }
        let Ok(uri) = Uri::try_from(url.as_str()) else { return failed(FailureKind::Connection) };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(USER_AGENT, USER_AGENT_VALUE);
        request.headers_mut().extend(headers);
        match tokio::time::timeout(ATTEMPT_TIMEOUT, self.http.request(request)).await {
            Err(_) => failed(FailureKind::Timeout),
            Ok(Err(error)) => failed(kind_of(&error)),
            Ok(Ok(response)) => {
                let outcome = Outcome::Status(response.status().as_u16());
                EndpointResponse { outcome, body: read(response).await }
            }
        }
    }
}

/// The header that carries a signature.
pub(crate) fn signature_header(value: &str) -> (HeaderName, HeaderValue) {
    static NAME: std::sync::LazyLock<HeaderName> = std::sync::LazyLock::new(|| {
        HeaderName::from_bytes(SIGNATURE_HEADER.as_bytes()).unwrap_or(HeaderName::from_static("x-clarife-signature"))
    });
    (NAME.clone(), HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")))
}

/// The headers of Standard Webhooks.
pub(crate) fn standard_headers(headers: &StandardHeaders<'_>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers
        .pairs()
        .into_iter()
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?)))
}

/// The beginning of the body; what came until the time was over or the connection broke.
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

fn kind_of(error: &legacy::Error) -> FailureKind {
    if let Some(ConnectError(kind)) = find(error) {
        return *kind;
    }
    if error.is_connect() {
        return FailureKind::Tls; // the connection itself was there
    }
    match find::<hyper::Error>(error) {
        Some(error) if error.is_parse_too_large() => FailureKind::TooLarge,
        Some(error) if error.is_parse() => FailureKind::InvalidResponse,
        _ => FailureKind::Connection,
    }
}
