//! Torture test: kills the sender at random times under load, and checks that no event was lost.
//!
//! Every accepted event (status 202) must be delivered to each endpoint that accepts it, and every delivery must end.
//! Attempts of a delivery must not overlap, unless the process that made the first one is gone. An attempt may be
//! repeated if the process was killed before it recorded a success; repeated attempts are counted.

mod distributed;
mod network;
mod receiver;
mod sender;
mod servers;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use serde_json::json;

use crate::network::Network;
use crate::receiver::Receiver;
use crate::sender::{Api, Sender, subscribe};
use crate::servers::{Nats, Postgres};

/// Time limit of the remaining deliveries after the load has ended, longer than all retries.
const DRAIN: Duration = Duration::from_secs(180);

/// Pause between a client's calls, so that the slow endpoint keeps up.
const PAUSE: Duration = Duration::from_millis(20);

/// Kill the sender at random times under load, and check that no event was lost
#[derive(Parser)]
struct Arguments {
    /// The program `clarife-sender`
    sender: PathBuf,
    /// Number of kills
    #[arg(long, default_value_t = 3)]
    kills: u64,
    /// Seed of the random numbers
    #[arg(long)]
    seed: Option<u64>,
    /// Number of clients that send events
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// Torture several workers on a NATS cluster instead, and the cluster's servers
    #[arg(long)]
    nats: bool,
    /// Torture several workers on PostgreSQL instead, and its server, whose standby takes over once
    #[arg(long, conflicts_with = "nats")]
    postgres: bool,
    /// Torture several workers on PostgreSQL instead, and cut workers off from it; needs root and Linux
    #[arg(long, conflicts_with_all = ["nats", "postgres"])]
    network: bool,
}

/// State of the load.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    next: AtomicU64,
    /// Ids of accepted events by workspace.
    accepted: Mutex<HashMap<usize, HashSet<String>>>,
    refused: AtomicU64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.network && network::isolate()? {
        return Ok(());
    }
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    fastrand::seed(seed);
    println!("{} kills, seed {seed}", arguments.kills);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let receiver = Receiver::start(&runtime)?;
    if arguments.nats {
        return distributed::run(arguments, &receiver, Nats::start()?);
    }
    if arguments.postgres {
        return distributed::run(arguments, &receiver, Postgres::start()?);
    }
    if arguments.network {
        return distributed::run(arguments, &receiver, Network::start()?);
    }
    let mut sender = Sender::start(&arguments.sender, None)?;
    let apis = subscribe(&[sender.url()], &receiver, 1)?;
    let load = under_load(arguments, &apis, || {
        for kill in 1..=arguments.kills {
            std::thread::sleep(Duration::from_millis(fastrand::u64(20..900)));
            // Every fifth time the sender is asked to stop, which must not lose events either.
            sender.end(kill % 5 == 0)?;
            receiver.next_life();
            sender.restart()?;
        }
        Ok(())
    })?;
    judge(&load, &receiver, &apis, arguments.kills)
}

/// Sends events from clients while `torture` runs, and waits until all deliveries have ended.
fn under_load(arguments: &Arguments, apis: &[Api], torture: impl FnOnce() -> Result<()>) -> Result<Arc<Load>> {
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..arguments.clients)
        .map(|_| {
            let (load, apis) = (Arc::clone(&load), apis.to_vec());
            std::thread::spawn(move || send_events(&load, &apis))
        })
        .collect();
    let tortured = torture();
    std::thread::sleep(Duration::from_millis(300));
    load.stop.store(true, Ordering::SeqCst);
    for client in clients {
        ensure!(client.join().is_ok(), "a client has panicked");
    }
    tortured?;
    apis.iter().try_for_each(drain)?;
    Ok(load)
}

