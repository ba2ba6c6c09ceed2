"""The headers that set an object's properties, and the headers that report them.

Owns the settings in the headers of a write request (content headers, user metadata, tags, ACL,
storage class, encryption) and the reply headers that describe a version. Encryption is reported as
requested, but the bytes on disk are not encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from localcloud.oss.conditions import http_date
from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.models import (
    NULL_VERSION,
    OBJECT_ACLS,
    SSE_ALGORITHMS,
    STORAGE_CLASSES,
    Bucket,
    ObjectSettings,
    ObjectVersion,
    Versioning,
)

METADATA_PREFIX = "x-oss-meta-"
MAX_OBJECT_TAGS = 10
_MAX_METADATA_BYTES = 8 * 1024
_ENCRYPTION = "x-oss-server-side-encryption"
_ENCRYPTION_KEY = "x-oss-server-side-encryption-key-id"
_DATA_ENCRYPTION = "x-oss-server-side-data-encryption"

CONTENT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
# Headers of every operation that creates an object.
WRITE_HEADERS = frozenset(
    {
        METADATA_PREFIX,
        "x-oss-forbid-overwrite",
        "x-oss-object-acl",
        "x-oss-storage-class",
        "x-oss-tagging",
        _ENCRYPTION,
        _ENCRYPTION_KEY,
        _DATA_ENCRYPTION,
    }
)


def settings_from(
    headers: Mapping[str, str], bucket: Bucket, default_encryption: Mapping[str, str] | None
) -> ObjectSettings:
    """Return the settings in the headers of a write request.

    Args:
        headers: The request's headers by lower-case name.
        bucket: The object's bucket; its storage class is the default.
        default_encryption: The bucket's encryption rule.

    Raises:
        OssError: ``InvalidArgument``, ``InvalidTag``, ``InvalidStorageClass``,
            ``InvalidEncryptionAlgorithmError``.
    """
    acl = headers.get("x-oss-object-acl", "default")
    if acl not in OBJECT_ACLS:
        raise invalid_argument("x-oss-object-acl", acl, f"The ACL must be one of {OBJECT_ACLS}.")
    storage_class = headers.get("x-oss-storage-class", bucket.storage_class)
    if storage_class not in STORAGE_CLASSES:
        raise OssError(
            "InvalidStorageClass", f"{storage_class!r} is not one of {', '.join(STORAGE_CLASSES)}."
        )
    return ObjectSettings(
        headers={name: headers[name] for name in CONTENT_HEADERS if name in headers},
        metadata=_metadata(headers),
        tags=parse_tags(headers.get("x-oss-tagging", "")),
        acl=acl,
        storage_class=storage_class,
        encryption=_encryption(headers) or dict(default_encryption or {}),
    )


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


def parse_tags(text: str) -> dict[str, str]:
    """Return the tags in ``x-oss-tagging``: percent-encoded ``key=value`` pairs.

    Raises:
        OssError: ``InvalidTag``.
    """
    pairs = parse_qsl(text, keep_blank_values=True)
    return check_tags(pairs, MAX_OBJECT_TAGS)


def check_tags(pairs: list[tuple[str, str]], limit: int) -> dict[str, str]:
    """Check tags and return them by key.

    Raises:
        OssError: ``InvalidTag`` for too many tags, a repeated key, or a long key or value.
    """
    tags = dict(pairs)
    if len(tags) != len(pairs) or len(tags) > limit:
        raise OssError(
            "InvalidTag",
            f"There are {len(pairs)} tags. At most {limit} are allowed, each key once.",
        )
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise OssError(
                "InvalidTag",
                f"Tag {key!r} is too long: keys have 1 to 128 characters, values at most 256.",
            )
    return tags


def check_encryption(rule: dict[str, str]) -> dict[str, str]:
    """Return an encryption rule after checking it.

    Raises:
        OssError: ``InvalidEncryptionAlgorithmError``, ``InvalidArgument``.
    """
    algorithm = rule["algorithm"]
    if algorithm not in SSE_ALGORITHMS:
        raise OssError(
            "InvalidEncryptionAlgorithmError",
            f"The encryption algorithm {algorithm!r} is not one of {', '.join(SSE_ALGORITHMS)}.",
        )
    if algorithm != "KMS" and len(rule) > 1:
        raise invalid_argument(
            "KMSMasterKeyID", rule.get("key_id", ""), "KMS settings need SSEAlgorithm KMS."
        )
    if rule.get("data_algorithm", "SM4") != "SM4":
        raise invalid_argument("KMSDataEncryption", rule["data_algorithm"], "It must be SM4.")
    return rule


def _encryption(headers: Mapping[str, str]) -> dict[str, str]:
    if _ENCRYPTION not in headers:
        return {}
    given = {
        "algorithm": headers[_ENCRYPTION],
        "key_id": headers.get(_ENCRYPTION_KEY, ""),
        "data_algorithm": headers.get(_DATA_ENCRYPTION, ""),
    }
    return check_encryption({name: value for name, value in given.items() if value})


def encryption_headers(encryption: Mapping[str, str]) -> dict[str, str]:
    """Return the reply headers that report an object's encryption."""
    names = {
        "algorithm": _ENCRYPTION,
        "key_id": _ENCRYPTION_KEY,
        "data_algorithm": _DATA_ENCRYPTION,
    }
    return {names[name]: value for name, value in encryption.items()}


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
    headers: dict[str, Any] = {
        "content-type": "application/octet-stream",
        **settings.headers,
        **{METADATA_PREFIX + name: value for name, value in settings.metadata.items()},
        **written_headers(bucket, version),
        "accept-ranges": "bytes",
        "last-modified": http_date(version.modified_at),
        "x-oss-object-type": version.type.value,
        "x-oss-storage-class": settings.storage_class,
    }
    if settings.tags:
        headers["x-oss-tagging-count"] = str(len(settings.tags))
    if version.type.value == "Appendable":
        headers["x-oss-next-append-position"] = str(version.size)
    return headers
