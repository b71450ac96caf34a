"""Libraries that stop or move the time: verification, signing, samples and stores follow them alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import time_machine
from freezegun import freeze_time
from helpers import SECRET

from clarife_webhooks import MemoryStore, Webhook, WebhookError, receive
from clarife_webhooks.testing import Deliveries, sample_event, signed_request
from clarife_webhooks.testing import test_event as make_event

START = datetime(2030, 1, 1, tzinfo=timezone.utc)
# Created before the time is stopped, as a module of an application creates them.
WEBHOOK = Webhook(SECRET, max_event_age=900)
STORE = MemoryStore()


def machine(moment: datetime) -> AbstractContextManager[Any]:
    return time_machine.travel(moment, tick=False)


@pytest.fixture(params=[freeze_time, machine], ids=["freezegun", "time-machine"])
def stop(request: pytest.FixtureRequest) -> Callable[[datetime], AbstractContextManager[Any]]:
    function: Callable[[datetime], AbstractContextManager[Any]] = request.param
    return function


def test_the_time_is_the_same_everywhere(stop: Callable[[datetime], AbstractContextManager[Any]]) -> None:
    with stop(START):
        assert sample_event("document.updated")["created_at"] == "2030-01-01T00:00:00.000Z"
        assert make_event("document.updated").created_at == START
        request = signed_request(sample_event("document.updated"), WEBHOOK)
        assert request.headers["x-clarife-signature"].startswith(f"t={int(START.timestamp())},")
        assert WEBHOOK.sign_standard(b"{}", id="evt_1")["webhook-timestamp"] == str(int(START.timestamp()))
        assert Deliveries(SECRET).clock() == START.timestamp()
        store = MemoryStore()
        assert receive(WEBHOOK, request.body, request.headers, lambda event: None, dedup=store).code == "handled"
        assert store.claim("evt_claimed", 60).state == "new"
    with stop(START + timedelta(seconds=59.9)):
        assert receive(WEBHOOK, request.body, request.headers, lambda event: None, dedup=store).code == "duplicate"
        assert store.claim("evt_claimed", 60).state == "in_progress"
    with stop(START + timedelta(seconds=60)):
        assert store.claim("evt_claimed", 60).state == "new"
    with stop(START + timedelta(seconds=301)):
        with pytest.raises(WebhookError, match="301 s ago"):
            WEBHOOK.verify(request.body, request.headers)
        fresh = {"x-clarife-signature": WEBHOOK.sign(request.body)}
        assert WEBHOOK.verify(request.body, fresh).created_at == START
    with stop(START + timedelta(seconds=901)), pytest.raises(WebhookError) as caught:
        WEBHOOK.verify(request.body, WEBHOOK.sign(request.body))
    assert caught.value.code == "event_too_old"
    with pytest.raises(WebhookError, match="in the future"):  # the time goes on as before
        WEBHOOK.verify(request.body, request.headers)


def test_a_store_from_before(stop: Callable[[datetime], AbstractContextManager[Any]]) -> None:
    id = f"evt_{stop!r}"
    with stop(START):
        assert STORE.claim(id, 60).state == "new"
        assert STORE.claim(id, 60).state == "in_progress"
    with stop(START + timedelta(seconds=60)):
        assert STORE.claim(id, 60).state == "new"


FIRST_USE = """
from datetime import datetime, timezone
from freezegun import freeze_time

with freeze_time("2030-01-01"):
    from clarife_webhooks import Webhook
    from clarife_webhooks.testing import test_event

    webhook = Webhook("whsec_c2VjcmV0")
    assert webhook.sign(b"{}", timestamp=datetime.now(timezone.utc)).startswith("t=1893456000,")
    event = test_event("document.updated")
moment = datetime(2030, 1, 1, tzinfo=timezone.utc)
assert event.created_at == moment and type(event.created_at) is datetime
assert webhook.sign(b"{}", timestamp=moment).startswith("t=1893456000,")
"""


def test_the_first_use_may_be_while_the_time_is_stopped() -> None:
    subprocess.run([sys.executable, "-c", FIRST_USE], check=True)
