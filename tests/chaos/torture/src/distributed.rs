//! Several workers over servers. Any of them is killed at any time, and sometimes all servers at once.
//!
//! No attempt may overlap another attempt of the same delivery, whatever was killed: the next worker waits until the
//! lease has expired.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::receiver::Receiver;
use crate::sender::{Sender, subscribe};
use crate::servers::Servers;
use crate::{Arguments, judge, under_load};

pub(crate) const WORKERS: usize = 3;
const WORKSPACES: usize = 6;

/// Longer than a lease. A worker that is away for this time loses its partitions; if all servers are, no worker loses
/// any.
const OUTAGE: Duration = Duration::from_secs(17);

pub(crate) fn run(arguments: &Arguments, receiver: &Receiver, mut servers: impl Servers) -> Result<()> {
    let mut workers = Vec::new();
    for worker in 0..WORKERS {
        workers.push(Sender::start(&arguments.sender, Some(&servers.store(worker)))?);
    }
    let urls: Vec<String> = workers.iter().map(Sender::url).collect();
    let apis = subscribe(&urls, receiver, WORKSPACES)?;
    let mut killed_workers = 0;
    let load = under_load(arguments, &apis, || {
        for kill in 1..=arguments.kills {
            sleep(Duration::from_millis(fastrand::u64(50..1500)));
            let outage = Duration::from_millis(fastrand::u64(0..2000));
            match kill % 20 {
                3 | 7 | 13 | 17 => servers.kill(false, outage)?,
                9 => servers.kill(true, OUTAGE)?,
                19 => servers.kill(true, outage)?,
                // Sometimes the worker is asked to stop, or stays away until the others hold its partitions.
                1 | 11 if servers.cut(fastrand::usize(..WORKERS), OUTAGE)? => killed_workers += 1,
                turn => {
                    kill_worker(&mut workers, turn % 10 == 5, turn % 10 == 2)?;
                    killed_workers += 1;
                }
            }
        }
        Ok(())
    })?;
    judge(&load, receiver, &apis, killed_workers)
}

fn kill_worker(workers: &mut [Sender], gently: bool, away: bool) -> Result<()> {
    let chosen = fastrand::usize(..workers.len());
    let worker = &mut workers[chosen];
    worker.end(gently)?;
    if away {
        sleep(OUTAGE);
    }
    let start = Instant::now();
    while let Err(error) = worker.restart() {
        if start.elapsed() > Duration::from_secs(60) {
            bail!("cannot restart a worker: {error:#}");
        }
        sleep(Duration::from_millis(500));
    }
    Ok(())
}
