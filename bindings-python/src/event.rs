//! `Event`: the Python class of a verified event.

use std::ops::Range;
use std::sync::OnceLock;

use clarife_webhooks::{Event as CoreEvent, EventType};
use jiter::{PythonParse, StringCacheMode};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDelta, PyDict, PyGenericAlias, PyString, PyTuple, PyType};

use crate::arguments::{self, unix_epoch};
use crate::error::exception;

/// A verified event. `Webhook.verify` creates it; users cannot create or change one.
///
/// >>> from clarife_webhooks import Webhook
/// >>> webhook = Webhook("whsec_c2VjcmV0")
/// >>> body = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{"filename":"a.png"}}'
/// >>> event = webhook.verify(body, webhook.sign(body))
/// >>> event
/// Event(id='evt_1', type='media.uploaded', created_at=datetime.datetime(2026, 3, 28, 12, 0, tzinfo=datetime.timezone.utc))
/// >>> match event.type:
/// ...     case "media.uploaded":
/// ...         print(event.data.get("filename"))
/// ...     case other:
/// ...         print("not for us:", other)
/// a.png
///
/// Events are equal if their raw bodies are equal. Events can be pickled and copied; a copy parses its data again.
#[pyclass(frozen, module = "clarife_webhooks")]
pub(crate) struct Event {
    raw: Py<PyBytes>,
    id: Py<PyString>,
    event_type: Py<PyString>,
    /// Unix time in microseconds, rounded down.
    created_at: i64,
    /// The range of `data` in `raw`.
    data_range: Range<usize>,
    /// See `_replay_window`.
    replay_window: u64,
    data: OnceLock<Py<PyDict>>,
}

impl Event {
    /// Creates the Python object of a core event that was parsed from `raw`.
    pub(crate) fn new(raw: &Bound<'_, PyBytes>, event: &CoreEvent<'_>) -> PyResult<Self> {
        let py = raw.py();
        Ok(Self {
            id: PyString::new(py, event.id()).unbind(),
            event_type: type_name(py, event.event_type())?,
            // Fits: the core accepts years of four digits.
            created_at: i64::try_from(event.created_at().as_nanos().div_euclid(1_000)).unwrap_or(i64::MAX),
            data_range: event.layout().data,
            replay_window: event.replay_window(),
            data: OnceLock::new(),
            raw: raw.clone().unbind(),
        })
    }

    fn parse_data(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        /// `_data.loads`, for the JSON that jiter rejects.
        static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let json = self.raw.as_bytes(py).get(self.data_range.clone()).unwrap_or_default();
        let parser = PythonParse { cache_mode: StringCacheMode::Keys, ..PythonParse::default() };
        let data = match parser.python_parse(py, json) {
            Ok(data) => data,
            Err(_) => LOADS.import(py, "clarife_webhooks._data", "loads")?.call1((PyBytes::new(py, json),))?,
        };
        Ok(data.cast_into()?.unbind())
    }
}

#[pymethods]
impl Event {
    #[classattr]
    fn __match_args__() -> (&'static str, &'static str) {
        ("type", "data")
    }

    /// Supports `Event[...]` in annotations.
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyGenericAlias>> {
        PyGenericAlias::new(cls.py(), cls, item)
    }

