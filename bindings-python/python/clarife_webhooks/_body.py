"""Request bodies, read in chunks up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import BufferedReader, BytesIO
from typing import Any

from clarife_webhooks._constants import CONTENT_ENCODED, RAW_BODY_HINTS
from clarife_webhooks._error import WebhookError
from clarife_webhooks._native import error_from_code
from clarife_webhooks._types import ErrorCode

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

    `header` returns the value of a header of the request, by its name in lower case, or None.

    Raises WebhookError if the headers alone refuse the body: body_too_large if Content-Length exceeds the limit, or
    signature_mismatch if the body is compressed.
    """

    def __init__(self, limit: int, framework: str, header: Callable[[str], str | None]) -> None:
        self._limit = limit
        self._framework = framework
        self._bytes = BytesIO()  # a list of chunks of two bytes would take twenty times the memory
        self.size = 0
        # A body in chunks has no Content-Length. A request that has both is a stranger's, and servers read the chunks.
        self.chunked = bool(header("transfer-encoding"))
        text = header("content-length") or ""
        is_number = text.isascii() and text.isdecimal() and len(text) < 20 and not self.chunked
        self.content_length = int(text) if is_number else 0
        if (header("content-encoding") or "identity").strip().lower() != "identity":
            raise _error("signature_mismatch", CONTENT_ENCODED)
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

        `end` is the length of the body, for a stream that continues after it. Raises WebhookError (body_incomplete) if
        the server cannot read the stream.
        """
        with self.reading():
            while True:
                # One byte beyond the limit shows that the body exceeds it.
                size = min(_CHUNK_SIZE, self._limit + 1 - self.size)
                if end is not None:
                    size = min(size, end - self.size)
                chunk = read(size) if size else b""
                if not chunk:
                    return
                self.add(chunk)

    @contextmanager
    def reading(self) -> Generator[None, None, None]:
        """Converts an exception of the server into body_incomplete: servers have no common one for a lost sender."""
        try:
            yield
        except WebhookError:
            raise
        except Exception as error:
            raise self.incomplete_error() from error

    def finish(self, *, used_up: bool = False) -> bytes:
        """Returns the body.

        Raises WebhookError if it is shorter than Content-Length: body_not_raw if something read it before (`used_up`),
        or else body_incomplete.
        """
        if self.size < self.content_length:
            raise self.not_raw_error() if used_up else self.incomplete_error()
        return self._bytes.getvalue()

    def not_raw_error(self) -> WebhookError:
        """Creates the error for a body that something read before."""
        error = error_from_code("body_not_raw")
        return WebhookError(error.code, error.message, RAW_BODY_HINTS[self._framework])

    def incomplete_error(self) -> WebhookError:
        """Creates the error for a body that did not arrive whole. If nothing arrived, something may have read it."""
        error = error_from_code("body_incomplete")
        if self.size:
            return error
        hint = f"{error.hint}; if every delivery fails, something has read the body: {RAW_BODY_HINTS[self._framework]}"
        return WebhookError(error.code, error.message, hint)


def _error(code: ErrorCode, detail: str) -> WebhookError:
    error = error_from_code(code)
    return WebhookError(error.code, f"{error.message}: {detail}", error.hint)


def environ_header(environ: Mapping[str, Any]) -> Callable[[str], str | None]:
    """Returns the function that looks a header up in the environ of WSGI, which is also Django's `request.META`."""

    def header(name: str) -> str | None:
        key = name.upper().replace("-", "_")
        value = environ.get(key if key == "CONTENT_LENGTH" else f"HTTP_{key}")
        return None if value is None else str(value)

    return header


def read_wsgi(environ: dict[str, Any], limit: int, framework: str) -> bytes:
    """Reads the body of a WSGI request, and leaves it in the environ for later readers."""
    body = BodyBuffer(limit, framework, environ_header(environ))
    stream: Any = environ["wsgi.input"]
    terminated = bool(environ.get("wsgi.input_terminated"))
    read, end = stream.read, None if terminated else body.content_length
    if body.chunked and not terminated:
        read, end = _uwsgi_chunks(body, environ), None
    untouched = _is_untouched(stream, body.content_length)
    body.add_stream(read, end)
    # Most servers raise an exception if the sender hangs up. An empty stream is then one that something has read.
    used_up = body.size == 0 if untouched is None else not untouched
    raw = body.finish(used_up=used_up)
    environ["wsgi.input"], environ["wsgi.input_terminated"] = BytesIO(raw), True
    return raw


def _is_untouched(stream: Any, length: int) -> bool | None:
    """Returns True if nothing has read from the stream of a request before, or None if the server does not tell."""
    if isinstance(stream, BufferedReader):
        return True  # the connection itself, in Werkzeug's server and wsgiref: only the sender can end it
    # gunicorn has `reader.length` and cheroot `remaining`: the number of bytes that are still to come.
    left = getattr(getattr(stream, "reader", None), "length", getattr(stream, "remaining", None))
    return left == length if isinstance(left, int) else None


def _uwsgi_chunks(body: BodyBuffer, environ: Mapping[str, Any]) -> Callable[[int], bytes]:
    """Returns the function that reads a chunked body in uWSGI.

    Raises WebhookError (body_incomplete) in any other server: without `wsgi.input_terminated` it does not pass such a
    body on.
    """
    if "uwsgi.version" not in environ:
        raise body.incomplete_error()
    uwsgi = import_module("uwsgi")  # exists only in a process of uWSGI
    return lambda size: bytes(uwsgi.chunked_read())
