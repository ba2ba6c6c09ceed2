"""Versions of objects in the database.

Owns what writing, deleting, appending and reading mean with and without versioning. It does not
own listing (``listing``) nor multipart uploads (``uploads``).
Versioning rules: https://help.aliyun.com/en/oss/user-guide/overview-78 (read 2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.oss.blobs import BlobStore, ObjectStream
from localcloud.oss.buckets import require_bucket
from localcloud.oss.checksums import base64_md5, combine_crc64
from localcloud.oss.database import Database, Transaction, version_of
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
    """What is about to become an object's latest version."""

    type: ObjectType
    segments: Sequence[Segment]
    size: int
    etag: str
    crc64: int
    md5: str
    settings: ObjectSettings

    @staticmethod
    def of(content: Content, settings: ObjectSettings) -> NewObject:
        """An object written in one piece."""
        return NewObject(
            type=ObjectType.NORMAL,
            segments=[Segment(content.blob, content.size)] if content.size else [],
            size=content.size,
            etag=content.etag,
            crc64=content.crc64,
            md5=base64_md5(content.md5),
            settings=settings,
        )


@dataclass(frozen=True)
class Deleted:
    """What a delete did.

    Attributes:
        version_id: The version removed, or of the delete marker made; None without versioning.
        delete_marker: Whether a delete marker was made or removed.
    """

    version_id: str | None = None
    delete_marker: bool = False


