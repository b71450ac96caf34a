//! `Event`: what the core has verified, as Python reads it.

use std::ops::Range;
use std::sync::OnceLock;

use clarife_webhooks::{Event as Verified, EventType};
use jiter::{PythonParse, StringCacheMode};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDelta, PyDict, PyGenericAlias, PyString, PyTuple, PyType};

use crate::arguments::{self, epoch};
use crate::error::refusal;

/// A verified event. `Webhook.verify` makes it; it cannot be made by hand or changed.
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
/// Events are equal when their raw bodies are. They can be pickled and copied; a copy's data is read from the raw body anew.
#[pyclass(frozen, module = "clarife_webhooks")]
pub(crate) struct Event {
    raw: Py<PyBytes>,
    id: Py<PyString>,
    event_type: Py<PyString>,
    /// Microseconds since the start of Unix time, rounded down.
    created_at: i64,
    /// Where `data` stands in `raw`.
    data_range: Range<usize>,
    /// In seconds from the verification on.
    replay_window: u64,
    data: OnceLock<Py<PyDict>>,
}

impl Event {
    /// `raw` is the body that `event` was read from.
    pub(crate) fn new(raw: &Bound<'_, PyBytes>, event: &Verified<'_>) -> PyResult<Self> {
        let py = raw.py();
        Ok(Self {
            id: PyString::new(py, event.id()).unbind(),
            event_type: type_name(py, event.event_type())?,
            // The core's years have at most four digits, and so fit.
            created_at: i64::try_from(event.created_at().as_nanos().div_euclid(1_000)).unwrap_or(i64::MAX),
            data_range: event.layout().data,
            replay_window: event.replay_window(),
            data: OnceLock::new(),
            raw: raw.clone().unbind(),
        })
    }

    fn build_data(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        static FALLBACK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let json = self.raw.as_bytes(py).get(self.data_range.clone()).unwrap_or_default();
        let parser = PythonParse { cache_mode: StringCacheMode::Keys, ..PythonParse::default() };
        let data = match parser.python_parse(py, json) {
            Ok(data) => data,
            Err(_) => FALLBACK.import(py, "clarife_webhooks._data", "loads")?.call1((PyBytes::new(py, json),))?,
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

    /// `Event[...]` in annotations, as the type checkers' stubs have it.
    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyGenericAlias>> {
        PyGenericAlias::new(cls.py(), cls, item)
    }

    /// The event's id: the same in every delivery of one event, so the key for handling it once only.
    #[getter]
    fn id(&self, py: Python<'_>) -> Py<PyString> {
        self.id.clone_ref(py)
    }

    /// The event's type, one of `EVENT_TYPES` or one that this version does not know.
    #[getter]
    fn r#type(&self, py: Python<'_>) -> Py<PyString> {
        self.event_type.clone_ref(py)
    }

    /// When the event happened, in UTC: microseconds, rounded down, within what `datetime` can hold.
    #[getter]
    fn created_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        const MIN: i64 = -62_135_596_800_000_000; // datetime.min
        const MAX: i64 = 253_402_300_799_999_999; // datetime.max
        let (seconds, microseconds) = split(self.created_at.clamp(MIN, MAX), 1_000_000);
        let (days, seconds) = split(seconds, 86_400);
        let delta = PyDelta::new(py, days.try_into()?, seconds.try_into()?, microseconds.try_into()?, false)?;
        epoch(py)?.add(delta)
    }

    /// The event's data, a dict. It is built when it is first read and kept; `raw` has it as it was signed.
    #[getter]
    fn data(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let data = match self.data.get() {
            Some(data) => data,
            None => {
                let built = self.build_data(py)?;
                self.data.get_or_init(|| built) // of two threads, one gives its dict to both
            }
        };
        Ok(data.clone_ref(py))
    }

    /// The whole body, byte for byte as it was signed.
    #[getter]
    fn raw(&self, py: Python<'_>) -> Py<PyBytes> {
        self.raw.clone_ref(py)
    }

    /// For receivers: for how many seconds after its verification the event can be accepted once more; 0 without a maximum age.
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

    /// For the garbage collector: `data` is the caller's to put anything into, this event too.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.data.get().map_or(Ok(()), |data| visit.call(data))
    }
}

/// Reads an event that was verified before, for example from your own queue. It checks the envelope and **no signature**:
/// never give it a body that came over the network.
///
/// `raw` is the body, as `event.raw` has it. Raises WebhookError (malformed_payload) if it is no event.
///
/// >>> raw = b'{"id":"evt_1","type":"media.uploaded","created_at":"2026-03-28T12:00:00Z","data":{}}'
/// >>> parse_trusted(raw).id
/// 'evt_1'
#[pyfunction]
pub(crate) fn parse_trusted(raw: &Bound<'_, PyAny>) -> PyResult<Event> {
    let raw = arguments::body(raw, "raw")?;
    let event = Verified::parse_trusted(raw.as_bytes()).map_err(|error| refusal(raw.py(), &error))?;
    Event::new(&raw, &event)
}

/// The known types' names, made once.
pub(crate) fn event_types(py: Python<'_>) -> PyResult<&Bound<'_, PyTuple>> {
    static NAMES: PyOnceLock<Py<PyTuple>> = PyOnceLock::new();
    let make = || PyTuple::new(py, EventType::KNOWN.map(EventType::as_str)).map(Bound::unbind);
    Ok(NAMES.get_or_try_init(py, make)?.bind(py))
}

fn type_name(py: Python<'_>, event_type: EventType<'_>) -> PyResult<Py<PyString>> {
    match event_type.index() {
        Some(index) => Ok(event_types(py)?.get_item(index)?.cast_into()?.unbind()),
        None => Ok(PyString::new(py, event_type.as_str()).unbind()),
    }
}

fn split(time: i64, unit: i64) -> (i64, i64) {
    (time.div_euclid(unit), time.rem_euclid(unit))
}
