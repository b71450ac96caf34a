"""`receive` and `receive_async`: responses, and reported errors."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast, get_args, get_type_hints

import pytest
from helpers import SECRET, envelope

from clarife_webhooks import (
    AsyncReceiveOptions,
    Claim,
    Dedup,
    Handlers,
    MemoryStore,
    ReceiveOptions,
    Webhook,
    WebhookError,
    WebhookEvent,
    WebhookResponse,
    _delivery,
    current_request,
    receive,
    receive_async,
    receive_trusted,
    receive_trusted_async,
)
from clarife_webhooks._delivery import StoreTimeoutError
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
    """A store that records its calls, and fails at one of them."""

    def __init__(self, state: Any = "new", fails: str = "") -> None:
        self.state, self.fails = state, fails
        self.calls: list[tuple[Any, ...]] = []

    def _record(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] == self.fails:
            raise ConnectionError(f"{call[0]} failed")

    def claim(self, id: str, ttl: float, /) -> Claim:
        self._record("claim", id, ttl)
        return Claim(self.state, "a token")

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        self._record("complete", id, token, ttl)

    def release(self, id: str, token: str, /) -> None:
        self._record("release", id, token)


class AsyncStore:
    """A `Store` with coroutines."""

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
    raise LookupError("raised by the handler")


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
def test_a_handler_may_raise_stop_iteration(call: Receive) -> None:
    def stops(event: WebhookEvent) -> None:
        raise StopIteration

    assert call(WEBHOOK, BODY, HEADERS, stops, on_error=lambda *_: None).code == "handler_failed"


@both
def test_a_webhook_error_of_the_handler_is_the_handlers_failure(call: Receive) -> None:
    def verifies_another_body(event: WebhookEvent) -> None:
        WEBHOOK.verify(b"{}", HEADERS)

    assert call(WEBHOOK, BODY, HEADERS, verifies_another_body, on_error=lambda *_: None).code == "handler_failed"


@both
def test_on_error_may_fail(call: Receive, caplog: pytest.LogCaptureFixture) -> None:
    def broken(error: Exception, event: object) -> None:
        raise RuntimeError("raised by on_error")

    assert call(WEBHOOK, BODY, {}, fail, on_error=broken).code == "missing_signature"
    assert "raised by on_error" in caplog.text


def test_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The server's own errors are logged as errors. Other refused deliveries are logged as warnings, with their hints."""
    webhook = Webhook(SECRET, clock=CLOCK)
    receive(webhook, BODY + b" ", HEADERS, fail)
    receive(webhook, BODY, {}, fail)
    receive(webhook, json.loads(BODY), HEADERS, fail)
    receive(webhook, BODY, HEADERS, fail)
    receive(webhook, BODY, HEADERS, print, dedup=Store(fails="claim"))
    mismatch, missing, not_raw, second, third = caplog.records
    assert {record.name for record in caplog.records} == {"clarife_webhooks"}
    assert [mismatch.levelno, missing.levelno] == [logging.WARNING] * 2
    assert {record.levelno for record in (not_raw, second, third)} == {logging.ERROR}
    assert "signature_mismatch: no signature in the header matches the body; use this sub" in mismatch.getMessage()
    assert "missing_signature: the signature header is missing; pass the X-" in missing.getMessage()
    assert "request.get_data() in Flask" in not_raw.getMessage()
    assert "LookupError: raised by the handler" in caplog.text and "ConnectionError: claim failed" in caplog.text
    assert "evt_1" in second.getMessage() and "evt_1" in third.getMessage()
    assert "Start" not in caplog.text and SECRET[6:] not in caplog.text
    caplog.clear()
    receive(webhook, BODY, HEADERS, fail)
    assert len(caplog.records) == 1  # each error of the handler is logged


