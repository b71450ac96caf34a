//! Benchmarks of the core, its limit and other libraries.
//!
//! `bench race|threads <folder of bodies>` prints a line of JSON for each median. The build uses cargo's default release
//! profile, like a user's build.

mod contestants;
mod threads;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use serde_json::{Value, json};

use contestants::{JOBS, contestants};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, folder] = arguments.as_slice() else { return Err("bench race|threads <folder of bodies>".into()) };
    let mut bodies = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (size, text) = name.split_once('-').ok_or("invalid file name of a body: not <size>-<text>.json")?;
        bodies.push((size.parse::<usize>()?, text.to_owned(), fs::read(path)?));
    }
    bodies.sort();
    match command.as_str() {
        "race" => race(&bodies),
        "threads" => threads::scale(&bodies),
        _ => Err("invalid command: not race or threads".into()),
    }
}

/// Measures all contestants at all jobs on all bodies. Contestants of one job and body run one after another.
fn race(bodies: &[(usize, String, Vec<u8>)]) -> Result {
    let folder = std::env::temp_dir().join(format!("clarife-webhooks-bench-{}", std::process::id()));
    let mut criterion = Criterion::default()
        .output_directory(&folder)
        .without_plots()
        .warm_up_time(Duration::from_millis(20))
        .measurement_time(Duration::from_millis(60))
        .sample_size(20)
        .nresamples(1001);
    for (size, text, body) in bodies {
        for job in JOBS {
            let mut group = criterion.benchmark_group(job);
            let mut names = Vec::new();
            for contestant in contestants(body)? {
                let Some(run) = contestant.job(job) else { continue };
                group.bench_function(BenchmarkId::new(contestant.name, format!("{size}-{text}")), |bencher| {
                    bencher.iter(run);
                });
                names.push(contestant.name);
            }
            group.finish();
            for name in names {
                let ns = median(&folder.join(job).join(name).join(format!("{size}-{text}")))?;
                println!("{}", json!({"contestant": name, "job": job, "size": size, "text": text, "ns": ns}));
            }
        }
    }
    Ok(fs::remove_dir_all(folder)?)
}

/// Returns Criterion's median in nanoseconds.
fn median(folder: &Path) -> Result<f64> {
    let estimates: Value = serde_json::from_slice(&fs::read(folder.join("new/estimates.json"))?)?;
    Ok(estimates["median"]["point_estimate"].as_f64().ok_or("Criterion wrote no median")?)
}
