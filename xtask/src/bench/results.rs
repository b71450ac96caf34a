//! Measured times.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// This library's name among the contestants of each runtime.
pub const OURS: &str = "clarife-webhooks";

/// A line of a measuring program, with one median.
#[derive(Deserialize)]
struct Line {
    contestant: String,
    job: String,
    size: usize,
    text: String,
    ns: f64,
}

/// The key of a measurement, in the order of the tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub runtime: String,
    pub job: String,
    pub text: String,
    pub contestant: String,
    pub size: usize,
}

/// The times of all passes, in nanoseconds.
#[derive(Default)]
pub struct Results {
    numbers: BTreeMap<Key, Vec<f64>>,
    /// Runtimes and contestants, in the order of their runs.
    order: Vec<(String, String)>,
}

impl Results {
    /// Adds the output of a measuring program.
    pub fn add(&mut self, runtime: &str, output: &str) -> Result<()> {
        let mut lines = 0;
        for line in output.lines().filter(|line| line.starts_with('{')) {
            let Line { contestant, job, size, text, ns } = serde_json::from_str(line)?;
            let entry = (runtime.to_owned(), contestant.clone());
            if !self.order.contains(&entry) {
                self.order.push(entry);
            }
            self.numbers.entry(Key { runtime: runtime.into(), job, text, contestant, size }).or_default().push(ns);
            lines += 1;
        }
        (lines > 0).then_some(()).with_context(|| format!("{runtime} measured nothing:\n{output}"))
    }

    /// Returns the median of the passes, and half the distance between their quartiles relative to the median.
    pub fn number(&self, runtime: &str, job: &str, text: &str, contestant: &str, size: usize) -> Option<(f64, f64)> {
        let [runtime, job, text, contestant] = [runtime, job, text, contestant].map(str::to_owned);
        let passes = self.numbers.get(&Key { runtime, job, text, contestant, size })?;
        let middle = quantile(passes, 0.5);
        Some((middle, (quantile(passes, 0.75) - quantile(passes, 0.25)) / 2.0 / middle))
    }

    /// Returns the median of the passes.
    pub fn median(&self, runtime: &str, job: &str, text: &str, contestant: &str, size: usize) -> Option<f64> {
        self.number(runtime, job, text, contestant, size).map(|(median, _)| median)
    }

    /// Returns the contestants of a runtime, this library first.
    pub fn contestants(&self, runtime: &str, job: &str) -> Vec<&str> {
        let runs = |name: &str| {
            self.numbers.keys().any(|key| key.runtime == runtime && key.job == job && key.contestant == name)
        };
        let mine = self.order.iter().filter(|(of, _)| of == runtime).map(|(_, name)| name.as_str());
        mine.filter(|name| runs(name)).collect()
    }

    /// Returns the measured sizes, in ascending order.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<_> = self.numbers.keys().map(|key| key.size).filter(|&size| size > 0).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Returns the jobs of a runtime that end with `suffix`.
    pub fn jobs(&self, runtime: &str, suffix: &str) -> Vec<&str> {
        let mut jobs: Vec<_> =
            self.numbers.keys().filter(|key| key.runtime == runtime).map(|key| key.job.as_str()).collect();
        jobs.retain(|job| job.ends_with(suffix));
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }
}

/// Returns a quantile, interpolated between the two nearest numbers.
pub fn quantile(numbers: &[f64], part: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = part * sorted.len().saturating_sub(1) as f64;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or(f64::NAN);
    at(position.floor()) + (at(position.ceil()) - at(position.floor())) * position.fract()
}
