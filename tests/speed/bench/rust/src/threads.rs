//! Measurements of several threads.

use std::time::{Duration, Instant};

use clarife_webhooks::{UnixTime, Webhook};
use serde_json::json;

use crate::contestants::now;
use crate::{Result, SECRET};

const TIME: Duration = Duration::from_millis(200);

/// Measures one thread, and as many threads as there are cores, on one webhook.
///
/// The time of one verification is the total time divided by the number of verifications.
pub fn scale(bodies: &[(usize, String, Vec<u8>)]) -> Result {
    let webhook = Webhook::new(SECRET)?;
    let cores = std::thread::available_parallelism()?.get();
    for (size, text, body) in bodies.iter().filter(|(_, text, _)| text == "ascii") {
        let header = webhook.sign(body, UnixTime::now())?;
        for threads in [1, cores] {
            let start = Instant::now();
            let done: u64 = std::thread::scope(|scope| {
                let work = || {
                    let mut done = 0;
                    while start.elapsed() < TIME {
                        for _ in 0..(1 << 20) / size + 1 {
                            done += u64::from(webhook.verify(body, &header).is_ok());
                        }
                    }
                    done
                };
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                running.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
            });
            let ns = start.elapsed().as_nanos() as f64 / done as f64;
            let job = format!("{threads} threads");
            println!("{}", json!({"contestant": "clarife-webhooks", "job": job, "size": size, "text": text, "ns": ns}));
        }
    }
    Ok(())
}
