//! Time of a page of a large history.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::http::Connection;
use super::receiver::Receiver;
use super::{BATCH, Bench, Posts, TYPE};

/// Type of the events that a dead endpoint is subscribed to.
const HELD: &str = "share.created";

/// One delivery of this many is delivered; all others are held, after the first failed.
const DELIVERED: usize = 100;

/// Number of pages that are read for each filter.
const PAGES: usize = 20;

impl Bench {
    /// Measures pages of one workspace with one dead and one good endpoint: nearly all deliveries are held, some
    /// delivered, and the oldest failed.
    pub(super) async fn history(&self, deliveries: usize) -> Result<()> {
        let (servers, receiver) = (self.servers()?, Receiver::start(1).await?);
        let token = servers.create_workspace(&[(receiver.url(0, "dead"), HELD), (receiver.url(0, "ok"), TYPE)]).await?;
        let tokens = [token.clone()];
        self.post(&servers, &tokens, Posts { event_type: HELD, ..Posts::new(10, 1, 1) }).await?;
        let mut api = servers.connect(0).await?;
        while active(&mut api, &token).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let start = Instant::now();
        let rounds = 10_usize;
        for _ in 0..rounds {
            let share = deliveries.div_euclid(rounds);
            let delivered = share.div_euclid(DELIVERED);
            let held = Posts::new(share.saturating_sub(delivered), 1000.min(share), 16);
            self.post(&servers, &tokens, Posts { event_type: HELD, ..held }).await?;
            self.post(&servers, &tokens, Posts::new(delivered, BATCH, 16)).await?;
        }
        servers.wait_until_idle().await?;
        println!("{deliveries} deliveries are in the store after {:.0} s", start.elapsed().as_secs_f64());

        let mut api = servers.connect(0).await?; // the idle one is closed
        let subscriptions: Value = serde_json::from_slice(&api.get("/v1/subscriptions", &token).await?)?;
        let id = |index: usize| subscriptions.pointer(&format!("/subscriptions/{index}/id")).and_then(Value::as_str);
        let (dead, good) = (id(0).context("no subscription")?, id(1).context("no subscription")?);
        println!("\nmedian ms   maximum   a page of 50");
        for (description, filter) in [
            ("all", String::new()),
            ("held", "&state=held".to_owned()),
            ("delivered", "&state=delivered".to_owned()),
            ("failed, the oldest", "&state=failed".to_owned()),
            ("pending, none", "&state=pending".to_owned()),
            ("of one subscription, nearly all", format!("&subscription_id={dead}")),
            ("of one subscription, few", format!("&subscription_id={good}")),
            ("failed, of one subscription", format!("&state=failed&subscription_id={dead}")),
            ("failed, of one subscription, none", format!("&state=failed&subscription_id={good}")),
            ("delivered, of one subscription, none", format!("&state=delivered&subscription_id={dead}")),
            ("delivered, of one subscription", format!("&state=delivered&subscription_id={good}")),
        ] {
            pages(&mut api, &token, description, &filter).await?;
        }
        Ok(())
    }
}

/// Reads pages, each after the one before, and prints the times.
async fn pages(api: &mut Connection, token: &str, description: &str, filter: &str) -> Result<()> {
    let (mut times, mut before) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let start = Instant::now();
        let page = api.get(&format!("/v1/deliveries?limit=50{filter}{before}"), token).await?;
        times.push(start.elapsed());
        let page: Value = serde_json::from_slice(&page)?;
        before = page.get("next").and_then(Value::as_str).map_or(String::new(), |next| format!("&before={next}"));
    }
    times.sort_unstable();
    let milliseconds = |index: usize| times.get(index).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    let (median, maximum) = (milliseconds(PAGES.div_euclid(2)), milliseconds(PAGES.saturating_sub(1)));
    println!("{median:>9.1}   {maximum:>7.1}   {description}");
    Ok(())
}

/// Tells whether all subscriptions are active.
async fn active(api: &mut Connection, token: &str) -> Result<bool> {
    let warnings: Value = serde_json::from_slice(&api.get("/v1/warnings", token).await?)?;
    Ok(warnings.pointer("/warnings/0").is_none())
}
