"""`Webhook` and the two functions: arguments, options, representation."""

from __future__ import annotations

import copy
import enum
import hashlib
import hmac
import pickle
import time
from collections import UserList
from datetime import datetime, timedelta, timezone
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
from helpers import NOW, SECRET, envelope, verified

from clarife_webhooks import ERROR_CODES, EVENT_TYPES, SIGNATURE_HEADER, Webhook, WebhookError, is_known_event_type, verify_webhook_signature

BODY = envelope()
OTHER = "whsec_b3RoZXI="


def refused(*arguments: Any, **options: Any) -> str:
    with pytest.raises(WebhookError) as caught:
        Webhook(SECRET).verify(*arguments, **options)
    return caught.value.code


def test_signatures_equal_an_independent_implementation() -> None:
    mac = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert Webhook(SECRET).sign(BODY, timestamp=NOW) == f"t={NOW},v1={mac}"


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, bytes.decode, lambda body: memoryview(body).cast("c")])
def test_every_form_of_a_body(form: Any) -> None:
    webhook = Webhook(SECRET)
    body = envelope(data='{"title":"Zażółć"}')
    assert webhook.sign(form(body), timestamp=NOW) == webhook.sign(body, timestamp=NOW)
    assert verified(form(body)).data == {"title": "Zażółć"}


def test_memoryviews() -> None:
    doubled = bytes(byte for byte in BODY for _ in range(2))
    assert verified(memoryview(doubled)[::2]).raw == BODY
    released = memoryview(BODY)
    released.release()
    with pytest.raises(ValueError, match="released memoryview"):
        verified(released)


def test_each_lone_surrogate_counts_as_one_replacement_character() -> None:
    webhook = Webhook(SECRET)
    assert webhook.sign("a\ud800\udc00\ude00🐢", timestamp=1) == webhook.sign("a\U00010000\ufffd🐢", timestamp=1)
    assert webhook.sign("\ud800", timestamp=1) == webhook.sign("\ufffd", timestamp=1)


def test_a_str_with_a_lone_surrogate_matches_nothing() -> None:
    assert refused(BODY.decode() + "\ud83d", Webhook(SECRET).sign(BODY)) == "signature_mismatch"


class Request(SimpleNamespace):
    headers: dict[str, str] = {}


@pytest.mark.parametrize("parsed", [None, {}, [], (), {"a": 1}, MappingProxyType({}), Request()])
def test_a_parsed_body_is_body_not_raw(parsed: Any) -> None:
    assert refused(parsed, "t=1,v1=00") == "body_not_raw"
    for call in (Webhook(SECRET).sign, lambda body: verify_webhook_signature(body, "t=1,v1=00", SECRET)):
        with pytest.raises(WebhookError) as caught:
            call(parsed)
        assert caught.value.code == "body_not_raw"
        assert "request.get_data()" in caught.value.hint


@pytest.mark.parametrize("wrong", [1, 1.5, True, object(), {1}, bytes, enum.Enum])
def test_other_bodies_are_type_errors(wrong: Any) -> None:
    for call in (lambda: Webhook(SECRET).verify(wrong, None), lambda: Webhook(SECRET).sign(wrong)):
        with pytest.raises(TypeError, match=r"^body must be bytes, bytearray, memoryview or str, not "):
            call()
    with pytest.raises(TypeError, match=r"^payload must be "):
        verify_webhook_signature(wrong, None, SECRET)


def test_a_body_that_was_not_awaited() -> None:
    async def read() -> bytes:
        return BODY

    coroutine = read()
    with pytest.raises(TypeError, match=r"^body must be awaited first$"):
        Webhook(SECRET).verify(coroutine, None)  # type: ignore[arg-type]
    coroutine.close()


@pytest.mark.parametrize("wrong", [1, 1.5, True, object(), b"x", bytes])
def test_secrets_of_a_wrong_type(wrong: Any) -> None:
    for secrets in ([wrong], (SECRET, wrong), wrong):
        with pytest.raises(TypeError, match=r"^secrets must be a str or a sequence of str, not \w+$"):
            Webhook(secrets)
    with pytest.raises(TypeError, match=r"^secret must be a str or a sequence of str, not \w+$"):
        verify_webhook_signature(BODY, None, wrong)


@pytest.mark.parametrize("secrets", [b"", SECRET.encode()])
def test_bytes_are_not_a_sequence_of_secrets(secrets: Any) -> None:
    with pytest.raises(TypeError, match=r"^secrets must be a str or a sequence of str, not bytes$"):
        Webhook(secrets)


