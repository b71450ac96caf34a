"""Bodies in pieces of any size, up to a limit and no further."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, strategies as st

from clarife_webhooks import WebhookError
from clarife_webhooks._body import Body, read_wsgi

Pieces = list[bytes]


def code(caught: pytest.ExceptionInfo[WebhookError]) -> str:
    return caught.value.code


class Stream:
    """A stream that gives what it has in pieces of its own, and counts what was read of it."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.taken = 0

    def read(self, size: int) -> bytes:
        assert size >= 0, "a negative size would read everything there is"
        if not self.pieces or not size:
            return b""
        piece, self.pieces[0] = self.pieces[0][:size], self.pieces[0][size:]
        if not self.pieces[0]:
            del self.pieces[0]
        self.taken += len(piece)
        return piece


@given(st.lists(st.binary(max_size=50)), st.integers(0, 500))
def test_pieces(pieces: Pieces, limit: int) -> None:
    whole = b"".join(pieces)
    for declared in (None, str(len(whole))):
        try:
            body = Body(limit, declared, "wsgi")
            for piece in pieces:
                body.add(piece)
            assert body.whole() == whole
            assert len(whole) <= limit
        except WebhookError as error:
            assert error.code == "body_too_large" and len(whole) > limit


@given(st.lists(st.binary(max_size=50)), st.integers(0, 500), st.booleans(), st.booleans())
def test_wsgi(pieces: Pieces, limit: int, ends: bool, more: bool) -> None:
    """Never more than one byte beyond the limit is read, and nothing of the next request where the stream goes on."""
    whole = b"".join(pieces)
    stream = Stream([*pieces, b"the next request"] if more and not ends else pieces)
    environ: dict[str, Any] = {"wsgi.input": stream, "CONTENT_LENGTH": str(len(whole)), "wsgi.input_terminated": ends}
    try:
        assert read_wsgi(environ, limit, "wsgi") == whole
        assert len(whole) <= limit
    except WebhookError as error:
        assert error.code == "body_too_large" and len(whole) > limit
    assert stream.taken <= min(len(whole), limit + 1)


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(0, 500))
def test_wsgi_without_a_length(pieces: Pieces, limit: int) -> None:
    whole, stream = b"".join(pieces), Stream(pieces)
    environ: dict[str, Any] = {"wsgi.input": stream, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    try:
        assert read_wsgi(environ, limit, "wsgi") == whole
    except WebhookError as error:
        assert error.code == "body_too_large" and len(whole) > limit
    assert stream.taken <= limit + 1


def test_a_server_that_does_not_pass_chunks_on() -> None:
    with pytest.raises(WebhookError) as caught:
        read_wsgi({"wsgi.input": io.BytesIO(b"{}"), "HTTP_TRANSFER_ENCODING": "chunked"}, 100, "wsgi")
    assert code(caught) == "body_not_raw" and "wsgi.input_terminated" in caught.value.hint
    assert read_wsgi({"wsgi.input": io.BytesIO(b"the next request")}, 100, "wsgi") == b""


@pytest.mark.parametrize("declared", ["-1", "1e9", "0x10", "", " 5", "5_0", "٣", "²", "5,5", "9" * 25, "9" * 5000])
def test_lengths_that_are_none(declared: str) -> None:
    """Servers refuse them; where one does not, what is read counts."""
    body = Body(10, declared, "wsgi")
    body.add(b"{}")
    assert body.whole() == b"{}"
    with pytest.raises(WebhookError) as caught:
        body.add(b"x" * 9)
    assert code(caught) == "body_too_large"


def test_the_hint_is_the_frameworks() -> None:
    with pytest.raises(WebhookError) as caught:
        Body(10, 5, "django").whole()
    assert code(caught) == "body_not_raw" and "request.body" in caught.value.hint


def test_many_small_pieces_take_little_room() -> None:
    size = 1_000_000
    tracemalloc.start()
    try:
        body = Body(size, None, "asgi")
        for number in range(size // 2):
            body.add(number.to_bytes(2, "big") if number < 65_536 else b"%02d" % (number % 100))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body.whole()) == size
    assert peak < 3 * size
