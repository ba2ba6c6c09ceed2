"""The ``alicloud:oss`` resource types of the local cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import oss2

from localcloud.core.resources import Context, ResourceHandler
from localcloud.oss.bucket_resource import Bucket
from localcloud.oss.client import bucket_client, empty, service_client
from localcloud.oss.object_resource import BucketObject
from localcloud.oss.replication_resource import BucketReplication
from localcloud.oss.setting_resources import (
    BucketAcl,
    BucketHttpsConfig,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryption,
    BucketVersioning,
)

HANDLERS: Final[tuple[type[ResourceHandler], ...]] = (
    Bucket,
    BucketAcl,
    BucketHttpsConfig,
    BucketObject,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketReplication,
    BucketServerSideEncryption,
    BucketVersioning,
)


def reset(context: Context) -> None:
    """Remove every bucket with what is in it."""
    for found in oss2.BucketIterator(service_client(context.platform)):
        region_id = found.location.removeprefix("oss-")
        bucket = bucket_client(replace(context.platform, region_id=region_id), found.name)
        empty(bucket)
        bucket.delete_bucket()
