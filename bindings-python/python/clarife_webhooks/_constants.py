# Generated from the core by `cargo xtask codegen`: do not edit.
"""The defaults and responses of adapters, and what stores have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clarife_webhooks._types import ErrorCode

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
}
"""The HTTP status to answer a refused delivery with."""

RESPONSES: Final[dict[str, tuple[int, str]]] = {
    "handled": (200, "the event was handled"),
    "duplicate": (200, "the event was handled before"),
    "in_progress": (409, "the event is being handled"),
    "handler_failed": (500, "the handler failed"),
    "store_unavailable": (503, "the store of handled events is not available"),
    "method_not_allowed": (405, "webhooks are sent with POST"),
}
"""What else an adapter answers: status and message by code."""

RAW_BODY_HINTS: Final[dict[str, str]] = {
    "asgi": "let nothing call receive() before the receiver does, or have what does hand the body on with a receive of its own, as Starlette's BaseHTTPMiddleware does after await request.body()",
    "fastapi": "let no dependency, middleware or form parameter use up request.stream() first; await request.body() keeps the bytes",
    "wsgi": "let no middleware read wsgi.input first, or have it put a stream with the same bytes in its place; for bodies without a length, use a server that sets wsgi.input_terminated",
    "flask": "what needs the body before the receiver has to read it with request.get_data() or request.get_json(), which keep it, not with request.stream or request.form",
    "django": "what needs the body before the receiver has to read it with request.body, which keeps it; in Django REST Framework, call the receiver before anything reads request.data",
    "aiohttp": "what needs the body before the receiver has to read it with await request.read() or request.json(), which keep it, not with request.content or request.post()",
}
"""How the body stays raw, by framework: the hint of `body_not_raw` where the framework is known."""

DEFAULT_MAX_BODY_BYTES: Final = 10485760
"""The largest body that adapters read unless told otherwise."""

DEFAULT_CLAIM_TTL: Final = 60
"""How long a claim lasts, in seconds, unless set otherwise."""

DEFAULT_DONE_TTL: Final = 86400
"""How long it is known that an event was handled, in seconds, unless set otherwise or the maximum event age is longer."""

STORE_KEY_PREFIX: Final = "clarife-webhooks:"
"""What stands before an event's id in the keys of a shared store."""

STORE_DONE: Final = "done"
"""What a shared store holds for an event that was handled."""

STORE_RELEASE_SCRIPT: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
"""The script of Redis that releases a claim: KEYS[1] goes if it holds the token ARGV[1]."""
