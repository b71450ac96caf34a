//! Lateness of retries beside a backlog.

use std::time::Duration;

use anyhow::Result;
use hyper::Method;
use serde_json::json;

use super::receiver::Receiver;
use super::{BATCH, Bench, Posts, TYPE};

/// Number of endpoints that refuse each event once.
const FAILING: usize = 20;

impl Bench {
    /// Measures how late retries are: some endpoints refuse each event once, all others are slow and have a backlog.
    pub(super) async fn lateness(&self, waiting: usize) -> Result<()> {
        let (servers, receiver) = (self.servers()?, Receiver::start(1).await?);
        let (mut slow, mut failing) = (Vec::new(), Vec::new());
        for number in 0..self.subscriptions {
            slow.push(servers.create_workspace(&[(receiver.url(number, "slow"), TYPE)]).await?);
        }
        for number in 0..FAILING {
            failing.push(servers.create_workspace(&[(receiver.url(number, "fail"), TYPE)]).await?);
        }
        self.post(&servers, &slow, Posts::new(waiting, BATCH, 64)).await?;
        let memory = servers.peak_memory().unwrap_or_default();
        let threshold = u64::try_from(waiting.saturating_sub(waiting.div_euclid(10)))?;
        let mut api = servers.connect(0).await?;
        let event = json!({"type": TYPE, "data": {}}).to_string();
        while receiver.received() < threshold {
            for token in &failing {
                api.call(Method::POST, "/v1/events", token, event.clone().into()).await?;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await; // for the last retries
        let late = receiver.lateness();
        let last = late.len().saturating_sub(1);
        let at = |percent: usize| late.get(last.saturating_mul(percent).div_euclid(100)).copied().unwrap_or_default();
        println!("{} retries, beside {waiting} waiting deliveries, were late by", late.len());
        println!("{:>9} ms median, {} ms 99th percentile, {} ms maximum", at(50), at(99), at(100));
        let peak = servers.peak_memory().unwrap_or_default();
        println!("{memory:>9} MiB of memory with all of them waiting, {peak} MiB peak");
        Ok(())
    }
}