class Objects:
    """Every object of every bucket.

    Args:
        database: Where versions are kept.
        blobs: Where their bytes are.
        clock: Seconds since the epoch.
    """

    def __init__(self, database: Database, blobs: BlobStore, clock: Callable[[], float]) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    def find(self, bucket: str, key: str, version_id: str | None = None) -> ObjectVersion | None:
        """A version, or the latest one, delete markers included; None when there is none.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, bucket)
            return _find(transaction, bucket, key, version_id)

    def get(self, bucket: str, key: str, version_id: str | None = None) -> ObjectVersion:
        """A version, or the latest one, that holds an object.

        Raises:
            OssError: ``NoSuchBucket``, ``NoSuchKey``, ``NoSuchVersion``, or ``MethodNotAllowed``
                for a version that is a delete marker.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, bucket)
            return _get(transaction, bucket, key, version_id)

    def open(self, version: ObjectVersion, start: int, length: int) -> ObjectStream:
        """A stream over bytes of a version.

        Raises:
            OssError: ``NoSuchKey`` when the version was deleted meanwhile.
        """
        with self._database.reading() as transaction:
            current = transaction.execute(
                "SELECT size FROM versions WHERE sequence = ?", (version.sequence,)
            )
            if not current:
                raise no_such_key(version.key)
            return ObjectStream(self._blobs, _segments(transaction, version), start, length)

    def segments(self, version: ObjectVersion) -> list[Segment]:
        """The segments of a version, in order."""
        with self._database.reading() as transaction:
            return _segments(transaction, version)

    def put(
        self, bucket: str, key: str, new: NewObject, *, forbid_overwrite: bool = False
    ) -> ObjectVersion:
        """Make ``new`` the object's latest version.

        Args:
            bucket: The bucket's name.
            key: The object's key.
            new: Its bytes, already durable, and settings.
            forbid_overwrite: Refuse when there is an object; without effect in a bucket that has
                or had versioning, as in the cloud.

        Raises:
            OssError: ``NoSuchBucket``, ``FileAlreadyExists``.
        """
        with self._database.transaction() as transaction:
            return put_in(transaction, bucket, key, new, self._clock(), forbid_overwrite)

    def copy(
        self,
        source: ObjectVersion,
        bucket: str,
        key: str,
        settings: ObjectSettings,
        *,
        forbid_overwrite: bool = False,
    ) -> ObjectVersion:
        """Make a version's bytes the latest version of another object, without copying them.

        Raises:
            OssError: As ``put``; ``NoSuchKey`` when the source was deleted meanwhile.
        """
        with self._database.transaction() as transaction:
            if not transaction.execute(
                "SELECT 1 FROM versions WHERE sequence = ?", (source.sequence,)
            ):
                raise no_such_key(source.key)
            new = NewObject(
                type=ObjectType.NORMAL,
                segments=_segments(transaction, source),
                size=source.size,
                etag=source.etag,
                crc64=source.crc64,
                md5=source.md5,
                settings=settings,
            )
            return put_in(transaction, bucket, key, new, self._clock(), forbid_overwrite)

    def append(
        self, bucket: str, key: str, position: int, content: Content, settings: ObjectSettings
    ) -> ObjectVersion:
        """Append bytes to an appendable object, or make it with ``position`` 0.

        Raises:
            OssError: ``NoSuchBucket``, ``ObjectNotAppendable``, ``PositionNotEqualToLength``.
        """
        with self._database.transaction() as transaction:
            require_bucket(transaction, bucket)
            current = _find(transaction, bucket, key, None)
            exists = current is not None and not current.delete_marker
            if current is not None and exists and current.type is not ObjectType.APPENDABLE:
                raise OssError("ObjectNotAppendable", "The object is not appendable.")
            size = current.size if current is not None and exists else 0
            if position != size:
                raise OssError(
                    "PositionNotEqualToLength",
                    "Position is not equal to file length.",
                    headers={
                        "x-oss-next-append-position": str(size),
                        "x-oss-hash-crc64ecma": str(current.crc64 if current and exists else 0),
                    },
                )
            if current is None or not exists:
                new = _appendable(NewObject.of(content, settings))
                return put_in(transaction, bucket, key, new, self._clock(), False)
            return self._extend(transaction, current, content)

    def _extend(
        self, transaction: Transaction, current: ObjectVersion, content: Content
    ) -> ObjectVersion:
        crc64 = combine_crc64(current.crc64, content.crc64, content.size)
        size = current.size + content.size
        if content.size:
            transaction.execute(
                "INSERT INTO segments SELECT ?, coalesce(max(ordinal), -1) + 1, ?, ? "
                "FROM segments WHERE version = ?",
                (current.sequence, content.blob, content.size, current.sequence),
            )
        transaction.execute(
            "UPDATE versions SET size = ?, crc64 = ?, etag = ?, md5 = '', modified_at = ? "
            "WHERE sequence = ?",
            (size, str(crc64), _append_etag(crc64, size), self._clock(), current.sequence),
        )
        return _by_sequence(transaction, current.sequence)

    def change_settings(self, version: ObjectVersion, settings: ObjectSettings) -> None:
        """Replace a version's settings (ACL, tags)."""
        with self._database.transaction() as transaction:
            transaction.execute(
                "UPDATE versions SET settings = ? WHERE sequence = ?",
                (settings.dumps(), version.sequence),
            )

    def delete(self, bucket: str, key: str, version_id: str | None = None) -> Deleted:
        """Delete an object, or one version for good; a missing one is no error.

        Without ``version_id`` a bucket with versioning gets a delete marker.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.transaction() as transaction:
            if version_id is None:
                return _delete_latest(transaction, bucket, key, self._clock())
            require_bucket(transaction, bucket)
            return _delete_version(transaction, bucket, key, version_id)

    def expire(self, version: ObjectVersion, *, for_good: bool) -> None:
        """Delete a version as a lifecycle rule does; one that was replaced meanwhile is left.

        Args:
            version: What the rule applies to, as it was found.
            for_good: Remove the version itself; otherwise as ``delete`` of the object.
        """
        with self._database.transaction() as transaction:
            current = _find(transaction, version.bucket, version.key, version.version_id)
            unchanged = current is not None and (current.sequence, current.is_latest) == (
                version.sequence,
                version.is_latest,
            )
            if not unchanged:
                return
            if for_good:
                _delete_version(transaction, version.bucket, version.key, version.version_id)
            else:
                _delete_latest(transaction, version.bucket, version.key, self._clock())


_MARKER = NewObject(
    type=ObjectType.NORMAL,
    segments=(),
    size=0,
    etag="",
    crc64=0,
    md5="",
    settings=ObjectSettings(),
)


def put_in(
    transaction: Transaction,
    bucket: str,
    key: str,
    new: NewObject,
    now: float,
    forbid_overwrite: bool,
) -> ObjectVersion:
    """As ``Objects.put``, within a transaction."""
    owner = require_bucket(transaction, bucket)
    if forbid_overwrite and owner.versioning is Versioning.OFF:
        refuse_existing(transaction, bucket, key)
    return _insert(transaction, owner, key, new, now)


def refuse_existing(transaction: Transaction, bucket: str, key: str) -> None:
    """Raise ``FileAlreadyExists`` when there is an object."""
    current = _find(transaction, bucket, key, None)
    if current is not None and not current.delete_marker:
        raise OssError(
            "FileAlreadyExists",
            "The object you specified already exists and can not be overwritten.",
            details={"Key": key},
        )


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
    return _by_sequence(transaction, sequence)


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


def _delete_latest(transaction: Transaction, bucket: str, key: str, now: float) -> Deleted:
    owner = require_bucket(transaction, bucket)
    if owner.versioning is Versioning.OFF:
        _drop(transaction, "bucket = ? AND key = ?", (bucket, key.encode()))
        return Deleted()
    marker = _insert(transaction, owner, key, _MARKER, now, delete_marker=True)
    return Deleted(marker.version_id, delete_marker=True)


def _delete_version(transaction: Transaction, bucket: str, key: str, version_id: str) -> Deleted:
    version = _find(transaction, bucket, key, version_id)
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


def _find(
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


def _get(transaction: Transaction, bucket: str, key: str, version_id: str | None) -> ObjectVersion:
    version = _find(transaction, bucket, key, version_id)
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


def _by_sequence(transaction: Transaction, sequence: int) -> ObjectVersion:
    return version_of(
        transaction.execute("SELECT * FROM versions WHERE sequence = ?", (sequence,))[0]
    )


def _segments(transaction: Transaction, version: ObjectVersion) -> list[Segment]:
    rows = transaction.execute(
        "SELECT blob, length FROM segments WHERE version = ? ORDER BY ordinal", (version.sequence,)
    )
    return [Segment(row["blob"], row["length"]) for row in rows]


def _append_etag(crc64: int, size: int) -> str:
    # The ETag of an appendable object names its content but is not its MD5.
    text = f"{crc64}-{size}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest().upper()


def _appendable(new: NewObject) -> NewObject:
    return NewObject(
        type=ObjectType.APPENDABLE,
        segments=new.segments,
        size=new.size,
        etag=_append_etag(new.crc64, new.size),
        crc64=new.crc64,
        md5="",
        settings=new.settings,
    )
