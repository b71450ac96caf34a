//! A store for deduplication: one Durable Object for each event, which deletes itself.

use std::future::Future;
use std::time::Duration;

use clarife_webhooks::adapters::DedupStore;
use clarife_webhooks::dedup::ClaimResult;
use serde::{Deserialize, Serialize};
use worker::send::SendFuture;
use worker::{
    Date, DurableObject, Env, Error, ObjectNamespace, Request, Response, Result, State, durable_object, wasm_bindgen,
};

pub(crate) struct ObjectStore {
    objects: ObjectNamespace,
}

impl ObjectStore {
    pub(crate) fn new(objects: ObjectNamespace) -> Self {
        Self { objects }
    }

    /// Sends a step to the object of an id, and returns its reply. A worker has one thread, so its futures may be `Send`.
    fn send(&self, id: &str, step: &str, argument: &str) -> impl Future<Output = Result<Reply>> + Send + use<> {
        let stub = self.objects.id_from_name(id).and_then(|id| id.get_stub());
        let url = format!("https://dedup/{step}/{argument}");
        SendFuture::new(async move { stub?.fetch_with_str(&url).await?.json().await })
    }
}

impl DedupStore for ObjectStore {
    type Error = Error;

    async fn claim(&self, id: &str, ttl: Duration) -> Result<ClaimResult<String>> {
        Ok(match self.send(id, "claim", &ttl.as_millis().to_string()).await? {
            Reply::New(token) => ClaimResult::New(token),
            Reply::InProgress => ClaimResult::InProgress,
            Reply::Done => ClaimResult::Done,
        })
    }

    async fn complete(&self, id: &str, _token: &str, ttl: Duration) -> Result<()> {
        self.send(id, "complete", &ttl.as_millis().to_string()).await.map(drop)
    }

    async fn release(&self, id: &str, token: &str) -> Result<()> {
        self.send(id, "release", token).await.map(drop)
    }
}

#[derive(Serialize, Deserialize)]
enum Reply {
    New(String),
    InProgress,
    Done,
}

/// The mark of an event: a claim with its token, or a done mark.
#[derive(Serialize, Deserialize)]
struct Mark {
    token: Option<String>,
    ends: u64,
}

const MARK: &str = "mark";

/// The object of one event. The runtime delivers one request at a time while the object waits for its storage, so that a
/// claim is one step.
#[durable_object]
pub struct DedupObject {
    state: State,
}

impl DurableObject for DedupObject {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let path = request.path();
        let (step, argument) = path.trim_start_matches('/').split_once('/').ok_or("no argument")?;
        let now = Date::now().as_millis();
        let mark = self.state.storage().get::<Mark>(MARK).await?.filter(|mark| mark.ends > now);
        let reply = match (step, mark) {
            ("claim", Some(Mark { token: Some(_), .. })) => Reply::InProgress,
            ("claim", Some(Mark { token: None, .. })) => Reply::Done,
            ("claim", None) => {
                let token = now.to_string();
                self.set(Some(token.clone()), now, argument).await?;
                Reply::New(token)
            }
            ("release", Some(Mark { token: Some(token), .. })) if token == argument => {
                self.state.storage().delete_all().await?;
                Reply::Done
            }
            ("complete", _) => {
                self.set(None, now, argument).await?;
                Reply::Done
            }
            _ => Reply::Done,
        };
        Response::from_json(&reply)
    }

    /// Deletes the mark after its last lifetime.
    async fn alarm(&self) -> Result<Response> {
        self.state.storage().delete_all().await?;
        Response::empty()
    }
}

impl DedupObject {
    /// Sets the mark, and the alarm at its end.
    async fn set(&self, token: Option<String>, now: u64, ttl: &str) -> Result<()> {
        let ttl: u64 = ttl.parse().map_err(|_| "the time to live is not a number")?;
        self.state.storage().put(MARK, Mark { token, ends: now + ttl }).await?;
        self.state.storage().set_alarm(Duration::from_millis(ttl)).await
    }
}
