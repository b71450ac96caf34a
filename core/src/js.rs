//! JavaScript (feature `js`): events and errors as its values.

use js_sys::{JSON, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::{Event, WebhookError};

/// An object with the members `id`, `type`, `created_at` and `data`, as in the body: the event of the npm package.
///
/// JavaScript itself parses `data`, so that its numbers and texts are those of `JSON.parse`.
impl From<&Event<'_>> for JsValue {
    fn from(event: &Event<'_>) -> Self {
        // Cannot fail: the event is valid JSON.
        let parse = |json: &str| JSON::parse(json).unwrap_or_default();
        let created_at = event.raw().get(event.layout().created_at).unwrap_or_default();
        object(
            Object::new().into(),
            [
                ("id", event.id().into()),
                ("type", event.event_type().as_str().into()),
                ("created_at", parse(created_at)),
                ("data", parse(event.data())),
            ],
        )
    }
}

/// As the conversion of `&Event`.
impl From<Event<'_>> for JsValue {
    fn from(event: Event<'_>) -> Self {
        Self::from(&event)
    }
}

/// An `Error` with the name `WebhookError`, the message, and the members `code` and `hint`: the error of the npm package.
///
/// A function that returns `Result<_, WebhookError>` to JavaScript throws it.
impl From<&WebhookError> for JsValue {
    fn from(error: &WebhookError) -> Self {
        let thrown = js_sys::Error::new(&alloc::format!("{error}"));
        thrown.set_name("WebhookError");
        object(thrown.into(), [("code", error.code().as_str().into()), ("hint", error.hint().into())])
    }
}

/// As the conversion of `&WebhookError`.
impl From<WebhookError> for JsValue {
    fn from(error: WebhookError) -> Self {
        Self::from(&error)
    }
}

/// Prints a line with a method of JavaScript's console, if the host has a console.
#[cfg(all(feature = "adapters", not(feature = "tracing"), target_family = "wasm", target_os = "unknown"))]
pub(crate) fn print(method: &str, line: &str) {
    use wasm_bindgen::JsCast as _;

    let member = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
    let console = member(&js_sys::global(), "console");
    if let Ok(method) = member(&console, method).dyn_into::<js_sys::Function>() {
        let _ = method.call1(&console, &line.into());
    }
}

/// Sets members of a new object.
fn object<const N: usize>(object: JsValue, members: [(&str, JsValue); N]) -> JsValue {
    for (name, value) in members {
        // Cannot fail: a new object takes every member.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}
