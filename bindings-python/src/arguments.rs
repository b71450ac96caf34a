//! Conversion of Python arguments to the types of the core.

use std::borrow::Cow;

use clarife_webhooks::standard::{self, StandardHeaders};
use clarife_webhooks::{ErrorCode, OTHER_SIGNATURE_HEADERS, SIGNATURE_HEADER, UnixTime, Webhook};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList, PyMapping, PyMemoryView,
    PySequence, PyString, PyStringMethods, PyTuple, PyType, PyTzInfo,
};

use crate::error::{exception, wrong_type};

/// Returns a body as immutable bytes: the caller's own object if it is `bytes`, otherwise a copy.
pub(crate) fn body<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    let py = value.py();
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return text.encode_utf8().or_else(|_| replace_surrogates(text));
    }
    let mutable = value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>();
    if mutable || value.is_instance_of::<PyBytes>() {
        return Ok(PyMemoryView::from(value)?.call_method0("tobytes")?.cast_into()?);
    }
    // Mappings and sequences are parsed JSON; an object with headers is a request of a framework. A framework that read no
    // body leaves None.
    if value.is_none()
        || is_list(value)
        || value.is_instance(&py.get_type::<PyMapping>())?
        || value.hasattr("headers")?
    {
        return Err(exception(py, &ErrorCode::BodyNotRaw.into()));
    }
    if value.hasattr("__await__")? {
        return Err(PyTypeError::new_err(format!("{name} must be awaited first")));
    }
    Err(wrong_type(name, "bytes, bytearray, memoryview or str", value))
}

/// Encodes a text with lone surrogates, replacing each by U+FFFD. No signed body has them, so the signature will not
/// match, as in the other languages.
fn replace_surrogates<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    let units = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
    let units = units.cast::<PyBytes>()?.as_bytes().as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    Ok(PyBytes::new(text.py(), decoded.collect::<String>().as_bytes()))
}

/// Returns the value of the signature header. `value` is the header itself, or any container of headers.
///
/// Several headers with this name are joined, as HTTP does; the core rejects the result.
pub(crate) fn signature<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Cow<'a, [u8]>>> {
    match text(value) {
        Some(header) => Ok(Some(header)),
        None => headers(value, [SIGNATURE_HEADER]).map(|[header]| header.map(Cow::Owned)),
    }
}

/// Returns the headers of Standard Webhooks from any container of headers. The value of a single header contains none
/// of them.
pub(crate) fn standard_headers(value: &Bound<'_, PyAny>) -> PyResult<StandardHeaders<'static>> {
    if text(value).is_some() {
        return Ok(StandardHeaders::default());
    }
    let [id, timestamp, signature] = headers(value, standard::HEADERS)?.map(|value| {
        // Invalid UTF-8 becomes U+FFFD, which is malformed as well.
        Cow::Owned(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    });
    Ok(StandardHeaders { id, timestamp, signature })
}

/// Returns the values of the named headers from any container of headers. See [`collect`] for strings in a list.
fn headers<const N: usize>(container: &Bound<'_, PyAny>, names: [&str; N]) -> PyResult<[Option<Vec<u8>>; N]> {
    let mut found = [const { Vec::new() }; N];
    if container.is_none() {
        return Ok([const { None }; N]);
    }
    if let Ok(headers) = container.cast_exact::<PyDict>() {
        // `for_each` locks the dict where there is no GIL. No Python code runs meanwhile that could change it.
        headers.iter().for_each(|(name, value)| {
            if let Some(values) = values_of(&name, names, &mut found) {
                values.push(value);
            }
        });
    } else if let Some(items) = container.getattr_opt("items")? {
        collect(&items.call0()?, names, &mut found)?;
    } else if container.hasattr("__iter__")? {
        collect(container, names, &mut found)?;
    } else {
        return Err(wrong_type("signature", "the signature header, the request's headers or None", container));
    }
    let mut headers = [const { None }; N];
    for (header, values) in headers.iter_mut().zip(&found) {
        *header = join(values)?;
    }
    Ok(headers)
}

/// Collects the values of the named headers from pairs of a name and a value. If only one header is named, a string in
/// place of a pair is one of its values.
fn collect<'py, const N: usize>(
    items: &Bound<'py, PyAny>,
    names: [&str; N],
    found: &mut [Vec<Bound<'py, PyAny>>; N],
) -> PyResult<()> {
    for item in items.try_iter()? {
        let item = item?;
        if text(&item).is_some() {
            if let [values] = found.as_mut_slice() {
                values.push(item);
            }
            continue;
        }
        if !is_list(&item) || item.len()? != 2 {
            return Err(PyTypeError::new_err(
                "signature must hold the header's values, or pairs of a header's name and its value",
            ));
        }
        if let Some(values) = values_of(&item.get_item(0)?, names, found) {
            values.push(item.get_item(1)?);
        }
    }
    Ok(())
}

/// Returns the entry of `found` for a header name. WSGI's and CGI's form of the name (`HTTP_…`) is accepted too.
fn values_of<'a, T, const N: usize>(
    name: &Bound<'_, PyAny>,
    names: [&str; N],
    found: &'a mut [T; N],
) -> Option<&'a mut T> {
    let name = text(name)?;
    let cgi = name.split_at_checked(5).filter(|(prefix, _)| prefix.eq_ignore_ascii_case(b"HTTP_"));
    let cgi = cgi.map(|(_, rest)| rest.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }));
    let matches = |header: &&str| {
        name.eq_ignore_ascii_case(header.as_bytes())
            || cgi.clone().is_some_and(|name| name.map(|byte| byte.to_ascii_lowercase()).eq(header.bytes()))
    };
    found.get_mut(names.iter().position(matches)?)
}

