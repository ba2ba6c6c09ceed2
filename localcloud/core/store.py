"""The durable store of the local cloud: tables of JSON documents in one SQLite file.

Owns the documents that several processes of a stack read and write (resources, roles, sessions,
addresses). It does not hold OSS objects or anything else that is large.

SQLite runs in WAL mode (https://sqlite.org/wal.html): committed data survives ``kill -9`` of any
process, and writers in different processes wait for each other.
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
    """Tables of JSON documents in one file, safe across threads, processes and crashes.

    Args:
        path: The SQLite file; it and its folder are created if missing.
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
        """Return a table; a new one comes into being with its first document."""
        return Table(self, name)

    def close(self) -> None:
        """Close the file; the store cannot be used afterwards."""
        with self._lock:
            self._connection.close()

    def rows(self, statement: str, parameters: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Run one SELECT statement and return its rows."""
        with self._lock:
            return self._connection.execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock; a nested call joins the outer transaction."""
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
        """Return the document with this key, or None."""
        rows = self._store.rows(
            "SELECT document FROM documents WHERE name = ? AND key = ?", (self._name, key)
        )
        return _decode(rows[0][0]) if rows else None

    def put(self, key: str, document: Document) -> None:
        """Set the document of a key."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?) "
                "ON CONFLICT (name, key) DO UPDATE SET document = excluded.document",
                (self._name, key, json.dumps(document)),
            )

    def delete(self, key: str) -> bool:
        """Delete the document of a key and return whether it existed."""
        with self._store.transaction() as connection:
            cursor = connection.execute(
                "DELETE FROM documents WHERE name = ? AND key = ?", (self._name, key)
            )
            return cursor.rowcount > 0

    def items(self) -> list[tuple[str, Document]]:
        """Return all keys with their documents, ordered by key."""
        rows = self._store.rows(
            "SELECT key, document FROM documents WHERE name = ? ORDER BY key", (self._name,)
        )
        return [(key, _decode(document)) for key, document in rows]

    def values(self) -> list[Document]:
        """Return all documents, ordered by key."""
        return [document for _, document in self.items()]

    def update(
        self, key: str, change: Callable[[Document | None], Document | None]
    ) -> Document | None:
        """Read, change and write one document while no other writer can.

        Args:
            key: The document's key.
            change: Gets the document (None if missing) and returns the new one; None deletes it.
                If it raises, the table does not change.

        Returns:
            The document that is stored now.
        """
        with self._store.transaction():
            changed = change(self.get(key))
            if changed is None:
                self.delete(key)
            else:
                self.put(key, changed)
            return changed

    def clear(self) -> None:
        """Delete every document."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM documents WHERE name = ?", (self._name,))


def _decode(text: str) -> Document:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise TypeError(f"a stored document is a {type(document).__name__}; it must be an object")
    return document


def open_store(home: Path) -> Store:
    """Open the store of a stack (``HOME/cloud/cloud.db``)."""
    return Store(home / "cloud" / "cloud.db")
