"""oss2 clients of the local server for the resource handlers.

Owns how handlers reach the server (over HTTP, with the account's key) and the translation of oss2's
errors into the local cloud's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import oss2

from localcloud.core.errors import CloudError
from localcloud.core.home import Platform

_TIMEOUT_SECONDS = 60


def bucket_client(platform: Platform, name: str, region_id: str = "") -> Any:
    """Return an ``oss2.Bucket`` in the stack's own region or in another."""
    return oss2.Bucket(
        _auth(platform),
        platform.endpoints["oss"],
        name,
        region=region_id or platform.region_id,
        connect_timeout=_TIMEOUT_SECONDS,
    )


def service_client(platform: Platform) -> Any:
    """Return an ``oss2.Service``."""
    return oss2.Service(
        _auth(platform),
        platform.endpoints["oss"],
        region=platform.region_id,
        connect_timeout=_TIMEOUT_SECONDS,
    )


def _auth(platform: Platform) -> Any:
    return oss2.AuthV4(platform.access_key_id, platform.access_key_secret)


@contextmanager
def cloud_errors() -> Iterator[None]:
    """Turn oss2's errors into the local cloud's, with the same code and status.

    Raises:
        CloudError: With OSS's code; ``ServiceUnavailable`` when the server does not answer.
    """
    try:
        yield
    except oss2.exceptions.RequestError as error:
        raise CloudError("ServiceUnavailable", f"OSS does not answer: {error}", 503) from error
    except oss2.exceptions.OssError as error:
        code = error.code or type(error).__name__
        raise CloudError(code, error.message or str(error), max(error.status, 400)) from error


def exists(bucket: Any) -> bool:
    """Return whether an ``oss2.Bucket`` exists."""
    try:
        bucket.get_bucket_info()
    except oss2.exceptions.NoSuchBucket:
        return False
    return True


def empty(bucket: Any) -> None:
    """Remove every version, delete marker and unfinished upload of an ``oss2.Bucket``."""
    for upload in oss2.MultipartUploadIterator(bucket):
        bucket.abort_multipart_upload(upload.key, upload.upload_id)
    while True:
        page = bucket.list_object_versions(max_keys=1000)
        found = [*page.versions, *page.delete_marker]
        if not found:
            return
        doomed = oss2.models.BatchDeleteObjectVersionList(
            [oss2.models.BatchDeleteObjectVersion(item.key, item.versionid) for item in found]
        )
        bucket.delete_object_versions(doomed)
