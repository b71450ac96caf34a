//! Python: types for type checkers, `Handlers` with an overload for each event type, and constants.

use std::fmt::Write as _;

use clarife_webhooks::flow::{Outcome, Step};
use clarife_webhooks::refusals::{CONTENT_ENCODED, REFUSAL_LOG_INTERVAL, REFUSALS_NOT_LOGGED};
use clarife_webhooks::{
    BODY_TIMEOUT, DEFAULT_MAX_BODY_BYTES, ERROR_REFERENCE, ErrorCode, EventType, WebhookResponse, dedup,
};

use super::flow;
use super::{Kind, NOTE, event_resources, is_published, json_name, literal, resource_of, resources, type_name};
use crate::frameworks::Language;

pub(super) fn file() -> String {
    let mut file = Module { text: format!("# {NOTE}\n{HEAD}"), names: Vec::new() };
    file.resources();
    file.literals();
    file.events();
    file.end()
}

/// Returns the module with the constants and the flow of receiving.
pub(super) fn constants() -> String {
    let statuses = ErrorCode::ALL.iter().map(|code| format!("    {:?}: {},\n", code.as_str(), code.status()));
    let statuses: String = statuses.collect();
    let responses = WebhookResponse::ALL.iter().map(|response| {
        let (code, status, headers) = (response.code(), response.status(), dict(response.headers()));
        format!("    {code:?}: ({status}, {headers}, b{}),\n", literal(&response.body()))
    });
    let responses: String = responses.collect();
    let server_errors: String = flow::server_errors().iter().map(|code| format!("    {code:?},\n")).collect();
    let hints: String =
        Language::Python.hints().map(|(adapter, hint)| format!("    {adapter:?}: {hint:?},\n")).collect();
    format!(
        r#"# {NOTE}
"""Constants of receiving: responses, defaults, the flow of a delivery, and the keys of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode, ResponseCode

ERROR_STATUS: Final[dict[ErrorCode, int]] = {{
{statuses}}}
"""The HTTP status of the response to a refused delivery, by error code."""

ERROR_REFERENCE: Final = {ERROR_REFERENCE:?}
"""The address of the section on an error, without the error's code at its end."""

RESPONSE_HEADERS: Final[dict[str, str]] = {}
"""The headers of the response to a refused delivery."""

RESPONSES: Final[dict[str, tuple[int, dict[str, str], bytes]]] = {{
{responses}}}
"""All other responses, by code: status, headers and body."""

SERVER_ERRORS: Final[frozenset[ResponseCode]] = frozenset((
{server_errors}))
"""The codes of the server's own errors. Every other code of an error belongs to a refused delivery."""

REFUSAL_LOG_INTERVAL: Final = {}
"""The time in which a receiver logs at most one refusal of an error code, in seconds."""

REFUSALS_NOT_LOGGED: Final = {REFUSALS_NOT_LOGGED:?}
"""The end of a line that follows refusals which were not logged. Their number comes after it."""

RAW_BODY_HINTS: Final[dict[str, str]] = {{
{hints}}}
"""Hint of `body_not_raw`, by framework."""

DEFAULT_MAX_BODY_BYTES: Final = {DEFAULT_MAX_BODY_BYTES}
"""The default limit of a request body, in bytes."""

BODY_TIMEOUT: Final = {}
"""The time after which a receiver gives up on a body, in seconds."""

DEFAULT_CLAIM_TTL: Final = {}
"""The default time to live of a claim, in seconds."""

DEFAULT_DONE_TTL: Final = {}
"""The default time to live of a done mark, in seconds. A longer replay window of the event takes precedence."""

CONTENT_ENCODED: Final = {CONTENT_ENCODED:?}
"""The rest of the message for a body with a content encoding, after the message of `signature_mismatch`."""

STORE_TIMEOUT: Final = {}
"""The time after which a receiver gives up on a call of a store, in seconds."""

STORE_LATE: Final = {:?}
"""The message of the error of a call that took longer."""

RETURNED_RESPONSE: Final = {:?}
"""The message of the error of a handler that returned an error response."""

RESPONSE_TIMEOUT: Final = {}
"""The time that clarife waits for a response, in seconds."""

SLOW_HANDLER: Final = {:?}
"""The warning after a handler that took longer."""

STORE_KEY_PREFIX: Final = {:?}
"""The prefix of every key in a shared store. The event id follows."""

STORE_DONE: Final = {:?}
"""The value of a done mark in a shared store."""

STORE_EVICTED: Final = {:?}
"""The warning of a store in memory that has removed a done mark which was still alive."""

STORE_RELEASE_SCRIPT: Final = {:?}
"""The Redis script that releases a claim: it deletes KEYS[1] if its value is the token ARGV[1]."""
{}"#,
        dict(flow::headers()),
        REFUSAL_LOG_INTERVAL.as_secs(),
        BODY_TIMEOUT.as_secs(),
        dedup::DEFAULT_CLAIM_TTL.as_secs(),
        dedup::DEFAULT_DONE_TTL.as_secs(),
        dedup::STORE_TIMEOUT.as_secs(),
        dedup::StoreLate.to_string(),
        clarife_webhooks::flow::RETURNED_RESPONSE,
        clarife_webhooks::flow::RESPONSE_TIMEOUT.as_secs(),
        clarife_webhooks::flow::SLOW_HANDLER,
        dedup::KEY_PREFIX,
        dedup::DONE,
        dedup::EVICTED,
        dedup::RELEASE_SCRIPT,
        receiving(),
    )
}

