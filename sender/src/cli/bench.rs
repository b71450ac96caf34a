//! The command `bench`.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use axum::Router;
use axum::http::StatusCode;
use bytes::Bytes;
use clap::Args;
use clarife_webhooks::EventType;
use clarife_webhooks::sender::{EndpointUrl, EventTypes, Plan, RETRY_DELAYS, Signer, build_event, new_event_id};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::clock::{Clock, wall};
use crate::deliver::{AddressPolicy, Client, DeliverySettings, Dispatcher, Options, signature_header, system_lookup};
use crate::ids::WorkspaceId;
use crate::metrics::Metrics;
use crate::store::{DeliveryFilter, Limits, NewEvent, Store, Workspace};

/// Number of events accepted in one call of a batch.
const BATCH: usize = 100;

/// Number of subscriptions that fail every other time, and delay of all other responses, for `--backlog`.
const FAILING: usize = 20;
const SLOW: Duration = Duration::from_millis(100);

/// Limit of concurrent calls while events are accepted.
const CALLERS: usize = 64;

/// Measure the throughput of this machine
#[derive(Args)]
pub(super) struct Bench {
    /// Deliveries per measurement
    #[arg(long, default_value_t = 50_000)]
    deliveries: usize,
    /// Subscriptions that share the deliveries
    #[arg(long, default_value_t = 100)]
    subscriptions: usize,
    /// Approximate size of a body, in bytes
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// Limit of concurrent attempts
    #[arg(long, default_value_t = 256)]
    max_in_flight: u32,
    /// Limit of concurrent attempts per subscription
    #[arg(long, default_value_t = 8)]
    max_per_subscription: usize,
    /// Use new stores on a server, `postgres://…` or `nats://…`, instead of SQLite; they are not deleted
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Measure instead how late retries are while this many deliveries wait
    #[arg(long, value_name = "WAITING")]
    backlog: Option<usize>,
}

