"""Operations on the service and on buckets: list, create, delete, describe.

Owns what each operation reads from its request, and its reply. Does not own the operations on a
bucket's configuration (``configuration_routes``). API reference:
https://help.aliyun.com/en/oss/developer-reference/overview-21 (read 2026-11).
"""

from __future__ import annotations

from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.exchange import Reply, Request, xml_reply
from localcloud.oss.models import REDUNDANCY_TYPE, STORAGE_CLASS, Versioning, is_bucket_name
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
            "Location": f"oss-{server.region_id(bucket.name)}",
            "Name": bucket.name,
            "Region": server.region_id(bucket.name),
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
    """Create a bucket; an existing one stays as it is."""
    if not is_bucket_name(request.bucket):
        raise OssError(
            "InvalidBucketName",
            "The specified bucket is not valid: 3 to 63 lower-case letters, digits and hyphens.",
            details={"BucketName": request.bucket},
        )
    root = request.xml("CreateBucketConfiguration", b"<CreateBucketConfiguration/>")
    for name, only in (("StorageClass", STORAGE_CLASS), ("DataRedundancyType", REDUNDANCY_TYPE)):
        value = text(root, name) or only
        if value != only:
            raise not_implemented(f"{name} {value!r} of a bucket (only {only})")
    is_new = server.storage.buckets.create(request.bucket, server.platform.account_id)
    if is_new and request.region_id != server.platform.region_id:
        server.storage.buckets.set_region(request.bucket, request.region_id)
    return Reply(headers={"location": f"/{request.bucket}"})


def delete_bucket(server: Server, request: Request) -> Reply:
    """Delete an empty bucket."""
    server.storage.buckets.delete(request.bucket)
    return Reply(status=204)


def head_bucket(server: Server, request: Request) -> Reply:
    """Return the bucket's region in a header."""
    server.storage.buckets.get(request.bucket)
    return Reply(headers={"x-oss-bucket-region": server.region_id(request.bucket)})


def get_bucket_info(server: Server, request: Request) -> Reply:
    """Describe the bucket."""
    bucket = server.storage.buckets.get(request.bucket)
    rule = server.storage.buckets.configuration(bucket.name, "encryption")
    versioning = None if bucket.versioning is Versioning.OFF else bucket.versioning.value
    return xml_reply(
        "BucketInfo",
        {
            "Bucket": {
                "AccessMonitor": "Disabled",
                "BlockPublicAccess": server.authorization.is_blocked(bucket.name),
                "CreationDate": iso8601(bucket.created_at),
                "ExtranetEndpoint": server.endpoint_host,
                "IntranetEndpoint": server.endpoint_host,
                "Location": f"oss-{server.region_id(bucket.name)}",
                "StorageClass": bucket.storage_class,
                "TransferAcceleration": "Disabled",
                "CrossRegionReplication": "Disabled",
                "DataRedundancyType": bucket.redundancy_type,
                "Name": bucket.name,
                "ResourceGroupId": bucket.resource_group_id,
                "Owner": server.owner,
                "AccessControlList": {"Grant": bucket.acl},
                "ServerSideEncryptionRule": (
                    {"SSEAlgorithm": "None"} if rule is None else encryption_document(rule)
                ),
                "Versioning": versioning,
            }
        },
    )


def encryption_document(rule: dict[str, str]) -> dict[str, Value]:
    """Return a bucket's encryption rule as XML elements."""
    return {"SSEAlgorithm": rule["algorithm"], "KMSMasterKeyID": rule.get("key_id")}


ROUTES = (
    Route("ListBuckets", "GET /", list_buckets, params=frozenset({"prefix", "marker", "max-keys"})),
    Route(
        "PutBucket",
        "PUT /BUCKET/",
        put_bucket,
        notes="There is one account, so only its own buckets can take a name. One endpoint serves "
        "every region: the bucket is created in the region that the signature names. Storage "
        f"class {STORAGE_CLASS} and redundancy type {REDUNDANCY_TYPE} only.",
    ),
    Route("DeleteBucket", "DELETE /BUCKET/", delete_bucket),
    # The permission is assumed: the vendor's documentation does not name it (read 2026-11).
    Route("HeadBucket", "HEAD /BUCKET/", head_bucket, action="oss:ListObjects"),
    Route("GetBucketInfo", "GET /BUCKET/?bucketInfo", get_bucket_info),
)
