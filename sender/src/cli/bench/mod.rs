//! The command `bench`: measures `serve` as its users do, through the API and real endpoints.

mod history;
mod http;
mod lateness;
mod receiver;
mod servers;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::Args;
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use self::receiver::Receiver;
use self::servers::{Servers, processor_time};

/// Number of events in one call of a batch.
const BATCH: usize = 100;

/// Type of the events.
const TYPE: &str = "document.updated";

/// Measure the throughput of this machine: `serve` in a process of its own, its API and endpoints on this machine
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
    /// Flag of `serve`, for example `--serve-flag=--max-per-subscription=64`; may be repeated
    #[arg(long, value_name = "FLAG")]
    serve_flag: Vec<String>,
    /// Use new stores on a server, `postgres://…` or `nats://…`, instead of SQLite; they are not deleted
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Processes of `serve` that share the store
    #[arg(long, default_value_t = 1, requires = "store")]
    workers: usize,
    /// Measure instead how late retries are while this many deliveries wait
    #[arg(long, value_name = "WAITING", conflicts_with = "history")]
    backlog: Option<usize>,
    /// Measure instead how long a page of the history takes among this many deliveries
    #[arg(long, value_name = "DELIVERIES")]
    history: Option<usize>,
}

/// A load whose deliveries are counted.
struct Load {
    description: &'static str,
    /// Number of workspaces, and of the subscriptions of each.
    workspaces: usize,
    subscriptions: usize,
    /// Number of hosts that share the endpoints.
    hosts: usize,
    /// Number of connections to the API, and of the events in one call.
    connections: usize,
    batch: usize,
    /// Accept all events before the endpoints respond; only the deliveries are timed.
    drain: bool,
    /// Number of deliveries that an endpoint never responds to.
    hanging: usize,
}

/// Events to post.
struct Posts {
    count: usize,
    /// Number of the events in one call.
    batch: usize,
    /// Number of connections to the API.
    connections: usize,
    event_type: &'static str,
}

impl Posts {
    fn new(count: usize, batch: usize, connections: usize) -> Self {
        Self { count, batch, connections, event_type: TYPE }
    }
}

