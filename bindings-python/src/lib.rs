//! Native module of the Python package `clarife_webhooks`. It converts between Python objects and the core.

mod arguments;
mod dedup;
mod error;
mod event;
mod webhook;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Refuses a second interpreter in the process, on every version of Python: the classes and the cached objects of this
/// module belong to the interpreter that imports it first. From Python 3.12 on, Python itself refuses.
fn refuse_second_interpreter(py: Python<'_>) -> PyResult<()> {
    /// `sys` of the first interpreter. Each interpreter has its own, and this reference keeps its address taken.
    static SYS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let sys = py.import("sys")?;
    if SYS.get_or_init(py, || sys.clone().unbind()).is(&sys) {
        return Ok(());
    }
    Err(PyImportError::new_err(
        "cannot import clarife_webhooks: another interpreter of this process has imported it, and subinterpreters are not \
         supported; run one application in a process (uWSGI: --single-interpreter, mod_wsgi: WSGIApplicationGroup %{GLOBAL})",
    ))
}

/// Native module of clarife_webhooks.
#[pymodule(gil_used = false)]
mod _native {
    use clarife_webhooks::{ErrorCode, SIGNATURE_HEADER, standard};
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_export]
    use super::dedup::{ClaimTable, store_key};
    #[pymodule_export]
    use super::error::error_from_code;
    #[pymodule_export]
    use super::event::{Event, parse_trusted};
    #[pymodule_export]
    use super::webhook::{Webhook, is_known_event_type, verify_webhook_signature};

    #[pymodule_init]
    fn constants(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        crate::refuse_second_interpreter(py)?;
        module.add("SIGNATURE_HEADER", SIGNATURE_HEADER)?;
        module.add("STANDARD_HEADERS", PyTuple::new(py, standard::HEADERS)?)?;
        module.add("EVENT_TYPES", crate::event::event_types(py)?)?;
        module.add("ERROR_CODES", PyTuple::new(py, ErrorCode::ALL.map(ErrorCode::as_str))?)
    }
}
