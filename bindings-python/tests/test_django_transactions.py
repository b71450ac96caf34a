"""`ATOMIC_REQUESTS`: an event counts as handled only after the commit of its transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from http_client import Server, serve
from test_adapters import body_of, signed, verdict

TABLES = """
CREATE TABLE events (id TEXT PRIMARY KEY);
CREATE TABLE details (event TEXT REFERENCES events (id) DEFERRABLE INITIALLY DEFERRED);
"""


@pytest.fixture(params=["django-atomic", "django-atomic-async"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with closing(sqlite3.connect(tmp_path / "events.sqlite3")) as database:
        database.executescript(TABLES)
    with serve(request.param, tmp_path, DEDUP="memory") as server:
        yield server


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "events.sqlite3")) as database:
        count: int = database.execute("SELECT count(*) FROM events").fetchone()[0]
        return count


def test_committed(server: Server, tmp_path: Path) -> None:
    body = body_of()
    assert verdict(server.post(body, signed(body))) == (200, "handled"), server.log()
    assert rows(tmp_path) == 1
    assert verdict(server.post(body, signed(body))) == (200, "duplicate")


def test_a_handler_that_fails_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    body = body_of(fails="first")
    assert verdict(server.post(body, signed(body))) == (500, "handler_failed")
    assert rows(tmp_path) == 0
    assert verdict(server.post(body, signed(body))) == (200, "handled")
    assert rows(tmp_path) == 1


def test_a_failed_commit_is_a_failure(server: Server, tmp_path: Path) -> None:
    body = body_of(orphan=True)
    for _ in range(2):
        assert verdict(server.post(body, signed(body))) == (500, "handler_failed")
        assert "IntegrityError" in server.log()
        assert rows(tmp_path) == 0
    assert len(server.runs()) == 2
