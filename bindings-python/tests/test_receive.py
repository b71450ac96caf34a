"""A whole delivery in one call, synchronous and not: the answers, and the errors that are reported."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers import SECRET, envelope

from clarife_webhooks import (
    Claim,
    Dedup,
    Handlers,
    MemoryStore,
    Webhook,
    WebhookError,
    WebhookEvent,
    WebhookResponse,
    receive,
    receive_async,
)
from clarife_webhooks.testing import Clock, sample_event, signed_request

CLOCK = Clock(1774699200)
WEBHOOK = Webhook(SECRET, clock=CLOCK)
BODY = envelope()
HEADERS = {"X-Clarife-Signature": WEBHOOK.sign(BODY)}

Receive = Callable[..., WebhookResponse]


def in_a_loop(*arguments: Any, **options: Any) -> WebhookResponse:
    return asyncio.run(receive_async(*arguments, **options))


both = pytest.mark.parametrize("call", [receive, in_a_loop])


class Store:
    """A store that writes down what it is asked, and fails where it shall."""

    def __init__(self, state: Any = "new", fails: str = "") -> None:
        self.state, self.fails = state, fails
        self.calls: list[tuple[Any, ...]] = []

    def _called(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] == self.fails:
            raise ConnectionError(f"{call[0]} failed")

    def claim(self, id: str, ttl: float, /) -> Claim:
        self._called("claim", id, ttl)
        return Claim(self.state, "a token")

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        self._called("complete", id, token, ttl)

    def release(self, id: str, token: str, /) -> None:
        self._called("release", id, token)


class AsyncStore:
    """The same with coroutines."""

    def __init__(self, state: Any = "new", fails: str = "") -> None:
        self.store = Store(state, fails)
        self.calls = self.store.calls

    async def claim(self, id: str, ttl: float, /) -> Claim:
        return self.store.claim(id, ttl)

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        self.store.complete(id, token, ttl)

    async def release(self, id: str, token: str, /) -> None:
        self.store.release(id, token)


stores = pytest.mark.parametrize(("call", "store_type"), [(receive, Store), (in_a_loop, Store), (in_a_loop, AsyncStore)])


def fail(event: WebhookEvent) -> None:
    raise LookupError("the handler's own")


@both
def test_handled(call: Receive) -> None:
    seen: list[WebhookEvent] = []
    response = call(WEBHOOK, BODY, HEADERS, seen.append)
    assert response == WebhookResponse(200, "handled", {"content-type": "application/json"}, b'{"code":"handled"}')
    assert [event.id for event in seen] == ["evt_1"]


@both
@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (BODY, {}, 400, "missing_signature"),
        (BODY, {"X-Clarife-Signature": "nonsense"}, 400, "malformed_signature"),
        (BODY, {"X-Clarife-Signature": WEBHOOK.sign(BODY, timestamp=1774698899)}, 400, "timestamp_too_old"),
        (BODY + b" ", HEADERS, 400, "signature_mismatch"),
        (b"[]", {"X-Clarife-Signature": WEBHOOK.sign(b"[]")}, 400, "malformed_payload"),
        ({"id": "evt_1"}, HEADERS, 500, "body_not_raw"),
    ],
)
def test_refused(call: Receive, body: Any, headers: Any, status: int, code: str) -> None:
    errors: list[Any] = []
    response = call(WEBHOOK, body, headers, fail, on_error=lambda *error: errors.append(error))
    assert (response.status, response.code) == (status, code)
    [(error, event)] = errors
    assert event is None and isinstance(error, WebhookError) and error.code == code
    assert json.loads(response.body) == {"code": code, "error": error.message}


@both
def test_the_handler_fails(call: Receive) -> None:
    errors: list[Any] = []
    response = call(WEBHOOK, BODY, HEADERS, fail, on_error=lambda *error: errors.append(error))
    assert (response.status, response.code) == (500, "handler_failed")
    assert response.body == b'{"code":"handler_failed","error":"the handler failed"}'
    [(error, event)] = errors
    assert isinstance(error, LookupError) and event.id == "evt_1"


@both
def test_a_handler_may_raise_what_ends_an_iteration(call: Receive) -> None:
    def ends(event: WebhookEvent) -> None:
        raise StopIteration

    assert call(WEBHOOK, BODY, HEADERS, ends, on_error=lambda *_: None).code == "handler_failed"


@both
def test_a_webhook_error_of_the_handler_is_the_handlers_failure(call: Receive) -> None:
    def verifies_something_else(event: WebhookEvent) -> None:
        WEBHOOK.verify(b"{}", HEADERS)

    assert call(WEBHOOK, BODY, HEADERS, verifies_something_else, on_error=lambda *_: None).code == "handler_failed"


@both
def test_on_error_may_fail(call: Receive, caplog: pytest.LogCaptureFixture) -> None:
    def broken(error: Exception, event: object) -> None:
        raise RuntimeError("on_error's own")

    assert call(WEBHOOK, BODY, {}, fail, on_error=broken).code == "missing_signature"
    assert "on_error's own" in caplog.text


def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The receiver's own mistakes, with the way out, and nothing of what strangers send."""
    receive(WEBHOOK, BODY + b" ", HEADERS, fail)
    receive(WEBHOOK, BODY, {}, fail)
    assert caplog.records == []
    receive(WEBHOOK, json.loads(BODY), HEADERS, fail)
    receive(WEBHOOK, BODY, HEADERS, fail)
    receive(WEBHOOK, BODY, HEADERS, print, dedup=Store(fails="claim"))
    first, second, third = caplog.records
    assert {record.name for record in caplog.records} == {"clarife_webhooks"}
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert "request.get_data() in Flask" in first.getMessage()
    assert "LookupError: the handler's own" in caplog.text and "ConnectionError: claim failed" in caplog.text
    assert "evt_1" in second.getMessage() and "evt_1" in third.getMessage()
    assert "Start" not in caplog.text and SECRET[6:] not in caplog.text


