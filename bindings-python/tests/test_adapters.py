"""Every case in every framework, over HTTP, in a real server of the framework."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from helpers import envelope
from http_client import Reply, Server, chunked, serve
from receivers import MAX_BODY, RECEIVERS, SECRET

from clarife_webhooks import Webhook
from clarife_webhooks._constants import RAW_BODY_HINTS

WEBHOOK = Webhook(SECRET)
NUMBERS = count(1)
TITLE = "Zażółć 🦔"  # characters of two and four bytes in UTF-8

# Django's ASGI handler receives the whole body before it calls a view.
READS_WHOLE = {"django-async"}
# These have no development mode but Python's own.
PLAIN = {"asgi", "wsgi", "wsgi-werkzeug"}
# These have variables in the URL, apart from FastAPI, whose path functions have parameters.
TENANTS = ["starlette", "flask", "django", "django-async", "drf", "aiohttp"]
# FastAPI responds for the path function, and has its own form for errors.
OWN_RESPONSES = {"fastapi"}
# The `wsgi.input` of Werkzeug's server does not end with the body: reading on would wait for the next request.
BLOCKS = {"wsgi-werkzeug"}


@pytest.fixture(scope="module", params=RECEIVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


def body_of(size: int | None = None, **data: Any) -> bytes:
    """Returns the body of a new event, padded to a size in bytes."""
    body = envelope(id=f"evt_{next(NUMBERS)}", data=json.dumps({"title": TITLE, **data}, ensure_ascii=False))
    return body if size is None else body[:-2] + b" " * (size - len(body)) + body[-2:]


def signed(body: bytes, ago: int = 0) -> tuple[str, str]:
    return "X-Clarife-Signature", WEBHOOK.sign(body, timestamp=time.time() - ago)


def verdict(reply: Reply) -> tuple[int, str | None]:
    assert reply.headers["content-type"].startswith("application/json"), reply
    content = json.loads(reply.body)
    detail = content.get("detail", content)
    assert reply.status < 300 or isinstance(detail["error"], str)
    return reply.status, detail["code"]


def good(server: Server) -> Reply:
    body = body_of()
    return server.post(body, signed(body))


def chunks(server: Server) -> Reply:
    """Sends chunks that split characters, one chunk of a single byte, and one chunk in two packets."""
    body = body_of()
    two, four = body.index("ż".encode()) + 1, body.index("🦔".encode()) + 2
    wire = chunked([body[:1], body[1:two], body[two:four], body[four:]])
    wire[2:3] = [wire[2][:5], wire[2][5:]]
    return server.send([("Transfer-Encoding", "chunked"), signed(body)], wire)


def split(server: Server) -> Reply:
    """Sends a body with Content-Length in packets that split a character."""
    body = body_of()
    two = body.index("ż".encode()) + 1
    return server.send([("Content-Length", str(len(body))), signed(body)], [body[:two], body[two:]])


def at_the_limit(server: Server) -> Reply:
    body = body_of(MAX_BODY)
    return server.post(body, signed(body))


def at_the_limit_in_chunks(server: Server) -> Reply:
    body = body_of(MAX_BODY)
    return server.send([("Transfer-Encoding", "chunked"), signed(body)], chunked([body[:-1], body[-1:]]))


def one_byte_too_large(server: Server) -> Reply:
    body = body_of(MAX_BODY + 1)
    return server.post(body, signed(body))


def one_byte_too_large_in_chunks(server: Server) -> Reply:
    body = body_of(MAX_BODY + 1)
    return server.send([("Transfer-Encoding", "chunked"), signed(body)], chunked([body[:-1], body[-1:]]))


def too_large_by_its_length(server: Server) -> Reply:
    """Expects the response before any byte of the body is sent."""
    whole = b"x" * 1_000_000
    return server.send([("Content-Length", str(len(whole))), signed(b"")], [whole] if server.name in READS_WHOLE else [])


def too_large_without_an_end(server: Server) -> Reply:
    """Expects the response to a body that never ends."""
    wire = chunked([b"x" * 3000] * 3)
    return server.send([("Transfer-Encoding", "chunked"), signed(b"")], wire if server.name in READS_WHOLE else wire[:-1])


def tampered(server: Server) -> Reply:
    body = body_of()
    return server.post(body.replace(b"updated", b"deleted"), signed(body))


def stale(server: Server) -> Reply:
    body = body_of()
    return server.post(body, signed(body, ago=400))


def early(server: Server) -> Reply:
    body = body_of()
    return server.post(body, signed(body, ago=-400))


def no_header(server: Server) -> Reply:
    return server.post(body_of())


def blank_header(server: Server) -> Reply:
    return server.post(body_of(), ("X-Clarife-Signature", ""))


def two_headers(server: Server) -> Reply:
    body = body_of()
    return server.post(body, signed(body), signed(body))


def strange_header(server: Server) -> Reply:
    return server.post(body_of(), ("X-Clarife-Signature", "t=1,v1=\xff"))


def no_event(server: Server) -> Reply:
    body = b'{"id":"evt_0"}'
    return server.post(body, signed(body))


def no_text(server: Server) -> Reply:
    body = b"\xff\xfe\x00"
    return server.post(body, signed(body))


def no_body(server: Server) -> Reply:
    return server.post(b"", signed(b""))


def compressed(server: Server) -> Reply:
    """Sends a compressed body with the signature of the original. clarife never does so: it signs the bytes that it
    sends."""
    body = body_of()
    return server.post(gzip.compress(body), ("Content-Encoding", "gzip"), signed(body))


def compressed_and_signed(server: Server) -> Reply:
    body = gzip.compress(body_of())
    return server.post(body, ("Content-Encoding", "gzip"), signed(body))


def compressed_bomb(server: Server) -> Reply:
    body = body_of(200_000)
    return server.post(gzip.compress(body), ("Content-Encoding", "gzip"), signed(body))


def compressed_without_an_end(server: Server) -> Reply:
    """Expects the response before the body has arrived: nothing inflates it."""
    body = gzip.compress(body_of(200_000), 0)
    head = [("Content-Encoding", "gzip"), ("Content-Length", str(min(len(body), MAX_BODY))), signed(b"")]
    return server.send(head, [body[: MAX_BODY if server.name in READS_WHOLE else 1000]])


def not_compressed(server: Server) -> Reply:
    body = body_of()
    return server.post(body, ("Content-Encoding", "identity"), signed(body))


CASES: dict[Callable[[Server], Reply], tuple[int, str]] = {
    good: (200, "handled"),
    chunks: (200, "handled"),
    split: (200, "handled"),
    at_the_limit: (200, "handled"),
    at_the_limit_in_chunks: (200, "handled"),
    one_byte_too_large: (413, "body_too_large"),
    one_byte_too_large_in_chunks: (413, "body_too_large"),
    too_large_by_its_length: (413, "body_too_large"),
    too_large_without_an_end: (413, "body_too_large"),
    tampered: (400, "signature_mismatch"),
    stale: (400, "timestamp_too_old"),
    early: (400, "timestamp_in_future"),
    no_header: (400, "missing_signature"),
    blank_header: (400, "missing_signature"),
    two_headers: (400, "malformed_signature"),
    strange_header: (400, "malformed_signature"),
    no_event: (400, "malformed_payload"),
    no_text: (400, "malformed_payload"),
    no_body: (400, "malformed_payload"),
    compressed: (400, "signature_mismatch"),
    compressed_and_signed: (400, "signature_mismatch"),
    compressed_bomb: (400, "signature_mismatch"),
    compressed_without_an_end: (400, "signature_mismatch"),
    not_compressed: (200, "handled"),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case(server: Server, case: Callable[[Server], Reply]) -> None:
    expected = CASES[case]
    before = len(server.runs())
    reply = case(server)
    assert verdict(reply) == expected, server.log()
    assert (b"content encoding" in reply.body) == case.__name__.startswith("compressed")
    assert b"hint" not in reply.body, "hints are for development"
    assert len(server.runs()) - before == (expected[0] == 200)


@pytest.mark.parametrize("name", ["wsgi-uwsgi", "flask-uwsgi", "django-uwsgi"])
def test_bodies_in_uwsgi(name: str, tmp_path: Path) -> None:
    """uWSGI passes a body without a length on by a function of its own. It resets a connection with an unread body, so
    each of these bodies is read to its end."""
    with serve(name, tmp_path) as server:
        for case in (good, chunks, split, at_the_limit, at_the_limit_in_chunks, tampered, no_body):
            assert verdict(case(server)) == CASES[case], server.log()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods(server: Server, method: str) -> None:
    body = body_of()
    reply = server.send([("Content-Length", str(len(body))), signed(body)], [body], method=method)
    assert reply.status == 405
    assert "POST" in reply.headers["allow"]
    assert not {"GET", "PUT", "DELETE"} & set(reply.headers["allow"].replace(",", " ").split())


def test_head(server: Server) -> None:
    """Expects no body: a client would read it as the start of the next response."""
    head, _, rest = server.raw(b"HEAD /hook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").partition(b"\r\n\r\n")
    assert head.split()[1] == b"405" and rest == b""


def test_the_handler_fails(server: Server) -> None:
    body = body_of(fails="always")
    reply = server.post(body, signed(body))
    assert reply.status == 500
    if server.name not in OWN_RESPONSES:
        assert verdict(reply) == (500, "handler_failed")
    assert b"LookupError" not in reply.body
    assert "LookupError" in server.log(), "the log has the error of the handler"
    assert TITLE not in server.log(), "the log does not have the delivery"


@pytest.mark.parametrize("server", [name for name in RECEIVERS if name not in BLOCKS], indirect=True)
def test_a_body_that_was_read_before(server: Server) -> None:
    body = body_of()
    reply = server.post(body, signed(body), path="/parsed")
    assert verdict(reply) == (500, "body_not_raw")
    assert "body_not_raw" in server.log()
    name = server.name.split("-")[0]
    adapter = {"drf": "django", "starlette": "asgi"}.get(name, name)
    assert RAW_BODY_HINTS[adapter] in server.log(), "the log has the hint of this framework"


@pytest.mark.parametrize("server", ["starlette", "fastapi", "flask", "django", "django-async", "drf", "aiohttp"], indirect=True)
def test_a_body_that_the_framework_keeps(server: Server) -> None:
    body = body_of()
    assert verdict(server.post(body, signed(body), path="/kept")) == (200, "handled"), server.log()


@pytest.mark.parametrize("name", RECEIVERS)
def test_responses_have_the_hint_in_development(name: str, tmp_path: Path) -> None:
    with serve(name, tmp_path, DEBUG="1", PYTHONDEVMODE="1" if name in PLAIN else "") as server:
        reply = no_header(server)
        assert verdict(reply) == (400, "missing_signature")
        content = json.loads(reply.body)
        content = content.get("detail", content)
        assert list(content) == ["code", "error", "hint"]
        assert content["hint"].startswith("pass the X-Clarife-Signature header")


@pytest.mark.parametrize("name", TENANTS)
def test_variables_of_the_url(name: str, tmp_path: Path) -> None:
    """The view accepts them, and the handler finds them in the request, in the thread or coroutine in which it runs."""
    with serve(name, tmp_path) as server:
        for tenant in ("one", "two"):
            body = body_of(tenant=True)
            assert verdict(server.post(body, signed(body), path=f"/hooks/{tenant}")) == (200, "handled"), server.log()
            assert server.ends()[-1].endswith(f" {tenant}")
