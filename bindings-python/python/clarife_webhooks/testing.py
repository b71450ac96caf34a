"""Helpers for tests of your handlers: sample events, signed deliveries, and a clock that the test moves.

>>> from clarife_webhooks import Webhook, receive
>>> from clarife_webhooks.testing import Clock, sample_event, signed_request
>>> clock = Clock()
>>> webhook = Webhook("whsec_c2VjcmV0", clock=clock)
>>> request = signed_request(sample_event("document.updated", data={"title": "Start"}), webhook)
>>> receive(webhook, request.body, request.headers, lambda event: print(event.data["title"])).status
Start
200
>>> clock.advance(301)
>>> receive(webhook, request.body, request.headers, print).code
'timestamp_too_old'

`test_event` creates an event for a test that calls a handler without a delivery.

For pytest, this package installs the fixture `clarife_webhooks`, a `Deliveries`. It signs with the fixture
`clarife_webhooks_secret`, which you can override:

    @pytest.fixture
    def clarife_webhooks_secret():
        return os.environ["CLARIFE_WEBHOOK_SECRET"]

    def test_a_renamed_document(clarife_webhooks, client):
        request = clarife_webhooks.signed_request("document.updated", data={"title": "Start"})
        assert client.post("/webhooks/clarife", content=request.body, headers=request.headers).status_code == 200
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypedDict, TypeVar, cast

from clarife_webhooks._native import SIGNATURE_HEADER, Event, Webhook, parse_trusted
from clarife_webhooks._samples import SAMPLES
from clarife_webhooks._types import EventType

__all__ = ["Clock", "Deliveries", "SampleEvent", "SignedRequest", "sample_event", "signed_request", "test_event"]

_Type = TypeVar("_Type", bound=EventType)


class Clock:
    """A clock that stands still until the test moves it. It starts at `start`, in Unix seconds or as an aware datetime,
    or now.

    Pass it to a webhook and to a store in memory: `Webhook(secret, clock=clock)`, `MemoryStore(clock=clock)`.

    >>> clock = Clock(1774699200)
    >>> clock.advance(60)
    >>> clock()
    1774699260
    """

    def __init__(self, start: float | datetime | None = None) -> None:
        self.set(time.time() if start is None else start)

    def __call__(self) -> float:
        """Returns the time in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves the clock by a number of seconds, which can be negative."""
        self._now += seconds

    def set(self, now: float | datetime) -> None:
        """Sets the clock to a time, in Unix seconds or as an aware datetime."""
        self._now: float = now.timestamp() if isinstance(now, datetime) else now


class SampleEvent(TypedDict):
    """An event as clarife sends it, before its conversion to JSON."""

    id: str
    type: str
    created_at: str
    data: dict[str, Any]


def sample_event(
    type: EventType,
    *,
    id: str | None = None,
    created_at: float | datetime | str | None = None,
    data: Mapping[str, Any] | None = None,
) -> SampleEvent:
    """Creates an event with a realistic resource, like clarife's test events.

    The default `id` is a new one. The default `created_at` is now; pass Unix seconds, an aware datetime or a string as
    on the wire. `data` is merged into the data of the sample. Raises ValueError if the type is not one of
    `EVENT_TYPES`.

    >>> event = sample_event("share.created", id="evt_1", data={"view_count": 7})
    >>> event["id"], event["data"]["document_id"], event["data"]["view_count"]
    ('evt_1', 'doc_sample', 7)
    """
    if type not in SAMPLES:
        raise ValueError(f"type must be one of EVENT_TYPES, not {type!r}")
    if created_at is None:
        created_at = time.time()
    if not isinstance(created_at, datetime | str):
        created_at = datetime.fromtimestamp(created_at, timezone.utc)
    if isinstance(created_at, datetime):
        created_at = created_at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": f"evt_{uuid.uuid4()}" if id is None else id,
        "type": type,
        "created_at": created_at,
        "data": {**copy.deepcopy(SAMPLES[type]["data"]), **(data or {})},
    }


def test_event(
    type: _Type,
    *,
    id: str | None = None,
    created_at: float | datetime | str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event[_Type, Any]:
    """Creates an event as a handler receives it, for a test that calls the handler itself.

    The arguments are those of `sample_event`. pytest does not collect this function as a test.

    >>> def changed(event):
    ...     return event.data["title"]
    >>> changed(test_event("document.updated", data={"title": "Start"}))
    'Start'
    """
    event = sample_event(type, id=id, created_at=created_at, data=data)
    return cast("Event[_Type, Any]", parse_trusted(json.dumps(event)))


setattr(test_event, "__test__", False)


@dataclass(frozen=True)
class SignedRequest:
    """A delivery: the headers and the body of a request to the code under test."""

    headers: dict[str, str]
    body: bytes


def signed_request(
    event: Mapping[str, Any],
    secret: Webhook | str | Sequence[str],
    *,
    now: float | datetime | None = None,
    standard_webhooks: bool = False,
) -> SignedRequest:
    """Creates the delivery of an event, signed as clarife signs it.

    `secret` is the webhook under test, or its secret, or several secrets during a rotation. `now` is the time of
    signing, in Unix seconds or as an aware datetime. The default is the time of the webhook's clock.
    `standard_webhooks` adds the headers of Standard Webhooks.

    >>> request = signed_request(sample_event("media.uploaded"), "whsec_c2VjcmV0")
    >>> Webhook("whsec_c2VjcmV0").verify(request.body, request.headers).type
    'media.uploaded'
    """
    webhook = secret if isinstance(secret, Webhook) else Webhook(secret)
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {"content-type": "application/json", SIGNATURE_HEADER: webhook.sign(body, timestamp=now)}
    if standard_webhooks:
        headers |= webhook.sign_standard(body, id=event["id"], timestamp=now)
    return SignedRequest(headers, body)


class Deliveries:
    """The value of the pytest fixture `clarife_webhooks`: a webhook, and deliveries for it, with one clock.

    >>> clarife_webhooks = Deliveries("whsec_c2VjcmV0")
    >>> request = clarife_webhooks.signed_request("document.deleted")
    >>> clarife_webhooks.webhook.verify(request.body, request.headers).type
    'document.deleted'
    """

    def __init__(self, secret: str) -> None:
        self.secret: str = secret
        self.clock: Clock = Clock()
        self.webhook: Webhook = Webhook(secret, clock=self.clock)

    def sample_event(
        self,
        type: EventType,
        *,
        id: str | None = None,
        created_at: float | datetime | str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> SampleEvent:
        """Creates an event as `sample_event` does. The default `created_at` is the time of the clock."""
        return sample_event(type, id=id, created_at=self.clock() if created_at is None else created_at, data=data)

    def signed_request(
        self,
        type: EventType,
        *,
        id: str | None = None,
        created_at: float | datetime | str | None = None,
        data: Mapping[str, Any] | None = None,
        standard_webhooks: bool = False,
    ) -> SignedRequest:
        """Creates the delivery of a sample event, signed at the time of the clock."""
        event = self.sample_event(type, id=id, created_at=created_at, data=data)
        return signed_request(event, self.webhook, standard_webhooks=standard_webhooks)
