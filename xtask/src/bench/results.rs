//! What was measured.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The SDK's name among the contestants, in every runtime.
pub const OURS: &str = "clarife-webhooks";

/// A line that a program prints for a median.
#[derive(Deserialize)]
struct Line {
    contestant: String,
    job: String,
    size: usize,
    text: String,
    ns: f64,
}

/// What a number is of. The order is that of the tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub runtime: String,
    pub job: String,
    pub text: String,
    pub contestant: String,
    pub size: usize,
}

/// The numbers of all passes, in nanoseconds.
#[derive(Default)]
pub struct Results {
    numbers: BTreeMap<Key, Vec<f64>>,
    /// Runtimes and their contestants, in the order in which they run.
    order: Vec<(String, String)>,
}

impl Results {
    /// Takes the lines of one program.
    pub fn add(&mut self, runtime: &str, said: &str) -> Result<()> {
        let mut lines = 0;
        for line in said.lines().filter(|line| line.starts_with('{')) {
            let Line { contestant, job, size, text, ns } = serde_json::from_str(line)?;
            let place = (runtime.to_owned(), contestant.clone());
            if !self.order.contains(&place) {
                self.order.push(place);
            }
            self.numbers.entry(Key { runtime: runtime.into(), job, text, contestant, size }).or_default().push(ns);
            lines += 1;
        }
        (lines > 0).then_some(()).with_context(|| format!("{runtime} measured nothing:\n{said}"))
    }

    /// The median, and how far the passes were from it: the middle half of them, in parts of it.
    pub fn number(&self, runtime: &str, job: &str, text: &str, contestant: &str, size: usize) -> Option<(f64, f64)> {
        let [runtime, job, text, contestant] = [runtime, job, text, contestant].map(str::to_owned);
        let passes = self.numbers.get(&Key { runtime, job, text, contestant, size })?;
        let middle = quantile(passes, 0.5);
        Some((middle, (quantile(passes, 0.75) - quantile(passes, 0.25)) / 2.0 / middle))
    }

    pub fn median(&self, runtime: &str, job: &str, text: &str, contestant: &str, size: usize) -> Option<f64> {
        self.number(runtime, job, text, contestant, size).map(|(median, _)| median)
    }

    /// The contestants of a runtime, ours first.
    pub fn contestants(&self, runtime: &str, job: &str) -> Vec<&str> {
        let runs = |name: &str| {
            self.numbers.keys().any(|key| key.runtime == runtime && key.job == job && key.contestant == name)
        };
        let mine = self.order.iter().filter(|(of, _)| of == runtime).map(|(_, name)| name.as_str());
        mine.filter(|name| runs(name)).collect()
    }

    /// The sizes that were measured.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<_> = self.numbers.keys().map(|key| key.size).filter(|&size| size > 0).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// The jobs of a runtime that start like this.
    pub fn jobs(&self, runtime: &str, suffix: &str) -> Vec<&str> {
        let mut jobs: Vec<_> =
            self.numbers.keys().filter(|key| key.runtime == runtime).map(|key| key.job.as_str()).collect();
        jobs.retain(|job| job.ends_with(suffix));
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }
}

/// Between the two numbers that are nearest.
pub fn quantile(numbers: &[f64], part: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = part * sorted.len().saturating_sub(1) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
}
