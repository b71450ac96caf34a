//! `Webhook`: the core's, called with Python's arguments.

use clarife_webhooks::standard::StandardSignError;
use clarife_webhooks::{Event as Verified, EventType, SignatureSource, UnixTime, Webhook as Core, WebhookError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict as _, PyBytes, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use crate::arguments;
use crate::error::{refusal, wrong_type};
use crate::event::Event;

/// Verifies deliveries of one subscription, and signs bodies as clarife does.
///
/// `secrets` is the signing secret, exactly as clarife shows it, or several of them, newest first, while it is rotated.
/// `tolerance` is how far a delivery's timestamp may be from the clock, in seconds (300 unless given). `max_event_age`
/// refuses events whose signed created_at is longer ago, in seconds (off unless given; 900 leave room for every retry).
/// `standard_webhooks` makes it verify by the headers of Standard Webhooks, which cover the time, and by nothing else.
/// `clock` is called for the time, in Unix seconds or as an aware datetime, in place of the system's clock: for tests.
///
/// Make it once and keep it; threads can share it. It shows no secret, and it cannot be pickled.
///
/// >>> webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)
/// >>> webhook
/// <Webhook, secrets hidden>
#[pyclass(frozen, module = "clarife_webhooks")]
pub(crate) struct Webhook {
    core: Core,
    standard: bool,
    max_event_age: Option<u64>,
    clock: Option<Py<PyAny>>,
}

#[pymethods]
impl Webhook {
    #[new]
    #[pyo3(signature = (secrets, *, tolerance=None, max_event_age=None, standard_webhooks=false, clock=None))]
    fn new(
        secrets: &Bound<'_, PyAny>,
        tolerance: Option<&Bound<'_, PyAny>>,
        max_event_age: Option<&Bound<'_, PyAny>>,
        standard_webhooks: bool,
        clock: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        // Arguments of a wrong type come before a secret that cannot be used.
        let seconds = |value: Option<_>, name| value.map(|value| arguments::whole_seconds(value, name)).transpose();
        let (tolerance, max_event_age) = (seconds(tolerance, "tolerance")?, seconds(max_event_age, "max_event_age")?);
        if let Some(clock) = clock.filter(|clock| !clock.is_callable()) {
            return Err(wrong_type("clock", "a function", clock));
        }
        let mut webhook = arguments::keyed(secrets, "secrets")?;
        if let Some(tolerance) = tolerance {
            webhook = webhook.with_tolerance(tolerance);
        }
        if let Some(age) = max_event_age {
            webhook = webhook.with_max_event_age(age);
        }
        if standard_webhooks {
            webhook = webhook.require_standard_webhooks().map_err(|error| refusal(secrets.py(), &error))?;
        }
        let clock = clock.map(|clock| clock.clone().unbind());
        Ok(Self { core: webhook, standard: standard_webhooks, max_event_age, clock })
    }

    /// Verifies a delivery and gives its event.
    ///
    /// `body` is the raw body, byte for byte as received. `signature` is the X-Clarife-Signature header, or all headers of
    /// the request: a mapping, a WSGI environ, ASGI's list of pairs. (Standard Webhooks need all headers.) `now` is the time
    /// to verify by, in Unix seconds or as an aware datetime; the clock's unless given.
    ///
    /// Raises WebhookError if the delivery is refused, TypeError if an argument is of a wrong type.
    ///
    /// >>> webhook = Webhook("whsec_c2VjcmV0")
    /// >>> body = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{"title":"Start"}}'
    /// >>> headers = {"X-Clarife-Signature": webhook.sign(body)}
    /// >>> event = webhook.verify(body, headers)
    /// >>> if event.type == "document.updated":
    /// ...     print(event.data.get("title"))
    /// Start
    #[pyo3(signature = (body, signature, *, now=None))]
    fn verify(
        &self,
        py: Python<'_>,
        body: &Bound<'_, PyAny>,
        signature: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Event> {
        let raw = arguments::body(body, "body")?;
        let event = self.verdict(py, &raw, signature, now)?.map_err(|error| refusal(py, &error))?;
        Event::new(&raw, &event)
    }

    /// Signs a body as clarife would: the value of the X-Clarife-Signature header, to test handlers with.
    ///
    /// `timestamp` is in Unix seconds or an aware datetime; the clock's unless given.
    ///
    /// >>> Webhook("whsec_c2VjcmV0").sign(b"{}", timestamp=1711612800)
    /// 't=1711612800,v1=f2a9d48be51b03e17422a1499a4cdb7f8400afd0aa4cf50f34b9852d223553bb'
    #[pyo3(signature = (body, *, timestamp=None))]
    fn sign(&self, py: Python<'_>, body: &Bound<'_, PyAny>, timestamp: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        let raw = arguments::body(body, "body")?;
        let raw = raw.as_bytes();
        let timestamp = self.time(py, timestamp, "timestamp")?.unwrap_or_else(UnixTime::now);
        without_gil(py, raw.len(), || self.core.sign(raw, timestamp))
            .map_err(|error| PyTypeError::new_err(error.to_string()))
    }

    /// Signs a body as Standard Webhooks have it: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    ///
    /// `id` is the event's. `timestamp` is in Unix seconds or an aware datetime; the clock's unless given. Raises
    /// WebhookError (invalid_secret) if a secret is not base64.
    ///
    /// >>> Webhook("whsec_c2VjcmV0").sign_standard(b"{}", id="evt_1", timestamp=1711612800)["webhook-timestamp"]
    /// '1711612800'
    #[pyo3(signature = (body, *, id, timestamp=None))]
    fn sign_standard<'py>(
        &self,
        py: Python<'py>,
        body: &Bound<'py, PyAny>,
        id: &Bound<'py, PyAny>,
        timestamp: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let raw = arguments::body(body, "body")?;
        let raw = raw.as_bytes();
        let id = id.cast::<PyString>().map_err(|_| wrong_type("id", "a str", id))?.to_string_lossy();
        let timestamp = self.time(py, timestamp, "timestamp")?.unwrap_or_else(UnixTime::now);
        let signed = without_gil(py, raw.len(), || self.core.sign_standard(raw, &id, timestamp));
        let headers = signed.map_err(|error| match error {
            StandardSignError::Secret(error) => refusal(py, &error),
            error => PyTypeError::new_err(error.to_string()),
        })?;
        headers.pairs().into_py_dict(py)
    }

    /// The maximum event age, in seconds; None where it is off.
    #[getter]
    const fn max_event_age(&self) -> Option<u64> {
        self.max_event_age
    }

    fn __repr__(&self) -> &'static str {
        "<Webhook, secrets hidden>"
    }

    /// It cannot change, so one serves as its own copy.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Webhook cannot be pickled, because it holds signing secrets: make one in each process",
        ))
    }

    /// For the garbage collector: the clock may be anything, and hold this webhook too.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.clock)
    }
}

