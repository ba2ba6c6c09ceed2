"""Value types of the local OSS: buckets, object versions, multipart uploads and parts.

Owns the types and the rules for names. Does not own how they are stored (``database``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

NULL_VERSION = "null"
MAX_KEY_BYTES = 1023
MIN_PART_BYTES = 100 * 1024
MAX_PARTS = 10_000

BUCKET_ACLS = ("private", "public-read", "public-read-write")
OBJECT_ACLS = ("default", *BUCKET_ACLS)
STORAGE_CLASS = "Standard"
REDUNDANCY_TYPE = "LRS"
SSE_ALGORITHMS = ("AES256", "KMS", "SM4")

_BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{1,61})[a-z0-9]")


class Versioning(StrEnum):
    """A bucket's versioning, which can be suspended but never turned off again."""

    OFF = ""
    ENABLED = "Enabled"
    SUSPENDED = "Suspended"


class ObjectType(StrEnum):
    """How an object was written."""

    NORMAL = "Normal"
    MULTIPART = "Multipart"


def is_bucket_name(name: str) -> bool:
    """Return whether a bucket name is valid: 3 to 63 lower-case letters, digits and hyphens."""
    return _BUCKET_NAME.fullmatch(name) is not None


def is_object_name(key: str) -> bool:
    """Return whether a key is valid: 1 to 1,023 bytes, no ``/`` or backslash at the start."""
    return 1 <= len(key.encode()) <= MAX_KEY_BYTES and key[0] not in "/\\"


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket; times are seconds since the epoch."""

    name: str
    owner_id: str
    created_at: float
    acl: str
    storage_class: str
    redundancy_type: str
    versioning: Versioning
    resource_group_id: str


@dataclass(frozen=True, kw_only=True)
class ObjectSettings:
    """The settings of an object, apart from its bytes.

    Attributes:
        headers: Standard headers stored with it (``Content-Type``, ``Cache-Control``, ...).
        metadata: User metadata, without the ``x-oss-meta-`` prefix.
        acl: Its own ACL, or ``default`` for the bucket's.
        encryption: ``algorithm``, and for KMS ``key_id``; empty for none.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    acl: str = "default"
    encryption: Mapping[str, str] = field(default_factory=dict)

    def dumps(self) -> str:
        """Return the settings as JSON for the database."""
        return json.dumps(asdict(self))

    @staticmethod
    def loads(text: str) -> ObjectSettings:
        """Return the settings from the database's JSON, without those of earlier versions."""
        known = ObjectSettings.__dataclass_fields__
        stored = json.loads(text).items()
        return ObjectSettings(**{name: value for name, value in stored if name in known})


@dataclass(frozen=True, kw_only=True)
class Content:
    """Bytes that are stored in one blob.

    Attributes:
        blob: The blob's name; empty if there are no bytes.
        size: Its length in bytes.
        md5: Its MD5, 16 bytes.
        crc64: Its CRC-64/ECMA-182.
    """

    blob: str
    size: int
    md5: bytes
    crc64: int

    @property
    def etag(self) -> str:
        """The ETag of an object with these bytes: the MD5 in upper-case hexadecimal."""
        return self.md5.hex().upper()


@dataclass(frozen=True)
class Segment:
    """A part of an object: the first ``length`` bytes of a blob."""

    blob: str
    length: int


@dataclass(frozen=True, kw_only=True)
class ObjectVersion:
    """One version of an object, or a delete marker.

    Attributes:
        sequence: Increases with every version written to this store.
        md5: Base64 MD5 of the bytes, or empty if several requests wrote them.
        noncurrent_since: When a newer version replaced it; None for the latest.
    """

    sequence: int
    bucket: str
    key: str
    version_id: str
    is_latest: bool
    delete_marker: bool
    type: ObjectType
    size: int
    etag: str
    crc64: int
    md5: str
    modified_at: float
    noncurrent_since: float | None
    settings: ObjectSettings


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An unfinished multipart upload."""

    upload_id: str
    bucket: str
    key: str
    initiated_at: float
    settings: ObjectSettings


@dataclass(frozen=True, kw_only=True)
class Part:
    """One uploaded part."""

    number: int
    etag: str
    size: int
    crc64: int
    modified_at: float
    blob: str
