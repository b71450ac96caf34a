//! `Webhook`: the Python class of the core's `Webhook`.

use clarife_webhooks::standard::StandardSignError;
use clarife_webhooks::{
    ErrorCode, Event as CoreEvent, EventType, OTHER_SENDER, SignatureSource, UnixTime, Webhook as CoreWebhook,
    WebhookError,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict as _, PyBytes, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use crate::arguments;
use crate::error::{exception, exception_with_hint, wrong_type};
use crate::event::Event;

/// A verifier of the deliveries of one subscription. It can also sign bodies as clarife does.
///
/// - `secrets` is the signing secret, exactly as clarife shows it. During a rotation, pass both secrets, newest first.
/// - `tolerance` is the largest accepted difference between the timestamp of a delivery and the clock, in seconds. The
///   default is 300.
/// - `max_event_age` is the largest accepted age of an event, by its signed `created_at`, in seconds. It is off by
///   default; 900 leaves room for every retry.
/// - `standard_webhooks` requires the headers of Standard Webhooks, which sign the timestamp too, and ignores clarife's
///   own header.
/// - `clock` returns the current time, in Unix seconds or as an aware datetime. It replaces the system clock in tests.
///
/// Create a webhook once and share it between threads. It never shows a secret, and it cannot be pickled.
///
/// >>> webhook = Webhook("whsec_c2VjcmV0", max_event_age=900)
/// >>> webhook
/// <Webhook, secrets hidden>
#[pyclass(frozen, weakref, module = "clarife_webhooks")]
pub(crate) struct Webhook {
    core: CoreWebhook,
    standard_webhooks: bool,
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
        // A TypeError comes before an invalid secret.
        let seconds = |value: Option<_>, name| value.map(|value| arguments::whole_seconds(value, name)).transpose();
        let tolerance = tolerance.map(|value| arguments::tolerance(value, "tolerance")).transpose()?;
        let max_event_age = seconds(max_event_age, "max_event_age")?;
        if let Some(clock) = clock.filter(|clock| !clock.is_callable()) {
            return Err(wrong_type("clock", "a function", clock));
        }
        let mut webhook = arguments::webhook(secrets, "secrets")?;
        if let Some(tolerance) = tolerance {
            webhook = webhook.with_tolerance(tolerance);
        }
        if let Some(age) = max_event_age {
            webhook = webhook.with_max_event_age(age);
        }
        if standard_webhooks {
            webhook = webhook.require_standard_webhooks().map_err(|error| exception(secrets.py(), &error))?;
        }
        let clock = clock.map(|clock| clock.clone().unbind());
        Ok(Self { core: webhook, standard_webhooks, max_event_age, clock })
    }

    /// Verifies a delivery and returns its event.
    ///
    /// `body` is the raw body, byte for byte as received. `signature` is the X-Clarife-Signature header, or all headers
    /// of the request: a mapping, a WSGI environ or ASGI's list of pairs. Standard Webhooks need all headers. `now` is
    /// the current time, in Unix seconds or as an aware datetime. The default is the time of the clock.
    ///
    /// Raises WebhookError if the delivery is refused, TypeError if an argument has a wrong type.
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
        let event = self.verify_body(py, &raw, signature, now)?.map_err(|error| refusal(py, &error, signature))?;
        Event::new(&raw, &event)
    }

    /// Signs a body as clarife does, for tests. Returns the value of the X-Clarife-Signature header.
    ///
    /// `timestamp` is in Unix seconds or an aware datetime. The default is the time of the clock.
    ///
    /// >>> Webhook("whsec_c2VjcmV0").sign(b"{}", timestamp=1711612800)
    /// 't=1711612800,v1=f2a9d48be51b03e17422a1499a4cdb7f8400afd0aa4cf50f34b9852d223553bb'
    #[pyo3(signature = (body, *, timestamp=None))]
    fn sign(&self, py: Python<'_>, body: &Bound<'_, PyAny>, timestamp: Option<&Bound<'_, PyAny>>) -> PyResult<String> {
        let raw = arguments::body(body, "body")?;
        let raw = raw.as_bytes();
        let timestamp = self.time(py, timestamp, "timestamp")?;
        without_gil(py, raw.len(), || self.core.sign(raw, timestamp))
            .map_err(|error| PyTypeError::new_err(error.to_string()))
    }

    /// Signs a body with the scheme of Standard Webhooks, for tests. Returns their three headers.
    ///
    /// `id` is the event id. `timestamp` is in Unix seconds or an aware datetime. The default is the time of the clock.
    /// Raises WebhookError (invalid_secret) if a secret is not base64.
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
        let timestamp = self.time(py, timestamp, "timestamp")?;
        let signed = without_gil(py, raw.len(), || self.core.sign_standard(raw, &id, timestamp));
        let headers = signed.map_err(|error| match error {
            StandardSignError::Secret(error) => exception(py, &error),
            error => PyTypeError::new_err(error.to_string()),
        })?;
        headers.pairs().into_py_dict(py)
    }

    /// The maximum event age in seconds, or None if it is off.
    #[getter]
    const fn max_event_age(&self) -> Option<u64> {
        self.max_event_age
    }

    fn __repr__(&self) -> &'static str {
        "<Webhook, secrets hidden>"
    }

    /// Returns the webhook itself, because it cannot change.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Webhook cannot be pickled, because it holds signing secrets: create one in each process",
        ))
    }

    /// Visits the clock for the garbage collector: it can refer to this webhook.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.clock)
    }
}