/// Joins the values of a header with `, `. Each value is a string, a list of strings or None.
fn join(values: &[Bound<'_, PyAny>]) -> PyResult<Option<Vec<u8>>> {
    let mut joined: Option<Vec<u8>> = None;
    let mut add = |value: &Bound<'_, PyAny>| -> PyResult<()> {
        if value.is_none() {
            return Ok(());
        }
        let value =
            text(value).ok_or_else(|| wrong_type("signature", "headers whose signature is str or bytes", value))?;
        let joined = match &mut joined {
            Some(joined) => {
                joined.extend_from_slice(b", ");
                joined
            }
            none => none.insert(Vec::new()),
        };
        joined.extend_from_slice(&value);
        Ok(())
    };
    for value in values {
        if is_list(value) {
            value.try_iter()?.try_for_each(|value| add(&value?))?;
        } else {
            add(value)?;
        }
    }
    Ok(joined)
}

fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()
}

/// Returns the bytes of a str or bytes object.
fn text<'a>(value: &'a Bound<'_, PyAny>) -> Option<Cow<'a, [u8]>> {
    if let Ok(text) = value.cast::<PyString>() {
        Some(match text.to_string_lossy() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    } else {
        value.cast::<PyBytes>().ok().map(|bytes| Cow::Borrowed(bytes.as_bytes()))
    }
}

/// Returns the time of Python's clock. Libraries that stop or move the time in tests replace `time.time`, and with it the
/// clocks of the stores and of the samples.
pub(crate) fn now(py: Python<'_>) -> PyResult<UnixTime> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import(intern!(py, "time")).map(Bound::unbind))?;
    time(&module.bind(py).call_method0(intern!(py, "time"))?, "the result of time.time()")
}

/// Converts a time to whole Unix seconds, rounded down.
pub(crate) fn time(value: &Bound<'_, PyAny>, name: &str) -> PyResult<UnixTime> {
    unix_seconds(value, name).map(UnixTime::from_secs)
}

fn unix_seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<i64> {
    if let Some(number) = integer(value) {
        return number.extract().or_else(|_| Ok(if number.lt(0)? { i64::MIN } else { i64::MAX }));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = number.value().floor();
        if !number.is_finite() {
            return Err(PyTypeError::new_err(format!("{name} must be a finite number")));
        }
        return Ok(number as i64); // `as` saturates
    }
    if value.is_instance(datetime_type(value.py())?)? {
        if value.call_method0("utcoffset")?.is_none() {
            return Err(PyTypeError::new_err(format!("{name} must be an aware datetime, not a naive one")));
        }
        let elapsed = value.sub(unix_epoch(value.py())?)?;
        let elapsed = elapsed.cast::<PyDelta>().map_err(|_| wrong_type(name, TIME_TYPES, value))?;
        return Ok(i64::from(elapsed.get_days()).saturating_mul(86_400).saturating_add(elapsed.get_seconds().into()));
    }
    Err(wrong_type(name, TIME_TYPES, value))
}

const TIME_TYPES: &str = "Unix seconds (int or float) or an aware datetime";

/// Returns the start of Unix time as an aware datetime. Arithmetic with it is exact; `datetime.timestamp()` is not.
pub(crate) fn unix_epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static UNIX_EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let epoch = UNIX_EPOCH.get_or_try_init(py, || {
        datetime_type(py)?.call1((1970, 1, 1, 0, 0, 0, 0, &*PyTzInfo::utc(py)?)).map(Bound::unbind)
    })?;
    Ok(epoch.bind(py))
}

