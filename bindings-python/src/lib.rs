//! Native module of the Python package `clarife_webhooks`. It converts between Python objects and the core.

mod arguments;
mod dedup;
mod error;
mod event;
mod webhook;

use pyo3::prelude::*;

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
        module.add("SIGNATURE_HEADER", SIGNATURE_HEADER)?;
        module.add("STANDARD_HEADERS", PyTuple::new(py, standard::HEADERS)?)?;
        module.add("EVENT_TYPES", crate::event::event_types(py)?)?;
        module.add("ERROR_CODES", PyTuple::new(py, ErrorCode::ALL.map(ErrorCode::as_str))?)
    }
}
