"""Request bodies, read in chunks up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from clarife_webhooks._constants import RAW_BODY_HINTS
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import error_from_code

_CHUNK_SIZE = 64 * 1024


def check_size(body: Any, limit: int) -> None:
    """Raises WebhookError (body_too_large) if a body exceeds the limit. `Webhook.verify` checks its type."""
    if isinstance(body, str) and len(body) * 3 > limit:  # in UTF-8, it may exceed the limit
        body = body.encode("utf-8", "surrogatepass")
    if isinstance(body, memoryview):
        size = body.nbytes
    else:
        size = len(body) if isinstance(body, bytes | bytearray | str) else 0
    if size > limit:
        raise error_from_code("body_too_large")


class BodyBuffer:
    """A body that is being read. `framework` selects the hint of body_not_raw.

    Raises WebhookError (body_too_large) if `content_length`, the value of the header, exceeds the limit.
    """

    def __init__(self, limit: int, content_length: str | int | None, framework: str) -> None:
        self._limit = limit
        self._framework = framework
        self._bytes = BytesIO()  # a list of chunks of two bytes would take twenty times the memory
        self.size = 0
        text = str(content_length)
        self.content_length = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
        self._check(self.content_length)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise error_from_code("body_too_large")

    def add(self, chunk: bytes) -> None:
        """Adds a chunk. Raises WebhookError (body_too_large) if the body now exceeds the limit."""
        self.size += len(chunk)
        self._check(self.size)
        self._bytes.write(chunk)

    def add_stream(self, read: Callable[[int], bytes], end: int | None = None) -> None:
        """Adds the rest of a stream. `read` takes a number of bytes and returns none at the end of the stream.

        `end` is the length of the body, for a stream that continues after it.
        """
        while True:
            # One byte beyond the limit shows that the body exceeds it.
            size = min(_CHUNK_SIZE, self._limit + 1 - self.size)
            if end is not None:
                size = min(size, end - self.size)
            chunk = read(size) if size else b""
            if not chunk:
                return
            self.add(chunk)

    def finish(self) -> bytes:
        """Returns the body.

        Raises WebhookError (body_not_raw) if it is empty although Content-Length is not 0: something read it before.
        """
        if self.content_length and not self.size:
            raise self.not_raw_error()
        return self._bytes.getvalue()

    def not_raw_error(self) -> WebhookError:
        """Creates the error for a body that something read before."""
        error = error_from_code("body_not_raw")
        return WebhookError(error.code, error.message, RAW_BODY_HINTS[self._framework])


def read_wsgi(environ: Mapping[str, Any], limit: int, framework: str) -> bytes:
    """Reads the body of a WSGI request."""
    content_length = environ.get("CONTENT_LENGTH") or None
    body = BodyBuffer(limit, content_length, framework)
    terminated = environ.get("wsgi.input_terminated", False)
    if content_length is None and not terminated and environ.get("HTTP_TRANSFER_ENCODING"):
        raise body.not_raw_error()  # this server does not pass chunked bodies on
    body.add_stream(environ["wsgi.input"].read, None if terminated else body.content_length)
    return body.finish()
