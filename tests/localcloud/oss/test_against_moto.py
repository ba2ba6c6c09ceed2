"""The S3-compatible API compared with moto's S3: the same boto3 calls give the same results.

moto is a witness that this project did not write. `normalised` lists every difference that is left
out, with its reason. The tests cannot prove how OSS itself answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]  # it has no annotations
import pytest
from botocore.config import Config  # type: ignore[import-untyped]  # the same
from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # the same
from moto.server import ThreadedMotoServer

from tests.localcloud.oss.local_oss import LocalOss

REGION = "cn-hangzhou"
KEYS = ("a/1", "a/2", "a/ü 1+", "b/1", "c", "d+e")
PART_BYTES = 5 * 1024 * 1024
Call = Callable[[Any, str], Any]
NUMBERS = itertools.count()

# Dates, ids and owners belong to each service. The default content type has another name in OSS.
# Markers are opaque. MaxKeys defaults to 100 in OSS and 1,000 in S3:
# https://help.aliyun.com/en/oss/developer-reference/listobjects-v2 (read 2026-11).
IGNORED = frozenset(
    {
        *("ResponseMetadata", "LastModified", "Owner", "Initiator", "UploadId", "Location"),
        *("ContentType", "NextContinuationToken", "NextMarker", "VersionId"),
        *("MaxKeys", "ServerSideEncryption"),
    }
)


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    """Run moto's S3 and return a client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = s3_client(f"http://{host}:{port}", "key", "secret")
    yield client
    client.close()
    server.stop()


@pytest.fixture
def local(oss: LocalOss) -> Iterator[Any]:
    """Return a boto3 client of the local OSS."""
    platform = oss.platform
    client = s3_client(oss.endpoint, platform.access_key_id, platform.access_key_secret)
    yield client
    client.close()


def s3_client(url: str, key_id: str, secret: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=REGION,
        config=Config(
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"max_attempts": 1},
        ),
    )


def normalised(value: Any) -> Any:
    """Return a result without the differences that are legitimate.

    Empty texts count as missing. ETags are compared without their case, and those of multipart
    objects only by the number of parts: OSS writes them in upper case and calculates the latter
    differently (https://www.alibabacloud.com/help/en/oss/developer-reference/
    compatibility-with-amazon-s3, read 2026-11).
    """
    if isinstance(value, dict):
        cleaned = {name: normalised(item) for name, item in value.items() if name not in IGNORED}
        if "ETag" in cleaned:
            digest, dash, parts = str(cleaned["ETag"]).lower().strip('"').partition("-")
            cleaned["ETag"] = f"{dash}{parts}" if dash else digest
        return {name: item for name, item in cleaned.items() if item != ""}
    if isinstance(value, list):
        return [normalised(item) for item in value]
    return value


def result(call: Call, client: Any, bucket: str) -> Any:
    """Return the status and the result of a call, or the status and the code of its error."""
    try:
        reply = call(client, bucket)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    if "Body" in reply:
        with reply["Body"] as body:
            reply["Body"] = body.read()
    return reply["ResponseMetadata"]["HTTPStatusCode"], normalised(reply)


def get(key: str = "c", **more: Any) -> Call:
    return lambda s3, bucket: s3.get_object(Bucket=bucket, Key=key, **more)


def head(key: str = "c", **more: Any) -> Call:
    return lambda s3, bucket: s3.head_object(Bucket=bucket, Key=key, **more)


def listed(**more: Any) -> Call:
    return lambda s3, bucket: s3.list_objects_v2(Bucket=bucket, **more)


def put_and_head(s3: Any, bucket: str) -> Any:
    s3.put_object(Bucket=bucket, Key="new", Body=b"x", Metadata={"k": "v"}, CacheControl="no-cache")
    return s3.head_object(Bucket=bucket, Key="new")


def copied(source: str) -> Call:
    def call(s3: Any, bucket: str) -> Any:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": source})
        return s3.get_object(Bucket=bucket, Key="copy")

    return call


def pages(s3: Any, bucket: str) -> Any:
    found = [
        [item["Key"] for item in page.get("Contents", [])]
        + [item["Prefix"] for item in page.get("CommonPrefixes", [])]
        for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
        )
    ]
    return {"pages": found, "ResponseMetadata": {"HTTPStatusCode": 200}}


def deleted_and_read(s3: Any, bucket: str) -> Any:
    s3.delete_object(Bucket=bucket, Key="c")
    return s3.get_object(Bucket=bucket, Key="c")


def deleted_together(s3: Any, bucket: str, **more: Any) -> Any:
    keys = [{"Key": key} for key in ("a/ü 1+", "c", "missing")]
    return s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, **more})


def deleted_together_and_listed(s3: Any, bucket: str) -> Any:
    deleted_together(s3, bucket, Quiet=True)
    return s3.list_objects_v2(Bucket=bucket)


def uploaded(s3: Any, bucket: str) -> dict[str, Any]:
    upload_id = s3.create_multipart_upload(Bucket=bucket, Key="m", Metadata={"k": "v"})["UploadId"]
    for number, body in ((1, b"x" * PART_BYTES), (2, b"tail")):
        s3.upload_part(Bucket=bucket, Key="m", UploadId=upload_id, PartNumber=number, Body=body)
    return {"Bucket": bucket, "Key": "m", "UploadId": upload_id}


def parts(**more: Any) -> Call:
    return lambda s3, bucket: s3.list_parts(**uploaded(s3, bucket), **more)