/// Returns the class `datetime`, and not its subclass that freezegun puts in its place. PyO3 keeps the class that it finds
/// at the first use, and real datetimes are no instances of freezegun's.
fn datetime_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static DATETIME: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = DATETIME.get_or_try_init(py, || -> PyResult<Py<PyType>> {
        let found = py.import("datetime")?.getattr("datetime")?.cast_into::<PyType>()?;
        for class in found.getattr("__mro__")?.try_iter()? {
            let class = class?.cast_into::<PyType>()?;
            if class.name()? == "datetime" && class.module()? == "datetime" {
                return Ok(class.unbind());
            }
        }
        Ok(found.unbind())
    })?;
    Ok(class.bind(py))
}

/// Converts an option in whole seconds.
pub(crate) fn whole_seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<u64> {
    const EXPECTED: &str = "a whole number of seconds, 0 or more";
    let number = integer(value).ok_or_else(|| wrong_type(name, EXPECTED, value))?;
    if number.lt(0)? {
        return Err(PyTypeError::new_err(format!("{name} must be {EXPECTED}")));
    }
    Ok(number.extract().unwrap_or(u64::MAX))
}

/// Returns a tolerance in seconds, and refuses one that looks like milliseconds.
pub(crate) fn tolerance(value: &Bound<'_, PyAny>, name: &str) -> PyResult<u64> {
    let seconds = whole_seconds(value, name)?;
    if clarife_webhooks::is_likely_milliseconds(seconds) {
        return Err(PyValueError::new_err(format!("{name} must be in seconds: {seconds} looks like milliseconds")));
    }
    Ok(seconds)
}

/// Returns the first signature header of another sender in any container of headers.
pub(crate) fn other_signature(value: &Bound<'_, PyAny>) -> PyResult<Option<&'static str>> {
    if text(value).is_some() {
        return Ok(None);
    }
    let found = headers(value, OTHER_SIGNATURE_HEADERS)?;
    Ok(OTHER_SIGNATURE_HEADERS.into_iter().zip(found).find_map(|(name, value)| value.map(|_| name)))
}

/// Returns an `int`, unless it is a `bool`.
fn integer<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyInt>> {
    value.cast::<PyInt>().ok().filter(|_| !value.is_instance_of::<PyBool>())
}

/// Creates a webhook from one secret or several; `None` is no secret. The secrets are borrowed from the Python strings, never copied.
pub(crate) fn webhook(secrets: &Bound<'_, PyAny>, name: &str) -> PyResult<Webhook> {
    let py = secrets.py();
    let type_error = |value: &_| wrong_type(name, "a str or a sequence of str", value);
    let mut texts = Vec::new();
    if let Ok(text) = secrets.cast::<PyString>() {
        texts.push(text.clone());
    } else if secrets.is_instance(&py.get_type::<PySequence>())? && !secrets.is_instance_of::<PyBytes>() {
        for secret in secrets.try_iter()? {
            texts.push(secret?.cast_into().map_err(|error| type_error(&error.into_inner()))?);
        }
    } else if !secrets.is_none() {
        return Err(type_error(secrets));
    }
    // A str with lone surrogates cannot be a secret; Python's own error would quote it.
    let texts: Result<Vec<&str>, PyErr> = texts.iter().map(PyStringMethods::to_str).collect();
    let texts = texts.map_err(|_| exception(py, &ErrorCode::InvalidSecret.into()))?;
    Webhook::from_secrets(texts).map_err(|error| exception(py, &error))
}
