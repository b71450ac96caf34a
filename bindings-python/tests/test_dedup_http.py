"""Deduplication in every framework, over HTTP, with stores in memory and in Redis."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from http_client import Server, serve
from receivers import RECEIVERS
from test_adapters import body_of, signed, verdict

DUPLICATES = 100


@pytest.fixture(scope="module", params=[(name, dedup) for name in RECEIVERS for dedup in ("memory", "redis")], ids="-".join)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    name, dedup = request.param
    assert dedup == "memory" or os.environ["REDIS_URL"]
    with serve(name, tmp_path_factory.mktemp(name), DEDUP=dedup) as server:
        yield server


def new_body(**data: Any) -> bytes:
    """Returns the body of an event that no other test run left in Redis."""
    return body_of(**data).replace(b'"evt_', b'"evt_%s_' % uuid4().hex.encode())


def test_a_repeat_is_a_duplicate(server: Server) -> None:
    body = new_body()
    before = len(server.runs())
    assert [verdict(server.post(body, signed(body))) for _ in range(3)] == [(200, "handled"), (200, "duplicate"), (200, "duplicate")]
    assert len(server.runs()) - before == 1


def test_after_a_failure_the_next_delivery_is_handled(server: Server) -> None:
    body = new_body(fails="first")
    statuses = [server.post(body, signed(body)).status for _ in range(3)]
    assert statuses == [500, 200, 200]
    assert verdict(server.post(body, signed(body))) == (200, "duplicate")


def deliver_at_once(servers: list[Server], body: bytes) -> Counter[tuple[int, str | None]]:
    """Sends a hundred deliveries of one event at the same time."""
    barrier = Barrier(DUPLICATES)

    def deliver(server: Server) -> tuple[int, str | None]:
        barrier.wait(60)
        return verdict(server.post(body, signed(body)))

    with ThreadPoolExecutor(DUPLICATES) as pool:
        return Counter(pool.map(deliver, [server for server, _ in zip(cycle(servers), range(DUPLICATES))]))


def check(outcomes: Counter[tuple[int, str | None]], runs: int) -> None:
    assert runs == 1
    assert outcomes[200, "handled"] == 1
    assert outcomes.total() == DUPLICATES
    assert set(outcomes) <= {(200, "handled"), (409, "in_progress"), (200, "duplicate")}


def test_a_hundred_duplicates_at_once(server: Server) -> None:
    body = new_body(takes=0.3)
    before = len(server.runs())
    check(deliver_at_once([server], body), len(server.runs()) - before)


def test_a_hundred_duplicates_over_a_fleet(tmp_path: Path) -> None:
    """Shares one Redis between receivers in several frameworks."""
    with ExitStack() as stack:
        fleet = [stack.enter_context(serve(name, tmp_path / name, DEDUP="redis")) for name in ("asgi", "flask", "django", "aiohttp")]
        for server in fleet:
            warm = new_body()
            assert server.post(warm, signed(warm)).status == 200
        before = sum(len(server.runs()) for server in fleet)
        outcomes = deliver_at_once(fleet, new_body(takes=0.3))
        check(outcomes, sum(len(server.runs()) for server in fleet) - before)


@pytest.mark.parametrize("name", ["asgi", "wsgi"])
def test_a_process_that_crashes_in_the_handler(name: str, tmp_path: Path) -> None:
    """The claim expires, and another process handles the retry."""
    body = new_body(crashes=True)
    runs = tmp_path / "runs"
    with serve(name, tmp_path / "first", DEDUP="redis", CLAIM_TTL="2", RUNS=str(runs)) as first:
        with pytest.raises(ConnectionError):
            first.post(body, signed(body))
    with serve(name, tmp_path / "second", DEDUP="redis", CLAIM_TTL="2", RUNS=str(runs)) as second:
        outcomes = [verdict(second.post(body, signed(body)))]
        while outcomes[-1] != (200, "handled") and len(outcomes) < 200:
            time.sleep(0.1)
            outcomes.append(verdict(second.post(body, signed(body))))
    assert set(outcomes[:-1]) <= {(409, "in_progress")}
    assert outcomes[-1] == (200, "handled")
    assert len(runs.read_text().split()) == 2


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_store_that_is_down(name: str, tmp_path: Path) -> None:
    """No event is lost: clarife retries the delivery."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with serve(name, tmp_path, DEDUP="redis", REDIS_URL=f"redis://127.0.0.1:{port}") as server:
        body = new_body()
        assert verdict(server.post(body, signed(body))) == (503, "store_unavailable")
        assert server.runs() == []
        assert "ConnectionError" in server.log()
