"""The ``alicloud:oss`` resource types, acting on a running server through oss2."""

from __future__ import annotations

import itertools
import json
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud import registry
from localcloud.core.errors import CloudError
from localcloud.core.ids import Ids
from localcloud.core.resources import ResourceHandler
from localcloud.oss.resources import HANDLERS
from tests.localcloud.oss.local_oss import LocalOss

BY_NAME = {handler.__name__: handler for handler in HANDLERS}


@pytest.fixture
def context(oss: LocalOss) -> Any:
    """Return the parts of a context that these handlers use."""
    return SimpleNamespace(platform=oss.platform, ids=Ids("test", itertools.count().__next__))


def handler(name: str) -> ResourceHandler:
    """Return a handler by its class name."""
    return BY_NAME[name]()


RULES = [
    {
        "id": "expire-noncurrent-versions",
        "enabled": True,
        "prefix": "",
        "noncurrentVersionExpirations": [{"days": 30}],
        "expirations": [{"expiredObjectDeleteMarker": True}],
    },
    {
        "id": "abort-multipart-uploads",
        "enabled": True,
        "prefix": "",
        "abortMultipartUploads": [{"days": 3}],
    },
    {
        "enabled": False,
        "prefix": "logs/",
        "tags": {"a": "1"},
        "expirations": [{"createdBeforeDate": "2026-01-02"}],
        "transitions": [{"days": 7, "storageClass": "IA"}],
        "noncurrentVersionTransitions": [{"days": 9, "storageClass": "Archive"}],
        "filter": {"objectSizeGreaterThan": 100, "not": {"prefix": "logs/kept/"}},
    },
]


def test_bucket_with_every_setting_is_created_and_read_back_unchanged(
    oss: LocalOss, context: Any
) -> None:
    inputs = {
        "bucket": "declared",
        "acl": "private",
        "forceDestroy": True,
        "lifecycleRules": RULES,
        "policy": json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {
                        "Effect": "Deny",
                        "Action": ["oss:DeleteBucket"],
                        "Principal": ["*"],
                        "Resource": ["acs:oss:*:*:declared"],
                    }
                ],
            }
        ),
        "redundancyType": "ZRS",
        "serverSideEncryptionRule": {"sseAlgorithm": "KMS", "kmsMasterKeyId": "key-1"},
        "storageClass": "IA",
        "tags": {"stack": "local"},
        "versioning": {"status": "Enabled"},
    }
    created = handler("Bucket").create(inputs, context)
    assert created.id == "declared"
    outputs = {**inputs, **created.outputs}
    assert outputs["extranetEndpoint"] == oss.endpoint.removeprefix("http://")
    assert outputs["location"] == "oss-cn-hangzhou"
    assert outputs["owner"] == oss.platform.account_id
    read = handler("Bucket").read("declared", outputs, context)
    assert read is not None
    assert {name: read[name] for name in inputs if name != "forceDestroy"} == {
        name: inputs[name] for name in inputs if name != "forceDestroy"
    }


def test_bucket_without_a_name_gets_one(context: Any) -> None:
    created = handler("Bucket").create({}, context)
    assert created.outputs["bucket"] == created.id
    assert created.id.startswith("tf-oss-bucket-")


def test_read_detects_drift(oss: LocalOss, context: Any) -> None:
    inputs = {"bucket": "drifts", "tags": {"a": "1"}, "lifecycleRules": RULES[:1]}
    outputs = {**inputs, **handler("Bucket").create(inputs, context).outputs}
    client = oss.client("drifts")
    client.delete_bucket_tagging()
    client.delete_bucket_lifecycle()
    client.put_bucket_acl("public-read")
    read = handler("Bucket").read("drifts", outputs, context)
    assert read is not None
    assert (read["tags"], read["lifecycleRules"], read["acl"]) == ({}, [], "public-read")


def test_update_removes_what_is_no_longer_declared(oss: LocalOss, context: Any) -> None:
    inputs: dict[str, Any] = {
        "bucket": "updated",
        "lifecycleRules": RULES,
        "serverSideEncryptionRule": {"sseAlgorithm": "AES256"},
        "tags": {"a": "1"},
        "versioning": {"status": "Enabled"},
    }
    outputs = {**inputs, **handler("Bucket").create(inputs, context).outputs}
    handler("Bucket").update("updated", outputs, {"bucket": "updated", "tags": {"b": "2"}}, context)
    client = oss.client("updated")
    assert client.get_bucket_tagging().tag_set.tagging_rule == {"b": "2"}
    assert client.get_bucket_versioning().status == "Suspended"
    info = client.get_bucket_info()
    assert info.bucket_encryption_rule.sse_algorithm is None


