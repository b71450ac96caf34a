//! Python: the types that checkers see, the class whose method has one for each type of event, and constants.

use std::fmt::Write as _;

use clarife_webhooks::{DEFAULT_MAX_BODY_BYTES, ErrorCode, EventType, RAW_BODY_HINTS, WebhookResponse, dedup};

use super::{Kind, NOTE, is_published, json_name, resource_of, resources, type_name};

pub(super) fn file() -> String {
    let mut file = Module { text: format!("# {NOTE}\n{HEAD}"), names: Vec::new() };
    file.resources();
    file.literals();
    file.events();
    file.end()
}

/// The frameworks of [`RAW_BODY_HINTS`] that are Python's.
const RAW_BODY_FRAMEWORKS: [&str; 6] = ["asgi", "fastapi", "wsgi", "flask", "django", "aiohttp"];

/// What adapters and stores read.
pub(super) fn constants() -> String {
    let statuses = ErrorCode::ALL.iter().map(|code| format!("    {:?}: {},\n", code.as_str(), code.status()));
    let statuses: String = statuses.collect();
    let responses = WebhookResponse::ALL
        .iter()
        .map(|response| format!("    {:?}: ({}, {:?}),\n", response.code(), response.status(), response.message()));
    let responses: String = responses.collect();
    let hints: String = RAW_BODY_HINTS
        .iter()
        .filter(|(framework, _)| RAW_BODY_FRAMEWORKS.contains(framework))
        .map(|(framework, hint)| format!("    {framework:?}: {hint:?},\n"))
        .collect();
    format!(
        r#"# {NOTE}
"""The defaults and responses of adapters, and what stores have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode

ERROR_STATUS: Final[dict[ErrorCode, int]] = {{
{statuses}}}
"""The HTTP status to answer a refused delivery with."""

RESPONSES: Final[dict[str, tuple[int, str]]] = {{
{responses}}}
"""What else an adapter answers: status and message by code."""

RAW_BODY_HINTS: Final[dict[str, str]] = {{
{hints}}}
"""How the body stays raw, by framework: the hint of `body_not_raw` where the framework is known."""

DEFAULT_MAX_BODY_BYTES: Final = {DEFAULT_MAX_BODY_BYTES}
"""The largest body that adapters read unless told otherwise."""

DEFAULT_CLAIM_TTL: Final = {}
"""How long a claim lasts, in seconds, unless set otherwise."""

DEFAULT_DONE_TTL: Final = {}
"""How long it is known that an event was handled, in seconds, unless set otherwise or the maximum event age is longer."""

STORE_KEY_PREFIX: Final = {:?}
"""What stands before an event's id in the keys of a shared store."""

STORE_DONE: Final = {:?}
"""What a shared store holds for an event that was handled."""

STORE_RELEASE_SCRIPT: Final = {:?}
"""The script of Redis that releases a claim: KEYS[1] goes if it holds the token ARGV[1]."""
"#,
        dedup::DEFAULT_CLAIM_TTL.as_secs(),
        dedup::DEFAULT_DONE_TTL.as_secs(),
        dedup::KEY_PREFIX,
        dedup::DONE,
        dedup::RELEASE_SCRIPT,
    )
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
