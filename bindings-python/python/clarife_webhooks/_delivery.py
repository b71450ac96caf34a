"""The flow of a delivery, the same for every framework.

`Flow` is the state machine of one event. The generated table `FLOW` decides each transition. `SyncReceiver` drives it, or
`AsyncReceiver` in `_async_delivery.py`.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary, WeakSet

from clarife_webhooks._body import check_size
from clarife_webhooks._compat import Unpack
from clarife_webhooks._constants import (
    DEFAULT_MAX_BODY_BYTES,
    ERROR_STATUS,
    FLOW,
    FLOW_START_WITH_STORE,
    FLOW_START_WITHOUT_STORE,
    REFUSAL_LOG_INTERVAL,
    REFUSALS_NOT_LOGGED,
    RESPONSE_HEADERS,
    RESPONSE_TIMEOUT,
    RESPONSES,
    RETURNED_RESPONSE,
    SERVER_ERRORS,
    SLOW_HANDLER,
    FlowOutcome,
    FlowStep,
)
from clarife_webhooks._dispatch import Dispatcher
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import Webhook, parse_trusted
from clarife_webhooks._options import Handler, OnError, ReceiveOptions
from clarife_webhooks._types import ResponseCode, WebhookEvent
from clarife_webhooks.dedup import AnyDedup, Claim, Dedup, to_dedup

Call: TypeAlias = Callable[[], Any]

_log = logging.getLogger("clarife_webhooks")


@dataclass(frozen=True)
class WebhookResponse:
    """A response to a delivery: an HTTP status, headers and a JSON body. clarife retries until the status is 2xx.

    `code` is the outcome, for programs:

    - 200 `handled`: the handler returned. Its return value is ignored, except for an error response.
    - 200 `duplicate`: the event was handled before.
    - 400 and the code of a `WebhookError`: the delivery was refused.
    - 405 `method_not_allowed`: the request method is not POST.
    - 409 `in_progress`: another delivery of the event is being handled.
    - 413 `body_too_large`: the request body exceeds `max_body_bytes`.
    - 500 `handler_failed`: the handler raised an exception, or returned a response with a status other than 2xx.
    - 500 `body_not_raw`: the request body was parsed or read before.
    - 503 `store_unavailable`: the store failed before the handler ran.

    >>> from clarife_webhooks import Webhook, receive
    >>> receive(Webhook("whsec_c2VjcmV0"), b"{}", {}, print)
    WebhookResponse(status=400, code='missing_signature', headers={'content-type': 'application/json'}, body=b'{"code":"missing_signature","error":"the signature header is missing"}')
    """

    status: int
    code: ResponseCode
    headers: dict[str, str]
    body: bytes


def make_response(code: ResponseCode) -> WebhookResponse:
    """Creates the response with a code. `Receiver.refuse` creates the responses to refused deliveries."""
    status, headers, body = RESPONSES[code]
    return WebhookResponse(status, code, dict(headers), body)


class Trusted:
    """The webhook of events that were verified before: it checks no signature."""

    def verify(self, body: Any, headers: Any) -> WebhookEvent:
        """Parses an event."""
        return parse_trusted(body)


TRUSTED = Trusted()


class Receiver:
    """A webhook with its handler and the receiving options."""

    def __init__(
        self,
        webhook: Webhook | Trusted,
        handler: Handler,
        *,
        dedup: AnyDedup = None,
        max_body_bytes: int | None = None,
        on_error: OnError | None = None,
    ) -> None:
        if not isinstance(webhook, Webhook | Trusted):
            raise TypeError(f"webhook must be a Webhook, not {type(webhook).__name__}")
        if not callable(handler):
            raise TypeError(f"handler must be a function or Handlers, not {type(handler).__name__}")
        if max_body_bytes is None:
            max_body_bytes = DEFAULT_MAX_BODY_BYTES
        if isinstance(max_body_bytes, bool) or not isinstance(max_body_bytes, int) or max_body_bytes < 0:
            raise TypeError("max_body_bytes must be a whole number of bytes, 0 or more")
        if on_error is not None and not callable(on_error):
            raise TypeError(f"on_error must be a function, not {type(on_error).__name__}")
        self.webhook: Webhook | Trusted = webhook
        self.handler: Handler = handler
        self.dedup: Dedup[Any] | None = to_dedup(dedup)
        self.max_body_bytes: int = max_body_bytes
        self.on_error: OnError | None = on_error

    def wrap(self, call: Call) -> Call:
        """Wraps the call of the handler. Adapters override it, for example to add a transaction."""
        return call

    def verify(self, body: Any, headers: Any) -> Flow:
        """Verifies a delivery. Raises WebhookError if it is refused."""
        check_size(body, self.max_body_bytes)
        return Flow(self, self.webhook.verify(body, headers))

    def refuse(self, error: WebhookError, debug: bool) -> WebhookResponse:
        """Reports the error of a refused delivery and creates the response, with the hint in development."""
        self.report(error.code, error)
        content = {"code": error.code, "error": error.message}
        if debug:
            content["hint"] = error.hint
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return WebhookResponse(ERROR_STATUS[error.code], error.code, dict(RESPONSE_HEADERS), body)

    def report(self, code: ResponseCode, error: Exception, event: WebhookEvent | None = None) -> None:
        """Calls `on_error`, or else logs the error. A failure of `on_error` changes no response."""
        if self.on_error is not None:
            try:
                self.on_error(error, event)
            except Exception:
                _log.exception("on_error failed")
        elif event is not None:
            _log.error("%s: event %.200r: %s", code, event.id, type(error).__name__, exc_info=error)
        elif isinstance(error, WebhookError):
            end = count_refusal(self.webhook, code)
            if end is not None:
                level = logging.ERROR if code in SERVER_ERRORS else logging.WARNING
                _log.log(level, "%s: %s; %s%s", code, error.message, error.hint, end)


    def warn_of_slow_handler(self, seconds: float) -> None:
        """Logs a warning after the webhook's first handler that took longer than clarife waits."""
        if seconds > RESPONSE_TIMEOUT and self.webhook not in _warned_of_slow_handlers:
            _warned_of_slow_handlers.add(self.webhook)
            _log.warning(SLOW_HANDLER)


