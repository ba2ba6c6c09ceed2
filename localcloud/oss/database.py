"""The SQLite database of the local OSS: schema, transactions, rows to values.

Owns ``HOME/cloud/oss/metadata.db``. A commit is durable (WAL, ``synchronous=FULL``,
https://sqlite.org/pragma.html#pragma_synchronous), so acknowledged writes survive a kill and a
power failure. After a commit, the blobs that no row names any longer are removed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localcloud.oss.blobs import BlobStore
from localcloud.oss.models import (
    Bucket,
    ObjectSettings,
    ObjectType,
    ObjectVersion,
    Part,
    Upload,
    Versioning,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    created_at REAL NOT NULL,
    acl TEXT NOT NULL,
    storage_class TEXT NOT NULL,
    redundancy_type TEXT NOT NULL,
    versioning TEXT NOT NULL,
    resource_group_id TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS bucket_configurations (
    bucket TEXT NOT NULL REFERENCES buckets (name) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (bucket, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key BLOB NOT NULL,
    version_id TEXT NOT NULL,
    is_latest INTEGER NOT NULL,
    delete_marker INTEGER NOT NULL,
    type TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    crc64 TEXT NOT NULL,
    md5 TEXT NOT NULL,
    modified_at REAL NOT NULL,
    noncurrent_since REAL,
    settings TEXT NOT NULL,
    UNIQUE (bucket, key, version_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS latest_versions ON versions (bucket, key) WHERE is_latest = 1;
CREATE INDEX IF NOT EXISTS ordered_versions ON versions (bucket, key, sequence DESC);
CREATE TABLE IF NOT EXISTS segments (
    version INTEGER NOT NULL REFERENCES versions (sequence) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    blob TEXT NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (version, ordinal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS segment_blobs ON segments (blob);
CREATE TABLE IF NOT EXISTS uploads (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    upload_id TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key BLOB NOT NULL,
    initiated_at REAL NOT NULL,
    settings TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ordered_uploads ON uploads (bucket, key, upload_id);
CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL REFERENCES uploads (upload_id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    etag TEXT NOT NULL,
    size INTEGER NOT NULL,
    crc64 TEXT NOT NULL,
    modified_at REAL NOT NULL,
    blob TEXT NOT NULL,
    PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS part_blobs ON parts (blob);
"""


class Transaction:
    """A running transaction; after the commit, released blobs without a row are removed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._released: set[str] = set()

    def execute(self, statement: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        return self._connection.execute(statement, tuple(parameters)).fetchall()

    def release(self, blobs: Iterable[str]) -> None:
        """Note blobs that may have no row any longer."""
        self._released.update(blobs)

    def unnamed(self) -> list[str]:
        """Return the released blobs that no row names."""
        return [
            blob
            for blob in self._released
            if blob
            and not self.execute("SELECT 1 FROM segments WHERE blob = ? LIMIT 1", (blob,))
            and not self.execute("SELECT 1 FROM parts WHERE blob = ? LIMIT 1", (blob,))
        ]


class Database:
    """One connection, one transaction at a time; usable from any thread."""

    def __init__(self, path: Path, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._connection.row_factory = sqlite3.Row
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
        ):
            self._connection.execute(statement)
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Lock the database; commit at the end, roll back on an exception."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(self._connection)
            try:
                yield transaction
                unnamed = transaction.unnamed()
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            self._blobs.discard(unnamed)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Lock the database for reading."""
        with self._lock:
            yield Transaction(self._connection)

    def query(self, statement: str, parameters: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Run one query and return its rows."""
        with self._lock:
            return self._connection.execute(statement, tuple(parameters)).fetchall()

    def named_blobs(self) -> set[str]:
        """Return every blob that a row names."""
        rows = self.query("SELECT blob FROM segments UNION SELECT blob FROM parts")
        return {row["blob"] for row in rows}

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def bucket_of(row: sqlite3.Row) -> Bucket:
    """Return a row of ``buckets`` as a `Bucket`."""
    values = dict(row)
    return Bucket(**values | {"versioning": Versioning(values["versioning"])})


def version_of(row: sqlite3.Row) -> ObjectVersion:
    """Return a row of ``versions`` as an `ObjectVersion`."""
    values = dict(row)
    return ObjectVersion(
        **values
        | {
            "key": values["key"].decode(),
            "is_latest": bool(values["is_latest"]),
            "delete_marker": bool(values["delete_marker"]),
            "type": ObjectType(values["type"]),
            "crc64": int(values["crc64"]),
            "settings": ObjectSettings.loads(values["settings"]),
        }
    )


def upload_of(row: sqlite3.Row) -> Upload:
    """Return a row of ``uploads`` as an `Upload`."""
    values = dict(row)
    del values["sequence"]
    settings = ObjectSettings.loads(values["settings"])
    return Upload(**values | {"key": values["key"].decode(), "settings": settings})


def part_of(row: sqlite3.Row) -> Part:
    """Return a row of ``parts`` as a `Part`."""
    values = dict(row)
    del values["upload_id"]
    return Part(**values | {"crc64": int(values["crc64"])})
