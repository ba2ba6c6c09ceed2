"""The S3-compatible API: the same operations under other header names.

Owns which operations S3 clients can call, the translation of their headers to and from OSS's own,
and the check of a signed body. Does not own the operations and the signature (``signing_aws4``).
Source: https://www.alibabacloud.com/help/en/oss/developer-reference/compatibility-with-amazon-s3
(read 2026-11-21): its list of operations, without those that the local OSS does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.exchange import Reply, Request
from localcloud.oss.signing_aws4 import UNSIGNED_PAYLOAD

__all__ = ["OPERATIONS", "as_s3", "from_s3", "refuse_unknown"]

OPERATIONS = frozenset(
    {
        "AbortMultipartUpload",
        "CompleteMultipartUpload",
        "CopyObject",
        "DeleteBucket",
        "DeleteMultipleObjects",
        "DeleteObject",
        "GetBucketAcl",
        "GetBucketLifecycle",
        "GetBucketLocation",
        "GetObject",
        "GetObjectAcl",
        "HeadObject",
        "InitiateMultipartUpload",
        "ListObjects",
        "ListObjectsV2",
        "ListParts",
        "PutBucket",
        "PutBucketAcl",
        "PutBucketLifecycle",
        "PutObject",
        "PutObjectAcl",
        "UploadPart",
        "UploadPartCopy",
    }
)
_AMZ, _OSS = "x-amz-", "x-oss-"
# Headers of the signature, and one that requests an optional check.
_DROPPED = frozenset(
    {"x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "x-amz-checksum-mode"}
)
_CLASSES = {"STANDARD": "Standard", "STANDARD_IA": "IA", "GLACIER": "Archive"}


def from_s3(request: Request) -> Request:
    """Translate an S3 client's request into one of OSS's own API.

    Raises:
        OssError: While the body is read: ``InvalidDigest`` if it is not the body that was signed.
    """
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        if name in _DROPPED:
            continue
        new = _OSS + name.removeprefix(_AMZ) if name.startswith(_AMZ) else name
        if new == "x-oss-acl" and request.key:
            new = "x-oss-object-acl"
        headers[new] = _CLASSES.get(value, value) if new == "x-oss-storage-class" else value
    source = headers.get("x-oss-copy-source")
    if source is not None and not source.startswith("/"):
        headers["x-oss-copy-source"] = f"/{source}"
    return replace(
        request,
        headers=headers,
        # The AWS SDKs repeat the operation's name in x-id.
        params={name: value for name, value in request.params.items() if name != "x-id"},
        read=_checked(request.read, request.headers.get("x-amz-content-sha256", "")),
    )


def refuse_unknown(operation: str) -> None:
    """Raise ``NotImplemented`` for an operation that S3 clients cannot call in OSS."""
    if operation not in OPERATIONS:
        raise not_implemented(f"{operation} through the S3-compatible API")


def _checked(read: Callable[[], bytes], expected: str) -> Callable[[], bytes]:
    """Return a reader of the body that raises an error if the body is not the signed one."""
    if expected == UNSIGNED_PAYLOAD:
        return read
    digest = hashlib.sha256()

    def checked() -> bytes:
        chunk = read()
        digest.update(chunk)
        if not chunk and digest.hexdigest() != expected:
            raise OssError(
                "InvalidDigest",
                "The x-amz-content-sha256 you specified is not the SHA-256 of the body.",
            )
        return chunk

    return checked


def as_s3(reply: Reply) -> Reply:
    """Translate a reply's headers to the names that S3 clients know."""
    headers = {
        _AMZ + name.removeprefix(_OSS) if name.startswith(_OSS) else name: value
        for name, value in reply.headers.items()
    }
    return replace(reply, headers=headers)
