"""Dispatch: exactly one function runs for an event, by its type."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import NOW, SECRET, envelope

from clarife_webhooks import EVENT_TYPES, Handlers, Webhook, receive

WEBHOOK = Webhook(SECRET, clock=lambda: NOW)


def fail(event: object) -> None:
    raise AssertionError("called for the wrong event")


def dispatched(handlers: Handlers, type: Any) -> Any:
    seen: list[Any] = []
    handlers.seen = seen  # type: ignore[attr-defined]
    body = envelope(type=type, data="{}")
    assert receive(WEBHOOK, body, WEBHOOK.sign(body), handlers).code == "handled"
    return seen


def full() -> Handlers:
    handlers = Handlers()

    @handlers.on("document.updated")
    def updated(event: Any) -> None:
        handlers.seen.append("document.updated")  # type: ignore[attr-defined]

    @handlers.on("document.*")
    @handlers.on("share.*")
    def group(event: Any) -> None:
        handlers.seen.append("group")  # type: ignore[attr-defined]

    @handlers.otherwise
    def otherwise(event: Any) -> None:
        handlers.seen.append("otherwise")  # type: ignore[attr-defined]

    return handlers


@pytest.mark.parametrize("type", [*EVENT_TYPES, "document.archived", "document", "document.updated.twice", "video.rendered", "share.", ".*", "document.*"])
def test_exactly_one_function_runs(type: str) -> None:
    group = type.startswith(("document.", "share."))  # a type without a dot has no group
    expected = "document.updated" if type == "document.updated" else "group" if group else "otherwise"
    assert dispatched(full(), type) == [expected]


def test_an_event_without_a_function_is_handled() -> None:
    handlers = Handlers()
    handlers.on("media.*")(fail)
    assert dispatched(handlers, "document.updated") == []


@pytest.mark.parametrize("wrong", ["document.renamed", "document", "*", "document.", "documents.*", "", "Document.updated"])
def test_unknown_patterns(wrong: Any) -> None:
    with pytest.raises(ValueError, match="unknown event type"):
        Handlers().on(wrong)


def test_one_function_for_each_pattern() -> None:
    handlers = full()
    for again in ("document.updated", "document.*"):
        with pytest.raises(ValueError, match="has a function already"):
            handlers.on(again)
    with pytest.raises(ValueError, match="has a function already"):
        handlers.otherwise(print)
    for wrong in (None, "a name"):
        with pytest.raises(TypeError, match="^a handler must be a function"):
            Handlers().on("media.*")(wrong)  # type: ignore[type-var]
        with pytest.raises(TypeError, match="^a handler must be a function"):
            Handlers().otherwise(wrong)  # type: ignore[arg-type]


def test_handlers_are_a_function() -> None:
    body = envelope()
    event = WEBHOOK.verify(body, WEBHOOK.sign(body))
    handlers = Handlers()
    assert handlers(event) is None
    handlers.otherwise(lambda event: event.id)
    assert handlers(event) == "evt_1"


def test_decorators_return_the_function() -> None:
    def function(event: Any) -> None: ...

    handlers = Handlers()
    assert handlers.on("media.uploaded")(function) is handlers.otherwise(function) is function


def test_types() -> None:
    assert Handlers().types == ()
    handlers = Handlers()
    handlers.otherwise(print)
    handlers.on("share.*")(print)
    handlers.on("document.updated")(print)
    handlers.on("share.created")(print)
    assert handlers.types == ("document.updated", "share.created", "share.updated", "share.deleted")
    for group in ("document.*", "project.*", "folder.*", "media.*", "generation.*"):
        handlers._on(group)(print)
    assert handlers.types == EVENT_TYPES