_warned_of_slow_handlers: WeakSet[Webhook | Trusted] = WeakSet()


@dataclass
class _Counter:
    logged_at: float
    not_logged: int = 0


_counters: WeakKeyDictionary[Webhook | Trusted, dict[ResponseCode, _Counter]] = WeakKeyDictionary()
"""The counters of the refusals of a webhook's receivers, by code."""
_counters_lock = Lock()


def count_refusal(webhook: Webhook | Trusted, code: ResponseCode) -> str | None:
    """Counts a refusal. Returns the end of its line in the log, or None if it is not logged.

    Strangers can cause refusals at any rate. The log has the first refusal of each code, and then at most one in
    `REFUSAL_LOG_INTERVAL`, with the number of those that it does not have.
    """
    now = time.monotonic()
    with _counters_lock:
        counters = _counters.setdefault(webhook, {})
        counter = counters.get(code)
        # A clock that a test sets back must not silence the log.
        if counter is not None and abs(now - counter.logged_at) < REFUSAL_LOG_INTERVAL:
            counter.not_logged += 1
            return None
        counters[code] = _Counter(now)
    return f"{REFUSALS_NOT_LOGGED}{counter.not_logged}" if counter is not None and counter.not_logged else ""


class StoreTimeoutError(TimeoutError):
    """A store that did not respond in time."""


