"""The ``alicloud:oss`` resource types of the local cloud."""

from __future__ import annotations

from typing import Final

from localcloud.core.resources import ResourceHandler
from localcloud.oss.bucket_resource import Bucket
from localcloud.oss.object_resource import BucketObject
from localcloud.oss.replication_resource import BucketReplication
from localcloud.oss.setting_resources import (
    BucketAcl,
    BucketPublicAccessBlock,
    BucketServerSideEncryption,
    BucketVersioning,
)

HANDLERS: Final[tuple[type[ResourceHandler], ...]] = (
    Bucket,
    BucketAcl,
    BucketObject,
    BucketPublicAccessBlock,
    BucketReplication,
    BucketServerSideEncryption,
    BucketVersioning,
)
