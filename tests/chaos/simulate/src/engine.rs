//! The engines' costs, as `clarife-sender bench` measured them: see `docs/pages/sender/capacity.md`.

use clap::ValueEnum;

/// An engine of the sender's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// SQLite: one worker
    Sqlite,
    /// PostgreSQL: workers share 64 slots
    Postgres,
    /// NATS: workers share 32 partitions of three replicas
    Nats,
}

/// Measured costs of an engine: bodies of 1 KiB, one event in a call.
#[derive(Debug)]
pub(crate) struct Costs {
    /// Limit of the workers, and the parts of the work that they share.
    pub(crate) workers: usize,
    pub(crate) parts: usize,
    /// Attempts per second of one worker on two processors, which it shares with the store's servers.
    pub(crate) attempts: f64,
    /// Time of processors for an event and for an attempt, of the worker and of the store's servers, in milliseconds.
    pub(crate) event_ms: f64,
    pub(crate) attempt_ms: f64,
    /// Disk for an event and for a delivery, on all servers together, in bytes.
    pub(crate) event_bytes: f64,
    pub(crate) delivery_bytes: f64,
    /// Memory of the store's servers for an event with two deliveries as long as they are kept, in bytes.
    pub(crate) kept_bytes: f64,
}

impl Engine {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Nats];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Nats => "NATS",
        }
    }

    pub(crate) const fn costs(self) -> Costs {
        match self {
            Self::Sqlite => Costs {
                workers: 1,
                parts: 1,
                attempts: 10_000.0,
                event_ms: 0.070,
                attempt_ms: 0.060,
                event_bytes: 1450.0,
                delivery_bytes: 180.0,
                kept_bytes: 0.0,
            },
            Self::Postgres => Costs {
                workers: 64,
                parts: 64,
                attempts: 7_500.0,
                event_ms: 0.140,
                attempt_ms: 0.065,
                event_bytes: 1300.0,
                delivery_bytes: 370.0,
                kept_bytes: 0.0,
            },
            Self::Nats => Costs {
                workers: 32,
                parts: 32,
                attempts: 2_700.0,
                event_ms: 0.470,
                attempt_ms: 0.210,
                event_bytes: 4500.0,
                delivery_bytes: 6800.0,
                kept_bytes: 1500.0,
            },
        }
    }
}