@both
def test_a_refusal_of_each_code_is_logged_once_a_minute(
    call: Receive, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("clarife_webhooks._delivery.time.monotonic", lambda: now)
    webhook = Webhook(SECRET, clock=CLOCK)

    def refuse(times: int) -> list[str]:
        caplog.clear()
        for _ in range(times):
            assert call(webhook, BODY, {}, fail).code == "missing_signature"
        return [record.getMessage().partition("clarife; ")[2] for record in caplog.records]

    assert refuse(3) == [""]
    now += 59.9
    assert refuse(2) == []
    assert call(webhook, BODY + b" ", HEADERS, fail).code == "signature_mismatch"
    assert len(caplog.records) == 1
    now += 0.2
    assert refuse(3) == ["not logged since the last such line: 4"]
    now += 60
    assert refuse(1) == ["not logged since the last such line: 2"]
    now += 60
    assert refuse(1) == [""]
    now = 0  # a test sets the clock back
    assert refuse(1) == [""]
    errors: list[Exception] = []
    webhook = Webhook(SECRET, clock=CLOCK)  # each webhook has counters of its own
    caplog.clear()
    for _ in range(3):
        call(webhook, BODY, {}, fail, on_error=lambda error, event: errors.append(error))
    assert len(errors) == 3 and caplog.records == []
    assert refuse(1) == [""]


def test_counters_end_with_their_webhook() -> None:
    before = len(_delivery._counters)
    for _ in range(10):
        receive(Webhook(SECRET), BODY, {}, fail)
    gc.collect()
    assert len(_delivery._counters) <= before


@stores
def test_dedup(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY, HEADERS, lambda event: None, dedup=store).code == "handled"
    assert store.calls == [("claim", "evt_1", 50), ("complete", "evt_1", "a token", 86_400)]


@stores
def test_dedup_with_times(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY, HEADERS, lambda event: None, dedup=Dedup(store, claim_ttl=0.5, done_ttl=7)).code == "handled"
    assert store.calls == [("claim", "evt_1", 0.5), ("complete", "evt_1", "a token", 7)]


@stores
def test_done_marks_live_as_long_as_events_are_accepted(call: Receive, store_type: Any) -> None:
    store = store_type()
    webhook = Webhook(SECRET, clock=CLOCK, max_event_age=100_000)
    assert call(webhook, BODY, HEADERS, lambda event: None, dedup=store).code == "handled"
    assert store.calls[-1] == ("complete", "evt_1", "a token", 100_001)


@stores
@pytest.mark.parametrize(("state", "status", "code"), [("done", 200, "duplicate"), ("in_progress", 409, "in_progress")])
def test_only_new_events_are_handled(call: Receive, store_type: Any, state: str, status: int, code: str) -> None:
    store = store_type(state)
    response = call(WEBHOOK, BODY, HEADERS, fail, dedup=store)
    assert (response.status, response.code) == (status, code)
    assert [name for name, *_ in store.calls] == ["claim"]


@stores
def test_a_refused_delivery_claims_nothing(call: Receive, store_type: Any) -> None:
    store = store_type()
    assert call(WEBHOOK, BODY + b" ", HEADERS, fail, dedup=store).code == "signature_mismatch"
    assert store.calls == []


@stores
def test_a_failure_releases_the_claim(call: Receive, store_type: Any) -> None:
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
@pytest.mark.parametrize("wrong", [None, "new", Claim(cast(Any, "old")), ("new", "a token"), 1])
def test_a_store_that_returns_no_claim_is_down(call: Receive, wrong: Any) -> None:
    class NoClaim(Store):
        def claim(self, id: str, ttl: float, /) -> Any:
            return wrong

    errors: list[Any] = []
    options: Any = {"dedup": NoClaim(), "on_error": lambda *error: errors.append(error)}
    assert call(WEBHOOK, BODY, HEADERS, fail, **options).code == "store_unavailable"
    assert str(errors[0][0]) == f"claim must return a Claim, not {type(wrong).__name__}"


def test_the_claim_of_a_crashed_worker_expires() -> None:
    """A worker that exits releases nothing: the claim expires."""
    clock = Clock()
    store = MemoryStore(clock=clock)
    webhook = Webhook(SECRET, clock=clock)
    request = signed_request(sample_event("document.updated"), webhook)

    def deliver(handler: Any) -> str:
        return receive(webhook, request.body, request.headers, handler, dedup=store).code

    def exits(event: WebhookEvent) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        deliver(exits)
    assert deliver(fail) == "in_progress"
    clock.advance(49.9)
    assert deliver(fail) == "in_progress"
    clock.advance(0.1)
    assert deliver(lambda event: None) == "handled"
    assert deliver(fail) == "duplicate"


# --- cancelled deliveries, and stores that do not respond ---


async def calls_of(store: Any, count: int) -> list[str]:
    """Waits for a number of calls of a store. Returns their names."""
    for _ in range(2000):
        if len(store.calls) >= count:
            break
        await asyncio.sleep(0.005)
    return [name for name, *_ in store.calls]


@pytest.mark.parametrize("store_type", [Store, AsyncStore])
@pytest.mark.parametrize("cancellations", [1, 2])
def test_a_cancelled_coroutine_releases_its_claim(store_type: Any, cancellations: int) -> None:
    async def main() -> list[str]:
        store, started = store_type(), asyncio.Event()

        async def waits(event: WebhookEvent) -> None:
            started.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(receive_async(WEBHOOK, BODY, HEADERS, waits, dedup=Dedup(store)))
        await started.wait()
        for _ in range(cancellations):  # the second one meets the release
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        return await calls_of(store, 2)

    assert asyncio.run(main()) == ["claim", "release"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_goes_on_after_a_cancellation(fails: bool) -> None:
    async def main() -> list[str]:
        store, started, resume = AsyncStore(), threading.Event(), threading.Event()

        def waits(event: WebhookEvent) -> None:
            started.set()
            assert resume.wait(20)
            if fails:
                raise LookupError

        options: Any = {"dedup": store, "on_error": lambda *_: None}
        task = asyncio.create_task(receive_async(WEBHOOK, BODY, HEADERS, waits, **options))
        assert await asyncio.to_thread(started.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(store.calls) == 1, "the handler is still running"
        resume.set()
        return await calls_of(store, 2)

    assert asyncio.run(main()) == ["claim", "release" if fails else "complete"]


class LateStore(AsyncStore):
    """A store with a method that does not respond."""

    def __init__(self, late: str) -> None:
        super().__init__()
        self.late = late

    async def wait(self, name: str) -> None:
        if name == self.late:
            await asyncio.Event().wait()

    async def claim(self, id: str, ttl: float, /) -> Claim:
        await self.wait("claim")
        return await super().claim(id, ttl)

    async def complete(self, id: str, token: str, ttl: float, /) -> None:
        await self.wait("complete")

    async def release(self, id: str, token: str, /) -> None:
        await self.wait("release")


@pytest.mark.parametrize(
    ("late", "handler", "code", "reported"),
    [
        ("claim", fail, "store_unavailable", [StoreTimeoutError]),
        ("complete", lambda event: None, "handled", [StoreTimeoutError]),
        ("release", fail, "handler_failed", [LookupError, StoreTimeoutError]),
    ],
)
def test_a_store_that_does_not_respond(
    late: str, handler: Any, code: str, reported: list[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarife_webhooks._async_delivery.STORE_TIMEOUT", 0.05)
    errors: list[Any] = []
    options: Any = {"dedup": LateStore(late), "on_error": lambda *error: errors.append(error)}
    assert in_a_loop(WEBHOOK, BODY, HEADERS, handler, **options).code == code
    assert [type(error) for error, _ in errors] == reported
    assert isinstance(errors[-1][0], TimeoutError) and "did not respond within 5 s" in str(errors[-1][0])


@pytest.mark.parametrize("cancel", [False, True])
def test_a_late_claim_is_released(cancel: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be stopped: its claim comes after the time-out, or after the delivery was cancelled."""
    resume = threading.Event()

    class SlowStore(Store):
        def claim(self, id: str, ttl: float, /) -> Claim:
            assert resume.wait(20)
            return super().claim(id, ttl)

    async def main() -> list[str]:
        store, options = SlowStore(), {"on_error": lambda *_: None}
        task = asyncio.create_task(receive_async(WEBHOOK, BODY, HEADERS, fail, dedup=store, **options))  # type: ignore[arg-type]
        if cancel:
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            assert (await task).code == "store_unavailable"
        resume.set()
        return await calls_of(store, 2)

    monkeypatch.setattr("clarife_webhooks._async_delivery.STORE_TIMEOUT", 20 if cancel else 0.05)
    assert asyncio.run(main()) == ["claim", "release"]


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


def test_coroutines_in_a_synchronous_receiver() -> None:
    async def coroutine(event: WebhookEvent) -> None: ...

    with pytest.raises(TypeError, match="^handler must not be asynchronous here"):
        receive(WEBHOOK, BODY, HEADERS, coroutine)
    with pytest.raises(TypeError, match="^dedup must not be asynchronous here"):
        receive(WEBHOOK, BODY, HEADERS, print, dedup=AsyncStore())  # type: ignore[arg-type]
    # A coroutine that is found only when it is called does not lose the event.
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
        ((WEBHOOK, BODY, HEADERS, print), {"max_body_bytes": 1.5}, "max_body_bytes must be a whole number of bytes"),
        ((WEBHOOK, BODY, HEADERS, print), {"asynchronous": True}, ".* unexpected keyword argument 'asynchronous'"),
        ((WEBHOOK, BODY, 5, print), {}, "signature must be"),
        ((WEBHOOK, 5, HEADERS, print), {}, "body must be"),
    ],
)
def test_arguments_of_a_wrong_type(call: Receive, arguments: Any, options: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        call(*arguments, **options)


@both
@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, bytes.decode, lambda body: memoryview(body).cast("H")])
def test_the_limit_of_a_body_that_was_read_before(call: Receive, form: Any) -> None:
    body = envelope(data='{"title":"Zażółć"}')
    body += b" " * (len(body) % 2)
    headers = {"X-Clarife-Signature": WEBHOOK.sign(body)}
    for limit, code in ((len(body), "handled"), (len(body) - 1, "body_too_large")):
        response = call(WEBHOOK, form(body), headers, lambda event: None, max_body_bytes=limit, on_error=lambda *_: None)
        assert response.code == code


def test_annotations_can_be_read() -> None:
    for function, options in ((receive, ReceiveOptions), (receive_async, AsyncReceiveOptions)):
        assert get_args(get_type_hints(function)["options"]) == (options,)
        assert set(get_type_hints(options)) == {"dedup", "max_body_bytes", "on_error"}


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_invalid_times(wrong: float) -> None:
    create: Any = partial(Dedup, MemoryStore())
    for name in ("claim_ttl", "done_ttl"):
        with pytest.raises(ValueError, match=f"^{name} must be more than 0"):
            create(**{name: wrong})
        with pytest.raises(TypeError, match=f"^{name} must be a number"):
            create(**{name: "60"})


class FakeResponse:
    """A response as Flask, Django, Starlette and aiohttp have it: with one of two names for the status."""

    def __init__(self, status: int, name: str = "status_code") -> None:
        self.headers: dict[str, str] = {}
        setattr(self, name, status)


@both
@pytest.mark.parametrize(
    "result",
    [
        FakeResponse(503),
        FakeResponse(302),
        FakeResponse(500, "status"),
        ("try later", 503),
        ({"error": "busy"}, 503, {}),
        {"statusCode": 500},
    ],
)
def test_a_returned_error_response_is_an_error(call: Receive, result: object) -> None:
    store = MemoryStore(clock=CLOCK)
    errors: list[Exception] = []
    options: dict[str, Any] = {"dedup": store, "on_error": lambda error, event: errors.append(error)}
    assert call(WEBHOOK, BODY, HEADERS, lambda event: result, **options).status == 500
    assert "returned an error response" in str(errors[0])
    assert call(WEBHOOK, BODY, HEADERS, lambda event: None, **options).code == "handled"


@both
@pytest.mark.parametrize("result", [None, 503, "text", FakeResponse(204), ("id", 7), ({"a": 1}, "b"), {"status": 503}])
def test_every_other_result_is_ignored(call: Receive, result: object) -> None:
    assert call(WEBHOOK, BODY, HEADERS, lambda event: result).code == "handled"


# --- events that were verified before ---


def trusted_in_a_loop(*arguments: Any, **options: Any) -> WebhookResponse:
    return asyncio.run(receive_trusted_async(*arguments, **options))


both_trusted = pytest.mark.parametrize("call", [receive_trusted, trusted_in_a_loop])


@both_trusted
@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, bytes.decode])
def test_trusted(call: Receive, form: Any) -> None:
    seen: list[WebhookEvent] = []
    assert call(form(BODY), seen.append) == WebhookResponse(200, "handled", {"content-type": "application/json"}, b'{"code":"handled"}')
    assert [event.raw for event in seen] == [BODY]


@both_trusted
def test_trusted_events_share_handlers_and_stores_with_deliveries(call: Receive) -> None:
    store, handlers, seen = MemoryStore(), Handlers(), list[str]()
    handlers.on("document.*")(lambda event: seen.append(event.id))
    assert receive(WEBHOOK, BODY, HEADERS, handlers, dedup=store).code == "handled"
    assert call(BODY, handlers, dedup=store).code == "duplicate"
    assert call(envelope(id="evt_2"), handlers, dedup=store).code == "handled"
    assert seen == ["evt_1", "evt_2"]
    assert call(envelope(id="evt_3"), fail, dedup=store, on_error=lambda *_: None).code == "handler_failed"
    assert call(envelope(id="evt_3"), handlers, dedup=store).code == "handled"


@both_trusted
def test_trusted_events_that_are_none(call: Receive, caplog: pytest.LogCaptureFixture) -> None:
    errors: list[Any] = []
    for body in (b"{}", b"", "[]", b"\xff"):
        response = call(body, fail, on_error=lambda *error: errors.append(error))
        assert (response.status, response.code) == (400, "malformed_payload")
    assert len(errors) == 4
    assert call({"id": "evt_1"}, fail).code == "body_not_raw"
    for arguments, message in [((5, print), "raw must be"), ((BODY, None), "handler must be a function")]:
        with pytest.raises(TypeError, match=f"^{message}"):
            call(*arguments)


@both
def test_a_webhook_is_required(call: Receive) -> None:
    with pytest.raises(TypeError, match="^webhook must be a Webhook, not NoneType$"):
        call(None, BODY, HEADERS, print)


def test_no_request_outside_a_handler() -> None:
    with pytest.raises(RuntimeError, match="^cannot return the request: no adapter is handling a delivery$"):
        current_request()
