//! Kills the sender at random moments while events come in and go out, and looks whether anything was lost.
//!
//! What must hold: every event that was accepted (answered 202) is delivered to each endpoint that takes it, every delivery
//! ends, and no delivery is attempted twice at once unless the process that attempted it first is gone. An attempt may be repeated: it had
//! succeeded, and the process was killed before that was recorded. Those are counted.

mod distributed;
mod receiver;
mod sender;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use clap::Parser;
use serde_json::json;

use crate::receiver::Receiver;
use crate::sender::{Api, Sender, subscribe};

/// How long the deliveries may take that are left when the load has ended: all retries, and some.
const DRAIN: Duration = Duration::from_secs(180);

/// How long a client waits between its calls, so that the slow endpoint keeps up.
const PAUSE: Duration = Duration::from_millis(20);

/// Kill the sender at random moments under load, and look whether anything was lost.
#[derive(Parser)]
struct Arguments {
    /// The program `clarife-sender`
    sender: PathBuf,
    /// How often it is killed
    #[arg(long, default_value_t = 3)]
    kills: u64,
    /// What chance starts from
    #[arg(long)]
    seed: Option<u64>,
    /// How many clients bring events
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// Torture several workers over a NATS cluster instead, and the cluster's servers too
    #[arg(long)]
    nats: bool,
}

/// What is known of the events that were brought.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    next: AtomicU64,
    /// By the workspace's number.
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
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..));
    fastrand::seed(seed);
    println!("{} kills, seed {seed}", arguments.kills);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let receiver = Receiver::start(&runtime)?;
    if arguments.nats {
        return distributed::run(arguments, &receiver);
    }
    let mut sender = Sender::start(&arguments.sender, None)?;
    let apis = subscribe(&[sender.url()], &receiver, 1)?;
    let load = under_load(arguments, &apis, || {
        for kill in 1..=arguments.kills {
            std::thread::sleep(Duration::from_millis(fastrand::u64(20..900)));
            // Every fifth time it is asked to stop, which must lose nothing either.
            sender.end(kill % 5 == 0)?;
            receiver.next_life();
            sender.restart()?;
        }
        Ok(())
    })?;
    judge(&load, &receiver, &apis, arguments.kills)
}

/// Lets clients bring events while `torture` goes on, and waits until all deliveries have ended.
fn under_load(arguments: &Arguments, apis: &[Api], torture: impl FnOnce() -> Result<()>) -> Result<Arc<Load>> {
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..arguments.clients)
        .map(|_| {
            let (load, apis) = (Arc::clone(&load), apis.to_vec());
            std::thread::spawn(move || bring(&load, &apis))
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

/// Brings events until told to stop. One that was not accepted is brought again, as a client would do.
fn bring(load: &Load, apis: &[Api]) {
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

/// Waits until nothing is pending.
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
            let mut known = HashSet::new();
            for delivery in api.all(subscription)? {
                let state = delivery["state"].as_str().unwrap_or_default();
                let event = delivery["event_id"].as_str().unwrap_or_default().to_owned();
                *states.entry(format!("{endpoint} {state}")).or_default() += 1;
                // The endpoint that refuses everything is deactivated; all others take what they get at the second attempt at the latest.
                let right = if endpoint == "dead" { ["failed", "held"].contains(&state) } else { state == "delivered" };
                if !right {
                    wrong.push(format!("{event} to {path} is {state}"));
                }
                if endpoint != "dead" && !receiver.has_taken(path, &event) {
                    wrong.push(format!("{event} is delivered to {path} and never arrived"));
                }
                if !known.insert(event.clone()) {
                    wrong.push(format!("{event} has two deliveries to {path}"));
                }
            }
            wrong.extend(accepted.difference(&known).map(|id| format!("{id} to {path} is LOST")));
        }
    }
    let mut states: Vec<_> = states.into_iter().collect();
    states.sort();
    let (repeated, twice_at_once, unverified) = receiver.counts();
    let events: usize = accepted.values().map(HashSet::len).sum();
    println!("{events} events accepted, {} calls refused or cut off", load.refused.load(Ordering::SeqCst));
    for (state, count) in states {
        println!("{count:>8}  {state}");
    }
    println!("{repeated:>8}  attempts repeated after a success that was not recorded");
    println!("{twice_at_once:>8}  attempts beside one of the same process");
    if twice_at_once > 0 {
        wrong.push(format!("{twice_at_once} deliveries were attempted twice at once"));
    }
    if unverified > 0 {
        wrong.push(format!("{unverified} deliveries did not verify"));
    }
    // What a process has under way when it is killed: 8 for each subscription.
    let most = kills * 8 * apis.iter().map(|api| api.subscriptions.len() as u64).sum::<u64>();
    if repeated > most {
        wrong.push(format!("{repeated} attempts were repeated, and no more than {most} can have been under way"));
    }
    ensure!(events > 10, "hardly any event was accepted");
    if wrong.is_empty() {
        println!("Nothing was lost, everything has ended.");
        return Ok(());
    }
    for line in wrong.iter().take(20) {
        eprintln!("WRONG: {line}");
    }
    bail!("{} things are wrong", wrong.len())
}
