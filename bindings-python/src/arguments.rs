//! What Python code passes, as what the core takes.

use std::borrow::Cow;

use clarife_webhooks::standard::{self, StandardHeaders};
use clarife_webhooks::{ErrorCode, SIGNATURE_HEADER, Webhook};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList, PyMapping,
    PyMemoryView, PySequence, PyString, PyStringMethods, PyTuple, PyTzInfo,
};

use crate::error::{refusal, wrong_type};

/// A body, as bytes that nobody can change any more: the caller's own where they are `bytes`, a copy otherwise.
pub(crate) fn body<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyBytes>> {
    let py = value.py();
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return text.encode_utf8().or_else(|_| without_surrogates(text));
    }
    let changeable = value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>();
    if changeable || value.is_instance_of::<PyBytes>() {
        return Ok(PyMemoryView::from(value)?.call_method0("tobytes")?.cast_into()?);
    }
    // Mappings and sequences come out of a JSON parser; what has headers is a framework's request.
    if is_list(value) || value.is_instance(&py.get_type::<PyMapping>())? || value.hasattr("headers")? {
        return Err(refusal(py, &ErrorCode::BodyNotRaw.into()));
    }
    if value.hasattr("__await__")? {
        return Err(PyTypeError::new_err(format!("{name} must be awaited first")));
    }
    Err(wrong_type(name, "bytes, bytearray, memoryview or str", value))
}

/// A text with lone surrogates, which cannot be in what was signed: with U+FFFD for each, as in every other language, the
/// signature does not match.
fn without_surrogates<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    let units = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
    let units = units.cast::<PyBytes>()?.as_bytes().as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let replaced: String = char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Ok(PyBytes::new(text.py(), replaced.as_bytes()))
}

/// The value of the signature header: given as such, or found in any container of headers.
///
/// A header that is there several times has its values joined, as HTTP does it, which the core then refuses.
pub(crate) fn signature<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Cow<'a, [u8]>>> {
    match text(value) {
        Some(header) => Ok(Some(header)),
        None => headers(value, [SIGNATURE_HEADER]).map(|[header]| header.map(Cow::Owned)),
    }
}

/// The headers of Standard Webhooks, found likewise; one header's value alone has none of them.
pub(crate) fn standard_headers(value: &Bound<'_, PyAny>) -> PyResult<StandardHeaders<'static>> {
    if text(value).is_some() {
        return Ok(StandardHeaders::default());
    }
    let [id, timestamp, signature] = headers(value, standard::HEADERS)?.map(|value| {
        // What is not UTF-8 is malformed with U+FFFD in it as well.
        Cow::Owned(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
    });
    Ok(StandardHeaders { id, timestamp, signature })
}

/// The values of headers in any container of them. What is no pair but text in a list is a value of the first.
fn headers<const N: usize>(value: &Bound<'_, PyAny>, names: [&str; N]) -> PyResult<[Option<Vec<u8>>; N]> {
    let mut found = [const { Vec::new() }; N];
    if value.is_none() {
        return Ok([const { None }; N]);
    }
    if let Ok(headers) = value.cast_exact::<PyDict>() {
        // `for_each` locks the dict where there is no GIL, and no Python code runs meanwhile that could change it.
        headers.iter().for_each(|(name, value)| {
            if let Some(values) = place(&name, names, &mut found) {
                values.push(value);
            }
        });
    } else if let Some(items) = value.getattr_opt("items")? {
        pick(&items.call0()?, names, &mut found)?;
    } else if value.hasattr("__iter__")? {
        pick(value, names, &mut found)?;
    } else {
        return Err(wrong_type("signature", "the signature header, the request's headers or None", value));
    }
    let mut headers = [const { None }; N];
    for (header, values) in headers.iter_mut().zip(&found) {
        *header = join(values)?;
    }
    Ok(headers)
}

/// Picks the headers' values out of pairs of names and values; what is no pair but text is a value itself.
fn pick<'py, const N: usize>(
    items: &Bound<'py, PyAny>,
    names: [&str; N],
    found: &mut [Vec<Bound<'py, PyAny>>; N],
) -> PyResult<()> {
    for pair in items.try_iter()? {
        let pair = pair?;
        if text(&pair).is_some() {
            if let [values] = found.as_mut_slice() {
                values.push(pair);
            }
            continue;
        }
        if !is_list(&pair) || pair.len()? != 2 {
            return Err(PyTypeError::new_err(
                "signature must hold the header's values, or pairs of a header's name and its value",
            ));
        }
        if let Some(values) = place(&pair.get_item(0)?, names, found) {
            values.push(pair.get_item(1)?);
        }
    }
    Ok(())
}

/// Where the values of a header of that name go: its own name, or the one that WSGI and CGI give it.
fn place<'a, T, const N: usize>(name: &Bound<'_, PyAny>, names: [&str; N], found: &'a mut [T; N]) -> Option<&'a mut T> {
    let name = text(name)?;
    let from_wsgi = name.split_at_checked(5).filter(|(prefix, _)| prefix.eq_ignore_ascii_case(b"HTTP_"));
    let from_wsgi = from_wsgi.map(|(_, rest)| rest.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }));
    let is = |wanted: &&str| {
        name.eq_ignore_ascii_case(wanted.as_bytes())
            || from_wsgi.clone().is_some_and(|name| name.map(|byte| byte.to_ascii_lowercase()).eq(wanted.bytes()))
    };
    found.get_mut(names.iter().position(is)?)
}

