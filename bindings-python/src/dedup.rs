//! The core's store of handled events, for the one that is written in Python over it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clarife_webhooks::UnixTime;
use clarife_webhooks::dedup::{self, ClaimResult, ClaimToken, StoreFull};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Claims and done marks in memory. Times are in milliseconds, and it reads no clock.
#[pyclass(frozen, module = "clarife_webhooks._native")]
pub(crate) struct ClaimTable(Mutex<dedup::ClaimTable>);

#[pymethods]
impl ClaimTable {
    #[new]
    #[pyo3(signature = (capacity=None, /))]
    fn new(capacity: Option<usize>) -> Self {
        Self(Mutex::new(capacity.map_or_else(dedup::ClaimTable::default, dedup::ClaimTable::new)))
    }

    /// Claims an event's id: a token from 1, 0 if it is in progress, -1 if it is done. Raises RuntimeError if the store is full.
    #[pyo3(signature = (id, now, ttl, /))]
    fn claim(&self, id: &str, now: i64, ttl: u64) -> PyResult<i64> {
        match self.with(|store| store.claim(id, UnixTime::from_millis(now), Duration::from_millis(ttl))) {
            Ok(ClaimResult::New(token)) => Ok(i64::try_from(token.to_number()).unwrap_or(i64::MAX)),
            Ok(ClaimResult::InProgress) => Ok(0),
            Ok(ClaimResult::Done) => Ok(-1),
            Err(full) => Err(error(full)),
        }
    }

    /// Marks an event's id as done. Raises RuntimeError if the store is full.
    #[pyo3(signature = (id, now, ttl, /))]
    fn complete(&self, id: &str, now: i64, ttl: u64) -> PyResult<()> {
        self.with(|store| store.complete(id, UnixTime::from_millis(now), Duration::from_millis(ttl))).map_err(error)
    }

    /// Gives up a claim, unless it is no longer this token's.
    #[pyo3(signature = (id, token, /))]
    fn release(&self, id: &str, token: u64) {
        self.with(|store| store.release(id, ClaimToken::from_number(token)));
    }
}

impl ClaimTable {
    fn with<T>(&self, work: impl FnOnce(&mut dedup::ClaimTable) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn error(full: StoreFull) -> PyErr {
    PyRuntimeError::new_err(full.to_string())
}

/// The key under which stores that several processes share keep an event's id.
#[pyfunction]
#[pyo3(signature = (id, /))]
pub(crate) fn store_key(id: &str) -> String {
    dedup::store_key(id).into_owned()
}