    /// Returns the schema for pydantic: an event that was verified before, which becomes the JSON that it was.
    #[classmethod]
    fn __get_pydantic_core_schema__<'py>(
        cls: &Bound<'py, PyType>,
        _source: &Bound<'py, PyAny>,
        _handler: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        cls.py().import("clarife_webhooks._pydantic")?.call_method1("event_schema", (cls,))
    }

    /// The event id. Every delivery of an event has the same id, so it is the key for deduplication.
    #[getter]
    fn id(&self, py: Python<'_>) -> Py<PyString> {
        self.id.clone_ref(py)
    }

    /// The event type: one of `EVENT_TYPES`, or a newer type that this version does not know.
    #[getter]
    fn r#type(&self, py: Python<'_>) -> Py<PyString> {
        self.event_type.clone_ref(py)
    }

    /// The time of the event in UTC, rounded down to microseconds and clamped to the range of `datetime`.
    #[getter]
    fn created_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        const MIN: i64 = -62_135_596_800_000_000; // datetime.min
        const MAX: i64 = 253_402_300_799_999_999; // datetime.max
        let (seconds, microseconds) = split(self.created_at.clamp(MIN, MAX), 1_000_000);
        let (days, seconds) = split(seconds, 86_400);
        let delta = PyDelta::new(py, days.try_into()?, seconds.try_into()?, microseconds.try_into()?, false)?;
        unix_epoch(py)?.add(delta)
    }

    /// The data of the event, a dict. It is parsed on first access and kept; `raw` has the signed form.
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let data = match self.data.get() {
            Some(data) => data,
            None => {
                let parsed = self.parse_data(py)?;
                self.data.get_or_init(|| parsed) // if two threads parse, both return the first dict
            }
        };
        Ok(data.clone_ref(py))
    }

    /// The whole body, byte for byte as signed.
    #[getter]
    fn raw(&self, py: Python<'_>) -> Py<PyBytes> {
        self.raw.clone_ref(py)
    }

    /// The time after the verification in which a receiver can accept the event again, in seconds. It is 0 without a
    /// maximum event age.
    #[getter]
    const fn _replay_window(&self) -> u64 {
        self.replay_window
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> bool {
        self.raw.as_bytes(py) == other.raw.as_bytes(py)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.raw.bind(py).hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (id, event_type) = (self.id.bind(py).repr()?, self.event_type.bind(py).repr()?);
        let created_at = self.created_at(py)?.repr()?;
        Ok(format!("Event(id={id}, type={event_type}, created_at={created_at})"))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Py<PyBytes>,))> {
        let parse = py.import("clarife_webhooks._native")?.getattr("parse_trusted")?;
        Ok((parse, (self.raw.clone_ref(py),)))
    }

    /// Visits `data` for the garbage collector: the caller can put anything into it, even this event.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.data.get().map_or(Ok(()), |data| visit.call(data))
    }
}

/// Parses an event that was verified before, for example from your own queue.
///
/// It checks **no signature**: never pass it a body from the network. `raw` is the body, as in `event.raw`. Raises
/// WebhookError (malformed_payload) if `raw` is not an event.
///
/// >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
/// >>> parse_trusted(raw).id
/// 'evt_1'
#[pyfunction]
pub(crate) fn parse_trusted(raw: &Bound<'_, PyAny>) -> PyResult<Event> {
    let raw = arguments::body(raw, "raw")?;
    let event = CoreEvent::parse_trusted(raw.as_bytes()).map_err(|error| exception(raw.py(), &error))?;
    Event::new(&raw, &event)
}

/// Returns the names of the known event types. The tuple is created once.
pub(crate) fn event_types(py: Python<'_>) -> PyResult<&Bound<'_, PyTuple>> {
    static NAMES: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let create = || PyTuple::new(py, EventType::KNOWN.map(EventType::as_str)).map(Bound::unbind);
    Ok(NAMES.get_or_try_init(py, create)?.bind(py))
}

/// Returns the name of an event type; for a known type, always the same object.
fn type_name(py: Python<'_>, event_type: EventType<'_>) -> PyResult<Py<PyString>> {
    match event_type.index() {
        Some(index) => Ok(event_types(py)?.get_item(index)?.cast_into()?.unbind()),
        None => Ok(PyString::new(py, event_type.as_str()).unbind()),
    }
}

/// Divides a time into whole units and the rest, rounding down.
fn split(time: i64, unit: i64) -> (i64, i64) {
    (time.div_euclid(unit), time.rem_euclid(unit))
}
