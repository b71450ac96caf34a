"""The dependency of FastAPI: the response that goes out decides about the event, and the request can still be read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from http_client import Server, serve
from test_adapters import body_of, signed

# The statuses of the first and of the second delivery.
RESPONSES = {
    "json_response": (500, 200),
    "plain_response": (503, 202),
    "redirect": (307, 204),
    "stream": (429, 200),
    "broken_stream": (200, 200),
    "injected": (503, 200),
    "raised": (500, 200),
    "http_exception": (503, 200),
    "handled_exception": (418, 200),
    "not_serializable": (500, 200),
}
PATHS = [f"/{{}}/{scope}/{kind}" for scope in ("function", "request") for kind in ("thread", "coroutine")]
RETURNED = {"json_response", "plain_response", "redirect", "stream", "injected"}


@pytest.fixture(scope="module", params=["fastapi-responses", "fastapi-responses-hypercorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(request.param, tmp_path_factory.mktemp(request.param), DEDUP="memory") as server:
        yield server


@pytest.mark.parametrize("path", [*PATHS, "/included/{}/thread", "/included/{}/coroutine"])
@pytest.mark.parametrize("function", RESPONSES)
def test_the_status_of_the_response_decides(server: Server, function: str, path: str) -> None:
    body, log = body_of(), len(server.log())
    statuses = [deliver(server, body, path.format(function)) for _ in range(3)]
    first, second = RESPONSES[function]
    assert statuses == [first if function != "broken_stream" else None, second, 200]
    assert server.runs().count(runs_of(body)) == 2, "the third delivery is a duplicate"
    new = server.log()[log:]
    assert new.count(f"ERROR clarife_webhooks handler_failed: event '{runs_of(body)}'") == 1
    assert ("the handler returned an error response" in new) == (function in RETURNED)


@pytest.mark.parametrize("path", ["body", "stream", "dependency", "model"])
def test_the_body_can_be_read_again(server: Server, path: str) -> None:
    assert deliver(server, body_of(), f"/read/{path}") == 200, server.log()


def deliver(server: Server, body: bytes, path: str) -> int | None:
    """Returns the status, or None if the response broke off."""
    try:
        return server.post(body, signed(body), path=path).status
    except Exception:
        return None


def runs_of(body: bytes) -> str:
    return body.split(b'"')[3].decode()