def test_a_missing_secret() -> None:
    missing: list[str | list[str] | None] = [None, "", []]
    for secrets in missing:
        with pytest.raises(WebhookError, match="there is none; set CLARIFE_WEBHOOK_SECRET to the signing secret") as caught:
            Webhook(secrets)
        assert caught.value.code == "invalid_secret"
    with pytest.raises(TypeError):
        Webhook({SECRET: 1})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Webhook({SECRET})  # type: ignore[arg-type]


@pytest.mark.parametrize("secrets", ["", " a", "a\n", "a\0b", "a\udcff", [], (), [SECRET, ""]])
def test_invalid_secrets(secrets: Any) -> None:
    with pytest.raises(WebhookError) as caught:
        Webhook(secrets)
    assert caught.value.code == "invalid_secret"
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_several_secrets() -> None:
    both = Webhook((OTHER, SECRET))
    for secrets in (SECRET, OTHER, [SECRET, OTHER], UserList([OTHER])):
        signature = Webhook(secrets).sign(BODY, timestamp=NOW)
        assert both.verify(BODY, signature, now=NOW).raw == BODY
    assert both.sign(BODY, timestamp=NOW).count("v1=") == 2


def test_options() -> None:
    signature = Webhook(SECRET).sign(BODY, timestamp=NOW)
    for tolerance, bound in ((None, 300), (0, 0), (10, 10), (2**64, 2**62)):
        webhook = Webhook(SECRET, tolerance=tolerance)
        webhook.verify(BODY, signature, now=NOW + bound)
        if bound < 2**62:
            with pytest.raises(WebhookError, match="too long ago"):
                webhook.verify(BODY, signature, now=NOW + bound + 1)
    with pytest.raises(TypeError):
        Webhook(SECRET, 300)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["tolerance", "max_event_age"])
@pytest.mark.parametrize("wrong", [-1, -(2**70), 1.0, True, "300", timedelta(seconds=1), b"1"])
def test_options_of_a_wrong_type(name: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{name} must be a whole number of seconds, 0 or more"):
        Webhook(SECRET, **{name: wrong})


class Seconds(enum.IntEnum):
    NOW = NOW


MOMENT = datetime(2026, 3, 28, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        Seconds.NOW,
        float(NOW),
        NOW + 0.999,
        MOMENT,
        MOMENT.replace(microsecond=999999),
        MOMENT.astimezone(timezone(timedelta(hours=-7, minutes=-30))),
        MOMENT.astimezone(timezone(timedelta(microseconds=1))),
    ],
)
def test_every_form_of_a_time_is_rounded_down_to_the_second(now: Any) -> None:
    exact = Webhook(SECRET, tolerance=0)
    assert exact.sign(BODY, timestamp=now).startswith(f"t={NOW},")
    assert exact.verify(BODY, exact.sign(BODY, timestamp=NOW), now=now)


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (NOW + 300.999, None),
        (NOW + 301, "timestamp_too_old"),
        (NOW - 300, None),
        (NOW - 300.001, "timestamp_in_future"),
        (2**80, "timestamp_too_old"),
        (-(2**80), "timestamp_in_future"),
        (1e300, "timestamp_too_old"),
        (-1e300, "timestamp_in_future"),
        (datetime.max.replace(tzinfo=timezone.utc), "timestamp_too_old"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), "timestamp_in_future"),
    ],
)
def test_bounds_of_now(now: Any, code: str | None) -> None:
    signature = Webhook(SECRET).sign(BODY, timestamp=NOW)
    if code is None:
        assert Webhook(SECRET).verify(BODY, signature, now=now)
    else:
        assert refused(BODY, signature, now=now) == code


def test_the_last_microsecond_of_datetime_is_not_rounded_up() -> None:
    last = datetime.max.replace(tzinfo=timezone.utc)
    assert int(last.timestamp()) == 253402300800  # rounded up by float
    assert Webhook(SECRET).sign(BODY, timestamp=last).startswith("t=253402300799,")


