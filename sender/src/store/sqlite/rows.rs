//! Conversion between rows and the store's types.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use rusqlite::types::{FromSqlError, Type};
use serde::de::DeserializeOwned;

use crate::store::scheduler::QueueKind;
use crate::store::{StateName, StoreError};

/// Columns of a delivery that the indexes use.
pub(super) struct Columns {
    pub(super) state: i64,
    pub(super) lane: i64,
    pub(super) due: Option<i64>,
}

impl Columns {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let (state, lane) = (state_number((&delivery.state()).into()), lane_number(QueueKind::of(delivery)));
        Self { state, lane, due: delivery.due().map(UnixTime::as_millis) }
    }
}

/// Returns the number of a queue in the tables.
pub(super) const fn lane_number(kind: QueueKind) -> i64 {
    match kind {
        QueueKind::Retry => 0,
        QueueKind::Fresh => 1,
    }
}

/// Returns the number of a state in the tables.
pub(super) const fn state_number(state: StateName) -> i64 {
    match state {
        StateName::Pending => 0,
        StateName::Delivered => 1,
        StateName::Failed => 2,
        StateName::Held => 3,
    }
}

/// Parses a JSON column. The error names the column, never its contents.
pub(super) fn from_json<T: DeserializeOwned>(column: usize, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json)
        .map_err(|_| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(FromSqlError::InvalidType)))
}

/// Serializes a JSON column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
