# Generated from the core by `cargo xtask codegen`: do not edit.
"""Constants of receiving: responses, defaults, the flow of a delivery, and the keys of stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode, ResponseCode

ERROR_STATUS: Final[dict[ErrorCode, int]] = {
    "invalid_secret": 500,
    "missing_signature": 400,
    "malformed_signature": 400,
    "timestamp_too_old": 400,
    "timestamp_in_future": 400,
    "signature_mismatch": 400,
    "malformed_payload": 400,
    "event_too_old": 400,
    "body_not_raw": 500,
    "body_too_large": 413,
    "body_incomplete": 400,
}
"""The HTTP status of the response to a refused delivery, by error code."""

ERROR_REFERENCE: Final = "https://github.com/clarife/clarife-webhooks/blob/main/docs/pages/reference/errors.md#"
"""The address of the section on an error, without the error's code at its end."""

RESPONSE_HEADERS: Final[dict[str, str]] = {"content-type": "application/json"}
"""The headers of the response to a refused delivery."""

RESPONSES: Final[dict[str, tuple[int, dict[str, str], bytes]]] = {
    "handled": (200, {"content-type": "application/json"}, b'{"code":"handled"}'),
    "duplicate": (200, {"content-type": "application/json"}, b'{"code":"duplicate"}'),
    "in_progress": (409, {"content-type": "application/json"}, b'{"code":"in_progress","error":"the event is being handled"}'),
    "handler_failed": (500, {"content-type": "application/json"}, b'{"code":"handler_failed","error":"the handler failed"}'),
    "store_unavailable": (503, {"content-type": "application/json"}, b'{"code":"store_unavailable","error":"the store of handled events is not available"}'),
    "method_not_allowed": (405, {"content-type": "application/json", "allow": "POST"}, b'{"code":"method_not_allowed","error":"webhooks are sent with POST"}'),
    "receiver_failed": (500, {"content-type": "application/json"}, b'{"code":"receiver_failed","error":"the receiver failed"}'),
}
"""All other responses, by code: status, headers and body."""

SERVER_ERRORS: Final[frozenset[ResponseCode]] = frozenset((
    "invalid_secret",
    "body_not_raw",
    "handler_failed",
    "store_unavailable",
    "receiver_failed",
))
"""The codes of the server's own errors. Every other code of an error belongs to a refused delivery."""

REFUSAL_LOG_INTERVAL: Final = 60
"""The time in which a receiver logs at most one refusal of an error code, in seconds."""

REFUSALS_NOT_LOGGED: Final = "; not logged since the last such line: "
"""The end of a line that follows refusals which were not logged. Their number comes after it."""

RAW_BODY_HINTS: Final[dict[str, str]] = {
    "fastapi": "do not consume request.stream() in a dependency, middleware or form parameter; await request.body() keeps the bytes",
    "asgi": "do not call receive() before the receiver, or pass the body on with a new receive function, as Starlette's BaseHTTPMiddleware does after await request.body()",
    "django": "before the receiver, read the body with request.body, which keeps it; in Django REST Framework, call the receiver before anything reads request.data",
    "flask": "before the receiver, read the body with request.get_data() or request.get_json(), which keep it, and not with request.stream or request.form",
    "wsgi": "do not read wsgi.input in middleware, or replace it with a stream of the same bytes; for bodies without a length, use a server that sets wsgi.input_terminated",
    "aiohttp": "before the receiver, read the body with await request.read() or request.json(), which keep it, and not with request.content or request.post()",
}
"""Hint of `body_not_raw`, by framework."""

DEFAULT_MAX_BODY_BYTES: Final = 10485760
"""The default limit of a request body, in bytes."""

BODY_TIMEOUT: Final = 30
"""The time after which a receiver gives up on a body, in seconds."""

DEFAULT_CLAIM_TTL: Final = 50
"""The default time to live of a claim, in seconds."""

DEFAULT_DONE_TTL: Final = 86400
"""The default time to live of a done mark, in seconds. A longer replay window of the event takes precedence."""

CONTENT_ENCODED: Final = "the body has a content encoding, and clarife signs and sends bodies without one"
"""The rest of the message for a body with a content encoding, after the message of `signature_mismatch`."""

STORE_TIMEOUT: Final = 5
"""The time after which a receiver gives up on a call of a store, in seconds."""

STORE_LATE: Final = "the store did not respond within 5 s"
"""The message of the error of a call that took longer."""

RETURNED_RESPONSE: Final = "the handler returned an error response, which clarife does not receive; end the handler with an error, so that clarife retries"
"""The message of the error of a handler that returned an error response."""

RESPONSE_TIMEOUT: Final = 10
"""The time that clarife waits for a response, in seconds."""

SLOW_HANDLER: Final = "the handler took longer than the 10 s that clarife waits, so clarife sends the event again; return earlier, and do long work in a queue"
"""The warning after a handler that took longer."""

STORE_KEY_PREFIX: Final = "clarife-webhooks:"
"""The prefix of every key in a shared store. The event id follows."""

STORE_DONE: Final = "done"
"""The value of a done mark in a shared store."""

STORE_EVICTED: Final = "the store of handled events is full and has removed an event that it should still know; a later delivery of such an event is handled again; raise its capacity"
"""The warning of a store in memory that has removed a done mark which was still alive."""

STORE_RELEASE_SCRIPT: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
"""The Redis script that releases a claim: it deletes KEYS[1] if its value is the token ARGV[1]."""

FlowStep: TypeAlias = Literal["claim", "handle_claimed", "complete", "release", "handle"]
"""A step of receiving a verified delivery. `handle_claimed` calls the handler while the receiver has a claim."""

FlowOutcome: TypeAlias = Literal["new", "in_progress", "done", "returned", "abandoned", "written", "failed", "late"]
"""The outcome of a step."""


class FlowTransition(NamedTuple):
    """The consequences of an outcome."""

    report: Literal["handler_failed", "store_unavailable"] | None = None
    """The code for reporting the error of the step."""
    response: ResponseCode | None = None
    """The response. No later step changes it."""
    next: FlowStep | None = None
    """The next step, or None at the end of the flow."""


FLOW_START_WITH_STORE: Final = "claim"
"""The first step with a store."""

FLOW_START_WITHOUT_STORE: Final = "handle"
"""The first step without a store."""

FLOW: Final[dict[FlowStep, dict[FlowOutcome, FlowTransition]]] = {
    "claim": {
        "new": FlowTransition(next="handle_claimed"),
        "in_progress": FlowTransition(response="in_progress"),
        "done": FlowTransition(response="duplicate"),
        "failed": FlowTransition(report="store_unavailable", response="store_unavailable"),
        "late": FlowTransition(report="store_unavailable", response="store_unavailable"),
    },
    "handle_claimed": {
        "returned": FlowTransition(response="handled", next="complete"),
        "abandoned": FlowTransition(next="release"),
        "failed": FlowTransition(report="handler_failed", response="handler_failed", next="release"),
    },
    "complete": {
        "written": FlowTransition(),
        "failed": FlowTransition(report="store_unavailable"),
        "late": FlowTransition(report="store_unavailable"),
    },
    "release": {
        "written": FlowTransition(),
        "failed": FlowTransition(report="store_unavailable"),
        "late": FlowTransition(report="store_unavailable"),
    },
    "handle": {
        "returned": FlowTransition(response="handled"),
        "abandoned": FlowTransition(),
        "failed": FlowTransition(report="handler_failed", response="handler_failed"),
    },
}
"""The consequences of each outcome of each step, as decided in `core/src/receiving/flow.rs`."""
