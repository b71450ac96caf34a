"""The typical mistakes of a first receiver: each is told with a code, and with what to do in the text that people see."""

from __future__ import annotations

import base64
import json
import re
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from helpers import NOW, SECRET, envelope

from clarife_webhooks import Handlers, Webhook, WebhookError

WEBHOOK = Webhook(SECRET)
BODY = envelope(data='{"title":"private"}')
SIGNED = WEBHOOK.sign(BODY, timestamp=NOW)


def verify(body: Any = BODY, signature: Any = SIGNED, *, webhook: Webhook = WEBHOOK, now: float = NOW) -> Callable[[], Any]:
    return lambda: webhook.verify(body, signature, now=now)


def create(secret: Any, **options: Any) -> Callable[[], Any]:
    return lambda: Webhook(secret, **options)


MISTAKES: list[tuple[str, Callable[[], Any], str | type[Exception], str]] = [
    ("a parsed body", verify(json.loads(BODY)), "body_not_raw", r"request\.get_data\(\) in Flask, request\.body in Django"),
    ("a body that was serialized again", verify(json.dumps(json.loads(BODY), indent=1)), "signature_mismatch", "the raw body, byte for byte"),
    ("a body that was serialized twice", verify(json.dumps(BODY.decode())), "signature_mismatch", "JSON string, so it was serialized again"),
    ("a body in base64", verify(base64.b64encode(BODY)), "signature_mismatch", "decode the body from base64"),
    ("another secret", verify(webhook=Webhook("whsec_b3RoZXI")), "signature_mismatch", "use this subscription's signing secret"),
    ("a secret without its prefix", verify(webhook=Webhook(SECRET.removeprefix("whsec_"))), "signature_mismatch", "whsec_ prefix included"),
    ("no secret", create(None), "invalid_secret", "CLARIFE_WEBHOOK_SECRET.*copy the signing secret"),
    ("an empty secret", create(""), "invalid_secret", "copy the signing secret"),
    ("a line break after the secret", create(f"{SECRET}\n"), "invalid_secret", "white space"),
    ("quotes around the secret", create(f"'{SECRET}'"), "invalid_secret", "quotes"),
    ("the id of the subscription", create("sub_123"), "invalid_secret", "copy the signing secret"),
    ("a variable that was not expanded", create("$CLARIFE_WEBHOOK_SECRET"), "invalid_secret", "copy the signing secret"),
    ("the word None", create(f"{None}"), "invalid_secret", "copy the signing secret"),
    ("no header", verify(signature=None), "missing_signature", "pass the X-Clarife-Signature header, or all headers"),
    ("the header of Stripe", verify(signature={"Stripe-Signature": "t=1"}), "missing_signature", "stripe-signature is the signature of another sender"),
    ("the header of GitHub", verify(signature={"X-Hub-Signature-256": "sha256=00"}), "missing_signature", "x-hub-signature-256 is the signature of another"),
    ("GitHub's value", verify(signature="sha256=0123"), "malformed_signature", "sha256= is the form of GitHub"),
    ("a clock that is behind", verify(now=NOW - 600), "timestamp_in_future", "600 s ahead, and the tolerance is 300 s.*the server's clock"),
    ("a clock that is ahead", verify(now=NOW + 600), "timestamp_too_old", "600 s ago, and the tolerance is 300 s.*the server's clock"),
    ("a time in milliseconds", verify(now=NOW * 1000), "timestamp_too_old", r"is the time of verification in milliseconds\?"),
    ("a tolerance in milliseconds", create(SECRET, tolerance=300_000), ValueError, "tolerance must be in seconds: 300000 looks like milliseconds"),
    ("Stripe's order of arguments", lambda: WEBHOOK.verify(BODY, SIGNED, SECRET), TypeError, "positional"),  # type: ignore[call-arg, arg-type]
    ("a misspelt option", create(SECRET, tolerence=5), TypeError, "tolerence"),
    ("a misspelt type", lambda: Handlers().on("document.update"), ValueError, "document.update"),  # type: ignore[call-overload]
]


@pytest.mark.parametrize(("call", "kind", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_mistakes_are_told(call: Callable[[], Any], kind: str | type[Exception], said: str) -> None:
    with pytest.raises(WebhookError if isinstance(kind, str) else kind) as caught:
        call()
    if isinstance(caught.value, WebhookError):
        assert caught.value.code == kind
    shown = " ".join("".join(traceback.format_exception_only(caught.value)).split())
    assert re.search(said, shown), shown
    assert not re.search(r"private|b3RoZXI|eyJ", shown) and SECRET.removeprefix("whsec_") not in shown