impl Bench {
    pub(super) async fn run(self) -> Result<ExitCode> {
        ensure!(
            self.subscriptions > 0 && self.deliveries > 0 && self.workers > 0,
            "cannot measure: --subscriptions, --deliveries and --workers must not be 0"
        );
        println!(
            "bodies of about {} bytes, {} processors, {} worker(s), no rate limit",
            self.body_bytes,
            std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            self.workers,
        );
        match (self.backlog, self.history) {
            (Some(waiting), _) => self.lateness(waiting).await?,
            (_, Some(deliveries)) => self.history(deliveries).await?,
            _ => self.throughput().await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn throughput(&self) -> Result<()> {
        println!("\n    /second   ms of processors for 1,000");
        self.accept("events accepted, one per call", 1).await?;
        self.accept("events accepted, 100 per call", BATCH).await?;
        let many = self.subscriptions;
        let load = |description, workspaces, subscriptions, hosts, connections| {
            let (batch, drain, hanging) = (1, false, 0);
            Load { description, workspaces, subscriptions, hosts, connections, batch, drain, hanging }
        };
        let each = load("deliveries, one event per call, endpoints on hosts of their own", many, 1, many, 64);
        let drain = Load { batch: BATCH, drain: true, ..each };
        for load in [
            Load { ..each },
            load("deliveries, one event per call, all endpoints on one host", many, 1, 1, 64),
            load("deliveries, one event per call to one endpoint, 16 connections", 1, 1, 1, 16),
            load("deliveries, one event per call to 20 endpoints, 16 connections", 1, 20, 1, 16),
            Load { description: "deliveries of waiting events, endpoints on hosts of their own", ..drain },
            Load { description: "deliveries of waiting events, all endpoints on one host", hosts: 1, ..drain },
            Load { description: "the same beside an endpoint that never responds", hosts: 1, hanging: 1000, ..drain },
        ] {
            self.deliver(&load).await?;
        }
        Ok(())
    }

    /// Measures the events accepted per second, without subscriptions.
    async fn accept(&self, description: &str, batch: usize) -> Result<()> {
        let servers = self.servers()?;
        let mut tokens = Vec::new();
        for _ in 0..self.subscriptions {
            tokens.push(servers.create_workspace(&[]).await?);
        }
        let measure = Measure::start();
        self.post(&servers, &tokens, Posts::new(self.deliveries, batch, 64)).await?;
        measure.report(self.deliveries, measure.start, description);
        Ok(())
    }

    async fn deliver(&self, load: &Load) -> Result<()> {
        let (servers, receiver) = (self.servers()?, Receiver::start(load.hosts).await?);
        let (mut tokens, mut number) = (Vec::new(), 0_usize);
        for _ in 0..load.workspaces {
            let urls = number..number.saturating_add(load.subscriptions);
            number = urls.end;
            let urls: Vec<_> = urls.map(|number| (receiver.url(number, "ok"), TYPE)).collect();
            tokens.push(servers.create_workspace(&urls).await?);
        }
        if load.hanging > 0 {
            let hanging = servers.create_workspace(&[(receiver.url(0, "hang"), TYPE)]).await?;
            self.post(&servers, &[hanging], Posts::new(load.hanging, BATCH, 1)).await?;
        }
        // Each worker knows each endpoint before the measurement.
        let first = tokens.len().saturating_mul(self.workers);
        self.post(&servers, &tokens, Posts::new(first, 1, self.workers)).await?;
        receiver.wait_for(u64::try_from(first.saturating_mul(load.subscriptions))?).await?;

        let events = self.deliveries.div_euclid(load.subscriptions.max(1));
        let deliveries = events.saturating_mul(load.subscriptions);
        let target = receiver.received().saturating_add(u64::try_from(deliveries)?);
        receiver.hold(load.drain);
        let measure = Measure::start();
        self.post(&servers, &tokens, Posts::new(events, load.batch, load.connections)).await?;
        let start = if load.drain { Instant::now() } else { measure.start };
        receiver.hold(false);
        receiver.wait_for(target).await?;
        measure.report(deliveries, start, load.description);
        Ok(())
    }

    fn servers(&self) -> Result<Servers> {
        Servers::start(self.store.as_deref(), self.workers, &self.serve_flag)
    }

    /// Posts events of all workspaces in turn, over several connections.
    async fn post(&self, servers: &Servers, tokens: &[String], posts: Posts) -> Result<()> {
        let Posts { count, batch, connections, event_type } = posts;
        let (next, tokens): (_, Arc<[String]>) = (Arc::new(AtomicUsize::new(0)), tokens.into());
        let event = json!({"type": event_type, "data": {"title": "x".repeat(self.body_bytes.saturating_sub(140))}});
        let one = Bytes::from(event.to_string());
        let full =
            if batch == 1 { one.clone() } else { Bytes::from(json!({"events": vec![&event; batch]}).to_string()) };
        let mut callers = JoinSet::<Result<()>>::new();
        for number in 0..connections {
            let (mut api, next, tokens) = (servers.connect(number).await?, Arc::clone(&next), Arc::clone(&tokens));
            let (one, full) = (one.clone(), full.clone());
            callers.spawn(async move {
                loop {
                    let done = next.fetch_add(batch, Ordering::Relaxed);
                    let left = count.saturating_sub(done);
                    let turn = done.checked_div(batch).and_then(|call| call.checked_rem(tokens.len()));
                    let Some(token) = turn.and_then(|turn| tokens.get(turn)).filter(|_| left > 0) else {
                        return Ok(());
                    };
                    if left >= batch {
                        api.call(Method::POST, "/v1/events", token, full.clone()).await?;
                    } else {
                        for _ in 0..left {
                            api.call(Method::POST, "/v1/events", token, one.clone()).await?;
                        }
                    }
                }
            });
        }
        while let Some(ended) = callers.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Start of a measurement.
struct Measure {
    start: Instant,
    processors: Option<std::time::Duration>,
}

impl Measure {
    fn start() -> Self {
        Self { processors: processor_time(), start: Instant::now() }
    }

    /// Prints the rate since `start`, and the processor time since the start of the measurement.
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    fn report(&self, count: usize, start: Instant, description: &str) {
        let rate = count as f64 / start.elapsed().as_secs_f64();
        let spent = processor_time().zip(self.processors).map(|(now, before)| now.saturating_sub(before));
        let spent = spent.map(|spent| spent.as_secs_f64() * 1_000_000.0 / count as f64);
        println!("{rate:>11.0}   {:>5}   {description}", spent.map_or("?".to_owned(), |spent| format!("{spent:.0}")));
    }
}
