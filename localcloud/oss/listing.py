"""Listing of objects, versions and multipart uploads, with prefix, delimiter and paging.

Owns the order (UTF-8 bytes of the key, then the newest version first) and the grouping of keys that
share a prefix up to the delimiter. Does not own the XML.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from localcloud.oss.buckets import require_bucket
from localcloud.oss.database import Database, upload_of, version_of
from localcloud.oss.models import ObjectVersion, Upload

_BATCH = 500
_LAST_SEQUENCE = 2**63 - 1

T = TypeVar("T")


@dataclass(frozen=True)
class Query:
    """The parameters of a listing.

    Attributes:
        bucket: The bucket's name.
        prefix: Start of every listed key.
        delimiter: Keys that have it after the prefix are grouped; empty turns that off.
        limit: Maximum number of entries, common prefixes included.
    """

    bucket: str
    prefix: str
    delimiter: str
    limit: int


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a listing.

    Attributes:
        items: The listed entries.
        prefixes: The common prefixes.
        last: The last key or common prefix on the page; empty for an empty page.
        truncated: Whether another page follows.
    """

    items: list[T]
    prefixes: list[str]
    last: str
    truncated: bool


class Listing:
    """Reads listings from the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def objects(self, query: Query, marker: str) -> Page[ObjectVersion]:
        """Return the objects after ``marker``."""
        return self._versions(query, marker.encode(), 0, "AND is_latest = 1 AND delete_marker = 0")

    def versions(
        self, query: Query, key_marker: str, version_id_marker: str
    ) -> Page[ObjectVersion]:
        """Return the versions and delete markers after the markers."""
        sequence = 0
        if version_id_marker:
            rows = self._database.query(
                "SELECT sequence FROM versions WHERE bucket = ? AND key = ? AND version_id = ?",
                (query.bucket, key_marker.encode(), version_id_marker),
            )
            sequence = rows[0]["sequence"] if rows else 0
        return self._versions(query, key_marker.encode(), sequence, "")

    def written_after(self, bucket: str, sequence: int, limit: int) -> list[ObjectVersion]:
        """Return a bucket's versions after that sequence number, oldest first."""
        rows = self._database.query(
            "SELECT * FROM versions WHERE sequence > ? AND bucket = ? ORDER BY sequence LIMIT ?",
            (sequence, bucket, limit),
        )
        return [version_of(row) for row in rows]

    def uploads(self, query: Query, key_marker: str, upload_id_marker: str) -> Page[Upload]:
        """Return the unfinished multipart uploads after the markers."""

        def fetch(key: bytes, upload_id: str) -> list[sqlite3.Row]:
            return self._database.query(
                "SELECT * FROM uploads WHERE bucket = ? AND key >= ? "
                "AND NOT (key = ? AND upload_id <= ?) ORDER BY key, upload_id LIMIT ?",
                (query.bucket, key, key, upload_id, _BATCH),
            )

        # Sorts above every upload id, so that the marker's own key is left out.
        last = upload_id_marker or "~"
        start = (key_marker.encode(), last) if key_marker else (b"", "")
        entries = _walk(query, start, "", fetch, lambda row: row["upload_id"])
        return self._page(query, entries, upload_of)

    def _versions(
        self, query: Query, marker: bytes, sequence: int, condition: str
    ) -> Page[ObjectVersion]:
        def fetch(key: bytes, before: int) -> list[sqlite3.Row]:
            return self._database.query(
                "SELECT * FROM versions WHERE bucket = ? AND key >= ? "  # noqa: S608 - constants
                f"AND NOT (key = ? AND sequence >= ?) {condition} "
                "ORDER BY key, sequence DESC LIMIT ?",
                (query.bucket, key, key, before, _BATCH),
            )

        start = (marker, sequence) if marker else (b"", _LAST_SEQUENCE)
        entries = _walk(query, start, _LAST_SEQUENCE, fetch, lambda row: row["sequence"])
        return self._page(query, entries, version_of)

    def _page(
        self,
        query: Query,
        entries: Iterator[str | sqlite3.Row],
        convert: Callable[[sqlite3.Row], T],
    ) -> Page[T]:
        with self._database.reading() as transaction:
            require_bucket(transaction, query.bucket)
            taken = list(islice(entries, query.limit + 1))
        truncated = len(taken) > query.limit
        taken = taken[: query.limit]
        items = [convert(entry) for entry in taken if not isinstance(entry, str)]
        prefixes = [entry for entry in taken if isinstance(entry, str)]
        last = taken[-1] if taken else ""
        if not isinstance(last, str):
            last = last["key"].decode()
        return Page(items, prefixes, last, truncated)


C = TypeVar("C")


def _walk(
    query: Query,
    start: tuple[bytes, C],
    before_all: C,
    fetch: Callable[[bytes, C], list[sqlite3.Row]],
    position: Callable[[sqlite3.Row], C],
) -> Iterator[str | sqlite3.Row]:
    """Yield rows in order; a group of keys gives its common prefix (text) once.

    Args:
        query: The parameters of the listing.
        start: Key, and position within the key, after which to begin.
        before_all: The position that sorts before every row of a key.
        fetch: Returns the next batch of rows after such a pair, in order.
        position: Returns a row's position within its key.
    """
    prefix, delimiter = query.prefix.encode(), query.delimiter.encode()
    cursor = start
    if cursor[0] < prefix:
        cursor = (prefix, before_all)
    if delimiter and cursor[0].endswith(delimiter) and len(cursor[0]) > len(prefix):
        # The marker is a common prefix that an earlier page ended with.
        cursor = (_successor(cursor[0]), before_all)
    while True:
        rows = fetch(*cursor)
        if not rows:
            return
        for row in rows:
            key: bytes = row["key"]
            if not key.startswith(prefix):
                return
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                common = key[: cut + len(delimiter)]
                yield common.decode()
                cursor = (_successor(common), before_all)
                break
            yield row
            cursor = (key, position(row))


def _successor(prefix: bytes) -> bytes:
    """Return the smallest bytes above everything that starts with ``prefix`` (valid UTF-8)."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