/// Returns the flow of receiving, for a driver.
fn receiving() -> String {
    let names = |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let rows: String = flow::table()
        .iter()
        .map(|(step, outcomes)| {
            let outcomes: String = outcomes
                .iter()
                .map(|(outcome, transition)| {
                    let members = flow::members(transition);
                    let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                    format!("        {:?}: FlowTransition({}),\n", outcome.name(), members.join(", "))
                })
                .collect();
            format!("    {:?}: {{\n{outcomes}    }},\n", step.name())
        })
        .collect();
    format!(
        r#"
FlowStep: TypeAlias = Literal[{}]
"""A step of receiving a verified delivery. `handle_claimed` calls the handler while the receiver has a claim."""

FlowOutcome: TypeAlias = Literal[{}]
"""The outcome of a step."""


class FlowTransition(NamedTuple):
    """The consequences of an outcome."""

    report: Literal["handler_failed", "store_unavailable"] | None = None
    """The code for reporting the error of the step."""
    response: ResponseCode | None = None
    """The response. No later step changes it."""
    next: FlowStep | None = None
    """The next step, or None at the end of the flow."""


FLOW_START_WITH_STORE: Final = {:?}
"""The first step with a store."""

FLOW_START_WITHOUT_STORE: Final = {:?}
"""The first step without a store."""

FLOW: Final[dict[FlowStep, dict[FlowOutcome, FlowTransition]]] = {{
{rows}}}
"""The consequences of each outcome of each step, as decided in `core/src/receiving/flow.rs`."""
"#,
        names(&Step::ALL.map(Step::name)),
        names(&Outcome::ALL.map(Outcome::name)),
        Step::start(true).name(),
        Step::start(false).name(),
    )
}

/// Returns a dict of strings, in one line.
fn dict(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{name:?}: {value:?}")).collect();
    format!("{{{}}}", members.join(", "))
}

const HEAD: &str = r#""""Event types for type checkers, with the type of `data` for each."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, Union

from clarife_webhooks._compat import TypedDict
from clarife_webhooks._native import Event
"#;

/// A Python module under construction, with the names it exports.
struct Module {
    text: String,
    names: Vec<String>,
}

impl Module {
    fn resources(&mut self) {
        for resource in resources().filter(|resource| is_published(resource)) {
            self.names.push(resource.name.into());
            let _ = write!(
                self.text,
                "\n\nclass {}(TypedDict, total=False):\n    \"\"\"{} clarife can omit any member and add others.\"\"\"\n",
                resource.name, resource.doc
            );
            for member in resource.members {
                let null = if member.nullable && member.kind != "Value" { " | None" } else { "" };
                let kind = kind(&Kind::of(member.kind));
                let _ =
                    write!(self.text, "\n    {}: {kind}{null}\n    \"\"\"{}\"\"\"\n", json_name(member), member.doc);
            }
        }
        self.text.push('\n');
        for resource in resources().filter(|resource| !is_published(resource)) {
            self.alias(resource.name, "dict[str, Any]", resource.doc);
        }
    }