def test_bucket_with_objects_is_deleted_only_with_force_destroy(
    oss: LocalOss, context: Any
) -> None:
    inputs = {"bucket": "full", "versioning": {"status": "Enabled"}}
    handler("Bucket").create(inputs, context)
    client = oss.client("full")
    client.put_object("k", b"1")
    client.put_object("k", b"2")
    client.delete_object("k")
    client.init_multipart_upload("half")
    with pytest.raises(CloudError) as caught:
        handler("Bucket").delete("full", inputs, context)
    assert (caught.value.code, caught.value.http_status) == ("BucketNotEmpty", 409)
    handler("Bucket").delete("full", {**inputs, "forceDestroy": True}, context)
    assert handler("Bucket").read("full", inputs, context) is None
    handler("Bucket").delete("full", inputs, context)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("BucketAcl", {"acl": "public-read"}, {"acl": "private"}),
        ("BucketVersioning", {"status": "Enabled"}, {"status": "Suspended"}),
        (
            "BucketServerSideEncryption",
            {"sseAlgorithm": "AES256"},
            {"sseAlgorithm": "KMS", "kmsMasterKeyId": "key-1"},
        ),
        ("BucketPublicAccessBlock", {"blockPublicAccess": True}, {"blockPublicAccess": False}),
        (
            "BucketHttpsConfig",
            {"enable": True, "tlsVersions": ["TLSv1.2"]},
            {"enable": True, "tlsVersions": ["TLSv1.3"]},
        ),
    ],
)
def test_setting_is_created_read_updated_and_deleted(
    oss: LocalOss, context: Any, name: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    bucket = oss.make_bucket().bucket_name
    created = handler(name).create({"bucket": bucket, **first}, context)
    assert created.id == bucket
    outputs = {"bucket": bucket, **first, **created.outputs}
    assert handler(name).read(bucket, outputs, context) == {"bucket": bucket, **first}
    updated = handler(name).update(bucket, outputs, {"bucket": bucket, **second}, context)
    assert {**updated, **second} == updated
    handler(name).delete(bucket, outputs, context)
    oss.client(bucket).delete_bucket()
    assert handler(name).read(bucket, outputs, context) is None
    handler(name).delete(bucket, outputs, context)


def test_deleted_encryption_and_policy_are_not_found(oss: LocalOss, context: Any) -> None:
    bucket = oss.make_bucket().bucket_name
    encryption = {"bucket": bucket, "sseAlgorithm": "AES256"}
    statement = {
        "Effect": "Allow",
        "Action": ["oss:GetObject"],
        "Principal": [oss.platform.account_id],
        "Resource": [f"acs:oss:*:*:{bucket}/*"],
    }
    policy = {
        "bucket": bucket,
        "policy": json.dumps({"Version": "1", "Statement": [statement]}),
    }
    for name, inputs in (("BucketServerSideEncryption", encryption), ("BucketPolicy", policy)):
        handler(name).create(inputs, context)
        assert handler(name).read(bucket, inputs, context) == inputs
        handler(name).delete(bucket, inputs, context)
        assert handler(name).read(bucket, inputs, context) is None


def test_object_is_uploaded_from_text_or_a_file(
    oss: LocalOss, context: Any, tmp_path: Path
) -> None:
    client = oss.make_bucket()
    file = tmp_path / "code.zip"
    file.write_bytes(b"zip")
    text = {
        "bucket": client.bucket_name,
        "key": "a.txt",
        "content": "grüß",
        "contentType": "text/plain",
        "acl": "private",
        "serverSideEncryption": "AES256",
    }
    code = {"bucket": client.bucket_name, "key": "code.zip", "source": str(file)}
    for inputs, data in ((text, "grüß".encode()), (code, b"zip")):
        created = handler("BucketObject").create(inputs, context)
        assert created.id == inputs["key"]
        got = client.get_object(inputs["key"])
        assert got.read() == data
        assert created.outputs["etag"] == got.etag
        assert created.outputs["contentLength"] == str(len(data))
        read = handler("BucketObject").read(created.id, {**inputs, **created.outputs}, context)
        assert read == {**read, **created.outputs} if read else False
    assert client.get_object_acl("a.txt").acl == "private"
    assert client.head_object("a.txt").headers["x-oss-server-side-encryption"] == "AES256"


def test_read_detects_a_changed_or_deleted_object(oss: LocalOss, context: Any) -> None:
    client = oss.make_bucket()
    inputs = {"bucket": client.bucket_name, "key": "k", "content": "declared"}
    outputs = {**inputs, **handler("BucketObject").create(inputs, context).outputs}
    client.put_object("k", b"changed")
    read = handler("BucketObject").read("k", outputs, context)
    assert read is not None and read["content"] == "changed"
    client.delete_object("k")
    assert handler("BucketObject").read("k", outputs, context) is None
    handler("BucketObject").delete("k", outputs, context)


@pytest.mark.parametrize("source", ["relative.txt", "/does/not/exist"])
def test_source_must_be_the_absolute_path_of_a_file(
    oss: LocalOss, context: Any, source: str
) -> None:
    inputs = {"bucket": oss.make_bucket().bucket_name, "key": "k", "source": source}
    with pytest.raises(CloudError, match="absolute path"):
        handler("BucketObject").create(inputs, context)


def test_object_in_a_missing_bucket_fails_with_the_clouds_code(context: Any) -> None:
    inputs = {"bucket": "not-there", "key": "k", "content": "x"}
    with pytest.raises(CloudError) as caught:
        handler("BucketObject").create(inputs, context)
    assert (caught.value.code, caught.value.http_status) == ("NoSuchBucket", 404)


def test_lifecycle_rule_with_a_repeated_block_is_refused(context: Any) -> None:
    rule = {"enabled": True, "expirations": [{"days": 1}, {"days": 2}]}
    with pytest.raises(CloudError, match="only 1 is allowed"):
        handler("Bucket").create({"bucket": "twice", "lifecycleRules": [rule]}, context)


@pytest.mark.parametrize("item", HANDLERS)
def test_each_supported_input_exists_and_is_either_effective_or_recorded(
    item: type[ResourceHandler],
) -> None:
    assert isinstance(registry.handlers()[item.token], item)
    assert not item.effective & item.recorded
    facts = json.loads(resources.files("provider_facts").joinpath("alicloud.json").read_bytes())
    assert item.effective | item.recorded <= facts["types"][item.token]["inputs"].keys()
