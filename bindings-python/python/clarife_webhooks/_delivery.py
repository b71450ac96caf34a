"""What is done with a delivery, once for all frameworks, synchronous or not.

The steps are generators that yield what has to be called and get its result; `run` and `run_async` call it.
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

from clarife_webhooks._constants import DEFAULT_MAX_BODY_BYTES, ERROR_STATUS, LOGGED_CODES, RESPONSE_HEADERS, RESPONSES
from clarife_webhooks._dispatch import Dispatch
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import Webhook
from clarife_webhooks._types import ResponseCode, WebhookEvent
from clarife_webhooks.dedup import Claim, Dedup, MemoryStore, wired

_T = TypeVar("_T")
Handler: TypeAlias = Callable[[WebhookEvent], object]
OnError: TypeAlias = Callable[[Exception, WebhookEvent | None], object]
Steps: TypeAlias = Generator[Callable[[], Any], Any, _T]

_log = logging.getLogger("clarife_webhooks")


@dataclass(frozen=True)
class WebhookResponse:
    """What to answer a delivery with: an HTTP status, the headers, and a body of JSON.

    `code` says for programs what has come of the delivery: `handled`, `duplicate`, `in_progress`, `handler_failed`,
    `store_unavailable`, `method_not_allowed`, or the code of a `WebhookError`.

    >>> from clarife_webhooks import Webhook, receive
    >>> receive(Webhook("whsec_c2VjcmV0"), b"{}", {}, print)
    WebhookResponse(status=400, code='missing_signature', headers={'content-type': 'application/json'}, body=b'{"code":"missing_signature","error":"the signature header is missing"}')
    """

    status: int
    code: ResponseCode
    headers: dict[str, str]
    body: bytes


def response(code: ResponseCode, error: WebhookError | None = None) -> WebhookResponse:
    """The answer of a code, or the one that an error makes."""
    if error is None:
        status, headers, body = RESPONSES[code]
    else:
        status, headers = ERROR_STATUS[error.code], RESPONSE_HEADERS
        content = {"code": error.code, "error": error.message}
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return WebhookResponse(status, code, dict(headers), body)


def log_error(error: Exception, event: WebhookEvent | None) -> None:
    """What is done with errors unless `on_error` is given: the receiver's own go to the log, a stranger's deliveries do not."""
    if event is not None:
        _log.error("event %.200r: %s", event.id, type(error).__name__, exc_info=error)
    elif isinstance(error, WebhookError) and error.code in LOGGED_CODES:
        _log.error("%s: %s; %s", error.code, error.message, error.hint)


@dataclass(frozen=True)
class Receiver:
    """A webhook with its handler and the options that the adapters have in common."""

    webhook: Webhook
    handler: Handler
    dedup: Dedup[Any] | None = None
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    on_error: OnError = log_error
    call: Callable[[Callable[[], Any]], Callable[[], Any]] = lambda call: call
    """What a framework puts around the handler."""

    @classmethod
    def of(
        cls,
        webhook: Webhook,
        handler: Handler,
        *,
        dedup: Any = None,
        max_body_bytes: int | None = None,
        on_error: OnError | None = None,
        asynchronous: bool = False,
        **more: Any,
    ) -> Receiver:
        """The same from what users give; raises TypeError for what is of a wrong type."""
        if not isinstance(webhook, Webhook):
            raise TypeError(f"webhook must be a Webhook, not {type(webhook).__name__}")
        if not callable(handler):
            raise TypeError(f"handler must be a function or Handlers, not {type(handler).__name__}")
        if on_error is not None and not callable(on_error):
            raise TypeError(f"on_error must be a function, not {type(on_error).__name__}")
        if max_body_bytes is None:
            max_body_bytes = DEFAULT_MAX_BODY_BYTES
        if isinstance(max_body_bytes, bool) or not isinstance(max_body_bytes, int) or max_body_bytes < 0:
            raise TypeError("max_body_bytes must be a whole number of bytes, 0 or more")
        given = wired(dedup)
        if not asynchronous:
            for name, function in [("handler", handler), ("dedup", given and given.store.claim)]:
                if is_async(function):
                    raise TypeError(f"{name} must not be asynchronous here: nothing would await it")
        return cls(webhook, handler, given, max_body_bytes, on_error or log_error, **more)

    def report(self, error: Exception, event: WebhookEvent | None) -> None:
        """Tells the user's function of an error; one that raises changes no answer."""
        try:
            self.on_error(error, event)
        except Exception:
            _log.exception("on_error failed")

    def refuse(self, error: WebhookError) -> WebhookResponse:
        """The answer to a delivery that is refused."""
        self.report(error, None)
        return response(error.code, error)

    def deliver(self, method: str, body: Any, headers: Any) -> Steps[WebhookResponse]:
        """From the request to the answer. `body` is the body, or what reads it and may raise WebhookError."""
        begun = yield from self.begin(method, body, headers)
        if isinstance(begun, WebhookResponse):
            return begun
        event, claim = begun
        try:
            yield from self.handle(event)
        except Exception as error:
            yield from self.failed(event, claim, error)
            return response("handler_failed")
        # What is no Exception is a worker that ends: the claim then ends by itself.
        yield from self.handled(event, claim)
        return response("handled")

    def begin(self, method: str, body: Any, headers: Any) -> Steps[WebhookResponse | tuple[WebhookEvent, Claim]]:
        """Until the handler: the answer, if there is nothing to handle, or the event and the claim on it."""
        if method != "POST":
            return response("method_not_allowed")
        try:
            raw = (yield body) if callable(body) else body
            event = self.webhook.verify(raw, headers)
        except WebhookError as error:
            return self.refuse(error)
        if self.dedup is None:
            return event, Claim("new")
        try:
            claim = yield partial(self.dedup.store.claim, event.id, self.dedup.claim_ttl)
            state = claim[0]
        except Exception as error:
            self.report(error, event)
            return response("store_unavailable")
        if state == "new":
            return event, claim
        return response("duplicate" if state == "done" else "in_progress")

    def handle(self, event: WebhookEvent) -> Steps[None]:
        """Calls the handler, or the one of several that is for the event."""
        handler = self.handler.find(event.type) if isinstance(self.handler, Dispatch) else self.handler
        if handler is not None:
            yield self.call(partial(handler, event))

    def handled(self, event: WebhookEvent, claim: Claim) -> Steps[None]:
        """After the handler: the event stays done. Where that cannot be written, it was handled all the same."""
        if self.dedup is None:
            return
        ttl = max(self.dedup.done_ttl, event._replay_window)
        try:
            yield partial(self.dedup.store.complete, event.id, claim[1], ttl)
        except Exception as error:
            self.report(error, event)

    def failed(self, event: WebhookEvent, claim: Claim, error: Exception) -> Steps[None]:
        """After a handler that failed: the next delivery may have it. Where that cannot be written, the claim ends by itself."""
        self.report(error, event)
        if self.dedup is None:
            return
        try:
            yield partial(self.dedup.store.release, event.id, claim[1])
        except Exception as failure:
            self.report(failure, event)


