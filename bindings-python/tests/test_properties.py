"""Properties that hold for every input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from helpers import NOW, SECRET, envelope
from hypothesis import given
from hypothesis import strategies as st

from clarife_webhooks import Webhook, WebhookError, is_known_event_type, verify_webhook_signature

WEBHOOK = Webhook(SECRET)
names = st.text(st.characters(codec="utf-8"), min_size=1)
secrets = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\u034f")).map("whsec_{}=".format)
bodies = st.builds(lambda id, type, data: json.dumps({"id": id, "type": type, "created_at": "2026-03-28T12:00:00Z", "data": data}).encode(),
                   names, names, st.dictionaries(st.text(), st.integers() | st.text()))  # fmt: skip


@given(st.lists(secrets, min_size=1, max_size=16), bodies, st.integers(0, 999_999_999_999), st.data())
def test_what_is_signed_verifies(several: list[str], body: bytes, timestamp: int, draw: st.DataObject) -> None:
    signature = Webhook(several).sign(body, timestamp=timestamp)
    one = Webhook(draw.draw(st.sampled_from(several)))
    event = one.verify(body, signature, now=timestamp)
    assert event.raw == body
    parsed = json.loads(body)
    assert (event.id, event.type, event.data) == (parsed["id"], parsed["type"], parsed["data"])


@given(bodies, st.data())
def test_one_flipped_bit_never_verifies(body: bytes, draw: st.DataObject) -> None:
    signature = WEBHOOK.sign(body, timestamp=NOW).encode()
    in_body = draw.draw(st.booleans())
    # Only in the 64 hex digits: the timestamp is not signed. The case of a hex digit does not matter.
    start, end = (0, len(body)) if in_body else (len(signature) - 64, len(signature))
    index, bit = draw.draw(st.integers(start, end - 1)), draw.draw(st.integers(0, 7))
    flipped = bytearray(body if in_body else signature)
    flipped[index] ^= 1 << bit
    if not in_body and flipped.lower() == signature:
        return
    with pytest.raises(WebhookError) as caught:
        WEBHOOK.verify(flipped if in_body else body, signature if in_body else bytes(flipped), now=NOW)
    assert caught.value.code in (["signature_mismatch"] if in_body else ["signature_mismatch", "malformed_signature"])


def test_every_single_bit_of_one_delivery() -> None:
    body = envelope()
    signature = WEBHOOK.sign(body, timestamp=NOW).encode()
    for index in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[index // 8] ^= 1 << index % 8
        with pytest.raises(WebhookError, match="matches"):
            WEBHOOK.verify(flipped, signature, now=NOW)


def test_every_single_bit_of_one_header() -> None:
    body = envelope()
    signature = WEBHOOK.sign(body, timestamp=NOW).encode()
    strict = Webhook(SECRET, tolerance=0)
    accepted = []
    for index in range(len(signature) * 8):
        flipped = bytearray(signature)
        flipped[index // 8] ^= 1 << index % 8
        try:
            strict.verify(body, bytes(flipped), now=NOW)
        except WebhookError:
            continue
        accepted.append(bytes(flipped))
    # Only the upper case of a hex digit leaves the signature as it is.
    assert all(header.lower() == signature and header != signature for header in accepted)
    assert len(accepted) == sum(chr(byte) in "abcdef" for byte in signature[-64:])


class Awkward:
    """An object whose methods all raise an exception or return a wrong value."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def _act(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    __len__ = __iter__ = __getitem__ = __index__ = __float__ = __bytes__ = __contains__ = __hash__ = __eq__ = _act
    __repr__ = __str__ = __lt__ = __int__ = __instancecheck__ = __await__ = __sub__ = __rsub__ = __next__ = _act

    def __getattr__(self, name: str) -> Any:
        return self._act()


class CustomError(Exception):
    pass


def subclass(base: type, result: Any) -> Any:
    """Returns an instance of a subclass of a built-in type whose methods return wrong values."""
    names = ("__len__", "__iter__", "__getitem__", "__lt__", "__str__", "__bytes__", "items", "encode")
    instance = type("Sub", (base,), dict.fromkeys(names, Awkward._act))()
    instance.result = result
    return instance


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(), st.builds(bytearray, st.binary()),
    st.binary().map(lambda data: memoryview(data)), st.complex_numbers(), st.datetimes(), st.datetimes(timezones=st.timezones()), st.timedeltas(),
    st.just("t=1,v1=" + "0" * 64), st.just(math), st.just(Webhook), st.just(WEBHOOK), st.builds(object), st.just("x-clarife-signature"),
)  # fmt: skip
results = leaves | st.builds(CustomError) | st.builds(AttributeError) | st.builds(TypeError)
built_in = st.sampled_from([str, bytes, bytearray, int, float, list, tuple, dict])
odd = leaves | st.builds(Awkward, results) | st.builds(subclass, built_in, results)
anything = st.recursive(odd, lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.binary() | st.none(), inner), max_leaves=8)
header_like = st.one_of(
    anything,
    st.dictionaries(st.sampled_from(["x-clarife-signature", b"X-Clarife-Signature", "HTTP_X_CLARIFE_SIGNATURE", "a"]), anything),
    st.lists(st.tuples(st.sampled_from(["x-clarife-signature", b"X-Clarife-Signature"]) | anything, anything)),
)


@given(anything, header_like, anything, anything, anything)
def test_arbitrary_objects_raise_only_expected_exceptions(body: Any, signature: Any, now: Any, secret: Any, option: Any) -> None:
    good = envelope()
    # ValueError is Python's own, for a released or empty view. The object raises CustomError and AttributeError.
    expected = (TypeError, WebhookError, CustomError, AttributeError, ValueError)
    calls: list[Callable[[], object]] = [
        lambda: WEBHOOK.verify(body, signature, now=now),
        lambda: WEBHOOK.verify(good, signature, now=now),
        lambda: WEBHOOK.verify(body, WEBHOOK.sign(good), now=NOW),
        lambda: WEBHOOK.verify(good, WEBHOOK.sign(good, timestamp=NOW), now=now),
        lambda: WEBHOOK.sign(body, timestamp=now),
        lambda: WEBHOOK.sign(good, timestamp=now),
        lambda: Webhook(secret, tolerance=option, max_event_age=now),
        lambda: Webhook(secret),
        lambda: Webhook(SECRET, tolerance=option),
        lambda: verify_webhook_signature(body, signature, secret),
        lambda: is_known_event_type(body),
    ]
    for call in calls:
        try:
            call()
        except expected:
            pass


@given(st.binary(), st.binary())
def test_arbitrary_bytes(body: bytes, signature: bytes) -> None:
    with pytest.raises(WebhookError):
        WEBHOOK.verify(body, signature)
    signed = WEBHOOK.sign(body, timestamp=NOW)
    try:
        WEBHOOK.verify(body, signed, now=NOW)
    except WebhookError as error:
        assert error.code == "malformed_payload"


@given(st.datetimes(timezones=st.timezones()))
def test_datetimes_are_read_as_python_reads_them(moment: datetime) -> None:
    expected = math.floor(moment.timestamp())
    if expected < 0 or moment.year > 2200:  # before Unix time, or timestamp() is not exact
        return
    assert WEBHOOK.sign(b"", timestamp=moment).startswith(f"t={expected},")
