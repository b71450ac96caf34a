"""A sender that hangs up while the handler runs: a handler that finished is done, whatever became of its request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from http_client import Server, serve, wait
from test_adapters import body_of, signed, verdict

SERVERS = [
    "asgi",
    "asgi-hypercorn",
    "starlette",
    "starlette-hypercorn",
    "fastapi",
    "fastapi-hypercorn",
    "fastapi-middleware",
    "fastapi-middleware-hypercorn",
    "django-async",
    "django-async-hypercorn",
    "aiohttp",
    "aiohttp-cancelling",
]
# These cancel the handler of a request whose sender has hung up.
CANCELLING = {"django-async", "django-async-hypercorn", "aiohttp-cancelling"}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_sender_that_hangs_up(name: str, kind: str, tmp_path: Path) -> None:
    with serve(name, tmp_path, DEDUP="memory", HANDLER=kind) as server:
        body = body_of(waits=True)
        cancelled = name in CANCELLING and kind == "async"
        server.abort(request_of(body), until=lambda: len(server.runs()) == 1)
        if cancelled:
            wait(lambda: len(server.ends()) == 1)
        else:
            assert server.send([], [], method="GET").status == 405  # the server has seen the end of the connection
            assert verdict(server.post(body, signed(body))) == (409, "in_progress")
        server.signal("resume")
        assert next_delivery(server, body) == (200, "handled" if cancelled else "duplicate"), server.log()
        assert [end.split()[1] for end in server.ends()] == (["cancelled", "finished"] if cancelled else ["finished"])
        assert verdict(server.post(body, signed(body))) == (200, "duplicate")
    assert "ERROR" not in server.log() and "Traceback" not in server.log(), server.log()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", ["asgi-cancelled", "starlette-cancelled", "fastapi-cancelled"])
def test_a_middleware_that_cancels_the_request(name: str, kind: str, tmp_path: Path) -> None:
    with serve(name, tmp_path, DEDUP="memory", HANDLER=kind) as server, ThreadPoolExecutor() as pool:
        body = body_of(waits=True)
        first = pool.submit(server.post, body, signed(body))
        wait(lambda: len(server.runs()) == 1)
        signal = server.signal("cancel")
        assert first.result().status == 504
        signal.unlink()
        if kind == "sync":
            assert verdict(server.post(body, signed(body))) == (409, "in_progress"), "the thread goes on"
        server.signal("resume")
        assert next_delivery(server, body) == (200, "duplicate" if kind == "sync" else "handled"), server.log()
        assert [end.split()[1] for end in server.ends()] == (["finished"] if kind == "sync" else ["cancelled", "finished"])


def request_of(body: bytes) -> bytes:
    name, signature = signed(body)
    return f"POST /hook HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{name}: {signature}\r\n\r\n".encode() + body


def next_delivery(server: Server, body: bytes) -> tuple[int, str | None]:
    """Sends the event until it is not being handled any more."""
    outcome: tuple[int, str | None] = (409, "in_progress")

    def is_over() -> bool:
        nonlocal outcome
        outcome = verdict(server.post(body, signed(body)))
        return outcome[0] != 409

    wait(is_over)
    return outcome