    fn literals(&mut self) {
        let types: Vec<&str> = EventType::KNOWN.iter().map(|event| event.as_str()).collect();
        self.alias(
            "EventType",
            &list("Literal", types.iter().map(|name| format!("{name:?}"))),
            "An event type that this version knows, one of `EVENT_TYPES`.",
        );
        let groups = groups().into_iter().map(|(group, _)| format!("{:?}", format!("{group}.*")));
        self.alias(
            "EventPattern",
            &list("Literal", types.iter().map(|name| format!("{name:?}")).chain(groups)),
            "An event type that this version knows, or a group of event types, for `Handlers.on`.",
        );
        let codes = ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str()));
        self.alias("ErrorCode", &list("Literal", codes), "The code of a `WebhookError`, one of `ERROR_CODES`.");
        let responses = WebhookResponse::ALL.iter().map(|response| format!("{:?}", response.code()));
        self.alias(
            "ResponseCode",
            &list("Literal", ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str())).chain(responses)),
            "The code of a `WebhookResponse`.",
        );
    }

    fn events(&mut self) {
        for event in EventType::KNOWN {
            let value = format!("Event[Literal[{:?}], {}]", event.as_str(), resource_of(event));
            self.alias(&format!("{}Event", type_name(event)), &value, event.description());
        }
        for (group, name) in groups() {
            let events = EventType::KNOWN.iter().filter(|event| group_of(**event) == group);
            let known = events.map(|event| format!("{}Event", type_name(*event)));
            let later = "Event[Literal[\"<any other type>\"], Any]".to_owned();
            let doc = format!("An event whose type begins with `{group}.`, including types that clarife adds later.");
            self.alias(&name, &list("Union", known.chain([later])), &doc);
        }
        let known = EventType::KNOWN.iter().map(|event| format!("{}Event", type_name(*event)));
        self.alias("KnownEvent", &list("Union", known), "An event of a type that this version knows.");
        self.alias(
            "UnknownEvent",
            "Event[Literal[\"<any other type>\"], dict[str, Any]]",
            "An event of a type that this version does not know.\n\n\
             At run time, `type` is any other str. For type checkers, it is a literal that no type equals: they\n\
             narrow by `event.type` only if it is a literal in every member of the union.",
        );
        self.alias(
            "WebhookEvent",
            "Union[KnownEvent, UnknownEvent]",
            "The result of `Webhook.verify`. Comparing `type` narrows `data`.",
        );
    }

    fn alias(&mut self, name: &str, value: &str, doc: &str) {
        self.names.push(name.into());
        let _ = write!(self.text, "\n{name}: TypeAlias = {value}\n\"\"\"{doc}\"\"\"\n");
    }

    fn end(mut self) -> String {
        self.names.sort_unstable();
        self.text.push_str("\n__all__ = [\n");
        for name in self.names {
            let _ = writeln!(self.text, "    {name:?},");
        }
        self.text.push_str("]\n");
        self.text
    }
}

/// Returns the module of `Handlers`. Its method `on` has an overload for each event type and each group.
pub(super) fn handlers() -> String {
    let types = EventType::KNOWN.iter().map(|event| (event.as_str().to_owned(), format!("{}Event", type_name(*event))));
    let groups = groups().into_iter().map(|(group, name)| (format!("{group}.*"), name));
    let patterns: Vec<(String, String)> = types.chain(groups).collect();
    let mut imports: Vec<&str> = patterns.iter().map(|(_, event)| event.as_str()).collect();
    imports.push("EventPattern");
    imports.sort_unstable();
    imports.dedup();
    let mut text = format!("# {NOTE}\n{HANDLERS_HEAD}");
    let _ = writeln!(text, "from clarife_webhooks._types import (");
    for name in imports {
        let _ = writeln!(text, "    {name},");
    }
    text.push_str(")\n\n");
    for (_, event) in &patterns {
        let _ = writeln!(text, "_{event} = TypeVar(\"_{event}\", bound=Callable[[{event}], object])");
    }
    text.push_str(HANDLERS_CLASS);
    for (pattern, event) in &patterns {
        let _ = write!(
            text,
            "    @overload\n    def on(self, pattern: Literal[{pattern:?}], /) -> Callable[[_{event}], _{event}]: ...\n"
        );
    }
    text + HANDLERS_ON
}

