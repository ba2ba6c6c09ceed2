"""The local cloud's durable store: tables of JSON documents in one SQLite file.

Owns documents that several processes of one stack read and write (resources, roles, sessions,
addresses). It does not hold objects of OSS nor anything large.

SQLite in WAL mode (https://sqlite.org/wal.html): what was committed survives ``kill -9`` of any
process; writers of different processes wait for each other.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BUSY_TIMEOUT_SECONDS = 30.0

Document = dict[str, Any]


class Store:
    """Tables of JSON documents in one file, safe across threads, processes and kills.

    Args:
        path: The SQLite file; made with its folder when missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        path.chmod(0o600)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents ("
            "name TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, "
            "PRIMARY KEY (name, key)) WITHOUT ROWID"
        )

    def table(self, name: str) -> Table:
        """The table of that name; it exists as soon as something is put into it."""
        return Table(self, name)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def rows(self, statement: str, parameters: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Run one reading statement."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; nested use joins the outer transaction."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


class Table:
    """One table of a store; keys are strings, documents are JSON objects."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def get(self, key: str) -> Document | None:
        """The document of that key, or None."""
        rows = self._store.rows(
            "SELECT document FROM documents WHERE name = ? AND key = ?", (self._name, key)
        )
        return _decode(rows[0][0]) if rows else None

    def put(self, key: str, document: Document) -> None:
        """Set the document of that key."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?) "
                "ON CONFLICT (name, key) DO UPDATE SET document = excluded.document",
                (self._name, key, json.dumps(document)),
            )

    def delete(self, key: str) -> bool:
        """Remove the document of that key; whether there was one."""
        with self._store.transaction() as connection:
            cursor = connection.execute(
                "DELETE FROM documents WHERE name = ? AND key = ?", (self._name, key)
            )
            return cursor.rowcount > 0

    def items(self) -> list[tuple[str, Document]]:
        """Every key with its document, ordered by key."""
        rows = self._store.rows(
            "SELECT key, document FROM documents WHERE name = ? ORDER BY key", (self._name,)
        )
        return [(key, _decode(document)) for key, document in rows]

    def values(self) -> list[Document]:
        """Every document, ordered by key."""
        return [document for _, document in self.items()]

    def update(
        self, key: str, change: Callable[[Document | None], Document | None]
    ) -> Document | None:
        """Read, change and write one document while no other writer can.

        Args:
            key: The document's key.
            change: Gets the document (None when missing) and returns what replaces it; None
                removes it. What it raises leaves the table as it was.

        Returns:
            What is stored now.
        """
        with self._store.transaction():
            changed = change(self.get(key))
            if changed is None:
                self.delete(key)
            else:
                self.put(key, changed)
            return changed

    def clear(self) -> None:
        """Remove every document."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE name = ?", (self._name,))


def _decode(text: str) -> Document:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError(f"a stored document is a {type(document).__name__}, not an object")
    return document


def open_store(home: Path) -> Store:
    """The store of the stack whose home that is (``HOME/cloud/cloud.db``)."""
    return Store(home / "cloud" / "cloud.db")
