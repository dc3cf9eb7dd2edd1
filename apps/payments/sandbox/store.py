"""The sandbox's state in one SQLite file: objects, idempotency keys, deliveries, timers."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, id TEXT, kind TEXT, body TEXT,
    UNIQUE (account, id));
CREATE INDEX IF NOT EXISTS object_kind ON object (account, kind, seq);
CREATE TABLE IF NOT EXISTS replay (
    account TEXT, key TEXT, request TEXT, status INTEGER, body TEXT, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, endpoint TEXT, event TEXT,
    attempt INTEGER DEFAULT 0, due REAL);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due);
CREATE TABLE IF NOT EXISTS timer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT, session TEXT, outcome TEXT, due REAL);
CREATE INDEX IF NOT EXISTS timer_due ON timer (due);
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT);
"""


class Store:
    """One connection behind one lock: `with store.work()` is a transaction that nobody else sees
    half of. The rows of one account are never found with another account's key."""

    def __init__(self, path: Path | str) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _TABLES)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def work(self) -> Iterator[None]:
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._db.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def put(self, account: str, kind: str, body: dict[str, Any]) -> None:
        """Save an object under its own id."""
        self.rows(
            "INSERT INTO object (account, id, kind, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (account, id) DO UPDATE SET body = excluded.body",
            account,
            body["id"],
            kind,
            json.dumps(body),
        )

    def get(self, account: str, kind: str, object_id: str) -> dict[str, Any] | None:
        found = self.rows(
            "SELECT body FROM object WHERE account = ? AND kind = ? AND id = ?",
            account,
            kind,
            object_id,
        )
        return json.loads(found[0][0]) if found else None

    def all(self, account: str, kind: str) -> list[dict[str, Any]]:
        """Newest first."""
        found = self.rows(
            "SELECT body FROM object WHERE account = ? AND kind = ? ORDER BY seq DESC",
            account,
            kind,
        )
        return [json.loads(row[0]) for row in found]

    def remove(self, account: str, object_id: str) -> None:
        self.rows("DELETE FROM object WHERE account = ? AND id = ?", account, object_id)

    def secret(self, name: str) -> str:
        """A random text that is made once for this file and stays."""
        with self.work():
            self.rows("INSERT OR IGNORE INTO secret VALUES (?, ?)", name, secrets.token_hex(32))
            return str(self.rows("SELECT value FROM secret WHERE name = ?", name)[0][0])

    def account_of(self, kind: str, object_id: str) -> str | None:
        """For the hosted page only, which is reached by an unguessable id and no key."""
        found = self.rows("SELECT account FROM object WHERE kind = ? AND id = ?", kind, object_id)
        return found[0][0] if found else None
