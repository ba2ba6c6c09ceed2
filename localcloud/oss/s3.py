"""The S3-compatible API: the same operations under other header names.

Owns which operations S3 clients can call, the translation of their headers to and from OSS's own,
and the check of a signed body. Does not own the operations and the signature (``signatures``).
Source: https://www.alibabacloud.com/help/en/oss/developer-reference/compatibility-with-amazon-s3
(read 2026-11-21). Of its list of operations, those on objects and on whole buckets: Pulumi's state
needs no others.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace

from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.exchange import Reply, Request
from localcloud.oss.signatures import UNSIGNED_PAYLOAD

__all__ = ["OPERATIONS", "as_s3", "from_s3", "refuse_unknown"]

OPERATIONS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "DeleteBucket",
        "DeleteMultipleObjects",
        "DeleteObject",
        "GetObject",
        "HeadBucket",
        "HeadObject",
        "InitiateMultipartUpload",
        "ListObjectsV2",
        "ListParts",
        "PutBucket",
        "PutObject",
        "UploadPart",
    }
)
_AMZ, _OSS = "x-amz-", "x-oss-"
# Headers of the signature and of `_checked`, and one that requests an optional check.
_DROPPED = frozenset(
    {
        *("x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-checksum-mode"),
        *("x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"),
    }
)


def from_s3(request: Request) -> Request:
    """Translate an S3 client's request into one of OSS's own API.

    Raises:
        OssError: While the body is read: ``InvalidDigest`` if it is not the body that was signed.
    """
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name not in _DROPPED:
            headers[name.replace(_AMZ, _OSS, 1) if name.startswith(_AMZ) else name] = value
    if "x-oss-acl" in headers and request.key:
        headers["x-oss-object-acl"] = headers.pop("x-oss-acl")
    source = headers.get("x-oss-copy-source")
    if source is not None and not source.startswith("/"):
        headers["x-oss-copy-source"] = f"/{source}"
    return replace(
        request,
        headers=headers,
        # The AWS SDKs repeat the operation's name in x-id.
        params={name: value for name, value in request.params.items() if name != "x-id"},
        read=_checked(request),
        is_s3=True,
    )


def refuse_unknown(operation: str) -> None:
    """Raise ``NotImplemented`` for an operation that S3 clients cannot call in OSS."""
    if operation not in OPERATIONS:
        raise not_implemented(f"{operation} through the S3-compatible API")


def _checked(request: Request) -> Callable[[], bytes]:
    """Return a reader that raises an error if the body is not the one of its checksums."""
    sha256, expected = hashlib.sha256(), request.headers["x-amz-content-sha256"]
    crc32, expected_crc32 = 0, request.headers.get("x-amz-checksum-crc32")

    def checked() -> bytes:
        nonlocal crc32
        chunk = request.read()
        sha256.update(chunk)
        crc32 = zlib.crc32(chunk, crc32)
        if chunk:
            return chunk
        if expected not in (UNSIGNED_PAYLOAD, sha256.hexdigest()):
            raise _wrong_digest("x-amz-content-sha256", "SHA-256")
        if expected_crc32 not in (None, base64.b64encode(crc32.to_bytes(4)).decode()):
            raise _wrong_digest("x-amz-checksum-crc32", "CRC-32")
        return b""

    return checked


def _wrong_digest(header: str, kind: str) -> OssError:
    return OssError("InvalidDigest", f"The {header} you specified is not the {kind} of the body.")


def as_s3(reply: Reply) -> Reply:
    """Translate a reply's headers to the names that S3 clients know.

    S3 does not report the storage class STANDARD:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (read 2026-11).
    """
    headers = {
        name.replace(_OSS, _AMZ, 1) if name.startswith(_OSS) else name: value
        for name, value in reply.headers.items()
        if name != "x-oss-storage-class"
    }
    return replace(reply, headers=headers)