@stores
def test_once(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY, HEADERS, lambda event: None, dedup=store).code == "handled"
    assert store.calls == [("claim", "evt_1", 50), ("complete", "evt_1", "a token", 86_400)]


@stores
def test_once_with_times(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY, HEADERS, lambda event: None, dedup=Dedup(store, claim_ttl=0.5, done_ttl=7)).code == "handled"
    assert store.calls == [("claim", "evt_1", 0.5), ("complete", "evt_1", "a token", 7)]


@stores
def test_done_marks_live_as_long_as_events_are_taken(call: Receive, store_type: Any) -> None:
    store = store_type()
    webhook = Webhook(SECRET, clock=CLOCK, max_event_age=100_000)
    assert call(webhook, BODY, HEADERS, lambda event: None, dedup=store).code == "handled"
    assert store.calls[-1] == ("complete", "evt_1", "a token", 100_001)


@stores
@pytest.mark.parametrize(("state", "status", "code"), [("done", 200, "duplicate"), ("in_progress", 409, "in_progress")])
def test_what_is_not_new_is_not_handled(call: Receive, store_type: Any, state: str, status: int, code: str) -> None:
    store = store_type(state)
    response = call(WEBHOOK, BODY, HEADERS, fail, dedup=store)
    assert (response.status, response.code) == (status, code)
    assert [name for name, *_ in store.calls] == ["claim"]


@stores
def test_what_does_not_verify_claims_nothing(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY + b" ", HEADERS, fail, dedup=store).code == "signature_mismatch"
    assert store.calls == []


@stores
def test_a_failure_gives_the_claim_back(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY, HEADERS, fail, dedup=store, on_error=lambda *_: None).code == "handler_failed"
    assert store.calls[1:] == [("release", "evt_1", "a token")]


@stores
@pytest.mark.parametrize(
    ("step", "handler", "status", "code", "reported"),
    [
        ("claim", fail, 503, "store_unavailable", [ConnectionError]),
        ("complete", lambda event: None, 200, "handled", [ConnectionError]),
        ("release", fail, 500, "handler_failed", [LookupError, ConnectionError]),
    ],
)
def test_a_store_that_fails(
    call: Receive, store_type: Any, step: str, handler: Any, status: int, code: str, reported: list[type]
) -> None:
    errors: list[Any] = []
    response = call(WEBHOOK, BODY, HEADERS, handler, dedup=store_type(fails=step), on_error=lambda *error: errors.append(error))
    assert (response.status, response.code) == (status, code)
    assert [type(error) for error, _ in errors] == reported
    assert all(event.id == "evt_1" for _, event in errors)