/// Returns True if a delivery is genuine. It replaces the function in clarife's documentation.
///
/// The result is True exactly if `Webhook(secret).verify(payload, signature)` returns an event. `payload` is the raw
/// body. A parsed body or an invalid secret raises WebhookError.
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
    let core = arguments::webhook(secret, "secret")?;
    let webhook = Webhook { core, standard_webhooks: false, max_event_age: None, clock: None };
    let raw = arguments::body(payload, "payload")?;
    Ok(webhook.verify_body(py, &raw, signature, None)?.is_ok())
}

/// Returns True if `type` is one of `EVENT_TYPES`. Type checkers narrow by it.
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
    /// Verifies a body. The outer error is an argument of a wrong type; the inner one refuses the delivery.
    fn verify_body<'b>(
        &self,
        py: Python<'_>,
        raw: &'b Bound<'_, PyBytes>,
        signature: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Result<CoreEvent<'b>, WebhookError>> {
        let raw = raw.as_bytes();
        if self.standard_webhooks {
            let headers = arguments::standard_headers(signature)?;
            return Ok(verify(py, &self.core, raw, &headers, self.time(py, now, "now")?));
        }
        let signature = arguments::signature(signature)?;
        Ok(verify(py, &self.core, raw, signature.as_deref(), self.time(py, now, "now")?))
    }

    /// Returns the time of the argument, or else of the clock, or else of Python's clock.
    fn time(&self, py: Python<'_>, argument: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<UnixTime> {
        match (argument, &self.clock) {
            (Some(time), _) => arguments::time(time, name),
            (None, Some(clock)) => arguments::time(&clock.bind(py).call0()?, "the clock's time"),
            (None, None) => arguments::now(py),
        }
    }
}

/// Creates the exception of a refused delivery. Its hint names the signature of another sender.
fn refusal(py: Python<'_>, error: &WebhookError, signature: &Bound<'_, PyAny>) -> PyErr {
    if error.code() == ErrorCode::MissingSignature
        && let Ok(Some(name)) = arguments::other_signature(signature)
    {
        return exception_with_hint(py, error, &format!("{name}{OTHER_SENDER}"));
    }
    exception(py, error)
}

/// Verifies a body by the given time.
fn verify<'b, 'h>(
    py: Python<'_>,
    webhook: &CoreWebhook,
    raw: &'b [u8],
    signature: impl SignatureSource<'h> + Send,
    now: UnixTime,
) -> Result<CoreEvent<'b>, WebhookError> {
    without_gil(py, raw.len(), || webhook.verify_at(raw, signature, now))
}

/// Runs `work` on a body with this number of bytes. For a large body, it releases the GIL meanwhile.
///
/// The bytes must be immutable; see `arguments::body`.
fn without_gil<T: Send>(py: Python<'_>, bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    /// Measured: releasing the GIL costs 60 ns if no other thread waits for it. Beside a thread that runs Python code,
    /// taking it back can take the switch interval of the interpreter, 5 ms. A body of this size is 24 µs of work; from
    /// here on, two threads verify 1.6 times as much as one.
    const MIN_BYTES: usize = 32 * 1024;
    if bytes < MIN_BYTES { work() } else { py.detach(work) }
}
