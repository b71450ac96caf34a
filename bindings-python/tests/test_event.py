"""`Event`: members, immutability, equality, pickling, pattern matching."""

from __future__ import annotations

import copy
import gc
import json
import multiprocessing
import pickle
import weakref
from datetime import datetime, timedelta, timezone
from typing import Any, get_origin

import pytest
from helpers import NOW, SECRET, envelope, verified
from pydantic import TypeAdapter, ValidationError

from clarife_webhooks import EVENT_TYPES, Document, DocumentUpdatedEvent, Event, Webhook, WebhookError, parse_trusted


def test_members() -> None:
    body = envelope(id="evt_é", data='{"title":"Zażółć","n":[1,2.5,null,true]}')
    event = verified(body)
    assert (event.id, event.type, event.raw) == ("evt_é", "document.updated", body)
    assert event.created_at == datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    assert event.created_at.tzinfo is timezone.utc
    assert event.data == {"title": "Zażółć", "n": [1, 2.5, None, True]}


def test_known_types_are_one_object_each_and_unknown_ones_come_through() -> None:
    for name in EVENT_TYPES:
        event = verified(envelope(type=name))
        assert event.type == name
        assert event.type is verified(envelope(type=name)).type
    assert verified(envelope(type="vidéo.rendered")).type == "vidéo.rendered"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-28T14:00:00.1234567+02:00", datetime(2026, 3, 28, 12, 0, 0, 123456, tzinfo=timezone.utc)),
        ("1969-12-31T23:59:59.9999999Z", datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)),
        ("1960-01-01t00:00:00.0000001z", datetime(1960, 1, 1, tzinfo=timezone.utc)),
        ("0000-01-01T00:00:00Z", datetime.min.replace(tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00+23:59", datetime.min.replace(tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00.000001Z", datetime.min.replace(tzinfo=timezone.utc, microsecond=1)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=timezone.utc)),
        ("9999-12-31T23:59:59-23:59", datetime.max.replace(tzinfo=timezone.utc)),
    ],
)
def test_created_at_is_rounded_down_and_clamped_to_datetime(text: str, expected: datetime) -> None:
    assert verified(envelope(created_at=text)).created_at == expected


def test_data_is_parsed_once() -> None:
    event = verified(envelope())
    assert event.data is event.data
    event.data["mine"] = 1
    assert event.data == {"title": "Start", "mine": 1}
    assert json.loads(event.raw)["data"] == {"title": "Start"}


def test_raw_is_the_callers_bytes_or_a_copy_of_a_mutable_body() -> None:
    body = envelope()
    assert verified(body).raw is body
    for changeable in (bytearray(body), memoryview(bytearray(body))):
        event = verified(changeable)
        changeable[:] = b"x" * len(body)
        assert event.raw == body
        assert event.data == {"title": "Start"}
    assert verified(body.decode()).raw == body

    class Named(bytes):
        pass

    assert type(verified(Named(body)).raw) is bytes


def test_it_cannot_be_changed_created_or_extended() -> None:
    event = verified(envelope())
    for name in ("id", "type", "created_at", "data", "raw", "other"):
        with pytest.raises(AttributeError):
            setattr(event, name, None)
        with pytest.raises(AttributeError):
            delattr(event, name)
    with pytest.raises(TypeError):
        Event()
    with pytest.raises(TypeError):
        Event.__new__(Event)
    with pytest.raises(TypeError):
        type("Mine", (Event,), {})


def test_equality_and_hash_are_those_of_the_raw_body() -> None:
    one, same, other = verified(envelope()), verified(bytearray(envelope())), verified(envelope() + b" ")
    assert one == same and hash(one) == hash(same)
    assert one != other
    assert len({one, same, other}) == 2
    assert one != one.raw and one != None  # noqa: E711
    with pytest.raises(TypeError):
        one < other