@pytest.mark.parametrize("wrong", [True, "1", b"1", float("nan"), float("inf"), 1j, object(), MOMENT.date(), MOMENT.replace(tzinfo=None)])
def test_times_of_a_wrong_type(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^now must be "):
        Webhook(SECRET).verify(BODY, "t=1,v1=" + "0" * 64, now=wrong)
    with pytest.raises(TypeError, match=r"^timestamp must be "):
        Webhook(SECRET).sign(BODY, timestamp=wrong)


def test_naive_datetimes() -> None:
    with pytest.raises(TypeError, match=r"^now must be an aware datetime, not a naive one$"):
        Webhook(SECRET).verify(BODY, "t=1,v1=" + "0" * 64, now=MOMENT.replace(tzinfo=None))


@pytest.mark.parametrize("timestamp", [-1, 10**12, 2**80, -0.5, datetime(1969, 12, 31, 23, 59, 59, tzinfo=timezone.utc)])
def test_timestamps_outside_the_range_of_the_header(timestamp: Any) -> None:
    with pytest.raises(TypeError, match=r"^timestamp must be Unix seconds from 0 to 999999999999$"):
        Webhook(SECRET).sign(BODY, timestamp=timestamp)


def test_the_default_clock_is_the_system_clock() -> None:
    webhook = Webhook(SECRET, tolerance=2)
    before = int(time.time())
    signature = webhook.sign(BODY)
    assert before <= int(signature[2:].split(",")[0]) <= time.time()
    assert webhook.verify(BODY, signature).raw == BODY
    assert verify_webhook_signature(BODY, signature, SECRET)
    with pytest.raises(WebhookError, match="too long ago"):
        webhook.verify(BODY, webhook.sign(BODY, timestamp=before - 4))
    with pytest.raises(WebhookError, match="future"):
        webhook.verify(BODY, webhook.sign(BODY, timestamp=before + 60))


def test_verify_webhook_signature_agrees_with_verify() -> None:
    signature = Webhook(SECRET).sign(BODY)
    assert verify_webhook_signature(BODY, signature, SECRET) is True
    assert verify_webhook_signature(payload=BODY, signature={"X-Clarife-Signature": signature}, secret=SECRET) is True
    for arguments in [
        (BODY + b" ", signature, SECRET),
        (BODY, signature, OTHER),
        (BODY, None, SECRET),
        (BODY, "", SECRET),
        (BODY, "nonsense", SECRET),
        (BODY, Webhook(SECRET).sign(BODY, timestamp=NOW), SECRET),
        (b"[]", Webhook(SECRET).sign(b"[]"), SECRET),
    ]:
        assert verify_webhook_signature(*arguments) is False
    with pytest.raises(WebhookError, match="secret"):
        verify_webhook_signature(BODY, signature, "")


def test_wrong_options_come_before_an_invalid_secret() -> None:
    with pytest.raises(TypeError, match="^tolerance must "):
        Webhook("", tolerance=-1)


def test_no_secret_is_ever_shown() -> None:
    webhook = Webhook([SECRET, OTHER])
    shown = [repr(webhook), str(webhook), repr(vars(webhook) if hasattr(webhook, "__dict__") else None), repr(dir(webhook))]
    for secrets in (SECRET + " ", SECRET + "\udcff", [SECRET, 5], [SECRET + "\n"]):
        with pytest.raises((WebhookError, TypeError)) as caught:
            Webhook(secrets)  # type: ignore[arg-type]
        shown += [repr(caught.value), str(caught.value), repr(vars(caught.value))]
    assert not any(SECRET[6:] in text or OTHER[6:] in text for text in shown)


def test_it_cannot_be_pickled_and_is_its_own_copy() -> None:
    webhook = Webhook(SECRET)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="signing secrets"):
            pickle.dumps(webhook, protocol)
    assert copy.copy(webhook) is webhook
    assert copy.deepcopy({"webhook": webhook})["webhook"] is webhook
    with pytest.raises(TypeError):
        type("Mine", (Webhook,), {})
    with pytest.raises(AttributeError):
        webhook.tolerance = 1  # type: ignore[attr-defined]


def test_constants() -> None:
    assert SIGNATURE_HEADER == "x-clarife-signature"
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES)) > 0
    assert ERROR_CODES[0] == "invalid_secret" and len(ERROR_CODES) == 11


def test_is_known_event_type() -> None:
    assert all(map(is_known_event_type, EVENT_TYPES))
    for name in ("", "document", "Document.updated", "document.updated ", "\ud83d"):
        assert is_known_event_type(name) is False
    for wrong in (None, 1, b"document.updated"):
        with pytest.raises(TypeError, match=r"^type must be a str, not "):
            is_known_event_type(wrong)  # type: ignore[arg-type]
