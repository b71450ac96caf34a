"""Standard Webhooks, against the reference library in both directions."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime, timezone
from typing import Any

import pytest
import standardwebhooks
from helpers import envelope

from clarife_webhooks import STANDARD_HEADERS, Webhook, WebhookError, receive
from clarife_webhooks.testing import Clock, sample_event, signed_request

SECRETS = ["whsec_" + base64.b64encode(os.urandom(length)).decode() for length in (24, 32, 64, 1)]
BODIES = [envelope(), envelope(data='{"title":"Zażółć 🦔"}'), envelope(data=f'{{"text":"{"x" * 100_000}"}}')]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("body", BODIES, ids=["small", "outside ASCII", "large"])
def test_the_reference_library_verifies_our_signatures(secret: str, body: bytes) -> None:
    headers = Webhook(secret).sign_standard(body, id="evt_1")
    assert tuple(headers) == STANDARD_HEADERS
    assert standardwebhooks.Webhook(secret).verify(body, headers) == json.loads(body)
    for change in STANDARD_HEADERS:
        value = "2" if change == "webhook-timestamp" else headers[change][:-4] + "AAA="
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(body, {**headers, change: value})


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("body", BODIES, ids=["small", "outside ASCII", "large"])
def test_we_verify_the_signatures_of_the_reference_library(secret: str, body: bytes) -> None:
    moment = datetime.now(timezone.utc)
    signature = standardwebhooks.Webhook(secret).sign("evt_1", moment, body.decode())
    headers = dict(zip(STANDARD_HEADERS, ("evt_1", str(int(moment.timestamp())), signature)))
    webhook = Webhook(secret, standard_webhooks=True)
    assert webhook.verify(body, headers).raw == body
    assert webhook.sign_standard(body, id="evt_1", timestamp=moment) == headers
    with pytest.raises(WebhookError, match="no signature"):
        webhook.verify(body, {**headers, "webhook-id": "evt_2"})
    # This scheme signs the timestamp: a captured delivery cannot get a new one.
    with pytest.raises(WebhookError, match="no signature"):
        webhook.verify(body, {**headers, "webhook-timestamp": str(int(moment.timestamp()) + 1)})


def test_rotation_both_ways() -> None:
    old, new = SECRETS[:2]
    headers = Webhook([new, old]).sign_standard(BODIES[0], id="evt_1")
    for secret in (new, old):
        standardwebhooks.Webhook(secret).verify(BODIES[0], headers)
    headers = Webhook(old).sign_standard(BODIES[0], id="evt_1")
    assert Webhook([new, old], standard_webhooks=True).verify(BODIES[0], headers).id == "evt_1"


def test_required_headers_and_secrets() -> None:
    webhook = Webhook(SECRETS[0], standard_webhooks=True)
    with pytest.raises(WebhookError) as caught:
        webhook.verify(BODIES[0], {"X-Clarife-Signature": webhook.sign(BODIES[0])})
    assert caught.value.code == "missing_signature"
    with pytest.raises(WebhookError) as caught:
        Webhook("not base64!", standard_webhooks=True)
    assert caught.value.code == "invalid_secret" and "not base64!" not in str(caught.value)
    with pytest.raises(WebhookError) as caught:
        Webhook("not base64!").sign_standard(BODIES[0], id="evt_1")
    assert caught.value.code == "invalid_secret"


@pytest.mark.parametrize("wrong", [None, 1, b"evt_1"])
def test_invalid_ids(wrong: Any) -> None:
    with pytest.raises(TypeError, match="^id must be a str, not "):
        Webhook(SECRETS[0]).sign_standard(BODIES[0], id=wrong)


def test_side_by_side() -> None:
    """A delivery can have both signatures. Each receiver uses the one it knows."""
    clock = Clock()
    request = signed_request(sample_event("share.created"), SECRETS[1], now=clock(), standard_webhooks=True)
    for required in (False, True):
        webhook = Webhook(SECRETS[1], standard_webhooks=required, clock=clock)
        assert receive(webhook, request.body, request.headers, lambda event: None).code == "handled"
