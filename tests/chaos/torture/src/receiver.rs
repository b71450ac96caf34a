//! The endpoints: they verify deliveries and keep track of them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use clarife_webhooks::Webhook;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Last part of the endpoints' paths. `steady` accepts everything, `flaky` every fifth event at the second attempt
/// only, `slow` after a delay, and `dead` nothing.
pub(crate) const ENDPOINTS: [&str; 4] = ["steady", "flaky", "slow", "dead"];

/// A delivery: path and event id.
type Key = (String, String);

/// The receiver of all endpoints.
#[derive(Clone)]
pub(crate) struct Receiver {
    deliveries: Arc<Mutex<Deliveries>>,
    pub(crate) address: SocketAddr,
}

#[derive(Default)]
struct Deliveries {
    webhooks: HashMap<String, Arc<Webhook>>,
    /// Number of times that the sender was killed.
    life: u64,
    accepted: HashSet<Key>,
    refused_once: HashSet<Key>,
    /// Requests in flight, with the `life` in which they arrived.
    in_flight: HashMap<Key, u64>,
    repeated: u64,
    overlapping: u64,
    unverified: u64,
}

impl Receiver {
    pub(crate) fn start(runtime: &Runtime) -> Result<Self> {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let receiver = Self { deliveries: Arc::default(), address: listener.local_addr()? };
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(receiver)
    }

    /// Sets the secret of the subscription of a path.
    pub(crate) fn set_secret(&self, path: &str, secret: &str) -> Result<()> {
        self.deliveries().webhooks.insert(path.to_owned(), Arc::new(Webhook::new(secret)?));
        Ok(())
    }

    /// Starts the next life of a killed sender: waits until none of its requests is in flight.
    pub(crate) fn next_life(&self) {
        let mut quiet = 0;
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(5));
            quiet = if self.deliveries().in_flight.is_empty() { quiet + 1 } else { 0 };
            if quiet == 4 {
                break;
            }
        }
        self.deliveries().life += 1;
    }

    pub(crate) fn has_accepted(&self, path: &str, event: &str) -> bool {
        self.deliveries().accepted.contains(&(path.to_owned(), event.to_owned()))
    }

    /// Returns the numbers of repeated attempts, overlapping attempts and deliveries that did not verify.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let deliveries = self.deliveries();
        (deliveries.repeated, deliveries.overlapping, deliveries.unverified)
    }

    fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Guard of a request in flight.
struct InFlight {
    receiver: Receiver,
    key: Key,
    life: u64,
}

impl InFlight {
    fn start(receiver: &Receiver, key: &Key) -> Self {
        let mut deliveries = receiver.deliveries();
        let life = deliveries.life;
        if deliveries.in_flight.insert(key.clone(), life) == Some(life) {
            deliveries.overlapping += 1;
        }
        drop(deliveries);
        Self { receiver: receiver.clone(), key: key.clone(), life }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut deliveries = self.receiver.deliveries();
        if deliveries.in_flight.get(&self.key) == Some(&self.life) {
            deliveries.in_flight.remove(&self.key);
        }
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let path = uri.path().to_owned();
    let webhook = receiver.deliveries().webhooks.get(&path).cloned();
    let Some(Ok(event)) = webhook.as_ref().map(|webhook| webhook.verify(&body, &headers)) else {
        receiver.deliveries().unverified += 1;
        return StatusCode::BAD_REQUEST;
    };
    let key = (path.clone(), event.id().to_owned());
    let endpoint = path.rsplit('/').next().unwrap_or_default();
    let _in_flight = InFlight::start(&receiver, &key);
    if endpoint == "slow" {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..10))).await;
    }
    let mut deliveries = receiver.deliveries();
    if endpoint == "dead" {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let every_fifth = event.id().ends_with(['0', '5']);
    if endpoint == "flaky" && every_fifth && deliveries.refused_once.insert(key.clone()) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !deliveries.accepted.insert(key) {
        deliveries.repeated += 1;
    }
    StatusCode::OK
}
