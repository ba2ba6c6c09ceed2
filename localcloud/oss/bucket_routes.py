"""Operations on the service and on buckets: list, create, delete, describe.

Owns what each operation reads from its request, and its reply. Does not own the operations on a
bucket's configuration (``configuration_routes``). API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.models import (
    BUCKET_ACLS,
    REDUNDANCY_TYPES,
    STORAGE_CLASSES,
    Bucket,
    Versioning,
    is_bucket_name,
)
from localcloud.oss.routing import Route
from localcloud.oss.server import Server
from localcloud.oss.xml import Value, iso8601, text


def list_buckets(server: Server, request: Request) -> Reply:
    """List the account's buckets."""
    params = request.params
    limit = request.number("max-keys", 100, 1, 1000)
    prefix, marker = params.get("prefix", ""), params.get("marker", "")
    found = server.storage.buckets.matching(prefix, marker, limit + 1)
    buckets = found[:limit]
    truncated = len(found) > limit
    entries: list[Value] = [
        {
            "CreationDate": iso8601(bucket.created_at),
            "ExtranetEndpoint": server.endpoint_host,
            "IntranetEndpoint": server.endpoint_host,
            "Location": server.location(bucket.name),
            "Name": bucket.name,
            "Region": server.location(bucket.name).removeprefix("oss-"),
            "StorageClass": bucket.storage_class,
            "ResourceGroupId": bucket.resource_group_id,
        }
        for bucket in buckets
    ]
    return xml_reply(
        "ListAllMyBucketsResult",
        {
            "Prefix": prefix,
            "Marker": marker,
            "MaxKeys": limit,
            "IsTruncated": truncated,
            "NextMarker": buckets[-1].name if truncated else None,
            "Owner": server.owner,
            "Buckets": {"Bucket": entries},
        },
    )


def put_bucket(server: Server, request: Request) -> Reply:
    """Create a bucket."""
    if not is_bucket_name(request.bucket):
        raise OssError(
            "InvalidBucketName",
            "The specified bucket is not valid: 3 to 63 lower-case letters, digits and hyphens.",
            details={"BucketName": request.bucket},
        )
    acl = request.headers.get("x-oss-acl")
    if acl is not None and acl not in BUCKET_ACLS:
        raise invalid_argument("x-oss-acl", acl, f"The ACL must be one of {BUCKET_ACLS}.")
    storage_class, redundancy_type = _configuration(request)
    is_new = server.storage.buckets.find(request.bucket) is None
    server.storage.buckets.create(
        request.bucket,
        owner_id=server.platform.account_id,
        acl=acl,
        storage_class=storage_class,
        redundancy_type=redundancy_type,
        resource_group_id=request.headers.get("x-oss-resource-group-id", "rg-default"),
    )
    if is_new and request.region_id != server.platform.region_id:
        server.storage.buckets.set_region(request.bucket, request.region_id)
    return Reply(headers={"location": f"/{request.bucket}"})


def _configuration(request: Request) -> tuple[str, str]:
    storage_class, redundancy_type = "Standard", "LRS"
    body = request.document()
    if body:
        root = request.parsed(body, "CreateBucketConfiguration")
        storage_class = text(root, "StorageClass") or storage_class
        redundancy_type = text(root, "DataRedundancyType") or redundancy_type
    if storage_class not in STORAGE_CLASSES:
        raise OssError(
            "InvalidStorageClass", f"{storage_class!r} is not one of {', '.join(STORAGE_CLASSES)}."
        )
    if redundancy_type not in REDUNDANCY_TYPES:
        raise invalid_argument(
            "DataRedundancyType", redundancy_type, f"It must be one of {REDUNDANCY_TYPES}."
        )
    return storage_class, redundancy_type


def delete_bucket(server: Server, request: Request) -> Reply:
    """Delete an empty bucket."""
    server.storage.buckets.delete(request.bucket)
    return Reply(status=204)


def get_bucket_info(server: Server, request: Request) -> Reply:
    """Describe the bucket."""
    bucket = server.storage.buckets.get(request.bucket)
    rule = server.storage.buckets.configuration(bucket.name, "encryption")
    blocked = server.authorization.is_blocked(bucket.name)
    return xml_reply(
        "BucketInfo",
        {
            "Bucket": {
                "AccessMonitor": "Disabled",
                "BlockPublicAccess": blocked,
                "CreationDate": iso8601(bucket.created_at),
                "ExtranetEndpoint": server.endpoint_host,
                "IntranetEndpoint": server.endpoint_host,
                "Location": server.location(bucket.name),
                "StorageClass": bucket.storage_class,
                "TransferAcceleration": "Disabled",
                "CrossRegionReplication": "Disabled",
                "DataRedundancyType": bucket.redundancy_type,
                "Name": bucket.name,
                "ResourceGroupId": bucket.resource_group_id,
                "Owner": server.owner,
                "AccessControlList": {"Grant": bucket.acl},
                "ServerSideEncryptionRule": _rule(rule),
                "Versioning": _versioning(bucket),
            }
        },
    )


def _rule(rule: dict[str, str] | None) -> dict[str, Value]:
    if rule is None:
        return {"SSEAlgorithm": "None"}
    return {
        "SSEAlgorithm": rule["algorithm"],
        "KMSMasterKeyID": rule.get("key_id"),
        "KMSDataEncryption": rule.get("data_algorithm"),
    }


def _versioning(bucket: Bucket) -> str | None:
    return None if bucket.versioning is Versioning.OFF else bucket.versioning.value


def get_bucket_location(server: Server, request: Request) -> Reply:
    """Return the bucket's region."""
    server.storage.buckets.get(request.bucket)
    return xml_reply("LocationConstraint", server.location(request.bucket))


def get_bucket_stat(server: Server, request: Request) -> Reply:
    """Return the number of objects and bytes in the bucket."""
    return xml_reply("BucketStat", dict(server.storage.buckets.statistics(request.bucket)))


ROUTES = (
    Route(
        name="ListBuckets",
        scope="service",
        method="GET",
        handler=list_buckets,
        action="oss:ListBuckets",
        params=frozenset({"prefix", "marker", "max-keys"}),
    ),
    Route(
        name="PutBucket",
        scope="bucket",
        method="PUT",
        handler=put_bucket,
        action="oss:PutBucket",
        headers=frozenset({"x-oss-acl", "x-oss-resource-group-id"}),
        notes="There is one account, so only its own buckets can take a name. One endpoint serves "
        "every region: the bucket is created in the region that the signature names.",
    ),
    Route(
        name="DeleteBucket",
        scope="bucket",
        method="DELETE",
        handler=delete_bucket,
        action="oss:DeleteBucket",
    ),
    Route(
        name="GetBucketInfo",
        scope="bucket",
        method="GET",
        handler=get_bucket_info,
        action="oss:GetBucketInfo",
        requires=frozenset({"bucketInfo"}),
    ),
    Route(
        name="GetBucketLocation",
        scope="bucket",
        method="GET",
        handler=get_bucket_location,
        action="oss:GetBucketLocation",
        requires=frozenset({"location"}),
    ),
    Route(
        name="GetBucketStat",
        scope="bucket",
        method="GET",
        handler=get_bucket_stat,
        action="oss:GetBucketStat",
        requires=frozenset({"stat"}),
        notes="The bytes of every storage class count as Standard.",
    ),
)
