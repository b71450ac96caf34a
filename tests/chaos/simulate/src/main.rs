//! Simulation of a large sender at its busiest hour, with the rules of `clarife_webhooks::sender` and simulated time.
//!
//! Simulated are events of workspaces of different sizes, endpoints that respond, fail or hang, the stores' scheduling
//! and limits, workers with a limited rate and concurrency, a burst, and a killed worker. Not simulated are the network
//! and the store, whose speed is part of the workers' rate.

mod engine;
mod plan;
mod world;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::engine::Engine;
use crate::plan::Load;
use crate::world::World;

/// Simulate a large sender at its busiest hour, and compare it with the capacity model
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    load: Load,
    /// Simulated seconds of the busiest hour
    #[arg(long, default_value_t = 1200)]
    seconds: i64,
    /// Factor of the burst over the peak; the burst lasts a minute
    #[arg(long, default_value_t = 2.0)]
    burst: f64,
    /// Number of workers [default: as the model says]
    #[arg(long)]
    workers: Option<usize>,
    /// Engine of the store, which limits the workers and sets their speed
    #[arg(long, value_enum, default_value = "postgres")]
    engine: Engine,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { load, seconds, burst, workers, engine, seed } = Arguments::parse();
    fastrand::seed(seed);
    let (plan, parts) = (load.plan(engine), engine.costs().parts);
    let workers = workers.unwrap_or(plan.workers).max(1);
    println!(
        "{:.0} million events a day, the busiest hour {} times the average, {} subscriptions, {} % failing",
        load.events_per_day / 1e6,
        load.peak,
        load.subscriptions,
        load.failing * 100.0
    );
    let share = seconds as f64 * load.peak / 864.0;
    println!(
        "{seconds} s of that hour ({share:.1} % of the day's events) over {}, {workers} workers, {parts} parts\n",
        engine.name()
    );
    println!("{:<28}{:>12}{:>12}{:>24}", "", "model", "simulated", "with burst and kill");
    let start = Instant::now();
    let mut calm = World::new(&load, engine, workers);
    calm.run(seconds, (0, 1.0), None);
    let mut rough = World::new(&load, engine, workers);
    rough.run(seconds, (seconds / 3, burst), (workers > 1).then_some(seconds * 2 / 3));

    let rate = |count: u64| count as f64 / seconds as f64;
    let (a, b) = (&calm.report, &rough.report);
    let line = |name: &str, model: Option<f64>, calm: f64, rough: f64| {
        let model = model.map_or("-".to_owned(), |model| format!("{model:.0}"));
        println!("{name:<28}{model:>12}{calm:>12.0}{rough:>24.0}");
    };
    line("events/s", Some(plan.events), rate(a.events), rate(b.events));
    line("attempts/s", Some(plan.attempts), rate(a.attempts), rate(b.attempts));
    line("  in the busiest second", None, busiest(&a.per_second), busiest(&b.per_second));
    line("in flight", Some(plan.in_flight_attempts), a.mean_in_flight(), b.mean_in_flight());
    line("  maximum", None, a.max_in_flight as f64, b.max_in_flight as f64);
    line("writes/s to the store", Some(plan.writes), rate(a.events + a.attempts), rate(b.events + b.attempts));
    line("pending, maximum", None, a.max_pending as f64, b.max_pending as f64);
    for (name, pick) in [("first attempts", 0), ("retries", 1)] {
        let late = |report: &world::Report| {
            let mut late = if pick == 0 { report.first_late.clone() } else { report.retry_late.clone() };
            late.sort_unstable();
            [0.5, 0.99, 1.0]
                .map(|share| late.get((late.len() as f64 * share) as usize).or(late.last()).copied().unwrap_or(0))
        };
        let (calm, rough) = (late(a), late(b));
        for (index, statistic) in ["median", "99th percentile", "maximum"].iter().enumerate() {
            line(&format!("{name} late, {statistic}, ms"), None, f64::from(calm[index]), f64::from(rough[index]));
        }
    }
    line("delivered", None, a.delivered as f64, b.delivered as f64);
    line("failed", None, a.failed as f64, b.failed as f64);
    line("held", None, a.held as f64, b.held as f64);
    line("deactivations", None, a.deactivations as f64, b.deactivations as f64);
    println!(
        "\n{:<12}{:>9}{:>14}{:>14}{:>16}{:>20}",
        "needs", "workers", "processors", "GB a day", "GB in 30 days", "GB of memory, kept"
    );
    for engine in Engine::ALL {
        let plan = load.plan(engine);
        let gigabytes = plan.bytes_a_day / 1e9;
        let (month, kept) = (gigabytes * 30.0, plan.kept_a_day * 30.0 / 1e9);
        let (name, workers, processors) = (engine.name(), plan.workers, plan.processors);
        println!("{name:<12}{workers:>9}{processors:>14.1}{gigabytes:>14.0}{month:>16.0}{kept:>20.0}");
    }
    println!("\nthe model says {} workers; simulated in {:.1} s", plan.workers, start.elapsed().as_secs_f64());

    let mut wrong = Vec::new();
    for (name, model, simulated) in [
        ("attempts/s", plan.attempts, rate(a.attempts)),
        ("in flight", plan.in_flight_attempts, a.mean_in_flight()),
        ("writes/s", plan.writes, rate(a.events + a.attempts)),
    ] {
        if (model / simulated - 1.0).abs() > 0.15 {
            wrong.push(format!("the model's {name} is {model:.0}, simulated {simulated:.0}: more than 15 % off"));
        }
    }
    for (name, report) in [("calm", a), ("with burst and kill", b)] {
        // Every event has ended, is held or is pending: the simulation loses none.
        let ended = report.delivered + report.failed + report.held + report.pending;
        if ended != report.events * load.per_workspace as u64 {
            wrong.push(format!("{name}: {ended} deliveries for {} events", report.events));
        }
    }
    if workers >= plan.workers && b.pending > b.max_pending / 2 && b.max_pending > 10_000 {
        wrong.push(format!("{} deliveries are still pending at the end: the workers do not keep up", b.pending));
    }
    for line in &wrong {
        eprintln!("WRONG: {line}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn busiest(per_second: &[u32]) -> f64 {
    f64::from(per_second.iter().max().copied().unwrap_or(0))
}
