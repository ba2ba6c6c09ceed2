"""OSS URIs: ``oss://bucket/key`` and, as PAI writes them, ``oss://bucket.endpoint-host/key``.

Pure; imports no SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

__all__ = ["OssUri", "parse_oss_uri", "relative_key"]

SCHEME: Final = "oss://"


@dataclass(frozen=True, order=True)
class OssUri:
    """An object, or a prefix of objects, in a bucket.

    Attributes:
        bucket: Bucket name.
        key: Object key, or a prefix (by convention ending in ``/``); never starts with ``/``.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def join(self, relative_key: str) -> OssUri:
        """Return the URI of ``relative_key`` below this prefix, with one ``/`` between them."""
        separator = "" if not self.key or self.key.endswith("/") else "/"
        return OssUri(self.bucket, f"{self.key}{separator}{relative_key}")


def parse_oss_uri(uri: str | OssUri) -> OssUri:
    """Read ``oss://bucket[.endpoint-host]/key``.

    A bucket name holds no dot, so whatever follows the first one is the endpoint's host; it is
    dropped, because the client has its own endpoint.

    Raises:
        ValueError: The text is not an ``oss://`` URI.
    """
    if isinstance(uri, OssUri):
        return uri
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    bucket = bucket.partition(".")[0]
    if not uri.startswith(SCHEME) or not bucket:
        raise ValueError(f"{uri!r} is not an OSS URI; write it like 'oss://bucket/prefix/'")
    return OssUri(bucket, key)


def relative_key(prefix: OssUri, key: str) -> str:
    """Return the part of ``key`` below ``prefix``; it stays inside the directory it is copied to.

    Raises:
        ValueError: The key is not under the prefix, or would leave the directory.
    """
    if not key.startswith(prefix.key):
        raise ValueError(f"object {key!r} is not under prefix {prefix}")
    relative = key[len(prefix.key) :].lstrip("/")
    if not relative or ".." in PurePosixPath(relative).parts:
        raise ValueError(f"object {key!r} cannot be stored under a directory; rename it")
    return relative