def test_repr_shows_no_data() -> None:
    event = verified(envelope(id="evt_'1'", type="a.b", data='{"title":"private"}'))
    event.data
    assert repr(event) == (
        """Event(id="evt_'1'", type='a.b', created_at=datetime.datetime(2026, 3, 28, 12, 0, tzinfo=datetime.timezone.utc))"""
    )
    assert str(event) == repr(event)


def test_match() -> None:
    def read(event: Any) -> Any:
        match event:
            case Event(type="document.updated", data={"title": str(title)}):
                return title
            case Event("media.uploaded", data):
                return data
            case Event(id=id):
                return id

    assert read(verified(envelope())) == "Start"
    assert read(verified(envelope(type="media.uploaded", data="{}"))) == {}
    assert read(verified(envelope(type="folder.created"))) == "evt_1"


def test_annotations_work_at_run_time() -> None:
    assert get_origin(DocumentUpdatedEvent) is Event
    assert isinstance(verified(envelope()), Event)
    with pytest.raises(TypeError):
        isinstance(verified(envelope()), DocumentUpdatedEvent)  # type: ignore[misc]


def test_pydantic_accepts_the_types_of_data() -> None:
    assert TypeAdapter(Document).validate_python(verified(envelope()).data) == {"title": "Start"}
    with pytest.raises(ValidationError):
        TypeAdapter(Document).validate_python({"title": 1})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    event = verified(envelope())
    event.data["mine"] = 1
    again = pickle.loads(pickle.dumps(event, protocol))
    assert again == event
    assert (again.id, again.type, again.created_at) == (event.id, event.type, event.created_at)
    assert again.data == {"title": "Start"}
    assert SECRET.encode() not in pickle.dumps(event, protocol)


def test_a_damaged_pickle_is_refused() -> None:
    pickled = pickle.dumps(verified(envelope()), 0)
    with pytest.raises(WebhookError) as caught:
        pickle.loads(pickled.replace(b"created_at", b"created_on"))
    assert caught.value.code == "malformed_payload"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_have_data_of_their_own(copied: Any) -> None:
    event = verified(envelope())
    again = copied(event)
    assert again == event and again is not event
    again.data.clear()
    assert event.data == {"title": "Start"}


def _title(event: Any) -> tuple[str, Any, bool]:
    return event.type, event.data["title"], event == verified(envelope())


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_events_travel_to_other_processes_and_errors_back(method: str) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(_title, (verified(envelope()),)) == ("document.updated", "Start", True)
        with pytest.raises(WebhookError) as caught:
            pool.apply(verified, (b"[]",))
    assert caught.value.code == "malformed_payload"
    assert caught.value.hint


def test_an_event_inside_its_own_data_is_collected() -> None:
    class Marker:
        pass

    event = verified(envelope())
    marker = Marker()
    event.data.update(event=event, marker=marker)
    gone = weakref.ref(marker)
    del event, marker
    gc.collect()
    assert gone() is None


def test_max_event_age_is_exact() -> None:
    body = envelope(created_at="2026-03-28T11:59:59.999999999Z")
    webhook = Webhook(SECRET, max_event_age=1)
    signature = webhook.sign(body, timestamp=NOW)
    assert webhook.verify(body, signature, now=NOW)
    with pytest.raises(WebhookError) as caught:
        webhook.verify(body, signature, now=datetime(2026, 3, 28, 12, tzinfo=timezone.utc) + timedelta(seconds=1))
    assert caught.value.code == "event_too_old"


def test_parse_trusted_checks_no_signature() -> None:
    event = verified(envelope())
    for stored in (event.raw, event.raw.decode(), bytearray(event.raw)):
        assert parse_trusted(stored) == event
    assert parse_trusted(event.raw).data == event.data
    with pytest.raises(WebhookError) as caught:
        parse_trusted(b"[]")
    assert caught.value.code == "malformed_payload"
    with pytest.raises(WebhookError) as caught:
        parse_trusted({"id": "evt_1"})  # type: ignore[arg-type]
    assert caught.value.code == "body_not_raw"
    with pytest.raises(TypeError, match="^raw must "):
        parse_trusted(5)  # type: ignore[arg-type]