const HANDLERS_HEAD: &str = r#""""`Handlers`: one function for each event type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from clarife_webhooks._dispatch import Dispatcher
"#;

const HANDLERS_CLASS: &str = r#"

class Handlers(Dispatcher):
    """Functions that handle events by type. Pass it as a handler.

    Exactly one function runs for an event: the one for its type, or else for its group (`document.*`), or else
    `otherwise`. An event without a function counts as handled.

    >>> handlers = Handlers()
    >>> @handlers.on("document.updated")
    ... def changed(event):
    ...     print("changed:", event.data.get("title"))
    >>> @handlers.on("document.*")
    ... def other_document(event):
    ...     print("a document:", event.type)
    >>> @handlers.otherwise
    ... def anything_else(event):
    ...     print("not for us:", event.type)

    >>> from clarife_webhooks.testing import sample_event, signed_request
    >>> webhook = Webhook("whsec_c2VjcmV0")
    >>> for type in ("document.updated", "document.created", "media.uploaded"):
    ...     request = signed_request(sample_event(type), webhook)
    ...     response = receive(webhook, request.body, request.headers, handlers)
    changed: Getting started
    a document: document.created
    not for us: media.uploaded

    With an asynchronous adapter, the functions can be coroutine functions (`async def`).
    """

"#;

const HANDLERS_ON: &str = r#"    def on(self, pattern: EventPattern, /) -> Callable[[Any], Any]:
        """Registers a function for an event type (`document.updated`) or a group (`document.*`). Use it as a decorator.

        Type checkers infer the event of the function from the pattern. One function can have several decorators.
        Raises ValueError if this version does not know the type, or if the pattern has a function already.

        >>> @Handlers().on("media.uploaded")
        ... def uploaded(event):
        ...     print(event.data.get("filename"))
        """
        return self._on(pattern)
"#;

/// Returns a program that narrows every event type, for type checkers.
pub(super) fn event_program() -> String {
    let resources: String = event_resources().iter().map(|name| format!("{name}, ")).collect();
    let mut program = format!(
        r#"# {NOTE}
"""Every event type that the core knows narrows an event to its data, and the default is an unknown event."""

from typing_extensions import assert_type

from clarife_webhooks import {resources}UnknownEvent, WebhookEvent


def narrow(event: WebhookEvent) -> None:
    match event.type:
"#
    );
    for event in EventType::KNOWN {
        let (name, data) = (event.as_str(), resource_of(event));
        let _ = write!(program, "        case {name:?}:\n            assert_type(event.data, {data})\n");
    }
    program + "        case _:\n            assert_type(event, UnknownEvent)\n"
}

/// Returns the groups of event types, for example `document` and `DocumentEvent`.
fn groups() -> Vec<(String, String)> {
    let mut groups: Vec<(String, String)> = Vec::new();
    for event in EventType::KNOWN {
        let group = group_of(event);
        if !groups.iter().any(|(known, _)| *known == group) {
            let name = format!("{}Event", resource_of(event));
            groups.push((group, name));
        }
    }
    groups
}

/// Returns the part of an event type before the dot.
fn group_of(event: EventType<'_>) -> String {
    event.as_str().split('.').next().unwrap_or_default().to_owned()
}

fn list(outer: &str, items: impl Iterator<Item = String>) -> String {
    let items: String = items.map(|item| format!("    {item},\n")).collect();
    format!("{outer}[\n{items}]")
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::String => "str".into(),
        Kind::Integer => "int".into(),
        Kind::Boolean => "bool".into(),
        Kind::Any => "Any".into(),
        Kind::Resource(name) => (*name).into(),
        Kind::List(item) => format!("list[{}]", self::kind(item)),
    }
}
