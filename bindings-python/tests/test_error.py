"""`WebhookError`."""

from __future__ import annotations

import copy
import pickle
import sys
import traceback
from collections.abc import Callable

import pytest
from helpers import NOW, SECRET, envelope

from clarife_webhooks import ERROR_CODES, Webhook, WebhookError

WEBHOOK = Webhook(SECRET, max_event_age=900)
PRIVATE = "private-title"
BODY = envelope(data=f'{{"title":"{PRIVATE}"}}')
SIGNED = WEBHOOK.sign(BODY, timestamp=NOW)
BROKEN = BODY[:-1]
OLD = envelope(created_at="2026-03-28T11:44:59Z", data=f'{{"title":"{PRIVATE}"}}')

CASES: dict[str, Callable[[], object]] = {
    "invalid_secret": lambda: Webhook(f"{SECRET} "),
    "missing_signature": lambda: WEBHOOK.verify(BODY, None),
    "malformed_signature": lambda: WEBHOOK.verify(BODY, PRIVATE),
    "timestamp_too_old": lambda: WEBHOOK.verify(BODY, SIGNED, now=NOW + 301),
    "timestamp_in_future": lambda: WEBHOOK.verify(BODY, SIGNED, now=NOW - 301),
    "signature_mismatch": lambda: WEBHOOK.verify(BODY + b" ", SIGNED, now=NOW),
    "malformed_payload": lambda: WEBHOOK.verify(BROKEN, WEBHOOK.sign(BROKEN, timestamp=NOW), now=NOW),
    "event_too_old": lambda: WEBHOOK.verify(OLD, WEBHOOK.sign(OLD, timestamp=NOW), now=NOW),
    "body_not_raw": lambda: WEBHOOK.verify({"title": PRIVATE}, SIGNED),  # type: ignore[arg-type]
}


def caught(code: str) -> WebhookError:
    with pytest.raises(WebhookError) as error:
        CASES[code]()
    return error.value


def test_every_code_has_a_case() -> None:
    assert (*CASES, "body_too_large", "body_incomplete") == ERROR_CODES  # only adapters raise the last ones


@pytest.mark.parametrize("code", CASES)
def test_code_message_and_hint(code: str) -> None:
    error = caught(code)
    assert error.code == code
    link = f"https://github.com/clarife/clarife-webhooks/blob/main/docs/pages/reference/errors.md#{code}"
    note = f"{error.hint}; see {link}"
    if sys.version_info >= (3, 11):
        assert str(error) == error.message
        assert error.__notes__ == [note]
    else:
        assert str(error) == f"{error.message}; {note}"
    shown = "".join(traceback.format_exception_only(error))
    assert error.message in shown and note in shown
    for text in (error.message, error.hint):
        assert text and text[0].islower() and not text.endswith(".") and "\n" not in text
    shown += repr(error) + repr(error.args)
    for secret in (PRIVATE, SECRET, SECRET[6:], SIGNED[-64:]):
        assert secret not in shown


@pytest.mark.parametrize("code", CASES)
def test_pickles_and_copies_are_the_same_error(code: str) -> None:
    error = caught(code)
    error.add_note("delivery 7") if hasattr(error, "add_note") else None
    copies = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for again in (*copies, copy.copy(error), copy.deepcopy(error)):
        assert type(again) is WebhookError
        assert (again.code, again.message, again.hint, str(again)) == (error.code, error.message, error.hint, str(error))
        assert getattr(again, "__notes__", None) == getattr(error, "__notes__", None)
    if sys.version_info >= (3, 11):
        assert error.__notes__[1:] == ["delivery 7"]
        assert caught(code).__notes__ == error.__notes__[:1]  # notes belong to one error


def test_it_is_immutable_and_extends_only_exception() -> None:
    error = caught("signature_mismatch")
    assert WebhookError.__mro__[1:] == (Exception, BaseException, object)
    assert WebhookError.__module__ == "clarife_webhooks"
    with pytest.raises(AttributeError):
        error.code = "body_not_raw"  # type: ignore[misc]


def test_the_place_of_a_malformed_payload() -> None:
    assert caught("malformed_payload").message.endswith(f"line 1, column {len(BROKEN) + 1}")


def test_it_requires_its_arguments() -> None:
    with pytest.raises(TypeError):
        WebhookError()  # type: ignore[call-arg]