def completed(s3: Any, bucket: str) -> Any:
    upload = uploaded(s3, bucket)
    named = [
        {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
        for part in s3.list_parts(**upload)["Parts"]
    ]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": named})
    return s3.get_object(Bucket=bucket, Key="m")


def completed_with_a_wrong_etag(s3: Any, bucket: str) -> Any:
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
    return s3.complete_multipart_upload(**uploaded(s3, bucket), MultipartUpload=wrong)


def aborted_twice(s3: Any, bucket: str) -> Any:
    upload = uploaded(s3, bucket)
    s3.abort_multipart_upload(**upload)
    return s3.abort_multipart_upload(**upload)


CALLS: dict[str, Call] = {
    "put": put_and_head,
    "get": get("a/ü 1+"),
    "head": head("a/ü 1+"),
    "get of a missing key": get("missing"),
    "head of a missing key": head("missing"),
    "delete of a missing key": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="missing"),
    "delete": deleted_and_read,
    "delete of several keys": deleted_together,
    "list after a quiet delete of several keys": deleted_together_and_listed,
    "head of a bucket": lambda s3, bucket: s3.head_bucket(Bucket=bucket),
    "head of a missing bucket": lambda s3, _: s3.head_bucket(Bucket="missing-bucket"),
    "get in a missing bucket": lambda s3, _: s3.get_object(Bucket="missing-bucket", Key="k"),
    "list of a missing bucket": lambda s3, _: s3.list_objects_v2(Bucket="missing-bucket"),
    "put in a missing bucket": lambda s3, _: s3.put_object(Bucket="missing-bucket", Key="k"),
    "delete of a missing bucket": lambda s3, _: s3.delete_bucket(Bucket="missing-bucket"),
    "delete of a bucket with objects": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "range": get("a/1", Range="bytes=0-1"),
    "range to the end": get("a/1", Range="bytes=1-"),
    "last bytes": get("a/1", Range="bytes=-2"),
    "malformed range": get("a/1", Range="items=1"),
    "if-match": get(IfMatch='"4a8a08f09d37b73795649038408b5f33"'),
    "if-match of another etag": get(IfMatch='"0"'),
    "if-none-match": get(IfNoneMatch='"4a8a08f09d37b73795649038408b5f33"'),
    "if-none-match of another etag": get(IfNoneMatch='"0"'),
    "if-modified-since": get(IfModifiedSince="2020-01-01"),
    "if-unmodified-since": get(IfUnmodifiedSince="2020-01-01"),
    "head if-match of another etag": head(IfMatch='"0"'),
    "copy": copied("a/ü 1+"),
    "copy of a missing key": copied("missing"),
    "list": listed(),
    "list with a prefix": listed(Prefix="a/"),
    "list with a delimiter": listed(Delimiter="/"),
    "list with a prefix and a delimiter": listed(Prefix="a", Delimiter="/"),
    "list after a key": listed(StartAfter="a/2"),
    "first page": listed(MaxKeys=2),
    "first page with a delimiter": listed(MaxKeys=2, Delimiter="/"),
    "pages": pages,
    "list parts": parts(),
    "first page of parts": parts(MaxParts=1),
    "complete": completed,
    "complete with a wrong etag": completed_with_a_wrong_etag,
    "abort twice": aborted_twice,
}


def filled(s3: Any, bucket: str) -> None:
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


@pytest.mark.parametrize("name", CALLS)
def test_local_oss_answers_like_moto(name: str, moto: Any, local: Any) -> None:
    bucket = f"witness-{list(CALLS).index(name)}"
    for client in (moto, local):
        filled(client, bucket)
    assert result(CALLS[name], local, bucket) == result(CALLS[name], moto, bucket)


@pytest.mark.parametrize("span", ["bytes=1-100", "bytes=100-200", "bytes=-100"])
def test_range_beyond_the_object_is_ignored_unlike_in_s3(span: str, moto: Any, local: Any) -> None:
    """OSS returns the whole object unless ``x-oss-range-behavior: standard`` is set.

    Source: https://help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests
    (read 2026-11).
    """
    bucket = f"range-{span.strip('bytes=').replace('-', 'x')}"
    for client in (moto, local):
        filled(client, bucket)
    assert result(get("a/1", Range=span), moto, bucket)[0] in (206, 416)
    assert result(get("a/1", Range=span), local, bucket)[0] == 200


@pytest.mark.parametrize(
    ("call", "moto_status", "code"),
    [
        # OSS allows 1 to 1,000 keys:
        # https://help.aliyun.com/en/oss/developer-reference/listobjects-v2 (read 2026-11).
        (listed(MaxKeys=0), 200, "InvalidArgument"),
        # The local OSS refuses what it would otherwise ignore.
        (lambda s3, b: s3.put_object(Bucket=b, Key="c", IfNoneMatch="*"), 412, "NotImplemented"),
        (
            lambda s3, b: s3.put_object(Bucket=b, Key="c", StorageClass="GLACIER"),
            200,
            "NotImplemented",
        ),
        (lambda s3, b: s3.get_bucket_acl(Bucket=b), 200, "NotImplemented"),
        (lambda s3, b: s3.list_objects(Bucket=b), 200, "NotImplemented"),
    ],
)
def test_a_difference_from_s3_is_an_error(
    call: Call, moto_status: int, code: str, moto: Any, local: Any
) -> None:
    bucket = f"refused-{next(NUMBERS)}"
    for client in (moto, local):
        filled(client, bucket)
    assert result(call, moto, bucket)[0] == moto_status
    assert result(call, local, bucket) == (400, code)
    assert result(get("c"), local, bucket)[1]["Body"] == b"c"