@both
def test_a_store_that_gives_nonsense_is_down(call: Receive) -> None:
    class Nonsense(Store):
        def claim(self, id: str, ttl: float, /) -> Any:
            return None

    assert call(WEBHOOK, BODY, HEADERS, fail, dedup=Nonsense(), on_error=lambda *_: None).code == "store_unavailable"


def test_a_crashed_holders_claim_ends() -> None:
    """What is no Exception is a worker that ends: nothing is released, and the claim ends by itself."""
    clock = Clock()
    store = MemoryStore(clock=clock)
    webhook = Webhook(SECRET, clock=clock)
    request = signed_request(sample_event("document.updated"), webhook)

    def deliver(handler: Any) -> str:
        return receive(webhook, request.body, request.headers, handler, dedup=store).code

    def ends(event: WebhookEvent) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        deliver(ends)
    assert deliver(fail) == "in_progress"
    clock.advance(49.9)
    assert deliver(fail) == "in_progress"
    clock.advance(0.1)
    assert deliver(lambda event: None) == "handled"
    assert deliver(fail) == "duplicate"


def test_a_cancelled_handlers_claim_ends() -> None:
    async def main() -> list[str]:
        store, clock = AsyncStore(), Clock()
        started = asyncio.Event()

        async def waits(event: WebhookEvent) -> None:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(receive_async(WEBHOOK, BODY, HEADERS, waits, dedup=Dedup(store)))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [name for name, *_ in store.calls]

    assert asyncio.run(main()) == ["claim"]


# --- asynchronous functions ---


def test_coroutines_run_in_the_loop_and_others_in_a_thread() -> None:
    threads: list[threading.Thread] = []

    async def coroutine(event: WebhookEvent) -> None:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())

    def function(event: WebhookEvent) -> None:
        threads.append(threading.current_thread())

    class Callee:
        async def __call__(self, event: WebhookEvent) -> None:
            await coroutine(event)

    for handler in (coroutine, function, Callee(), lambda event: coroutine(event)):
        assert in_a_loop(WEBHOOK, BODY, HEADERS, handler).code == "handled"
    first, second, third, fourth = (thread is threading.main_thread() for thread in threads)
    assert (first, second, third, fourth) == (True, False, True, True)


def test_what_nothing_would_await() -> None:
    async def coroutine(event: WebhookEvent) -> None: ...

    with pytest.raises(TypeError, match="^handler must not be asynchronous here"):
        receive(WEBHOOK, BODY, HEADERS, coroutine)
    with pytest.raises(TypeError, match="^dedup must not be asynchronous here"):
        receive(WEBHOOK, BODY, HEADERS, print, dedup=AsyncStore())  # type: ignore[arg-type]
    # Where it cannot be seen beforehand, the event is not lost.
    errors: list[Any] = []
    handlers = Handlers()
    handlers.on("document.*")(coroutine)
    for handler in (handlers, lambda event: coroutine(event)):
        response = receive(WEBHOOK, BODY, HEADERS, handler, on_error=lambda *error: errors.append(error))
        assert response.code == "handler_failed"
    assert all(isinstance(error, TypeError) for error, _ in errors) and len(errors) == 2


@both
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((SECRET, BODY, HEADERS, print), {}, "webhook must be a Webhook, not str"),
        ((WEBHOOK, BODY, HEADERS, None), {}, "handler must be a function or Handlers, not NoneType"),
        ((WEBHOOK, BODY, HEADERS, print), {"dedup": {}}, "dedup must be a store with claim, complete and release, not dict"),
        ((WEBHOOK, BODY, HEADERS, print), {"on_error": 5}, "on_error must be a function, not int"),
        ((WEBHOOK, BODY, 5, print), {}, "signature must be"),
        ((WEBHOOK, 5, HEADERS, print), {}, "body must be"),
    ],
)
def test_arguments_of_a_wrong_type(call: Receive, arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        call(*arguments, **options)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_times_that_cannot_be_one(wrong: float) -> None:
    for name in ("claim_ttl", "done_ttl"):
        with pytest.raises(ValueError, match=f"^{name} must be more than 0"):
            Dedup(MemoryStore(), **{name: wrong})
        with pytest.raises(TypeError, match=f"^{name} must be a number"):
            Dedup(MemoryStore(), **{name: "60"})  # type: ignore[arg-type]