/// A store with workspaces that have one subscription each.
struct Fixture {
    store: Arc<Store>,
    clock: Clock,
    workspaces: Vec<WorkspaceId>,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(super) async fn run(self) -> Result<ExitCode> {
        ensure!(
            self.subscriptions > 0 && self.deliveries > 0,
            "cannot measure: --subscriptions and --deliveries must not be 0"
        );
        println!(
            "{} deliveries to {} subscriptions, bodies of about {} bytes, {} processors",
            self.deliveries,
            self.subscriptions,
            self.body_bytes,
            std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        );
        match self.backlog {
            Some(waiting) => self.lateness(waiting).await?,
            None => self.throughput().await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn throughput(&self) -> Result<()> {
        let (address, received) = receiver(Duration::ZERO).await?;
        let client = self.client()?;
        let rate = self.bare_loop(&client, address).await?;
        println!("{rate:>9.0}/s  HTTP alone: same client and bodies, no store");

        for (batch, description) in [(1, "one event per call"), (BATCH, "100 events per call")] {
            let fixture = self.fixture(address).await?;
            let start = Instant::now();
            let events = self.fill(&fixture, self.deliveries, batch).await?;
            println!("{:>9.0}/s  events accepted, {description}", per_second(events, start));
            fixture.store.close().await;
        }

        let rate = self.deliver(address, &received, client.clone(), 0).await?;
        println!("{rate:>9.0}/s  deliveries: read from the store, signed, posted and recorded");
        println!("{:>9}    MiB peak memory, including the receiver", peak_memory().unwrap_or_default());
        let rate = self.deliver(address, &received, client, 1).await?;
        println!("{rate:>9.0}/s  deliveries while another endpoint never responds to its 1000 deliveries");
        Ok(())
    }

    /// Measures the deliveries per second while `hanging` endpoints never respond.
    async fn deliver(&self, address: SocketAddr, received: &AtomicU64, client: Client, hanging: usize) -> Result<f64> {
        let fixture = self.fixture(address).await?;
        for _ in 0..hanging {
            let workspace = self.workspace(&fixture).await?;
            let url = EndpointUrl::parse_allowing_plain_http(&format!("http://{address}/hang"))?;
            fixture.store.subscribe(&workspace, url, EventTypes::ALL, Signer::generate()?, fixture.clock.now()).await?;
            let events = (0..1000).map(|_| event(self.body_bytes)).collect::<Result<_>>()?;
            fixture.store.accept(&workspace, events, fixture.clock.now()).await?;
        }
        self.fill(&fixture, self.deliveries, BATCH).await?;
        received.store(0, Ordering::SeqCst);
        let start = Instant::now();
        let (_stop, dispatching) = self.dispatch(&fixture, client);
        while fixture.store.stats().await?.pending > u64::try_from(hanging.saturating_mul(1000))? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rate = per_second(self.deliveries, start);
        dispatching.abort();
        ensure!(received.load(Ordering::SeqCst) >= u64::try_from(self.deliveries)?, "not all deliveries arrived");
        fixture.store.close().await;
        Ok(rate)
    }

    /// Measures how late retries are: some subscriptions fail every other time, all others have a backlog.
    async fn lateness(&self, waiting: usize) -> Result<()> {
        let (address, _) = receiver(SLOW).await?;
        let fixture = self.fixture(address).await?;
        self.fill(&fixture, waiting, BATCH).await?;
        let memory = peak_memory().unwrap_or_default();
        let (stop, dispatching) = self.dispatch(&fixture, self.client()?);
        let (done, mut samples) = (watch::Sender::new(false), JoinSet::new());
        for n in 0..FAILING {
            let workspace = self.workspace(&fixture).await?;
            let url = EndpointUrl::parse_allowing_plain_http(&format!("http://{address}/fail/{n}"))?;
            fixture.store.subscribe(&workspace, url, EventTypes::ALL, Signer::generate()?, fixture.clock.now()).await?;
            let (store, clock, size) = (fixture.store.clone(), fixture.clock, self.body_bytes);
            samples.spawn(sample(store, clock, workspace, size, done.subscribe()));
        }
        let threshold = u64::try_from(waiting.div_euclid(10))?;
        let mut left = fixture.store.stats().await?.pending;
        while left > threshold {
            tokio::time::sleep(Duration::from_millis(500)).await;
            left = fixture.store.stats().await?.pending;
        }
        let _ = done.send(true);
        let mut late: Vec<i64> = Vec::new();
        while let Some(sample) = samples.join_next().await {
            late.extend(sample??);
        }
        late.sort_unstable();
        let last = late.len().saturating_sub(1);
        let at = |percent: usize| late.get(last.saturating_mul(percent).div_euclid(100)).copied().unwrap_or_default();
        println!("{} retries, while {waiting} to {left} deliveries waited, were late by", late.len());
        println!("{:>9} ms median, {} ms 99th percentile, {} ms maximum", at(50), at(99), at(100));
        println!("{memory:>9} MiB of memory with all of them waiting, {} MiB peak", peak_memory().unwrap_or_default());
        let _ = stop.send(true);
        dispatching.await?;
        fixture.store.close().await;
        Ok(())
    }

    fn client(&self) -> Result<Client> {
        let (policy, lookup) = (AddressPolicy::PublicAndLoopback, system_lookup());
        let idle_per_host = usize::try_from(self.max_in_flight)?;
        Client::new(Options { policy, lookup, extra_roots: Vec::new(), idle_per_host })
    }

    fn dispatch(&self, fixture: &Fixture, client: Client) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let (stop, stopped) = watch::channel(false);
        let settings = DeliverySettings { max_in_flight: self.max_in_flight, standard_webhooks: true };
        let dispatcher = Dispatcher::new(fixture.store.clone(), client, fixture.clock, Metrics::new(), settings);
        (stop, tokio::spawn(dispatcher.run(stopped)))
    }

    async fn workspace(&self, fixture: &Fixture) -> Result<WorkspaceId> {
        let id = WorkspaceId::random();
        let workspace = Workspace::new(id.clone(), "Bench".to_owned(), Plan::Business, fixture.clock.now());
        fixture.store.create_workspace(workspace).await?;
        Ok(id)
    }

    async fn fixture(&self, address: SocketAddr) -> Result<Fixture> {
        let (folder, clock) = (tempfile::tempdir()?, Clock::start());
        let limits = Limits { per_subscription: self.max_per_subscription };
        let name = format!("bench_{}", Uuid::new_v4().simple());
        let url = match &self.store {
            Some(servers) if servers.starts_with("nats:") => format!("{servers}/{name}"),
            Some(database) if database.contains('?') => format!("{database}&schema={name}"),
            Some(database) => format!("{database}?schema={name}"),
            None => format!("sqlite:{}", folder.path().join("bench.db").display()),
        };
        let store = Store::open(&url, limits, clock.now()).await?;
        let mut fixture = Fixture { store, clock, workspaces: Vec::new(), _folder: folder };
        for n in 0..self.subscriptions {
            // One subscription per workspace, so that an event is one delivery.
            let id = self.workspace(&fixture).await?;
            let url = EndpointUrl::parse_allowing_plain_http(&format!("http://{address}/{n}"))?;
            fixture.store.subscribe(&id, url, EventTypes::ALL, Signer::generate()?, clock.now()).await?;
            fixture.workspaces.push(id);
        }
        Ok(fixture)
    }

    /// Accepts `count` events in batches, over all workspaces in turn.
    async fn fill(&self, fixture: &Fixture, count: usize, batch: usize) -> Result<usize> {
        let (mut calls, mut accepted) = (JoinSet::new(), 0_usize);
        let mut workspaces = fixture.workspaces.iter().cycle();
        while accepted < count {
            let Some(workspace) = workspaces.next().cloned() else { break };
            let size = batch.min(count.saturating_sub(accepted));
            let events = (0..size).map(|_| event(self.body_bytes)).collect::<Result<Vec<_>>>()?;
            let (store, now) = (fixture.store.clone(), fixture.clock.now());
            calls.spawn(async move { store.accept(&workspace, events, now).await });
            accepted = accepted.saturating_add(size);
            if calls.len() >= CALLERS
                && let Some(result) = calls.join_next().await
            {
                result??;
            }
        }
        while let Some(result) = calls.join_next().await {
            result??;
        }
        Ok(accepted)
    }

    async fn bare_loop(&self, client: &Client, address: SocketAddr) -> Result<f64> {
        let url = EndpointUrl::parse_allowing_plain_http(&format!("http://{address}/"))?;
        let signer = Signer::generate()?;
        let body = Bytes::from(event(self.body_bytes)?.body);
        let share = self.deliveries.div_euclid(usize::try_from(self.max_in_flight)?).max(1);
        let (mut tasks, start) = (JoinSet::new(), Instant::now());
        for _ in 0..self.max_in_flight {
            let (client, url, signer, body) = (client.clone(), url.clone(), signer.clone(), body.clone());
            tasks.spawn(async move {
                for _ in 0..share {
                    let signature = signer.sign(&body, wall())?;
                    let response = client.post(&url, body.clone(), [signature_header(&signature)]).await;
                    ensure!(response.outcome.is_success(), "unexpected response: {}", response.outcome);
                }
                Ok(())
            });
        }
        while let Some(result) = tasks.join_next().await {
            result??;
        }
        Ok(per_second(share.saturating_mul(usize::try_from(self.max_in_flight)?), start))
    }
}

/// Creates an event with a body of about `bytes` bytes.
fn event(bytes: usize) -> Result<NewEvent> {
    let (id, event_type) = (new_event_id()?, EventType::DocumentUpdated);
    let data = json!({"title": "x".repeat(bytes.saturating_sub(140))});
    let body = build_event(&id, event_type, wall(), &data)?;
    Ok(NewEvent { id, event_type: event_type.to_string(), body })
}

/// Sends events one by one to an endpoint that fails at first; returns the lateness of the retries, in milliseconds.
async fn sample(
    store: Arc<Store>,
    clock: Clock,
    workspace: WorkspaceId,
    bytes: usize,
    done: watch::Receiver<bool>,
) -> Result<Vec<i64>> {
    let mut late = Vec::new();
    while !*done.borrow() {
        store.accept(&workspace, vec![event(bytes)?], clock.now()).await?;
        let newest = DeliveryFilter { limit: 1, ..DeliveryFilter::default() };
        let ended = loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let page = store.deliveries(&workspace, &newest).await?;
            let ended = page.deliveries.into_iter().find(|record| record.delivery.due().is_none());
            if let Some(delivery) = ended {
                break delivery;
            }
        };
        let attempts = store.delivery(&workspace, ended.id).await?.1;
        let [first, second] = &attempts[..] else { bail!("expected 2 attempts, found {}", attempts.len()) };
        let due = first.ended_at.saturating_add(RETRY_DELAYS.first().copied().unwrap_or_default());
        late.push(second.started_at.as_millis().saturating_sub(due.as_millis()));
    }
    Ok(late)
}

/// Starts a receiver that counts requests and refuses every other request to a path below `/fail`.
async fn receiver(delay: Duration) -> Result<(SocketAddr, Arc<AtomicU64>)> {
    let received = Arc::new(AtomicU64::new(0));
    let refused: Arc<Mutex<HashSet<String>>> = Arc::default();
    let count = Arc::clone(&received);
    let app = Router::new().fallback(move |uri: axum::http::Uri, _: Bytes| {
        let (count, refused) = (Arc::clone(&count), Arc::clone(&refused));
        async move {
            if uri.path() == "/hang" {
                std::future::pending::<()>().await;
            }
            count.fetch_add(1, Ordering::SeqCst);
            if uri.path().starts_with("/fail/") {
                let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                if !refused.remove(uri.path()) {
                    refused.insert(uri.path().to_owned());
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
            } else if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            StatusCode::OK
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((address, received))
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
fn per_second(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}

/// Returns the peak memory of this process in MiB, if the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes.div_euclid(1024))
}
