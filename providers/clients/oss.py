"""Objects in OSS: put, get, list, delete, with retries and typed errors.

Owns access to objects of any bucket behind one endpoint. It does not own buckets
(``alicloud.oss``). SDK: ``oss2`` 2.19, signature V4.
Every method is safe to call from several threads.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

with warnings.catch_warnings():
    # oss2 2.19 has invalid escape sequences, which are warnings the first time it is compiled.
    warnings.simplefilter("ignore")
    import oss2

import requests

from .credentials import Credentials
from .errors import (
    ClientError,
    ConnectionFailedError,
    ContentMismatchError,
    NotFoundError,
    classify,
    unanswered,
)
from .oss_uri import OssUri, parse_oss_uri, relative_key
from .retries import Retries

__all__ = ["ObjectInfo", "OssClient", "file_digests"]

CONNECT_TIMEOUT_SECONDS: Final = 10
READ_TIMEOUT_SECONDS: Final = 120
# Above this size an upload is sent in parts, so that a broken connection repeats one part only.
MULTIPART_THRESHOLD_BYTES: Final = 256 * 1024 * 1024
PART_SIZE_BYTES: Final = 32 * 1024 * 1024
LIST_PAGE = 1000
DELETE_BATCH: Final = 1000  # help.aliyun.com DeleteMultipleObjects: at most 1,000 keys a request.
_CHUNK_BYTES: Final = 1024 * 1024
# Without its C extension crcmod checks 4 MB/s: slower than the network it guards.
_CRC: Final = importlib.util.find_spec("crcmod._crcfunext") is not None

# Characters that XML 1.0 cannot contain, and the line break that a parser replaces.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """What OSS knows of an object without its content.

    Attributes:
        key: Object key.
        size_bytes: Length of the content.
        etag: Entity tag, upper case, no quotes; the content's MD5 for objects put in one piece.
    """

    key: str
    size_bytes: int
    etag: str


class OssClient:
    """Objects behind one OSS endpoint.

    Args:
        endpoint: ``[http[s]://]host[:port]``; an IP address is addressed by path.
        region_id: e.g. ``cn-hangzhou``; part of the signature.
        credentials: As ``credentials_provider`` gives them.
        retries: Retry policy; the default one if ``None``.
        connections: Connections kept open at most.
    """

    def __init__(
        self,
        endpoint: str,
        region_id: str,
        credentials: Credentials,
        *,
        retries: Retries | None = None,
        connections: int = 16,
    ) -> None:
        self._endpoint = endpoint if "://" in endpoint else f"https://{endpoint}"
        self._region_id = region_id
        self._auth = oss2.ProviderAuthV4(credentials)
        self._retries = retries or Retries()
        self._session = oss2.Session(pool_size=connections)
        self._buckets: dict[str, Any] = {}
        self._lock = threading.Lock()

    def bucket(self, name: str) -> Any:
        """Return the SDK's ``oss2.Bucket`` for operations this client does not wrap."""
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = oss2.Bucket(
                    self._auth,
                    self._endpoint,
                    name,
                    session=self._session,
                    connect_timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
                    app_name="customrag",
                    enable_crc=_CRC,
                    region=self._region_id,
                )
            return self._buckets[name]

    def bucket_info(self, name: str) -> Any:
        """Return the SDK's ``BucketInfo`` of a bucket.

        Raises:
            NotFoundError: No account has a bucket of that name.
            AccessDeniedError: Another account has it, or the credentials may not look.
        """
        return self._call(f"GetBucketInfo {name}", self.bucket(name).get_bucket_info)

    def put_bytes(
        self, uri: str | OssUri, data: bytes, *, content_type: str | None = None
    ) -> ObjectInfo:
        """Write an object; OSS checks the MD5 of what arrives.

        Raises:
            ClientError: It was not written.
        """
        target = parse_oss_uri(uri)
        # A checksum against corruption, as the Content-MD5 header asks; no secret depends on it.
        digest = hashlib.md5(data, usedforsecurity=False)
        headers = {"Content-MD5": base64.b64encode(digest.digest()).decode()}
        if content_type:
            headers["Content-Type"] = content_type
        result = self._call(
            f"PutObject {target}",
            lambda: self.bucket(target.bucket).put_object(target.key, data, headers=headers),
        )
        return ObjectInfo(key=target.key, size_bytes=len(data), etag=_etag(result.etag))

    def upload_file(
        self, path: str | Path, uri: str | OssUri, *, expected_sha256: str | None = None
    ) -> ObjectInfo:
        """Write a file as an object.

        Args:
            path: The file.
            uri: The object.
            expected_sha256: Hex digest that the file must have.

        Raises:
            ContentMismatchError: The file's digest is another, or it changed while it was sent.
            ClientError: It was not written.
        """
        source, target = Path(path), parse_oss_uri(uri)
        operation = f"PutObject {target}"
        sha256, md5, size_bytes = file_digests(source)
        if expected_sha256 is not None and sha256 != expected_sha256:
            raise ContentMismatchError(
                f"file {source} has SHA-256 {sha256}, expected {expected_sha256}",
                operation=operation,
            )
        bucket = self.bucket(target.bucket)
        if size_bytes <= MULTIPART_THRESHOLD_BYTES:
            headers = {"Content-MD5": base64.b64encode(md5).decode()}

            def put() -> Any:
                with source.open("rb") as file:
                    return bucket.put_object(target.key, file, headers=headers)

            result = self._call(operation, put)
            return ObjectInfo(key=target.key, size_bytes=size_bytes, etag=_etag(result.etag))
        with tempfile.TemporaryDirectory() as records:
            store = oss2.ResumableStore(root=records)
            self._call(
                operation,
                lambda: oss2.resumable_upload(
                    bucket,
                    target.key,
                    str(source),
                    store=store,
                    multipart_threshold=MULTIPART_THRESHOLD_BYTES,
                    part_size=PART_SIZE_BYTES,
                    num_threads=4,
                ),
            )
        return self.head(target)

    def get_bytes(self, uri: str | OssUri) -> bytes:
        """Return an object's content.

        Raises:
            NotFoundError: There is no such object.
            ClientError: It could not be read.
        """
        target = parse_oss_uri(uri)

        def get() -> bytes:
            content: bytes = self.bucket(target.bucket).get_object(target.key).read()
            return content

        return self._call(f"GetObject {target}", get)

    def get_json(self, uri: str | OssUri) -> Any:
        """Return an object's content, read as JSON.

        Raises:
            NotFoundError: There is no such object.
            ContentMismatchError: It is not JSON.
        """
        content = self.get_bytes(uri)
        try:
            return json.loads(content)
        except ValueError as error:
            raise ContentMismatchError(
                f"the object is not JSON: {error}", operation=f"GetObject {uri}"
            ) from error

    def head(self, uri: str | OssUri) -> ObjectInfo:
        """Size and entity tag of an object.

        Raises:
            NotFoundError: There is no such object.
        """
        target = parse_oss_uri(uri)
        result = self._call(
            f"HeadObject {target}",
            lambda: self.bucket(target.bucket).head_object(target.key),
        )
        return ObjectInfo(
            key=target.key,
            size_bytes=int(result.content_length),
            etag=_etag(result.etag),
        )

    def exists(self, uri: str | OssUri) -> bool:
        """Whether there is such an object."""
        try:
            self.head(uri)
        except NotFoundError:
            return False
        return True

    def list(self, prefix: str | OssUri) -> Iterator[ObjectInfo]:
        """Every object under a prefix, in key order, a page at a time.

        Raises:
            NotFoundError: There is no such bucket.
        """
        target = parse_oss_uri(prefix)
        token = ""
        while True:
            page = self._call(
                f"ListObjectsV2 {target}",
                lambda token=token: self.bucket(target.bucket).list_objects_v2(  # type: ignore[misc]
                    prefix=target.key, continuation_token=token, max_keys=LIST_PAGE
                ),
            )
            for item in page.object_list:
                yield ObjectInfo(key=item.key, size_bytes=int(item.size), etag=_etag(item.etag))
            if not page.is_truncated:
                return
            token = page.next_continuation_token

    def download(self, uri: str | OssUri, path: str | Path) -> Path:
        """Write an object's content to a file; the file appears complete or not at all.

        Raises:
            NotFoundError: There is no such object.
            ClientError: It could not be read.
        """
        source, target = parse_oss_uri(uri), Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._call(f"GetObject {source}", lambda: self._download(source, target))
        return target

    def download_prefix(
        self, uri: str | OssUri, directory: str | Path, *, concurrency: int = 8
    ) -> list[Path]:  # type: ignore[valid-type]
        """Copy every object under a prefix into a directory.

        Args:
            uri: The prefix, e.g. ``oss://bucket/model/``.
            directory: Created if missing; other files in it are left alone.
            concurrency: Objects downloaded at a time.

        Returns:
            The files written, in key order.

        Raises:
            NotFoundError: Nothing is under the prefix.
        """
        prefix, root = parse_oss_uri(uri), Path(directory)
        keys = [info.key for info in self.list(prefix) if not info.key.endswith("/")]
        if not keys:
            raise NotFoundError("no object is under this prefix", operation=f"Download {prefix}")
        with ThreadPoolExecutor(max_workers=concurrency) as pool:
            return list(
                pool.map(
                    lambda key: self.download(
                        OssUri(prefix.bucket, key), root / relative_key(prefix, key)
                    ),
                    keys,
                )
            )

    def presigned_url(self, uri: str | OssUri, seconds: int, *, endpoint: str | None = None) -> str:
        """Return a URL by which anybody may read an object for a time. It is a credential.

        It ends earlier if the credentials are temporary and end earlier.

        Args:
            uri: The object.
            seconds: How long; at most 604,800 (seven days), the limit of signature V4.
            endpoint: Endpoint in the URL, e.g. the internal one. Default: this client's own.
        """
        target = parse_oss_uri(uri)
        bucket = self.bucket(target.bucket)
        if endpoint is not None:
            there = endpoint if "://" in endpoint else f"https://{endpoint}"
            bucket = oss2.Bucket(self._auth, there, target.bucket, region=self._region_id)
        url: str = bucket.sign_url("GET", target.key, seconds, slash_safe=True)
        return url

    def delete(self, uri: str | OssUri) -> None:
        """Delete an object; an object that does not exist is success.

        Raises:
            ClientError: It could not be deleted.
        """
        target = parse_oss_uri(uri)
        with contextlib.suppress(NotFoundError):
            self._call(
                f"DeleteObject {target}",
                lambda: self.bucket(target.bucket).delete_object(target.key),
            )

    def delete_many(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects of a bucket, 1,000 a request; missing objects and buckets are success.

        A key with control characters needs a request of its own, because XML cannot contain them.

        Raises:
            ClientError: They could not be deleted.
        """
        remaining = []
        for key in keys:
            if _CONTROL.search(key):
                self.delete(OssUri(bucket, key))
            else:
                remaining.append(key)
        for start in range(0, len(remaining), DELETE_BATCH):
            batch = remaining[start : start + DELETE_BATCH]
            with contextlib.suppress(NotFoundError):
                self._call(
                    f"DeleteMultipleObjects oss://{bucket}/ ({len(batch)} keys)",
                    lambda batch=batch: self.bucket(bucket).batch_delete_objects(batch),  # type: ignore[misc]
                )

    def _download(self, source: OssUri, target: Path) -> None:
        response = self.bucket(source.bucket).get_object(source.key)
        # Without the target's name, which may be as long as the file system allows.
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".download-")
        try:
            written = 0
            with os.fdopen(handle, "wb") as file:
                while chunk := response.read(_CHUNK_BYTES):
                    file.write(chunk)
                    written += len(chunk)
            if response.content_length is not None and written != response.content_length:
                raise ConnectionFailedError(
                    f"{written} of {response.content_length} bytes arrived",
                    operation=f"GetObject {source}",
                )
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def _call(self, operation: str, function: Callable[[], T]) -> T:
        return self._retries.call(lambda: _converted(operation, function))


def _converted(operation: str, function: Callable[[], T]) -> T:
    try:
        return function()
    except ClientError:
        raise
    except oss2.exceptions.InconsistentError as error:
        raise ConnectionFailedError(
            f"the checksum of what arrived differs: {error.message}",
            operation=operation,
            request_id=error.request_id,
        ) from error
    except oss2.exceptions.OssError as error:
        status = error.status if error.status > 0 else None
        if isinstance(error, oss2.exceptions.NotFound):
            status = 404
        if error.code == "InvalidDigest":
            raise ContentMismatchError(
                "the content changed while it was sent",
                operation=operation,
                code=error.code,
                request_id=error.request_id,
                http_status=status,
            ) from error
        if status is None:
            raise unanswered(str(error.body or error), operation=operation) from error
        raise classify(status, error.code)(
            error.message or str(error.body or error),
            operation=operation,
            code=error.code,
            request_id=error.request_id,
            http_status=status,
        ) from error
    except (requests.RequestException, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise unanswered(str(error), operation=operation) from error


def _etag(value: str | None) -> str:
    return (value or "").strip('"').upper()


def file_digests(path: Path) -> tuple[str, bytes, int]:
    """``(sha256 hex, md5, size in bytes)`` of a file, read once."""
    sha256, md5, size_bytes = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            md5.update(chunk)
            size_bytes += len(chunk)
    return sha256.hexdigest(), md5.digest(), size_bytes