/// Whether a delivery is genuine: the function of clarife's documented example, for code that was written after it.
///
/// True exactly where `Webhook(secret).verify(payload, signature)` gives an event. `payload` is the raw body; a parsed one,
/// or a secret that cannot be used, raises WebhookError.
///
/// >>> payload = b'{"id":"evt_1","type":"document.updated","created_at":"2026-03-28T12:00:00Z","data":{}}'
/// >>> signature = Webhook("whsec_c2VjcmV0").sign(payload)
/// >>> verify_webhook_signature(payload, signature, "whsec_c2VjcmV0")
/// True
/// >>> verify_webhook_signature(payload + b" ", signature, "whsec_c2VjcmV0")
/// False
#[pyfunction]
pub(crate) fn verify_webhook_signature(
    py: Python<'_>,
    payload: &Bound<'_, PyAny>,
    signature: &Bound<'_, PyAny>,
    secret: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let webhook = arguments::keyed(secret, "secret")?;
    let raw = arguments::body(payload, "payload")?;
    Ok(Webhook { core: webhook, standard: false, max_event_age: None, clock: None }
        .verdict(py, &raw, signature, None)?
        .is_ok())
}

/// Whether a type is one of `EVENT_TYPES`. Type checkers narrow by it.
///
/// >>> is_known_event_type("document.updated"), is_known_event_type("video.rendered")
/// (True, False)
#[pyfunction]
#[pyo3(signature = (r#type, /))]
pub(crate) fn is_known_event_type(r#type: &Bound<'_, PyAny>) -> PyResult<bool> {
    let name = r#type.cast::<PyString>().map_err(|_| wrong_type("type", "a str", r#type))?;
    Ok(EventType::from_name(&name.to_string_lossy()).is_known())
}

impl Webhook {
    fn verdict<'b>(
        &self,
        py: Python<'_>,
        raw: &'b Bound<'_, PyBytes>,
        signature: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Result<Verified<'b>, WebhookError>> {
        let raw = raw.as_bytes();
        if self.standard {
            let headers = arguments::standard_headers(signature)?;
            return Ok(verify(py, &self.core, raw, &headers, self.time(py, now, "now")?));
        }
        let signature = arguments::signature(signature)?;
        Ok(verify(py, &self.core, raw, signature.as_deref(), self.time(py, now, "now")?))
    }

    /// The time that is given, or the clock's; nothing where it is the system's.
    fn time(&self, py: Python<'_>, given: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<Option<UnixTime>> {
        match (given, &self.clock) {
            (Some(given), _) => arguments::seconds(given, name).map(UnixTime::from_secs).map(Some),
            (None, Some(clock)) => {
                let seconds = arguments::seconds(&clock.bind(py).call0()?, "the clock's time")?;
                Ok(Some(UnixTime::from_secs(seconds)))
            }
            (None, None) => Ok(None),
        }
    }
}

fn verify<'b, 'h>(
    py: Python<'_>,
    webhook: &Core,
    raw: &'b [u8],
    signature: impl SignatureSource<'h> + Send,
    now: Option<UnixTime>,
) -> Result<Verified<'b>, WebhookError> {
    without_gil(py, raw.len(), || match now {
        Some(now) => webhook.verify_at(raw, signature, now),
        None => webhook.verify(raw, signature),
    })
}

/// Runs `work` on a body of that many bytes, and lets other threads run meanwhile where that is worth it.
///
/// Only ever with bytes that nobody can change, see `arguments::body`.
fn without_gil<T: Send>(py: Python<'_>, bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    /// Measured: letting go of the GIL costs 60 ns where nobody wants it, but beside a thread that computes in Python it may take the
    /// interpreter's switch interval, 5 ms, to get it back. This much is 24 µs of work, of which two threads then do 1.6 times as much.
    const FROM: usize = 32 * 1024;
    if bytes < FROM { work() } else { py.detach(work) }
}
