"""The resource types that are one setting of a bucket: ACL, versioning, encryption, ...

On delete they do what the cloud provider does: settings that cannot be absent (ACL, versioning)
stay unchanged, the others are removed.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import oss2

from localcloud.core.resources import Context, Created, Properties, ResourceHandler
from localcloud.oss.client import bucket_client, cloud_errors, exists


class BucketSetting(ResourceHandler):
    """One setting of a bucket; its id is the bucket's name."""

    @abstractmethod
    def put(self, bucket: Any, inputs: Properties) -> None:
        """Change the setting of an ``oss2.Bucket``."""

    @abstractmethod
    def current(self, bucket: Any) -> Properties | None:
        """Return the setting in the shape of the inputs, or None if it is not set."""

    def remove(self, bucket: Any) -> None:
        """Remove the setting; by default it stays."""

    def create(self, inputs: Properties, context: Context) -> Created:
        """Change the setting."""
        name = str(inputs["bucket"])
        bucket = bucket_client(context.platform, name)
        with cloud_errors():
            self.put(bucket, inputs)
            return Created(name, self.current(bucket) or {})

    def read(
        self,
        id: str,
        outputs: Properties,
        context: Context,
    ) -> Properties | None:
        """Return the setting, or None if it is not set or the bucket does not exist."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            if not exists(bucket):
                return None
            found = self.current(bucket)
        return None if found is None else {"bucket": id, **found}

    def update(
        self,
        id: str,
        outputs: Properties,
        inputs: Properties,
        context: Context,
    ) -> Properties:
        """Change the setting."""
        return self.create(inputs, context).outputs

    def delete(self, id: str, outputs: Properties, context: Context) -> None:
        """Remove the setting if possible; a missing bucket is success."""
        bucket = bucket_client(context.platform, id)
        with cloud_errors():
            if exists(bucket):
                self.remove(bucket)


class BucketAcl(BucketSetting):
    """A bucket's ACL."""

    token = "alicloud:oss/bucketAcl:BucketAcl"  # noqa: S105 - a type token
    effective = frozenset({"acl", "bucket"})

    def put(self, bucket: Any, inputs: Properties) -> None:
        bucket.put_bucket_acl(inputs["acl"])

    def current(self, bucket: Any) -> Properties | None:
        return {"acl": bucket.get_bucket_acl().acl}


class BucketVersioning(BucketSetting):
    """A bucket's versioning."""

    token = "alicloud:oss/bucketVersioning:BucketVersioning"  # noqa: S105 - a type token
    effective = frozenset({"bucket", "status"})

    def put(self, bucket: Any, inputs: Properties) -> None:
        if inputs.get("status"):
            bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(inputs["status"]))

    def current(self, bucket: Any) -> Properties | None:
        return {"status": bucket.get_bucket_versioning().status or ""}


class BucketServerSideEncryption(BucketSetting):
    """A bucket's encryption rule."""

    token = "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption"  # noqa: S105
    effective = frozenset({"bucket", "kmsMasterKeyId", "sseAlgorithm"})

    def put(self, bucket: Any, inputs: Properties) -> None:
        bucket.put_bucket_encryption(
            oss2.models.ServerSideEncryptionRule(
                inputs["sseAlgorithm"], inputs.get("kmsMasterKeyId")
            )
        )

    def current(self, bucket: Any) -> Properties | None:
        try:
            rule = bucket.get_bucket_encryption()
        except oss2.exceptions.NotFound:
            return None
        key = {"kmsMasterKeyId": rule.kms_master_keyid} if rule.kms_master_keyid else {}
        return {"sseAlgorithm": rule.sse_algorithm, **key}

    def remove(self, bucket: Any) -> None:
        bucket.delete_bucket_encryption()


class BucketPublicAccessBlock(BucketSetting):
    """Whether a bucket can be made public."""

    token = "alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock"  # noqa: S105
    effective = frozenset({"blockPublicAccess", "bucket"})

    def put(self, bucket: Any, inputs: Properties) -> None:
        bucket.put_bucket_public_access_block(bool(inputs["blockPublicAccess"]))

    def current(self, bucket: Any) -> Properties | None:
        return {"blockPublicAccess": bucket.get_bucket_public_access_block().block_public_access}

    def remove(self, bucket: Any) -> None:
        bucket.delete_bucket_public_access_block()
