"""A store of one's own, in a database that is there already: SQLite here, and the same statements in PostgreSQL."""

import secrets
import sqlite3
import time
from contextlib import closing

from clarife_webhooks.dedup import Claim


class SqliteStore:
    """Keeps what was handled in a table, for all processes that open the file."""

    def __init__(self, path: str) -> None:
        self.path = path
        with closing(self._connect()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY, holder TEXT, until REAL)")

    def claim(self, id: str, ttl: float, /) -> Claim:
        token, now = secrets.token_hex(16), time.time()
        with closing(self._connect()) as database, database:
            # One statement, so one step: the row is written if there is none, or if its time is over.
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
