"""The resource type ``alicloud:oss/bucketObject:BucketObject``.

Owns an object whose content is a file. It acts on the local server through oss2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import oss2

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.oss.client import bucket_client, cloud_errors

_HEADERS = {
    "acl": "x-oss-object-acl",
    "contentType": "Content-Type",
    "serverSideEncryption": "x-oss-server-side-encryption",
}


class BucketObject(ResourceHandler):
    """An object; its id is its key."""

    token = "alicloud:oss/bucketObject:BucketObject"  # noqa: S105 - a type token
    effective = frozenset({"bucket", "key", "source", *_HEADERS})

    def create(self, inputs: Properties, context: Context) -> Created:
        """Upload the object."""
        return Created(str(inputs["key"]), _put(inputs, context))

    def read(
        self,
        id: str,
        outputs: Properties,
        context: Context,
    ) -> Properties | None:
        """Return the object's current state, or None if it does not exist.

        If its bytes have changed since the upload, ``source`` differs, too.

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
        id: str,
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Upload the object again."""
        return _put(inputs, context)

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
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
    headers = {header: inputs[name] for name, header in _HEADERS.items() if inputs.get(name)}
    with cloud_errors():
        bucket.put_object_from_file(key, str(_source(inputs.get("source"))), headers=headers)
        return _described(bucket, key)


def _source(value: str | None) -> Path:
    path = Path(value or "").expanduser()
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
    found = _described(bucket, key)
    if outputs.get("acl"):
        found["acl"] = bucket.get_object_acl(key).acl
    if found["etag"] != outputs.get("etag"):
        found["source"] = f"(other bytes in OSS, etag {found['etag']})"
    return found
