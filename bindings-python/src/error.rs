//! Python exceptions for the errors of the core.

use clarife_webhooks::{ErrorCode, WebhookError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Converts an error into the exception `WebhookError`. Its class is Python code: the stable ABI of 3.10 cannot extend
/// `Exception`.
pub(crate) fn exception(py: Python<'_>, error: &WebhookError) -> PyErr {
    exception_with_hint(py, error, error.hint())
}

/// As [`exception`], with another hint.
pub(crate) fn exception_with_hint(py: Python<'_>, error: &WebhookError, hint: &str) -> PyErr {
    instance(py, error, hint).map_or_else(|error| error, PyErr::from_value)
}

fn instance<'py>(py: Python<'py>, error: &WebhookError, hint: &str) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let code = error.code();
    let class = CLASS.import(py, "clarife_webhooks._error", "WebhookError")?;
    class.call1((code.as_str(), error.to_string(), hint))
}

/// Creates the exception with a code and its default message.
#[pyfunction]
#[pyo3(signature = (code, /))]
pub(crate) fn error_from_code(py: Python<'_>, code: &str) -> PyResult<Py<PyAny>> {
    let code = ErrorCode::ALL.into_iter().find(|known| known.as_str() == code);
    let code = code.ok_or_else(|| PyValueError::new_err("code must be one of ERROR_CODES"))?;
    Ok(instance(py, &code.into(), code.hint())?.unbind())
}

/// Creates the exception for an argument of the wrong type. It names the argument and its type, never its value.
pub(crate) fn wrong_type(name: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(type_name) => PyTypeError::new_err(format!("{name} must be {expected}, not {type_name}")),
        Err(error) => error,
    }
}
