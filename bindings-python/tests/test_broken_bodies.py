"""Bodies that do not arrive whole: strangers send them. The delivery is refused, and the log of errors stays empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from http_client import Server, serve, wait
from receivers import OTHERS, RECEIVERS
from test_adapters import body_of, signed, verdict

from clarife_webhooks._constants import RAW_BODY_HINTS

OF_OTHER_TESTS = ("atomic", "cancelling", "cancelled", "responses", "models")
SERVERS = [name for name in [*RECEIVERS, *OTHERS] if not any(part in name for part in OF_OTHER_TESTS)]

# These have the whole body before they call the receiver, and refuse another one themselves.
WHOLE = {"django-async", "django-async-hypercorn", "wsgi-waitress", "flask-waitress", "django-waitress"}

HEAD = b"POST /hook HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Clarife-Signature: t=1,v1=" + b"0" * 64 + b"\r\n"
LENGTH = b"Content-Length: 71\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

BROKEN = {
    "no body": HEAD + LENGTH + b"\r\n",
    "a part of the body": HEAD + LENGTH + b'\r\n{"id":',
    "a part of a chunk": HEAD + CHUNKED + b'\r\n40\r\n{"id":',
    "no chunk": HEAD + CHUNKED + b"\r\n",
    "no last chunk": HEAD + CHUNKED + b'\r\n6\r\n{"id":\r\n',
    "a part of the size of a chunk": HEAD + CHUNKED + b"\r\n4",
}
INVALID = {
    "a size that is no number": HEAD + CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a negative size": HEAD + CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "no end of a chunk": HEAD + CHUNKED + b"\r\n2\r\n{}xx0\r\n\r\n",
    "a trailer that is no header": HEAD + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nno header\r\n\r\n",
    "a huge size": HEAD + CHUNKED + b"\r\nffffffffffffffff\r\n{}\r\n",
    "a length beside empty chunks": HEAD + LENGTH + CHUNKED + b"\r\n0\r\n\r\n",
    "a length beside chunks": HEAD + LENGTH + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
    "two lengths": HEAD + LENGTH + b"Content-Length: 2\r\n\r\n{}",
}


def status(reply: bytes) -> int | None:
    return int(reply.split()[1]) if reply else None


@pytest.mark.parametrize("name", SERVERS)
def test_broken_bodies(name: str, tmp_path: Path) -> None:
    with serve(name, tmp_path) as server:
        deliver(server)
        for request in [*BROKEN.values(), *INVALID.values()]:
            server.abort(request)
        # Reset while the server waits for the body. uWSGI does not tell when it does.
        for request in () if "uwsgi" in name else BROKEN.values():
            server.abort(request.replace(b"Connection: close", b"Expect: 100-continue"))
        for description, request in BROKEN.items():
            reply = server.raw(request, end=True)
            assert status(reply) in (None, 400, 408), (description, reply)
            if name not in WHOLE and reply.count(b"{") and b'"code"' in reply:
                assert b'"body_incomplete"' in reply, (description, reply)
        for description, request in INVALID.items():
            reply = server.raw(request, end=True)
            assert status(reply) in (None, 400, 413, 501), (description, reply)
        deliver(server)
    log = server.log()  # the server has ended
    if name == "aiohttp":  # its parser logs an invalid request itself, before any handler
        log = log.replace("ERROR aiohttp.server Error handling request", "").replace("Traceback", "", log.count("_http_parser.pyx"))
    assert "ERROR" not in log and "Traceback" not in log and "body_not_raw" not in log, log
    assert log.count("WARNING clarife_webhooks body_incomplete") == (name not in WHOLE), log
    assert len(server.runs()) == 2


def deliver(server: Server) -> None:
    body = body_of()
    assert verdict(server.post(body, signed(body))) == (200, "handled")


@pytest.mark.parametrize("name", ["asgi", "asgi-hypercorn"])
def test_a_middleware_that_uses_the_body_up(name: str, tmp_path: Path) -> None:
    """The server never sends a body twice: the receiver waits for it until the sender hangs up, and tells both causes."""
    body = body_of()
    name_of_header, signature = signed(body)
    request = f"POST /drained HTTP/1.1\r\nHost: localhost\r\n{name_of_header}: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    with serve(name, tmp_path) as server:
        server.raw(request.encode() + body, end=True)
        wait(lambda: "body_incomplete" in server.log())
    assert RAW_BODY_HINTS["asgi"] in server.log()


@pytest.mark.parametrize("name", ["asgi", "fastapi", "aiohttp"])
def test_a_body_that_takes_too_long(name: str, tmp_path: Path) -> None:
    with serve(name, tmp_path, BODY_TIMEOUT="0.2") as server:
        for request in BROKEN.values():
            head, _, content = server.raw(request).partition(b"\r\n\r\n")
            assert status(head) == 400
            reply = json.loads(content)
            assert reply.get("detail", reply)["code"] == "body_incomplete"
    assert server.log().count("WARNING clarife_webhooks body_incomplete") == 1