/// Joins values that are text, lists of texts or None.
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
            nothing => nothing.insert(Vec::new()),
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

/// Whole Unix seconds, rounded down.
pub(crate) fn seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<i64> {
    if let Some(number) = whole(value) {
        return number.extract().or_else(|_| Ok(if number.lt(0)? { i64::MIN } else { i64::MAX }));
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = number.value().floor();
        if !number.is_finite() {
            return Err(PyTypeError::new_err(format!("{name} must be a finite number")));
        }
        return Ok(number as i64); // `as` saturates
    }
    if let Ok(moment) = value.cast::<PyDateTime>() {
        if moment.call_method0("utcoffset")?.is_none() {
            return Err(PyTypeError::new_err(format!("{name} must be an aware datetime, not a naive one")));
        }
        let since = moment.sub(epoch(value.py())?)?;
        let since = since.cast::<PyDelta>().map_err(|_| wrong_type(name, TIME_TYPES, value))?;
        return Ok(i64::from(since.get_days()).saturating_mul(86_400).saturating_add(since.get_seconds().into()));
    }
    Err(wrong_type(name, TIME_TYPES, value))
}

const TIME_TYPES: &str = "Unix seconds (int or float) or an aware datetime";

/// The start of Unix time, aware. Arithmetic with it is exact, which `datetime.timestamp()` is not.
pub(crate) fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyDateTime>> {
    static EPOCH: PyOnceLock<Py<PyDateTime>> = PyOnceLock::new();
    let epoch = EPOCH.get_or_try_init(py, || {
        PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&*PyTzInfo::utc(py)?)).map(Bound::unbind)
    })?;
    Ok(epoch.bind(py))
}

/// An option in whole seconds.
pub(crate) fn whole_seconds(value: &Bound<'_, PyAny>, name: &str) -> PyResult<u64> {
    const WANTED: &str = "a whole number of seconds, 0 or more";
    let number = whole(value).ok_or_else(|| wrong_type(name, WANTED, value))?;
    if number.lt(0)? {
        return Err(PyTypeError::new_err(format!("{name} must be {WANTED}")));
    }
    Ok(number.extract().unwrap_or(u64::MAX))
}

/// An `int` that is not a `bool`.
fn whole<'a, 'py>(value: &'a Bound<'py, PyAny>) -> Option<&'a Bound<'py, PyInt>> {
    value.cast::<PyInt>().ok().filter(|_| !value.is_instance_of::<PyBool>())
}

/// A verifier for one secret, or for several. The secrets are borrowed from Python's strings, never copied.
pub(crate) fn keyed(secrets: &Bound<'_, PyAny>, name: &str) -> PyResult<Webhook> {
    let py = secrets.py();
    let wrong = |given: &_| wrong_type(name, "a str or a sequence of str", given);
    let mut texts = Vec::new();
    if let Ok(text) = secrets.cast::<PyString>() {
        texts.push(text.clone());
    } else if secrets.is_instance(&py.get_type::<PySequence>())? && !secrets.is_instance_of::<PyBytes>() {
        for secret in secrets.try_iter()? {
            texts.push(secret?.cast_into().map_err(|error| wrong(&error.into_inner()))?);
        }
    } else {
        return Err(wrong(secrets));
    }
    // What is no Unicode text cannot be a secret; Python's own error would quote it.
    let texts: Result<Vec<&str>, PyErr> = texts.iter().map(PyStringMethods::to_str).collect();
    let texts = texts.map_err(|_| refusal(py, &ErrorCode::InvalidSecret.into()))?;
    Webhook::from_secrets(texts).map_err(|error| refusal(py, &error))
}
