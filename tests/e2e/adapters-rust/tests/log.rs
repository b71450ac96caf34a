//! The log of receivers as events of `tracing`, in the host's subscriber.

use std::io;
use std::sync::{Arc, Mutex};

use adapters_rust::{event, signed, webhook};
use clarife_webhooks::adapters::{MemoryStore, Receiver};
use clarife_webhooks::dedup::EVICTED;
use clarife_webhooks::testing::Clock;
use tracing_subscriber::fmt::MakeWriter;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Returns the lines of everything that the future logs.
    async fn of(work: impl Future<Output = ()>) -> Vec<String> {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).without_time().with_ansi(false).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        work.await;
        drop(guard);
        let lines = log.0.lock().expect("no panic").clone();
        String::from_utf8(lines).expect("a text").lines().map(|line| line.trim().to_owned()).collect()
    }
}

fn receiver() -> Receiver {
    let clock = Clock::default();
    Receiver::new(webhook()).with_clock(move || clock.now())
}

#[tokio::test]
async fn refusals_are_warnings_and_the_servers_own_errors_are_errors() {
    let good = event("evt_1", "Start");
    let lines = Log::of(async {
        let receiver = receiver();
        for _ in 0..3 {
            let _ = receiver.verify(b"{}", None::<&str>);
        }
        let fail = |_| async { Err::<(), _>(io::Error::other("no disk")) };
        receiver.receive(good.body.as_bytes(), &signed(&good)[0].1, fail).await;
    })
    .await;
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("WARN clarife_webhooks: missing_signature: the signature header"), "{}", lines[0]);
    assert_eq!(lines[1], "ERROR clarife_webhooks: the handler of \"evt_1\" failed: no disk");
}

#[tokio::test]
async fn a_callback_replaces_the_log() {
    let lines = Log::of(async {
        let _ = receiver().on_error(|_| {}).verify(b"{}", None::<&str>);
    })
    .await;
    assert_eq!(lines, [""; 0]);
}

#[tokio::test]
async fn a_store_tells_once_of_marks_that_it_removes_too_early() {
    let lines = Log::of(async {
        let receiver = receiver().dedup(MemoryStore::new(1));
        for id in ["evt_1", "evt_2", "evt_3", "evt_4"] {
            let good = event(id, "Start");
            let handle = |_| async { Ok::<(), io::Error>(()) };
            receiver.receive(good.body.as_bytes(), &signed(&good)[0].1, handle).await;
        }
    })
    .await;
    assert_eq!(lines, [format!("WARN clarife_webhooks: {EVICTED}")]);
}