/// Sends events until the load stops. Events that were not accepted are sent again, as real clients would do.
fn send_events(load: &Load, apis: &[Api]) {
    let mut again: Option<(usize, Vec<String>)> = None;
    while !load.stop.load(Ordering::SeqCst) {
        let (workspace, ids) = again.take().unwrap_or_else(|| {
            let size = fastrand::u64(1..8);
            let first = load.next.fetch_add(size, Ordering::SeqCst);
            (fastrand::usize(..apis.len()), (first..first + size).map(|n| format!("evt_{n}")).collect())
        });
        let events: Vec<_> = ids
            .iter()
            .map(|id| json!({"id": id, "type": "document.updated", "data": {"title": id, "text": "x".repeat(200)}}))
            .collect();
        match apis[workspace].post("/v1/events", &json!({ "events": events })) {
            Ok((202, _)) => {
                if let Ok(mut accepted) = load.accepted.lock() {
                    accepted.entry(workspace).or_default().extend(ids);
                }
                std::thread::sleep(PAUSE);
            }
            _ => {
                load.refused.fetch_add(1, Ordering::SeqCst);
                again = Some((workspace, ids));
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

/// Waits until no delivery is pending.
fn drain(api: &Api) -> Result<()> {
    let start = Instant::now();
    loop {
        let page = api.get("/v1/deliveries?state=pending&limit=1").map(|(_, page)| page).unwrap_or_default();
        if page["deliveries"].as_array().is_some_and(Vec::is_empty) {
            return Ok(());
        }
        ensure!(start.elapsed() < DRAIN, "deliveries are still pending after {DRAIN:?}: {page}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn judge(load: &Load, receiver: &Receiver, apis: &[Api], kills: u64) -> Result<()> {
    let Ok(accepted) = load.accepted.lock() else { bail!("a client has panicked") };
    let mut wrong: Vec<String> = Vec::new();
    let mut states: HashMap<String, u64> = HashMap::new();
    let none = HashSet::new();
    for (workspace, api) in apis.iter().enumerate() {
        let accepted = accepted.get(&workspace).unwrap_or(&none);
        for (path, subscription) in &api.subscriptions {
            let endpoint = path.rsplit('/').next().unwrap_or_default();
            let mut found = HashSet::new();
            for delivery in api.all(subscription)? {
                let state = delivery["state"].as_str().unwrap_or_default();
                let event = delivery["event_id"].as_str().unwrap_or_default().to_owned();
                *states.entry(format!("{endpoint} {state}")).or_default() += 1;
                // The endpoint `dead` is deactivated; all others accept a delivery at the second attempt at the latest.
                let right = if endpoint == "dead" { ["failed", "held"].contains(&state) } else { state == "delivered" };
                if !right {
                    wrong.push(format!("{event} to {path} is {state}"));
                }
                if endpoint != "dead" && !receiver.has_accepted(path, &event) {
                    wrong.push(format!("{event} was delivered to {path} but never arrived"));
                }
                if !found.insert(event.clone()) {
                    wrong.push(format!("{event} has two deliveries to {path}"));
                }
            }
            for id in accepted.difference(&found) {
                let (_, page) = api.get(&format!("/v1/deliveries?event_id={id}"))?;
                wrong.push(format!("{id} to {path} is LOST; deliveries of the event: {page}"));
            }
        }
    }
    let mut states: Vec<_> = states.into_iter().collect();
    states.sort();
    let (repeated, overlapping, unverified) = receiver.counts();
    let events: usize = accepted.values().map(HashSet::len).sum();
    println!("{events} events accepted, {} calls refused or interrupted", load.refused.load(Ordering::SeqCst));
    for (state, count) in states {
        println!("{count:>8}  {state}");
    }
    println!("{repeated:>8}  attempts repeated after a success that was not recorded");
    println!("{overlapping:>8}  overlapping attempts of one process");
    if overlapping > 0 {
        wrong.push(format!("{overlapping} attempts of one process overlapped"));
    }
    if unverified > 0 {
        wrong.push(format!("{unverified} deliveries did not verify"));
    }
    // Attempts in flight when a process is killed: up to 8 per subscription.
    let max = kills * 8 * apis.iter().map(|api| api.subscriptions.len() as u64).sum::<u64>();
    if repeated > max {
        wrong.push(format!("{repeated} attempts were repeated, more than the {max} that can have been in flight"));
    }
    ensure!(events > 10, "too few events were accepted");
    if wrong.is_empty() {
        println!("No event was lost and every delivery has ended.");
        return Ok(());
    }
    for line in wrong.iter().take(20) {
        eprintln!("WRONG: {line}");
    }
    bail!("{} checks failed", wrong.len())
}
