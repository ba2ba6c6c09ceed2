"""Buckets and their configurations in the database.

Owns creating, changing and deleting buckets. A configuration (encryption rule, lifecycle rules,
tags, ...) is a JSON document per kind; the module that parses it also checks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from localcloud.oss.database import Database, Transaction, bucket_of
from localcloud.oss.errors import OssError, no_such_bucket
from localcloud.oss.models import REDUNDANCY_TYPE, STORAGE_CLASS, Bucket, Versioning

_REGION = "region"


def require_bucket(transaction: Transaction, name: str) -> Bucket:
    """Return the bucket with that name, within a transaction.

    Raises:
        OssError: ``NoSuchBucket``.
    """
    rows = transaction.execute("SELECT * FROM buckets WHERE name = ?", (name,))
    if not rows:
        raise no_such_bucket(name)
    return bucket_of(rows[0])


class Buckets:
    """Every bucket of the local account.

    Args:
        database: The database that stores them.
        clock: Seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def get(self, name: str) -> Bucket:
        """Return the bucket with that name.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.reading() as transaction:
            return require_bucket(transaction, name)

    def find(self, name: str) -> Bucket | None:
        """Return the bucket with that name, or None."""
        rows = self._database.query("SELECT * FROM buckets WHERE name = ?", (name,))
        return bucket_of(rows[0]) if rows else None

    def matching(self, prefix: str, marker: str, limit: int) -> list[Bucket]:
        """Return up to ``limit`` buckets after ``marker``, sorted by name."""
        rows = self._database.query(
            "SELECT * FROM buckets WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (marker, len(prefix), prefix, limit),
        )
        return [bucket_of(row) for row in rows]

    def create(self, name: str, owner_id: str) -> bool:
        """Create a private bucket unless it exists; return whether it is new."""
        with self._database.transaction() as transaction:
            if transaction.execute("SELECT 1 FROM buckets WHERE name = ?", (name,)):
                return False
            transaction.execute(
                "INSERT INTO buckets VALUES (?, ?, ?, 'private', ?, ?, ?, 'rg-default')",
                (name, owner_id, self._clock(), STORAGE_CLASS, REDUNDANCY_TYPE, Versioning.OFF),
            )
            return True

    def delete(self, name: str) -> None:
        """Delete an empty bucket.

        Raises:
            OssError: ``NoSuchBucket``; ``BucketNotEmpty`` while it has versions, delete markers
                or unfinished multipart uploads.
        """
        with self._database.transaction() as transaction:
            require_bucket(transaction, name)
            for table in ("versions", "uploads"):
                statement = f"SELECT 1 FROM {table} WHERE bucket = ? LIMIT 1"  # noqa: S608
                if transaction.execute(statement, (name,)):
                    raise OssError(
                        "BucketNotEmpty",
                        "The bucket you tried to delete is not empty.",
                        details={"BucketName": name},
                    )
            transaction.execute("DELETE FROM buckets WHERE name = ?", (name,))

    def region_id(self, name: str) -> str | None:
        """Return the bucket's region; None for the stack's own region or a missing bucket."""
        rows = self._database.query(
            "SELECT document FROM bucket_configurations WHERE bucket = ? AND kind = ?",
            (name, _REGION),
        )
        return str(json.loads(rows[0]["document"])) if rows else None

    def set_region(self, name: str, region_id: str) -> None:
        """Move the bucket to a region other than the stack's own."""
        self.set_configuration(name, _REGION, region_id)

    def set_acl(self, name: str, acl: str) -> None:
        """Set the bucket's ACL."""
        with self._database.transaction() as transaction:
            require_bucket(transaction, name)
            transaction.execute("UPDATE buckets SET acl = ? WHERE name = ?", (acl, name))

    def set_versioning(self, name: str, versioning: Versioning) -> None:
        """Turn versioning on or suspend it."""
        with self._database.transaction() as transaction:
            require_bucket(transaction, name)
            transaction.execute(
                "UPDATE buckets SET versioning = ? WHERE name = ?", (versioning, name)
            )

    def configuration(self, name: str, kind: str) -> Any:
        """Return the configuration of that kind, or None.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, name)
            rows = transaction.execute(
                "SELECT document FROM bucket_configurations WHERE bucket = ? AND kind = ?",
                (name, kind),
            )
        return json.loads(rows[0]["document"]) if rows else None

    def set_configuration(self, name: str, kind: str, document: Any) -> None:
        """Set the configuration of that kind; None removes it."""
        with self._database.transaction() as transaction:
            require_bucket(transaction, name)
            transaction.execute(
                "DELETE FROM bucket_configurations WHERE bucket = ? AND kind = ?", (name, kind)
            )
            if document is not None:
                transaction.execute(
                    "INSERT INTO bucket_configurations VALUES (?, ?, ?)",
                    (name, kind, json.dumps(document)),
                )

    def configured(self, kind: str) -> list[tuple[str, Any]]:
        """Return every bucket that has a configuration of that kind, with it."""
        rows = self._database.query(
            "SELECT bucket, document FROM bucket_configurations WHERE kind = ?", (kind,)
        )
        return [(row["bucket"], json.loads(row["document"])) for row in rows]
