"""The headers that set an object's properties, and the headers that report them.

Owns the settings in the headers of a write request (content headers, user metadata, ACL,
encryption) and the reply headers that describe a version. Encryption is reported as requested, but
the bytes on disk are not encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.oss.conditions import http_date
from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.models import (
    NULL_VERSION,
    OBJECT_ACLS,
    SSE_ALGORITHMS,
    STORAGE_CLASS,
    Bucket,
    ObjectSettings,
    ObjectVersion,
    Versioning,
)

METADATA_PREFIX = "x-oss-meta-"
_MAX_METADATA_BYTES = 8 * 1024

CONTENT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
# Headers of every operation that creates an object.
_ENCRYPTION = "x-oss-server-side-encryption"
WRITE_HEADERS = frozenset({METADATA_PREFIX, "x-oss-object-acl", _ENCRYPTION})


def settings_from(headers: Mapping[str, str], rule: Mapping[str, str] | None) -> ObjectSettings:
    """Return the settings in the headers of a write request.

    Args:
        headers: The request's headers by lower-case name.
        rule: The bucket's encryption rule.

    Raises:
        OssError: ``InvalidArgument``, ``InvalidEncryptionAlgorithmError``.
    """
    acl = headers.get("x-oss-object-acl", "default")
    if acl not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", acl, f"The ACL must be one of {OBJECT_ACLS}.")
    encryption = rule or {}
    if _ENCRYPTION in headers:
        encryption = {"algorithm": check_algorithm(headers[_ENCRYPTION])}
    return ObjectSettings(
        headers={name: headers[name] for name in CONTENT_HEADERS if name in headers},
        metadata=_metadata(headers),
        acl=acl,
        encryption=encryption,
    )


def check_algorithm(algorithm: str) -> str:
    """Return the algorithm of an encryption after checking it.

    Raises:
        OssError: ``InvalidEncryptionAlgorithmError``.
    """
    if algorithm not in SSE_ALGORITHMS:
        raise OssError(
            "InvalidEncryptionAlgorithmError",
            f"The encryption algorithm {algorithm!r} is not one of {', '.join(SSE_ALGORITHMS)}.",
        )
    return algorithm


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    metadata = {
        name.removeprefix(METADATA_PREFIX): value
        for name, value in headers.items()
        if name.startswith(METADATA_PREFIX)
    }
    size = sum(len(name) + len(value) for name, value in metadata.items())
    if size > _MAX_METADATA_BYTES:
        raise OssError(
            "InvalidArgument",
            f"User metadata has {size} bytes. The limit is {_MAX_METADATA_BYTES}.",
        )
    return metadata


def encryption_headers(encryption: Mapping[str, str]) -> dict[str, str]:
    """Return the reply headers that report an object's encryption."""
    names = {
        "algorithm": _ENCRYPTION,
        "key_id": "x-oss-server-side-encryption-key-id",
    }
    return {header: encryption[name] for name, header in names.items() if name in encryption}


def version_headers(bucket: Bucket, version_id: str | None) -> dict[str, str]:
    """Return ``x-oss-version-id`` if the bucket has or had versioning."""
    if version_id is None or (bucket.versioning is Versioning.OFF and version_id == NULL_VERSION):
        return {}
    return {"x-oss-version-id": version_id}


def written_headers(bucket: Bucket, version: ObjectVersion) -> dict[str, str]:
    """Return the headers of the reply to a write."""
    return {
        "etag": f'"{version.etag}"',
        "x-oss-hash-crc64ecma": str(version.crc64),
        **({"content-md5": version.md5} if version.md5 else {}),
        **encryption_headers(version.settings.encryption),
        **version_headers(bucket, version.version_id),
    }


def read_headers(bucket: Bucket, version: ObjectVersion) -> dict[str, str]:
    """Return the headers of the reply to a read, except length and range."""
    settings = version.settings
    return {
        "content-type": "application/octet-stream",
        **settings.headers,
        **{METADATA_PREFIX + name: value for name, value in settings.metadata.items()},
        **written_headers(bucket, version),
        "accept-ranges": "bytes",
        "last-modified": http_date(version.modified_at),
        "x-oss-object-type": version.type.value,
        "x-oss-storage-class": STORAGE_CLASS,
    }
