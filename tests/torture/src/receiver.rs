//! The endpoints: they verify what they get, and remember it.

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

/// What a path ends with: `steady` takes everything; `flaky` every fifth event at the second attempt only; `slow` takes its time; `dead` takes
/// nothing.
pub(crate) const ENDPOINTS: [&str; 4] = ["steady", "flaky", "slow", "dead"];

/// One delivery: which endpoint, which event.
type Key = (String, String);

/// See the module.
#[derive(Clone)]
pub(crate) struct Receiver {
    seen: Arc<Mutex<Seen>>,
    pub(crate) address: SocketAddr,
}

#[derive(Default)]
struct Seen {
    webhooks: HashMap<String, Arc<Webhook>>,
    /// How often the sender was killed.
    life: u64,
    taken: HashSet<Key>,
    refused_once: HashSet<Key>,
    /// What is being answered, and in which of the sender's lives it came.
    under_way: HashMap<Key, u64>,
    repeated: u64,
    twice_at_once: u64,
    unverified: u64,
}

impl Receiver {
    pub(crate) fn start(runtime: &Runtime) -> Result<Self> {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let receiver = Self { seen: Arc::default(), address: listener.local_addr()? };
        let app = Router::new().fallback(receive).with_state(receiver.clone());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Ok(receiver)
    }

    /// The secret of the subscription to that path.
    pub(crate) fn set_secret(&self, path: &str, secret: &str) -> Result<()> {
        self.seen().webhooks.insert(path.to_owned(), Arc::new(Webhook::new(secret)?));
        Ok(())
    }

    /// The sender is gone: waits until nothing of what it had sent is being answered; what comes then is from the next one.
    pub(crate) fn next_life(&self) {
        let mut quiet = 0;
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(5));
            quiet = if self.seen().under_way.is_empty() { quiet + 1 } else { 0 };
            if quiet == 4 {
                break;
            }
        }
        self.seen().life += 1;
    }

    pub(crate) fn has_taken(&self, path: &str, event: &str) -> bool {
        self.seen().taken.contains(&(path.to_owned(), event.to_owned()))
    }

    /// Attempts repeated after a success; attempts beside another; deliveries that did not verify.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let seen = self.seen();
        (seen.repeated, seen.twice_at_once, seen.unverified)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes what is being answered, until it is or its connection is gone.
struct UnderWay {
    receiver: Receiver,
    key: Key,
    life: u64,
}

impl UnderWay {
    fn start(receiver: &Receiver, key: &Key) -> Self {
        let mut seen = receiver.seen();
        let life = seen.life;
        if seen.under_way.insert(key.clone(), life) == Some(life) {
            seen.twice_at_once += 1;
        }
        drop(seen);
        Self { receiver: receiver.clone(), key: key.clone(), life }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut seen = self.receiver.seen();
        if seen.under_way.get(&self.key) == Some(&self.life) {
            seen.under_way.remove(&self.key);
        }
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let path = uri.path().to_owned();
    let webhook = receiver.seen().webhooks.get(&path).cloned();
    let Some(Ok(event)) = webhook.as_ref().map(|webhook| webhook.verify(&body, &headers)) else {
        receiver.seen().unverified += 1;
        return StatusCode::BAD_REQUEST;
    };
    let key = (path.clone(), event.id().to_owned());
    let endpoint = path.rsplit('/').next().unwrap_or_default();
    let _under_way = UnderWay::start(&receiver, &key);
    if endpoint == "slow" {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(1..10))).await;
    }
    let mut seen = receiver.seen();
    if endpoint == "dead" {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let every_fifth = event.id().ends_with(['0', '5']);
    if endpoint == "flaky" && every_fifth && seen.refused_once.insert(key.clone()) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if !seen.taken.insert(key) {
        seen.repeated += 1;
    }
    StatusCode::OK
}
