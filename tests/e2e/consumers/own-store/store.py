"""A custom store in SQLite. PostgreSQL takes the same statements."""

import secrets
import sqlite3
import time
from contextlib import closing

from clarife_webhooks.dedup import Claim


class SqliteStore:
    """Records handled events in a table that several processes can share."""

    def __init__(self, path: str) -> None:
        self.path = path
        with closing(self._connect()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY, holder TEXT, until REAL)")

    def claim(self, id: str, ttl: float, /) -> Claim:
        token, now = secrets.token_hex(16), time.time()
        with closing(self._connect()) as database, database:
            # One atomic statement: writes the row if there is none, or if it has expired.
            taken = database.execute(
                "INSERT INTO handled VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE"
                " SET holder = excluded.holder, until = excluded.until WHERE until <= ? RETURNING id",
                (id, token, now + ttl, now),
            ).fetchone()
            if taken:
                return Claim("new", token)
            row = database.execute("SELECT holder FROM handled WHERE id = ?", (id,)).fetchone()
        return Claim("done" if row == ("done",) else "in_progress")

    def complete(self, id: str, token: str, ttl: float, /) -> None:
        with closing(self._connect()) as database, database:
            database.execute("INSERT OR REPLACE INTO handled VALUES (?, 'done', ?)", (id, time.time() + ttl))
            database.execute("DELETE FROM handled WHERE until <= ?", (time.time(),))

    def release(self, id: str, token: str, /) -> None:
        with closing(self._connect()) as database, database:
            database.execute("DELETE FROM handled WHERE id = ? AND holder = ?", (id, token))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=3)
