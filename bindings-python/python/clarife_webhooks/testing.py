"""For tests of your own handlers: sample events, signed deliveries, and a clock to move.

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

pytest has it all as the fixture `clarife_webhooks`, a `Deliveries`, as soon as this package is installed. Its secret is that of the
fixture `clarife_webhooks_secret`, which you can replace:

    @pytest.fixture
    def clarife_webhooks_secret():
        return os.environ["CLARIFE_WEBHOOK_SECRET"]

    def test_a_renamed_document(clarife_webhooks, client):
        request = clarife_webhooks.signed_request("document.updated", data={"title": "Start"})
        assert client.post("/webhooks/clarife", content=request.body, headers=request.headers).status_code == 200
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypedDict

from clarife_webhooks._native import SIGNATURE_HEADER, Webhook
from clarife_webhooks._types import EventType

__all__ = ["Clock", "Deliveries", "SampleEvent", "SignedRequest", "sample_event", "signed_request"]


class Clock:
    """A clock that stands still until it is moved; it starts now unless given a time, in Unix seconds or an aware datetime.

    Give it to a webhook and to a store in memory: `Webhook(secret, clock=clock)`, `MemoryStore(clock=clock)`.

    >>> clock = Clock(1774699200)
    >>> clock.advance(60)
    >>> clock()
    1774699260
    """

    def __init__(self, start: float | datetime | None = None) -> None:
        self.set(time.time() if start is None else start)

    def __call__(self) -> float:
        """The time, in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves it, back too."""
        self._now += seconds

    def set(self, now: float | datetime) -> None:
        """Sets it."""
        self._now: float = now.timestamp() if isinstance(now, datetime) else now


class SampleEvent(TypedDict):
    """An event as clarife would send it, before it is written as JSON."""

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
    """An event of a type with a realistic resource, as clarife's test events have it.

    `id` is a new one unless given. `created_at` is now unless given, in Unix seconds, as an aware datetime or as it is sent.
    `data` is added to the sample's. Raises ValueError if the type is not one of `EVENT_TYPES`.

    >>> event = sample_event("share.created", id="evt_1", data={"view_count": 7})
    >>> event["id"], event["data"]["document_id"], event["data"]["view_count"]
    ('evt_1', 'doc_sample', 7)
    """
    samples = json.loads(Path(__file__).with_name("_samples.json").read_text(encoding="utf-8"))
    if type not in samples:
        raise ValueError(f"type must be a known type of event, not {type!r}")
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
        "data": {**samples[type]["data"], **(data or {})},
    }


@dataclass(frozen=True)
class SignedRequest:
    """A delivery: what a test client sends to the code under test."""

    headers: dict[str, str]
    body: bytes


def signed_request(
    event: Mapping[str, Any],
    secret: Webhook | str | Sequence[str],
    *,
    now: float | datetime | None = None,
    standard_webhooks: bool = False,
) -> SignedRequest:
    """The delivery of an event, signed as clarife signs it.

    `secret` is the secret of the webhook under test, or several while one is rotated, or the webhook itself, whose clock
    then counts. `now` is the time of signing, in Unix seconds or an aware datetime. With `standard_webhooks`, the headers of
    Standard Webhooks are there too.

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
    """What the pytest fixture `clarife_webhooks` gives: a webhook and deliveries for it, all by one clock.

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
        """`sample_event`, created now by the clock unless said otherwise."""
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
        """The delivery of a sample event, signed now by the clock."""
        event = self.sample_event(type, id=id, created_at=created_at, data=data)
        return signed_request(event, self.webhook, standard_webhooks=standard_webhooks)