class Flow:
    """The flow of a verified event: the current step, and the response so far.

    A driver makes the call of the current step and passes on its result or its exception, until there is no step.
    """

    def __init__(self, receiver: Receiver, event: WebhookEvent) -> None:
        self.event: WebhookEvent = event
        self.step: FlowStep | None = FLOW_START_WITHOUT_STORE if receiver.dedup is None else FLOW_START_WITH_STORE
        self._receiver = receiver
        self._response: WebhookResponse | None = None
        self._interrupt: BaseException | None = None
        self._token = ""
        self._handler_start = time.monotonic()

    @property
    def at_handler(self) -> bool:
        """True if the current step is the handler."""
        return self.step in ("handle", "handle_claimed")

    def call(self) -> Call:
        """Returns the call of the current step."""
        dedup = self._receiver.dedup
        if dedup is None or self.at_handler:
            return self._handler_call()
        id = dedup.id_of(self.event.id)
        if self.step == "claim":
            return partial(dedup.store.claim, id, dedup.claim_ttl)
        if self.step == "complete":
            return partial(dedup.store.complete, id, self._token, max(dedup.done_ttl, self.event._replay_window))
        return partial(dedup.store.release, id, self._token)

    def _handler_call(self) -> Call:
        handler: Callable[[Any], object] | None = self._receiver.handler
        if isinstance(handler, Dispatcher):
            handler = handler.find(self.event.type)
        return do_nothing if handler is None else self._receiver.wrap(partial(handler, self.event))

    def returned(self, result: Any) -> None:
        """Ends the current step with the result of its call."""
        if self.at_handler:
            status = response_status(result)
            if status is None or 200 <= status <= 299:
                self._advance("returned")
            else:
                self._advance("failed", RuntimeError(RETURNED_RESPONSE))
        elif self.step != "claim":
            self._advance("written")
        elif isinstance(result, Claim) and result.state in ("new", "in_progress", "done"):
            self._token = result.token
            self._advance(result.state)
        else:
            self._advance("failed", TypeError(f"claim must return a Claim, not {type(result).__name__}"))

    def raised(self, error: BaseException) -> None:
        """Ends the current step with an exception of its call. Raises it if the process ends, with no further step."""
        if isinstance(error, Exception):
            late = isinstance(error, StoreTimeoutError) and not self.at_handler
            self._advance("late" if late else "failed", error)
        elif self.at_handler and not isinstance(error, KeyboardInterrupt | SystemExit):
            self._interrupt = error  # for example CancelledError
            self._advance("abandoned")
        else:
            raise error

    def _advance(self, outcome: FlowOutcome, error: Exception | None = None) -> None:
        assert self.step is not None
        if self.at_handler:
            self._receiver.warn_of_slow_handler(time.monotonic() - self._handler_start)
        transition = FLOW[self.step][outcome]
        if transition.report is not None and error is not None:
            self._receiver.report(transition.report, error, self.event)
        if transition.response is not None:
            self._response = make_response(transition.response)
        self.step = transition.next
        self._handler_start = time.monotonic()

    def end(self) -> WebhookResponse:
        """Returns the response. Raises the exception of an abandoned handler."""
        if self._interrupt is not None:
            raise self._interrupt
        assert self._response is not None
        return self._response


class SyncReceiver(Receiver):
    """A receiver that makes every call in the thread of the request."""

    def __init__(self, webhook: Webhook | Trusted, handler: Handler, **options: Unpack[ReceiveOptions]) -> None:
        super().__init__(webhook, handler, **options)
        for name, function in [("handler", handler), ("dedup", self.dedup and self.dedup.store.claim)]:
            if is_async(function):
                raise TypeError(f"{name} must not be asynchronous here: nothing would await it")

    def receive(self, method: str, body: Any, headers: Any, *, debug: bool = sys.flags.dev_mode) -> WebhookResponse:
        """Receives a delivery. `body` is the request body, or a function that reads it and may raise WebhookError.
        `debug` is True in development."""
        if method != "POST":
            return make_response("method_not_allowed")
        try:
            flow = self.verify(body() if callable(body) else body, headers)
        except WebhookError as error:
            return self.refuse(error, debug)
        while flow.step is not None:
            try:
                result = _call_sync(flow.call())
            except BaseException as error:
                flow.raised(error)
            else:
                flow.returned(result)
        return flow.end()


def _call_sync(call: Call) -> Any:
    result = call()
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("the handler and the store must not be asynchronous here: nothing would await them")
    return result


def response_status(value: object) -> int | None:
    """Returns the status of a value that a framework takes as a response, or None for every other value.

    A response is an object of Flask, Django, Starlette or aiohttp, a tuple of a body and a status, or a dict of AWS
    Lambda.
    """
    status: object = None
    if isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
        if len(parts) in (2, 3) and isinstance(parts[0], (str, bytes, dict, list)):
            status = parts[1]
    elif isinstance(value, dict):
        status = cast("dict[object, object]", value).get("statusCode")
    else:
        status = getattr(value, "status_code", None)
        if status is None and hasattr(value, "headers"):
            status = getattr(value, "status", None)
    if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
        return status
    return None


def do_nothing() -> None:
    """Does nothing: the call for an event without a function."""


def is_async(function: Any) -> bool:
    """Returns True for a coroutine function, or an object that is called as one."""
    function = function.func if isinstance(function, partial) else function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))
