"""Multipart uploads in the database.

Owns initiating, filling, completing and aborting uploads. A completed object uses the blobs of its
parts, so that completing copies no bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from localcloud.oss.buckets import require_bucket
from localcloud.oss.checksums import combine_crc64
from localcloud.oss.database import Database, Transaction, part_of, upload_of
from localcloud.oss.errors import OssError, no_such_upload
from localcloud.oss.models import (
    MIN_PART_BYTES,
    Content,
    ObjectSettings,
    ObjectType,
    ObjectVersion,
    Part,
    Segment,
    Upload,
)
from localcloud.oss.versions import NewObject, put_in


class Uploads:
    """The unfinished multipart uploads of every bucket.

    Args:
        database: The database that stores the uploads.
        clock: Seconds since the epoch.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def initiate(self, bucket: str, key: str, settings: ObjectSettings) -> Upload:
        """Start an upload.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.transaction() as transaction:
            require_bucket(transaction, bucket)
            rows = transaction.execute("SELECT seq FROM sqlite_sequence WHERE name = 'uploads'")
            sequence = int(rows[0]["seq"]) + 1 if rows else 1
            digest = hashlib.sha256(f"upload/{bucket}/{sequence}".encode()).hexdigest()
            upload_id = digest[:32].upper()
            transaction.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)",
                (sequence, upload_id, bucket, key.encode(), self._clock(), settings.dumps()),
            )
            return _require(transaction, bucket, key, upload_id)

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Return the upload.

        Raises:
            OssError: ``NoSuchBucket``, ``NoSuchUpload``.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, bucket)
            return _require(transaction, bucket, key, upload_id)

    def add_part(
        self, bucket: str, key: str, upload_id: str, number: int, content: Content
    ) -> Part:
        """Add a part, or replace the part with that number.

        Raises:
            OssError: ``NoSuchUpload``.
        """
        with self._database.transaction() as transaction:
            _require(transaction, bucket, key, upload_id)
            where = "upload_id = ? AND number = ?"
            replaced = transaction.execute(
                f"SELECT blob FROM parts WHERE {where}",  # noqa: S608 - a constant
                (upload_id, number),
            )
            transaction.release(row["blob"] for row in replaced)
            transaction.execute(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    upload_id,
                    number,
                    content.etag,
                    content.size,
                    str(content.crc64),
                    self._clock(),
                    content.blob,
                ),
            )
            return _parts(transaction, upload_id, number - 1, 1)[0]

    def parts(self, upload_id: str, after: int, limit: int) -> list[Part]:
        """Return up to ``limit`` parts after number ``after``, in order."""
        with self._database.reading() as transaction:
            return _parts(transaction, upload_id, after, limit)

    def complete(
        self, bucket: str, key: str, upload_id: str, listed: Sequence[tuple[int, str]]
    ) -> ObjectVersion:
        """Create the object from the listed parts and end the upload.

        Args:
            bucket: The bucket's name.
            key: The object's key.
            upload_id: The upload.
            listed: Number and ETag of each part, in order.

        Raises:
            OssError: ``NoSuchUpload``, ``InvalidPart``, ``InvalidPartOrder``, ``EntityTooSmall``.
        """
        with self._database.transaction() as transaction:
            upload = _require(transaction, bucket, key, upload_id)
            there = _parts(transaction, upload_id, 0, -1)
            chosen = _choose(there, listed)
            _check_sizes(chosen)
            new = _assembled(chosen, upload.settings)
            version = put_in(transaction, bucket, key, new, self._clock())
            _end(transaction, upload_id, there)
            return version

    def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """End the upload and remove its parts.

        Raises:
            OssError: ``NoSuchUpload``.
        """
        with self._database.transaction() as transaction:
            require_bucket(transaction, bucket)
            _require(transaction, bucket, key, upload_id)
            _end(transaction, upload_id, _parts(transaction, upload_id, 0, -1))


def _require(transaction: Transaction, bucket: str, key: str, upload_id: str) -> Upload:
    rows = transaction.execute(
        "SELECT * FROM uploads WHERE upload_id = ? AND bucket = ? AND key = ?",
        (upload_id, bucket, key.encode()),
    )
    if not rows:
        raise no_such_upload(upload_id)
    return upload_of(rows[0])


def _parts(transaction: Transaction, upload_id: str, after: int, limit: int) -> list[Part]:
    rows = transaction.execute(
        "SELECT * FROM parts WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?",
        (upload_id, after, limit),
    )
    return [part_of(row) for row in rows]


def _choose(there: Sequence[Part], listed: Sequence[tuple[int, str]]) -> list[Part]:
    if not listed:
        raise OssError("MalformedXML", "CompleteMultipartUpload lists no part.")
    by_number = {part.number: part for part in there}
    chosen: list[Part] = []
    for number, etag in listed:
        if chosen and number <= chosen[-1].number:
            raise OssError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts list must be specified in "
                "order by part number.",
            )
        part = by_number.get(number)
        if part is None or part.etag != etag.strip('"').upper():
            raise OssError(
                "InvalidPart",
                "One or more of the specified parts could not be found or the specified entity "
                "tag might not have matched the part's entity tag.",
                details={"PartNumber": str(number), "ETag": etag},
            )
        chosen.append(part)
    return chosen


def _check_sizes(chosen: Sequence[Part]) -> None:
    for part in chosen[:-1]:
        if part.size < MIN_PART_BYTES:
            raise OssError(
                "EntityTooSmall",
                "Your proposed upload smaller than the minimum allowed size.",
                details={
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(MIN_PART_BYTES),
                    "PartNumber": str(part.number),
                    "ETag": part.etag,
                },
            )


def _assembled(parts: Sequence[Part], settings: ObjectSettings) -> NewObject:
    crc64 = 0
    for part in parts:
        crc64 = combine_crc64(crc64, part.crc64, part.size)
    etags = hashlib.md5("".join(part.etag for part in parts).encode(), usedforsecurity=False)
    return NewObject(
        type=ObjectType.MULTIPART,
        segments=[Segment(part.blob, part.size) for part in parts if part.size],
        size=sum(part.size for part in parts),
        etag=f"{etags.hexdigest().upper()}-{len(parts)}",
        crc64=crc64,
        settings=settings,
    )


def _end(transaction: Transaction, upload_id: str, parts: Sequence[Part]) -> None:
    transaction.execute("DELETE FROM uploads WHERE upload_id = ?", (upload_id,))
    transaction.release(part.blob for part in parts)
