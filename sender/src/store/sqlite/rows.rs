//! Conversion between rows and the store's types.

use clarife_webhooks::UnixTime;
use clarife_webhooks::sender::Delivery;
use rusqlite::types::{FromSqlError, Type};
use serde::de::DeserializeOwned;

use crate::store::scheduler::QueueKind;
use crate::store::{StateName, StoreError};

/// Columns of a delivery that the indexes use.
pub(super) struct Columns {
    pub(super) state: i16,
    pub(super) lane: i16,
    pub(super) due: Option<i64>,
}

impl Columns {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let (state, lane) = (StateName::from(&delivery.state()).number(), QueueKind::of(delivery).number());
        Self { state, lane, due: delivery.due().map(UnixTime::as_millis) }
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
