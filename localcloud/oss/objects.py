"""Objects in the database: reading, writing, copying, deleting.

Owns the transactions around the steps in ``versions``. Does not own listing (``listing``) and
multipart uploads (``uploads``).
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.oss.blobs import BlobStore, ObjectStream
from localcloud.oss.buckets import require_bucket
from localcloud.oss.database import Database
from localcloud.oss.errors import no_such_key
from localcloud.oss.models import ObjectSettings, ObjectVersion
from localcloud.oss.versions import (
    Deleted,
    NewObject,
    delete_latest,
    delete_version,
    find_version,
    get_version,
    put_in,
    segments_of,
)


class Objects:
    """Every object of every bucket.

    Args:
        database: The database that stores the versions.
        blobs: The store of their bytes.
        clock: Seconds since the epoch.
    """

    def __init__(self, database: Database, blobs: BlobStore, clock: Callable[[], float]) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    def find(self, bucket: str, key: str) -> ObjectVersion | None:
        """Return the latest version, which may be a delete marker, or None.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, bucket)
            return find_version(transaction, bucket, key, None)

    def get(self, bucket: str, key: str, version_id: str | None = None) -> ObjectVersion:
        """Return a version, or the latest one, that holds an object.

        Raises:
            OssError: ``NoSuchBucket``, ``NoSuchKey``, ``NoSuchVersion``, or ``MethodNotAllowed``
                for a version that is a delete marker.
        """
        with self._database.reading() as transaction:
            require_bucket(transaction, bucket)
            return get_version(transaction, bucket, key, version_id)

    def open(self, version: ObjectVersion, start: int, length: int) -> ObjectStream:
        """Return a stream over bytes of a version.

        Raises:
            OssError: ``NoSuchKey`` if the version was deleted in the meantime.
        """
        with self._database.reading() as transaction:
            current = transaction.execute(
                "SELECT size FROM versions WHERE sequence = ?", (version.sequence,)
            )
            if not current:
                raise no_such_key(version.key)
            return ObjectStream(self._blobs, segments_of(transaction, version), start, length)

    def put(self, bucket: str, key: str, new: NewObject) -> ObjectVersion:
        """Make ``new``, whose bytes are durable, the object's latest version.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.transaction() as transaction:
            return put_in(transaction, bucket, key, new, self._clock())

    def copy(
        self, source: ObjectVersion, bucket: str, key: str, settings: ObjectSettings
    ) -> ObjectVersion:
        """Create the latest version of another object from a version's blobs.

        Raises:
            OssError: As ``put``; ``NoSuchKey`` if the source was deleted in the meantime.
        """
        with self._database.transaction() as transaction:
            if not transaction.execute(
                "SELECT 1 FROM versions WHERE sequence = ?", (source.sequence,)
            ):
                raise no_such_key(source.key)
            new = NewObject(
                segments=segments_of(transaction, source),
                size=source.size,
                etag=source.etag,
                crc64=source.crc64,
                md5=source.md5,
                settings=settings,
            )
            return put_in(transaction, bucket, key, new, self._clock())

    def delete(self, bucket: str, key: str, version_id: str | None = None) -> Deleted:
        """Delete an object, or one version permanently; a missing one is success.

        Without ``version_id`` a bucket with versioning gets a delete marker.

        Raises:
            OssError: ``NoSuchBucket``.
        """
        with self._database.transaction() as transaction:
            if version_id is None:
                return delete_latest(transaction, bucket, key, self._clock())
            require_bucket(transaction, bucket)
            return delete_version(transaction, bucket, key, version_id)

    def expire(self, version: ObjectVersion, *, permanently: bool) -> None:
        """Delete a version for a lifecycle rule, unless it was replaced in the meantime.

        Args:
            version: The version that the rule applies to, as it was listed.
            permanently: Remove the version itself. If False, ``delete`` the object.
        """
        with self._database.transaction() as transaction:
            current = find_version(transaction, version.bucket, version.key, version.version_id)
            unchanged = current is not None and (current.sequence, current.is_latest) == (
                version.sequence,
                version.is_latest,
            )
            if not unchanged:
                return
            if permanently:
                delete_version(transaction, version.bucket, version.key, version.version_id)
            else:
                delete_latest(transaction, version.bucket, version.key, self._clock())
