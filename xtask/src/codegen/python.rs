//! Python: the types that checkers see, the class whose method has one for each type of event, and constants.

use std::fmt::Write as _;

use clarife_webhooks::flow::{Outcome, Step};
use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, ErrorCode, EventType, RAW_BODY_HINTS, WebhookResponse, dedup};

use super::flow;
use super::{Kind, NOTE, is_published, json_name, literal, resource_of, resources, type_name};

pub(super) fn file() -> String {
    let mut file = Module { text: format!("# {NOTE}\n{HEAD}"), names: Vec::new() };
    file.resources();
    file.literals();
    file.events();
    file.end()
}

/// The frameworks of [`RAW_BODY_HINTS`] that are Python's.
const RAW_BODY_FRAMEWORKS: [&str; 6] = ["asgi", "fastapi", "wsgi", "flask", "django", "aiohttp"];

/// Returns the module with the constants and the flow of receiving.
pub(super) fn constants() -> String {
    let statuses = ErrorCode::ALL.iter().map(|code| format!("    {:?}: {},\n", code.as_str(), code.status()));
    let statuses: String = statuses.collect();
    let responses = WebhookResponse::ALL.iter().map(|response| {
        let (code, status, headers) = (response.code(), response.status(), dict(response.headers()));
        format!("    {code:?}: ({status}, {headers}, b{}),\n", literal(&response.body()))
    });
    let responses: String = responses.collect();
    let logged: String = flow::logged().iter().map(|code| format!("    {code:?},\n")).collect();
    let hints: String = RAW_BODY_HINTS
        .iter()
        .filter(|(framework, _)| RAW_BODY_FRAMEWORKS.contains(framework))
        .map(|(framework, hint)| format!("    {framework:?}: {hint:?},\n"))
        .collect();
    format!(
        r#"# {NOTE}
"""The constants of receiving, the steps of the flow, and the keys of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode, ResponseCode

ERROR_STATUS: Final[dict[ErrorCode, int]] = {{
{statuses}}}
"""The HTTP status of the response to a refused delivery."""

RESPONSE_HEADERS: Final[dict[str, str]] = {}
"""The headers of the response to a refused delivery."""

RESPONSES: Final[dict[str, tuple[int, dict[str, str], bytes]]] = {{
{responses}}}
"""All other responses by code: status, headers and body."""

LOGGED_CODES: Final[frozenset[ResponseCode]] = frozenset((
{logged}))
"""The codes of the errors that are logged where no `on_error` is set: the receiver's own, not those of strangers."""

RAW_BODY_HINTS: Final[dict[str, str]] = {{
{hints}}}
"""How the body stays raw, by framework: the hint of `body_not_raw` where the framework is known."""

DEFAULT_MAX_BODY_BYTES: Final = {DEFAULT_MAX_BODY_BYTES}
"""The largest body that a receiver reads unless set otherwise, in bytes."""

DEFAULT_CLAIM_TTL: Final = {}
"""The time to live of a claim unless set otherwise, in seconds."""

DEFAULT_DONE_TTL: Final = {}
"""The time to live of a done mark unless set otherwise, in seconds; the event's replay window where that is longer."""

STORE_TIMEOUT: Final = {}
"""The time after which a receiver gives up on a step of a store, in seconds."""

STORE_LATE: Final = {:?}
"""The message of the error of a step that took longer."""

STORE_KEY_PREFIX: Final = {:?}
"""The start of every key of a shared store; the event's id follows."""

STORE_DONE: Final = {:?}
"""The value of a done mark in a shared store."""

STORE_RELEASE_SCRIPT: Final = {:?}
"""The script of Redis that releases a claim: it deletes KEYS[1] if that holds the token ARGV[1]."""
{}"#,
        dict(flow::headers()),
        dedup::DEFAULT_CLAIM_TTL.as_secs(),
        dedup::DEFAULT_DONE_TTL.as_secs(),
        dedup::STORE_TIMEOUT.as_secs(),
        dedup::StoreLate.to_string(),
        dedup::KEY_PREFIX,
        dedup::DONE,
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
"""A step of receiving a verified delivery; `handle_claimed` is the handler with a claim on the event."""

FlowOutcome: TypeAlias = Literal[{}]
"""The outcome of a step."""


class FlowTransition(NamedTuple):
    """The consequences of an outcome."""

    report: Literal["handler_failed", "store_unavailable"] | None = None
    """The code under which the step's error is reported."""
    response: ResponseCode | None = None
    """The response, which no later step changes."""
    next: FlowStep | None = None
    """The next step; without one the flow ends."""


FLOW_START_WITH_STORE: Final = {:?}
"""The first step with a store."""

FLOW_START_WITHOUT_STORE: Final = {:?}
"""The first step without a store."""

FLOW: Final[dict[FlowStep, dict[FlowOutcome, FlowTransition]]] = {{
{rows}}}
"""The consequences of every outcome that a step can have (`core/src/receiving/flow.rs`)."""
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

const HEAD: &str = r#""""The types of events, for type checkers: what `data` holds by the event's type."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict, Union

from clarife_webhooks._native import Event
"#;

/// A Python module being written, and the names it exports.
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
                "\n\nclass {}(TypedDict, total=False):\n    \"\"\"{} clarife may leave any member out, or send more.\"\"\"\n",
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
            "A type of event that this version knows, of `EVENT_TYPES`.",
        );
        let groups = groups().into_iter().map(|(group, _)| format!("{:?}", format!("{group}.*")));
        self.alias(
            "EventPattern",
            &list("Literal", types.iter().map(|name| format!("{name:?}")).chain(groups)),
            "A type of event that this version knows, or a group of them, for `Handlers.on`.",
        );
        let codes = ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str()));
        self.alias(
            "ErrorCode",
            &list("Literal", codes),
            "What is wrong with a delivery or a secret, of `ERROR_CODES`.",
        );
        let responses = WebhookResponse::ALL.iter().map(|response| format!("{:?}", response.code()));
        self.alias(
            "ResponseCode",
            &list("Literal", ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str())).chain(responses)),
            "What an adapter answers.",
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
            let doc = format!("An event of a type that begins with `{group}.`, such as one that clarife adds later.");
            self.alias(&name, &list("Union", known.chain([later])), &doc);
        }
        let known = EventType::KNOWN.iter().map(|event| format!("{}Event", type_name(*event)));
        self.alias("KnownEvent", &list("Union", known), "An event of a type that this version knows.");
        self.alias(
            "UnknownEvent",
            "Event[Literal[\"<any other type>\"], dict[str, Any]]",
            "An event of a type that this version does not know. Its `type` is some other str: checkers are given a literal that\n\
             nothing equals, because they narrow by `event.type` only where it is a literal in every case.",
        );
        self.alias(
            "WebhookEvent",
            "Union[KnownEvent, UnknownEvent]",
            "What `Webhook.verify` gives; comparing `type` narrows `data`.",
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

/// The module of `Handlers`: its `on` has an overload for each type of event and each group of types.
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

const HANDLERS_HEAD: &str = r#""""`Handlers`: one function for each type of event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from clarife_webhooks._dispatch import Dispatch
"#;

const HANDLERS_CLASS: &str = r#"

class Handlers(Dispatch):
    """Functions that handle events by their type. It takes the place of a handler everywhere.

    Exactly one function runs for an event: that of its type, else that of its group (`document.*`), else `otherwise`'s. Where
    there is none, the event counts as handled.

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

    Functions may be coroutines (`async def`) where the adapter is asynchronous.
    """

"#;

const HANDLERS_ON: &str = r#"    def on(self, pattern: EventPattern, /) -> Callable[[Any], Any]:
        """Decorates the function for a type of event (`document.updated`) or a group of types (`document.*`).

        Type checkers know the function's event by the pattern; several decorators may stand on one function. Raises ValueError
        if this version knows no such type, or if the pattern has its function already.

        >>> @Handlers().on("media.uploaded")
        ... def uploaded(event):
        ...     print(event.data.get("filename"))
        """
        return self._on(pattern)
"#;

/// The groups of types, as `document` and `DocumentEvent`.
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

/// What stands before the dot of a type's name.
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
