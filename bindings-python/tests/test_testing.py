"""The helpers for tests of users, and the pytest plugin."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from helpers import SECRET

from clarife_webhooks import EVENT_TYPES, EventType, Webhook, WebhookError
from clarife_webhooks.testing import Clock, Deliveries, sample_event, signed_request
from clarife_webhooks.testing import test_event as make_event


@pytest.mark.parametrize("type", EVENT_TYPES)
def test_samples(type: EventType) -> None:
    webhook = Webhook(SECRET, max_event_age=900)
    request = signed_request(sample_event(type), webhook)
    event = webhook.verify(request.body, request.headers)
    assert event.type == type
    assert event.data, "the sample has a resource"
    again = sample_event(type)
    assert again["id"] != event.id, "each sample is a new event"
    again["data"].clear()
    assert sample_event(type)["data"], "samples share no data"


def test_arguments_of_a_sample() -> None:
    event = sample_event("document.updated", id="evt_1", created_at="2026-03-28T12:00:00Z", data={"title": "Start", "more": [1]})
    assert event["id"] == "evt_1" and event["created_at"] == "2026-03-28T12:00:00Z"
    assert event["data"]["title"] == "Start" and event["data"]["more"] == [1] and event["data"]["id"]
    for moment in (1774699200, 1774699200.0, datetime(2026, 3, 28, 14, tzinfo=timezone(timedelta(hours=2)))):
        assert sample_event("media.uploaded", created_at=moment)["created_at"] == "2026-03-28T12:00:00.000Z"
    wrong: Any = "document.renamed"
    with pytest.raises(ValueError, match="'document.renamed'"):
        sample_event(wrong)


def test_signed_requests() -> None:
    event = sample_event("folder.updated", data={"name": "Zażółć"})
    for secret in (SECRET, [SECRET], Webhook(SECRET)):
        request = signed_request(event, secret, now=1774699200)
        verified: Any = Webhook(SECRET).verify(request.body, request.headers, now=1774699200)
        assert verified.data["name"] == "Zażółć"
        assert request.headers["content-type"] == "application/json"
        assert json.loads(request.body) == event
    with pytest.raises(WebhookError, match="signing secret"):
        signed_request(event, "")


def test_a_clock() -> None:
    clock = Clock(datetime(2026, 3, 28, 12, tzinfo=timezone.utc))
    assert clock() == 1774699200
    clock.advance(-1.5)
    assert clock() == 1774699198.5
    clock.set(5)
    assert clock() == 5
    webhook = Webhook(SECRET, clock=clock)
    assert webhook.sign(b"{}").startswith("t=5,")
    assert webhook.sign(b"{}", timestamp=6).startswith("t=6,")
    assert webhook.sign_standard(b"{}", id="evt_1")["webhook-timestamp"] == "5"


@pytest.mark.parametrize("clock", [5, "now"])
def test_invalid_clocks(clock: Any) -> None:
    with pytest.raises(TypeError, match="^clock must be a function, not "):
        Webhook(SECRET, clock=clock)


@pytest.mark.parametrize("time", ["now", None, datetime(2026, 3, 28, 12), float("nan")])
def test_invalid_times_of_a_clock(time: Any) -> None:
    with pytest.raises(TypeError, match="^the clock's time must be "):
        Webhook(SECRET, clock=lambda: time).sign(b"{}")


def test_a_clock_that_fails() -> None:
    def broken() -> float:
        raise LookupError("raised by the clock")

    webhook = Webhook(SECRET, clock=broken)
    with pytest.raises(LookupError, match="raised by the clock"):
        webhook.verify(b"{}", webhook.sign(b"{}", timestamp=0))


def test_the_fixture(clarife_webhooks: Deliveries) -> None:
    """Installing the package installs the fixture."""
    request = clarife_webhooks.signed_request("document.updated", data={"title": "Start"}, standard_webhooks=True)
    verified: Any = clarife_webhooks.webhook.verify(request.body, request.headers)
    assert verified.data["title"] == "Start"
    standard = Webhook(clarife_webhooks.secret, standard_webhooks=True, clock=clarife_webhooks.clock)
    assert standard.verify(request.body, request.headers)
    clarife_webhooks.clock.advance(301)
    with pytest.raises(WebhookError, match="too long ago"):
        clarife_webhooks.webhook.verify(request.body, request.headers)
    event = clarife_webhooks.sample_event("share.created")
    moment = datetime.fromisoformat(event["created_at"].replace("Z", "+00:00"))
    assert abs(moment.timestamp() - clarife_webhooks.clock()) < 0.01


def test_an_overridden_secret(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text('''
import pytest

@pytest.fixture
def clarife_webhooks_secret():
    return "whsec_bWluZQ=="

def test_mine(clarife_webhooks):
    assert clarife_webhooks.secret == "whsec_bWluZQ=="
    assert clarife_webhooks.signed_request("media.uploaded").body
''')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_mine.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_events_for_a_handler() -> None:
    event = make_event("document.updated", id="evt_1", created_at=1774699200, data={"title": "Zażółć"})
    assert (event.id, event.type, event.data["title"]) == ("evt_1", "document.updated", "Zażółć")
    assert event.created_at == datetime(2026, 3, 28, 12, tzinfo=timezone.utc)
    assert json.loads(event.raw)["data"] == event.data
    assert make_event("document.updated") != make_event("document.updated"), "each event is new"


def test_pytest_does_not_collect_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from clarife_webhooks.testing import test_event\n\n"
        "def test_a_handler():\n    assert test_event('share.created').type == 'share.created'\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "-v", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed in" in result.stdout, result.stdout
