"""Bodies in chunks of any size, read up to a limit."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clarife_webhooks import WebhookError
from clarife_webhooks._body import BodyBuffer, read_wsgi

Chunks = list[bytes]


def buffer(limit: int, declared: str | None = None, framework: str = "wsgi", **headers: str) -> BodyBuffer:
    headers |= {} if declared is None else {"content_length": declared}
    return BodyBuffer(limit, framework, lambda name: headers.get(name.replace("-", "_")))


def code(caught: pytest.ExceptionInfo[WebhookError]) -> str:
    return caught.value.code


class Stream:
    """A stream that returns its own chunks and counts the bytes read."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = [chunk for chunk in chunks if chunk]
        self.taken = 0

    def read(self, size: int) -> bytes:
        assert size >= 0, "a negative size would read everything"
        if not self.chunks or not size:
            return b""
        chunk, self.chunks[0] = self.chunks[0][:size], self.chunks[0][size:]
        if not self.chunks[0]:
            del self.chunks[0]
        self.taken += len(chunk)
        return chunk


@given(st.lists(st.binary(max_size=50)), st.integers(0, 500))
def test_chunks(chunks: Chunks, limit: int) -> None:
    whole = b"".join(chunks)
    for declared in (None, str(len(whole))):
        try:
            body = buffer(limit, declared)
            for chunk in chunks:
                body.add(chunk)
            assert body.finish() == whole
            assert len(whole) <= limit
        except WebhookError as error:
            assert error.code == "body_too_large" and len(whole) > limit


@given(st.lists(st.binary(max_size=50)), st.integers(0, 500), st.booleans(), st.booleans())
def test_wsgi(chunks: Chunks, limit: int, ends: bool, more: bool) -> None:
    """Reads at most one byte beyond the limit, and nothing of the next request if the stream continues."""
    whole = b"".join(chunks)
    stream = Stream([*chunks, b"the next request"] if more and not ends else chunks)
    environ: dict[str, Any] = {"wsgi.input": stream, "CONTENT_LENGTH": str(len(whole)), "wsgi.input_terminated": ends}
    try:
        assert read_wsgi(environ, limit, "wsgi") == whole
        assert len(whole) <= limit
    except WebhookError as error:
        assert error.code == "body_too_large" and len(whole) > limit
    assert stream.taken <= min(len(whole), limit + 1)


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(0, 500))
def test_wsgi_without_a_length(chunks: Chunks, limit: int) -> None:
    whole, stream = b"".join(chunks), Stream(chunks)
    environ: dict[str, Any] = {"wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    try:
        assert read_wsgi(environ, limit, "wsgi") == whole
    except WebhookError as error:
        assert error.code == "body_too_large" and len(whole) > limit
    assert stream.taken <= limit + 1


def test_a_server_that_drops_chunked_bodies() -> None:
    """A stranger can send such a body: it is not an error of the owner."""
    for length in ({}, {"CONTENT_LENGTH": "71"}):
        with pytest.raises(WebhookError) as caught:
            read_wsgi({"wsgi.input": io.BytesIO(b"{}"), "HTTP_TRANSFER_ENCODING": "chunked", **length}, 100, "wsgi")
        assert code(caught) == "body_incomplete" and "wsgi.input_terminated" in caught.value.hint
    assert read_wsgi({"wsgi.input": io.BytesIO(b"the next request")}, 100, "wsgi") == b""


@pytest.mark.parametrize("declared", ["-1", "1e9", "0x10", "", " 5", "5_0", "٣", "²", "5,5", "9" * 25, "9" * 5000])
def test_invalid_lengths(declared: str) -> None:
    """Servers reject them. If one does not, the size of the body counts."""
    body = buffer(10, declared)
    body.add(b"{}")
    assert body.finish() == b"{}"
    with pytest.raises(WebhookError) as caught:
        body.add(b"x" * 9)
    assert code(caught) == "body_too_large"


def test_the_hint_of_the_framework() -> None:
    with pytest.raises(WebhookError) as caught:
        buffer(10, "5", "django").finish(used_up=True)
    assert code(caught) == "body_not_raw" and "request.body" in caught.value.hint
    with pytest.raises(WebhookError) as caught:
        buffer(10, "5", "django").finish()
    assert code(caught) == "body_incomplete" and "request.body" in caught.value.hint


def test_a_body_that_ends_early() -> None:
    body = buffer(10, "5")
    body.add(b"{}")
    with pytest.raises(WebhookError) as caught:
        body.finish()
    assert code(caught) == "body_incomplete" and "wsgi.input" not in caught.value.hint


def test_a_length_beside_chunks_does_not_count() -> None:
    """The body ends with its chunks, even if it is shorter, or if the length alone would exceed the limit."""
    for declared in ("71", "1000000"):
        body = buffer(100, declared, transfer_encoding="chunked")
        body.add(b"{}")
        assert body.finish() == b"{}"


@pytest.mark.parametrize("error", [OSError("reset"), EOFError(), ValueError("a bad chunk"), Exception("of the server's own class")])
def test_a_stream_that_breaks(error: Exception) -> None:
    def read(size: int) -> bytes:
        raise error

    with pytest.raises(WebhookError) as caught:
        buffer(10).add_stream(read)
    assert code(caught) == "body_incomplete" and caught.value.__cause__ is error


def test_content_encodings() -> None:
    for encoding in ("identity", "Identity", " identity ", ""):
        buffer(10, content_encoding=encoding)
    for encoding in ("gzip", "br", "deflate, gzip", "x"):
        with pytest.raises(WebhookError, match="content encoding") as caught:
            buffer(10, content_encoding=encoding)
        assert code(caught) == "signature_mismatch"


def test_a_body_stays_in_the_environ() -> None:
    environ: dict[str, Any] = {"wsgi.input": Stream([b"{", b"}"]), "CONTENT_LENGTH": "2"}
    assert [read_wsgi(environ, 100, "wsgi") for _ in range(2)] == [b"{}", b"{}"]


def test_many_small_chunks_take_little_memory() -> None:
    size = 1_000_000
    tracemalloc.start()
    try:
        body = buffer(size)
        for number in range(size // 2):
            body.add(number.to_bytes(2, "big") if number < 65_536 else b"%02d" % (number % 100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body.finish()) == size
    assert peak < 3 * size
