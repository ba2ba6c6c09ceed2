"""Writing, finding and deleting versions of objects within a transaction.

Owns the effect of a write and a delete with versioning enabled, suspended and off. Does not own the
transactions (``objects`` and ``uploads``).
Versioning rules: https://help.aliyun.com/en/oss/user-guide/overview-78 (read 2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.oss.buckets import require_bucket
from localcloud.oss.checksums import base64_md5
from localcloud.oss.database import Transaction, version_of
from localcloud.oss.errors import OssError, no_such_key
from localcloud.oss.models import (
    NULL_VERSION,
    Bucket,
    Content,
    ObjectSettings,
    ObjectType,
    ObjectVersion,
    Segment,
    Versioning,
)


@dataclass(frozen=True, kw_only=True)
class NewObject:
    """The content and settings of an object's next version."""

    type: ObjectType = ObjectType.NORMAL
    segments: Sequence[Segment] = ()
    size: int = 0
    etag: str = ""
    crc64: int = 0
    md5: str = ""
    settings: ObjectSettings = field(default_factory=ObjectSettings)

    @staticmethod
    def of(content: Content, settings: ObjectSettings) -> NewObject:
        """Return an object that one request has written."""
        return NewObject(
            segments=[Segment(content.blob, content.size)] if content.size else [],
            size=content.size,
            etag=content.etag,
            crc64=content.crc64,
            md5=base64_md5(content.md5),
            settings=settings,
        )


@dataclass(frozen=True)
class Deleted:
    """The result of a delete.

    Attributes:
        version_id: The removed version or the new delete marker; None without versioning.
        delete_marker: Whether a delete marker was created or removed.
    """

    version_id: str | None = None
    delete_marker: bool = False


def put_in(
    transaction: Transaction, bucket: str, key: str, new: NewObject, now: float
) -> ObjectVersion:
    """Put an object within a transaction; see ``Objects.put``."""
    return _insert(transaction, require_bucket(transaction, bucket), key, new, now)


def _insert(
    transaction: Transaction,
    bucket: Bucket,
    key: str,
    new: NewObject,
    now: float,
    *,
    delete_marker: bool = False,
) -> ObjectVersion:
    name, raw_key = bucket.name, key.encode()
    sequence = _next_sequence(transaction)
    version_id = NULL_VERSION
    if bucket.versioning is Versioning.ENABLED:
        version_id = "CAEQ" + hashlib.sha256(f"{name}/{sequence}".encode()).hexdigest()[:40]
    else:
        _drop(
            transaction,
            "bucket = ? AND key = ? AND version_id = ?",
            (name, raw_key, NULL_VERSION),
        )
    transaction.execute(
        "UPDATE versions SET is_latest = 0, noncurrent_since = ? "
        "WHERE bucket = ? AND key = ? AND is_latest = 1",
        (now, name, raw_key),
    )
    transaction.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        (
            sequence,
            name,
            raw_key,
            version_id,
            delete_marker,
            new.type,
            new.size,
            new.etag,
            str(new.crc64),
            new.md5,
            now,
            new.settings.dumps(),
        ),
    )
    for ordinal, segment in enumerate(new.segments):
        transaction.execute(
            "INSERT INTO segments VALUES (?, ?, ?, ?)",
            (sequence, ordinal, segment.blob, segment.length),
        )
    return version_of(
        transaction.execute("SELECT * FROM versions WHERE sequence = ?", (sequence,))[0]
    )


def _next_sequence(transaction: Transaction) -> int:
    rows = transaction.execute("SELECT seq FROM sqlite_sequence WHERE name = 'versions'")
    return int(rows[0]["seq"]) + 1 if rows else 1


def _drop(transaction: Transaction, condition: str, parameters: Sequence[Any]) -> None:
    rows = transaction.execute(
        "SELECT blob FROM segments WHERE version IN "  # noqa: S608 - conditions are constants
        f"(SELECT sequence FROM versions WHERE {condition})",
        parameters,
    )
    transaction.execute(f"DELETE FROM versions WHERE {condition}", parameters)  # noqa: S608
    transaction.release(row["blob"] for row in rows)


def delete_latest(transaction: Transaction, bucket: str, key: str, now: float) -> Deleted:
    """Delete an object; with versioning, write a delete marker instead."""
    owner = require_bucket(transaction, bucket)
    if owner.versioning is Versioning.OFF:
        _drop(transaction, "bucket = ? AND key = ?", (bucket, key.encode()))
        return Deleted()
    marker = _insert(transaction, owner, key, NewObject(), now, delete_marker=True)
    return Deleted(marker.version_id, delete_marker=True)


def delete_version(transaction: Transaction, bucket: str, key: str, version_id: str) -> Deleted:
    version = find_version(transaction, bucket, key, version_id)
    if version is None:
        return Deleted(version_id)
    _drop(transaction, "sequence = ?", (version.sequence,))
    if version.is_latest:
        transaction.execute(
            "UPDATE versions SET is_latest = 1, noncurrent_since = NULL WHERE sequence = "
            "(SELECT max(sequence) FROM versions WHERE bucket = ? AND key = ?)",
            (bucket, key.encode()),
        )
    return Deleted(version_id, delete_marker=version.delete_marker)


def find_version(
    transaction: Transaction, bucket: str, key: str, version_id: str | None
) -> ObjectVersion | None:
    if version_id is None:
        rows = transaction.execute(
            "SELECT * FROM versions WHERE bucket = ? AND key = ? AND is_latest = 1",
            (bucket, key.encode()),
        )
    else:
        rows = transaction.execute(
            "SELECT * FROM versions WHERE bucket = ? AND key = ? AND version_id = ?",
            (bucket, key.encode(), version_id),
        )
    return version_of(rows[0]) if rows else None


def get_version(
    transaction: Transaction, bucket: str, key: str, version_id: str | None
) -> ObjectVersion:
    version = find_version(transaction, bucket, key, version_id)
    if version is None and version_id is not None:
        raise OssError(
            "NoSuchVersion",
            "The specified version does not exist.",
            details={"Key": key, "VersionId": version_id},
        )
    if version is None:
        raise no_such_key(key)
    if not version.delete_marker:
        return version
    headers = {"x-oss-delete-marker": "true", "x-oss-version-id": version.version_id}
    if version_id is None:
        error = no_such_key(key)
        error.headers.update(headers)
        raise error
    raise OssError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource: the version is a delete "
        "marker.",
        headers=headers,
    )


def segments_of(transaction: Transaction, version: ObjectVersion) -> list[Segment]:
    """Return the segments of a version, in order."""
    rows = transaction.execute(
        "SELECT blob, length FROM segments WHERE version = ? ORDER BY ordinal", (version.sequence,)
    )
    return [Segment(row["blob"], row["length"]) for row in rows]
