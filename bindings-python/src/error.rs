//! The core's errors as Python's exceptions.

use clarife_webhooks::{ErrorCode, WebhookError};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

/// The exception for a refusal. Its class is written in Python: the stable ABI of 3.10 cannot extend `Exception`.
pub(crate) fn refusal(py: Python<'_>, error: &WebhookError) -> PyErr {
    raised(py, error).map_or_else(|error| error, PyErr::from_value)
}

fn raised<'py>(py: Python<'py>, error: &WebhookError) -> PyResult<Bound<'py, PyAny>> {
    /// What makes an exception, and for each code what it takes to make one without particulars: class, code, message, hint.
    type Made = (Py<PyAny>, Vec<(ErrorCode, Py<PyTuple>)>);
    static MADE: PyOnceLock<Made> = PyOnceLock::new();
    // Strangers cause refusals, so what all of one code have in common is made once.
    let (new, plain) = MADE.get_or_try_init(py, || {
        let class = py.import("clarife_webhooks._error")?.getattr("WebhookError")?;
        let plain = ErrorCode::ALL.into_iter().map(|code| {
            let arguments = (&class, code.as_str(), WebhookError::from(code).to_string(), code.hint());
            Ok((code, arguments.into_pyobject(py)?.unbind()))
        });
        // `__new__` keeps the arguments, and the class's `__init__`, a third of the time of making one, is there for no more.
        PyResult::Ok((class.getattr("__new__")?.unbind(), plain.collect::<PyResult<_>>()?))
    })?;
    let code = error.code();
    let known = plain.iter().find(|(known, _)| *known == code);
    let arguments = known.ok_or_else(|| PyValueError::new_err(UNKNOWN))?.1.bind(py);
    if *error == code.into() {
        return new.bind(py).call1(arguments);
    }
    new.bind(py).call1((arguments.get_item(0)?, arguments.get_item(1)?, error.to_string(), arguments.get_item(3)?))
}

const UNKNOWN: &str = "code must be one of ERROR_CODES";

/// The exception for a code that needs no particulars, to be raised in Python.
#[pyfunction]
#[pyo3(name = "refusal", signature = (code, /))]
pub(crate) fn refusal_of_code(py: Python<'_>, code: &str) -> PyResult<Py<PyAny>> {
    let known = ErrorCode::ALL.into_iter().find(|known| known.as_str() == code);
    let code = known.ok_or_else(|| PyValueError::new_err(UNKNOWN))?;
    Ok(refusal(py, &code.into()).into_value(py).into_any())
}

/// The exception for an argument of the wrong type: it names the argument, and what was given by its type only.
pub(crate) fn wrong_type(name: &str, wanted: &str, given: &Bound<'_, PyAny>) -> PyErr {
    match given.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("{name} must be {wanted}, not {kind}")),
        Err(error) => error,
    }
}
