"""Narrowing of events by type.

mypy and pyright narrow by `event.type ==` and by `match event.type`; pyright also narrows by a class pattern.
"""

from datetime import datetime
from typing import Any

from typing_extensions import assert_type

from clarife_webhooks import (
    Block,
    Document,
    DocumentUpdatedEvent,
    Event,
    EventType,
    KnownEvent,
    MediaUploadedEvent,
    Webhook,
    is_known_event_type,
)

webhook = Webhook(["whsec_bmV3", "whsec_b2xk"], tolerance=60, max_event_age=900)
event = webhook.verify(b"", "t=1,v1=00")

assert_type(event.id, str)
assert_type(event.created_at, datetime)
assert_type(event.raw, bytes)


def title(document: Document) -> str | None:
    return document.get("title")


def changed(event: DocumentUpdatedEvent) -> list[Block]:
    return event.data.get("content", {}).get("blocks", [])


if event.type == "document.updated":
    assert_type(event, DocumentUpdatedEvent)
    assert_type(event.data, Document)
    assert_type(event.data.get("title"), str | None)
    title(event.data)
    changed(event)
    event.data["titel"]  # type: ignore[typeddict-item] # pyright: ignore[reportGeneralTypeIssues]
    event.data["title"] = 1  # type: ignore[typeddict-item] # pyright: ignore[reportGeneralTypeIssues]
elif event.type == "media.uploaded":
    assert_type(event, MediaUploadedEvent)
    title(event.data)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    if "file_size_bytes" in event.data:
        assert_type(event.data["file_size_bytes"], int)
    event.data["size"]  # type: ignore[typeddict-item] # pyright: ignore[reportGeneralTypeIssues]
elif event.type == "document.renamed":  # type: ignore[comparison-overlap] # pyright: ignore[reportUnnecessaryComparison]
    ...

# events_generated.py has a case for every type.
match event.type:
    case "project.created" | "project.updated" | "folder.deleted":
        assert_type(event.data, dict[str, Any])
    case "share.created" | "share.updated" | "share.deleted":
        assert_type(event.data.get("allowed_emails", []), list[str])
        assert_type(event.data.get("expires_at"), str | None)
    case "media.uploaded":
        assert_type(event.data.get("file_size_bytes", 0), int)
    case _:
        print("another type:", event.type.upper())


def by_name(name: str) -> None:
    if is_known_event_type(name):
        assert_type(name, EventType)
    else:
        assert_type(name, str)


def any_event(event: Event) -> None:
    """Accepts every event: without parameters, `Event` has any type and any data."""
    assert_type(event.type, str)
    assert_type(event.data, Any)


def known_event(event: KnownEvent) -> None:
    any_event(event)


any_event(event)

event.id = "evt_2"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
print(event.nothing)  # type: ignore[union-attr] # pyright: ignore


class Mine(Event):  # type: ignore[misc] # pyright: ignore[reportGeneralTypeIssues]
    ...