def is_async(function: Any) -> bool:
    """Whether a function, or an object that is called as one, has to be awaited."""
    function = function.func if isinstance(function, partial) else function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))


def run(steps: Steps[_T]) -> _T:
    """Takes the steps, one after another."""
    resume: Callable[[Any], Callable[[], Any]] = steps.send
    value: Any = None
    while True:
        try:
            call = resume(value)
        except StopIteration as end:
            return cast(_T, end.value)
        try:
            value, resume = _called(call), steps.send
        except Exception as error:
            value, resume = error, steps.throw


def _called(call: Callable[[], Any]) -> Any:
    result = call()
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("the handler and the store must not be asynchronous here: nothing would await them")
    return result


InThread: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]


async def _to_thread(call: Callable[[], Any]) -> Any:
    import asyncio  # two thirds of the time that importing this package would take, and who comes here has it already

    return await asyncio.to_thread(call)


async def run_async(steps: Steps[_T], in_thread: InThread = _to_thread) -> _T:
    """Takes the steps, one after another. What is no coroutine runs in a thread, so that it holds nobody up."""
    resume: Callable[[Any], Callable[[], Any]] = steps.send
    value: Any = None
    while True:
        try:
            call = resume(value)
        except StopIteration as end:
            return cast(_T, end.value)
        try:
            quick = is_async(call) or isinstance(getattr(getattr(call, "func", None), "__self__", None), MemoryStore)
            value = call() if quick else await in_thread(partial(_without_stop_iteration, call))
            if inspect.isawaitable(value):
                value = await value
            resume = steps.send
        except Exception as error:
            value, resume = error, steps.throw


def _without_stop_iteration(call: Callable[[], Any]) -> Any:
    """A StopIteration cannot leave a thread: whoever awaits it would wait for ever."""
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("a function raised StopIteration") from error
