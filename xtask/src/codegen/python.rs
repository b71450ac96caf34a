//! Python: the types that checkers see.

use std::fmt::Write as _;

use clarife_webhooks::{Answer, DEFAULT_MAX_BODY_BYTES, ErrorCode, EventType, once};

use super::{Kind, NOTE, is_published, json_name, resource_of, resources, type_name};

pub(super) fn file() -> String {
    let mut file = Module { text: format!("# {NOTE}\n{HEAD}"), names: Vec::new() };
    file.resources();
    file.literals();
    file.events();
    file.end()
}

/// What adapters and stores read.
pub(super) fn constants() -> String {
    let statuses = ErrorCode::ALL.iter().map(|code| format!("    {:?}: {},\n", code.as_str(), code.status()));
    let statuses: String = statuses.collect();
    let answers = Answer::ALL
        .iter()
        .map(|answer| format!("    {:?}: ({}, {:?}),\n", answer.code(), answer.status(), answer.message()));
    let answers: String = answers.collect();
    format!(
        r#"# {NOTE}
"""The defaults and answers of adapters, and what stores have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode

ERROR_STATUS: Final[dict[ErrorCode, int]] = {{
{statuses}}}
"""The HTTP status to answer a refused delivery with."""

ANSWERS: Final[dict[str, tuple[int, str]]] = {{
{answers}}}
"""What else an adapter answers: status and message by code."""

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
        once::DEFAULT_CLAIM_TTL.as_secs(),
        once::DEFAULT_DONE_TTL.as_secs(),
        once::KEY_PREFIX,
        once::DONE,
        once::RELEASE_SCRIPT,
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
        let codes = ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str()));
        self.alias(
            "ErrorCode",
            &list("Literal", codes),
            "What is wrong with a delivery or a secret, of `ERROR_CODES`.",
        );
        let answers = Answer::ALL.iter().map(|answer| format!("{:?}", answer.code()));
        self.alias(
            "AnswerCode",
            &list("Literal", ErrorCode::ALL.iter().map(|code| format!("{:?}", code.as_str())).chain(answers)),
            "What an adapter answers.",
        );
    }

    fn events(&mut self) {
        for event in EventType::KNOWN {
            let value = format!("Event[Literal[{:?}], {}]", event.as_str(), resource_of(event));
            self.alias(&format!("{}Event", type_name(event)), &value, event.description());
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
