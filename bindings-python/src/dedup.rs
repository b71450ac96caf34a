//! `ClaimTable`: the table of claims of the core, behind `clarife_webhooks.MemoryStore`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::dedup::{self, ClaimResult, ClaimToken, StoreFull};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A table of claims and done marks in memory. Times are in milliseconds; the caller passes the current time.
#[pyclass(frozen, module = "clarife_webhooks._native")]
pub(crate) struct ClaimTable(Mutex<dedup::ClaimTable>);

#[pymethods]
impl ClaimTable {
    #[new]
    #[pyo3(signature = (capacity=None, /))]
    fn new(capacity: Option<usize>) -> Self {
        Self(Mutex::new(capacity.map_or_else(dedup::ClaimTable::default, dedup::ClaimTable::new)))
    }

    /// Claims an event id. Returns a token of 1 or more, 0 if the event is in progress, or -1 if it is done.
    ///
    /// Raises RuntimeError if the table is full.
    #[pyo3(signature = (id, now, ttl, /))]
    fn claim(&self, id: &str, now: i64, ttl: u64) -> PyResult<i64> {
        match self.with_table(|table| table.claim(id, UnixTime::from_millis(now), Duration::from_millis(ttl))) {
            Ok(ClaimResult::New(token)) => Ok(i64::try_from(token.to_number()).unwrap_or(i64::MAX)),
            Ok(ClaimResult::InProgress) => Ok(0),
            Ok(ClaimResult::Done) => Ok(-1),
            Err(full) => Err(runtime_error(full)),
        }
    }

    /// Marks an event id as done. Raises RuntimeError if the table is full.
    #[pyo3(signature = (id, now, ttl, /))]
    fn complete(&self, id: &str, now: i64, ttl: u64) -> PyResult<()> {
        self.with_table(|table| table.complete(id, UnixTime::from_millis(now), Duration::from_millis(ttl)))
            .map_err(runtime_error)
    }

    /// Returns True if a full table has removed a done mark that was still alive, once for all marks until then.
    fn take_evicted(&self) -> bool {
        self.with_table(dedup::ClaimTable::take_evicted)
    }

    /// Releases a claim if `token` still holds it.
    #[pyo3(signature = (id, token, /))]
    fn release(&self, id: &str, token: u64) {
        self.with_table(|table| table.release(id, ClaimToken::from_number(token)));
    }
}

impl ClaimTable {
    fn with_table<T>(&self, work: impl FnOnce(&mut dedup::ClaimTable) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn runtime_error(full: StoreFull) -> PyErr {
    PyRuntimeError::new_err(full.to_string())
}

/// Returns the key of an event id in a shared store, without its prefix.
#[pyfunction]
#[pyo3(signature = (id, /))]
pub(crate) fn store_key(id: &str) -> String {
    dedup::store_key(id).into_owned()
}
