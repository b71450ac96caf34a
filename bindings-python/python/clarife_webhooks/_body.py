"""A request's body, read in pieces and never further than its limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from clarife_webhooks._constants import RAW_BODY_HINTS
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import refusal

_PIECE = 64 * 1024


class Body:
    """Collects the pieces. `declared` is the Content-Length header's value, `None` where there is none.

    Raises WebhookError (body_too_large) as soon as it is known that the body is larger than `limit` bytes: before the first
    piece where the header says so. `framework` is the one whose hint goes with body_not_raw.
    """

    def __init__(self, limit: int, declared: str | int | None, framework: str) -> None:
        self._limit = limit
        self._framework = framework
        # Not a list: of a body in pieces of two bytes, it would take twenty times the room.
        self._pieces = BytesIO()
        self.size = 0
        text = str(declared)
        self.declared = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
        self._check(self.declared)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise refusal("body_too_large")

    def add(self, piece: bytes) -> None:
        """Adds a piece."""
        self.size += len(piece)
        self._check(self.size)
        self._pieces.write(piece)

    def read(self, read: Callable[[int], bytes], end: int | None = None) -> None:
        """Adds everything that `read` gives, which is called with a number of bytes and gives none at the end.

        `end` is where the body ends on a stream that does not end there itself.
        """
        while True:
            # One byte more than may be there shows that more is there.
            wanted = min(_PIECE, self._limit + 1 - self.size)
            if end is not None:
                wanted = min(wanted, end - self.size)
            piece = read(wanted) if wanted else b""
            if not piece:
                return
            self.add(piece)

    def whole(self) -> bytes:
        """The body.

        Raises WebhookError (body_not_raw) where there is none although the headers say there is: something read it before.
        """
        if self.declared and not self.size:
            raise self.not_raw()
        return self._pieces.getvalue()

    def not_raw(self) -> WebhookError:
        """The error for a body that something has read before."""
        error = refusal("body_not_raw")
        return WebhookError(error.code, error.message, RAW_BODY_HINTS[self._framework])


def read_wsgi(environ: Mapping[str, Any], limit: int, framework: str) -> bytes:
    """The body of a WSGI request."""
    length = environ.get("CONTENT_LENGTH") or None
    body = Body(limit, length, framework)
    ends = environ.get("wsgi.input_terminated", False)
    if length is None and not ends and environ.get("HTTP_TRANSFER_ENCODING"):
        raise body.not_raw()  # a chunked body, which this server does not pass on
    body.read(environ["wsgi.input"].read, None if ends else body.declared)
    return body.whole()
