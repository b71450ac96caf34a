//! The endpoints of a measurement: one receiver on several ports.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use clarife_webhooks::sender::RETRY_DELAYS;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Delay of the responses below `/slow`.
const SLOW: Duration = Duration::from_millis(100);

/// Time without a delivery after which a measurement fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A receiver of deliveries.
///
/// Below `/fail` it refuses each event once, below `/dead` always, below `/hang` it never responds, and below `/slow` it
/// responds late.
#[derive(Clone)]
pub(super) struct Receiver(Arc<Shared>);

struct Shared {
    addresses: Vec<SocketAddr>,
    received: AtomicU64,
    /// Responses wait until this is true.
    open: watch::Sender<bool>,
    /// Time of the refusal of each event below `/fail`.
    refused: Mutex<HashMap<Vec<u8>, Instant>>,
    /// Lateness of each retry below `/fail`, in milliseconds.
    late: Mutex<Vec<u64>>,
}

impl Receiver {
    /// Starts a receiver on `hosts` loopback ports; a client takes each port for a host of its own.
    pub(super) async fn start(hosts: usize) -> Result<Self> {
        let mut listeners = Vec::new();
        for _ in 0..hosts.max(1) {
            listeners.push(TcpListener::bind("127.0.0.1:0").await?);
        }
        let receiver = Self(Arc::new(Shared {
            addresses: listeners.iter().map(TcpListener::local_addr).collect::<std::io::Result<_>>()?,
            received: AtomicU64::new(0),
            open: watch::Sender::new(true),
            refused: Mutex::default(),
            late: Mutex::default(),
        }));
        for listener in listeners {
            tokio::spawn(receiver.clone().serve(listener));
        }
        Ok(receiver)
    }

    /// Returns the URL of an endpoint; endpoints take the ports in turn.
    pub(super) fn url(&self, number: usize, path: &str) -> String {
        let index = number.checked_rem(self.0.addresses.len()).unwrap_or_default();
        let address = self.0.addresses.get(index).map(ToString::to_string).unwrap_or_default();
        format!("http://{address}/{path}/{number}")
    }

    /// Holds all responses back, or lets them go.
    pub(super) fn hold(&self, hold: bool) {
        self.0.open.send_replace(!hold);
    }

    /// Returns the number of deliveries so far.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    /// Waits until the number of deliveries is reached.
    pub(super) async fn wait_for(&self, count: u64) -> Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        while last < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if self.received() != last {
                (last, since) = (self.received(), Instant::now());
            }
            ensure!(since.elapsed() < PATIENCE, "{last} of {count} deliveries arrived");
        }
        Ok(())
    }

    /// Returns the lateness of all retries so far, in milliseconds and in order.
    pub(super) fn lateness(&self) -> Vec<u64> {
        let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner).clone();
        late.sort_unstable();
        late
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let receiver = self.clone();
            let service = service_fn(move |request| receiver.clone().respond(request));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let _ = body.collect().await;
        let status = match parts.uri.path().split('/').nth(1) {
            Some("hang") => std::future::pending().await,
            Some("dead") => StatusCode::INTERNAL_SERVER_ERROR,
            Some("fail") => self.refuse_once(parts.headers.get("webhook-id").map(|id| id.as_bytes().to_vec())),
            Some("slow") => {
                tokio::time::sleep(SLOW).await;
                StatusCode::OK
            }
            _ => StatusCode::OK,
        };
        self.0.received.fetch_add(1, Ordering::Relaxed);
        if !*self.0.open.borrow() {
            let _ = self.0.open.subscribe().wait_for(|open| *open).await;
        }
        let mut response = Response::new(Empty::new());
        *response.status_mut() = status;
        Ok(response)
    }

    fn refuse_once(&self, event: Option<Vec<u8>>) -> StatusCode {
        let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = event.as_ref().and_then(|event| refused.remove(event)) else {
            refused.extend(event.map(|event| (event, Instant::now())));
            return StatusCode::SERVICE_UNAVAILABLE;
        };
        let delay = RETRY_DELAYS.first().copied().unwrap_or_default();
        let late = first.elapsed().saturating_sub(delay).as_millis();
        self.0.late.lock().unwrap_or_else(PoisonError::into_inner).push(u64::try_from(late).unwrap_or(u64::MAX));
        StatusCode::OK
    }
}
