"""The resource type ``alicloud:oss/bucketObject:BucketObject``.

Owns an object whose content is a file or a text. It acts on the local server through oss2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import oss2

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.oss.client import bucket_client, cloud_errors

_HEADERS = {
    "cacheControl": "Cache-Control",
    "contentDisposition": "Content-Disposition",
    "contentEncoding": "Content-Encoding",
    "contentMd5": "Content-MD5",
    "contentType": "Content-Type",
    "expires": "Expires",
    "kmsKeyId": "x-oss-server-side-encryption-key-id",
    "serverSideEncryption": "x-oss-server-side-encryption",
}
_READ_BACK = ("cacheControl", "contentDisposition", "contentEncoding", "contentType", "expires")
_MAX_SHOWN_BYTES = 64 * 1024


class BucketObject(ResourceHandler):
    """An object; its id is its key."""

    token = "alicloud:oss/bucketObject:BucketObject"  # noqa: S105 - a type token
    effective = frozenset({"acl", "bucket", "content", "key", "source", *_HEADERS})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Upload the object."""
        return Created(str(inputs["key"]), _put(inputs, context))

    def read(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        context: Context,
    ) -> Properties | None:
        """Return the object's current state, or None if it does not exist.

        If its bytes have changed since the upload, ``content`` or ``source`` differs, too.

        Raises:
            CloudError: ``LocalCloud.NotSupported`` on import, because an id names no bucket.
        """
        if "bucket" not in outputs:
            raise not_supported(f"import of object {id!r}", "declare it, and the update uploads it")
        bucket = bucket_client(context.platform, outputs["bucket"])
        with cloud_errors():
            try:
                return _found(bucket, id, outputs)
            except oss2.exceptions.NotFound:
                return None

    def update(
        self,
        id: str,  # noqa: A002
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Upload the object again."""
        return _put(inputs, context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:  # noqa: A002
        """Delete the object; a bucket with versioning keeps its earlier versions."""
        bucket = bucket_client(context.platform, outputs["bucket"])
        with cloud_errors():
            try:
                bucket.delete_object(id)
            except oss2.exceptions.NoSuchBucket:
                return


def _put(inputs: Properties, context: Context) -> Properties:
    bucket = bucket_client(context.platform, inputs["bucket"])
    key = inputs["key"]
    headers = {header: str(inputs[name]) for name, header in _HEADERS.items() if inputs.get(name)}
    if inputs.get("acl"):
        headers["x-oss-object-acl"] = inputs["acl"]
    with cloud_errors():
        if inputs.get("source"):
            bucket.put_object_from_file(key, str(_source(inputs["source"])), headers=headers)
        elif inputs.get("content") is not None:
            bucket.put_object(key, inputs["content"], headers=headers)
        else:
            raise CloudError(
                "InvalidArgument",
                "source and content are both set or both missing; "
                "set source (a path) or content (a text)",
            )
        return _described(bucket, key)


def _source(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_absolute() or not path.is_file():
        raise CloudError(
            "InvalidArgument",
            f"source is {value!r}; it must be the absolute path of a file that exists",
        )
    return path


def _described(bucket: Any, key: str) -> Properties:
    head = bucket.head_object(key)
    return {
        "contentLength": str(head.content_length),
        "contentType": head.content_type,
        "etag": head.etag,
        "versionId": head.versionid or "",
    }


def _found(bucket: Any, key: str, outputs: Properties) -> Properties:
    head = bucket.head_object(key)
    found = _described(bucket, key)
    for name in _READ_BACK:
        if outputs.get(name):
            found[name] = head.headers.get(_HEADERS[name], "")
    if outputs.get("acl"):
        found["acl"] = bucket.get_object_acl(key).acl
    if found["etag"] == outputs.get("etag"):
        return found
    if outputs.get("source"):
        found["source"] = f"(other bytes in OSS, etag {found['etag']})"
    elif head.content_length <= _MAX_SHOWN_BYTES:
        found["content"] = bucket.get_object(key).read().decode("utf-8", "replace")
    else:
        found["content"] = f"(other bytes in OSS, etag {found['etag']})"
    return found
