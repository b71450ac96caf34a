//! The core's errors as Python's exceptions.

use clarife_webhooks::{ErrorCode, WebhookError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// The exception for a refusal. Its class is written in Python: the stable ABI of 3.10 cannot extend `Exception`.
pub(crate) fn refusal(py: Python<'_>, error: &WebhookError) -> PyErr {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    // `__new__` keeps the arguments, and its `__init__`, a third of the time of making one, is there for no more.
    CLASS
        .import(py, "clarife_webhooks._error", "WebhookError")
        .and_then(|class| {
            let arguments = (class, error.code().as_str(), error.to_string(), error.hint());
            class.call_method1(intern!(py, "__new__"), arguments)
        })
        .map_or_else(|error| error, PyErr::from_value)
}

/// The exception for a code that needs no particulars, to be raised in Python.
#[pyfunction]
#[pyo3(name = "refusal", signature = (code, /))]
pub(crate) fn refusal_of_code(py: Python<'_>, code: &str) -> PyResult<Py<PyAny>> {
    let known = ErrorCode::ALL.into_iter().find(|known| known.as_str() == code);
    let code = known.ok_or_else(|| PyValueError::new_err("code must be one of ERROR_CODES"))?;
    Ok(refusal(py, &code.into()).into_value(py).into_any())
}

/// The exception for an argument of the wrong type: it names the argument, and what was given by its type only.
pub(crate) fn wrong_type(name: &str, wanted: &str, given: &Bound<'_, PyAny>) -> PyErr {
    match given.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("{name} must be {wanted}, not {kind}")),
        Err(error) => error,
    }
}
