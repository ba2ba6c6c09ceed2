"""The ``alicloud:oss`` resource types, acting on a running server through oss2."""

from __future__ import annotations

import itertools
import json
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import oss2
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
    {"enabled": False, "prefix": "logs/", "expirations": [{"days": 7}]},
]


def test_bucket_with_every_setting_is_created_and_read_back_unchanged(
    oss: LocalOss, context: Any
) -> None:
    inputs = {
        "bucket": "declared",
        "forceDestroy": True,
        "lifecycleRules": RULES,
        "redundancyType": "LRS",
        "storageClass": "Standard",
        "tags": {"stack": "local"},
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
        "tags": {"a": "1"},
    }
    outputs = {**inputs, **handler("Bucket").create(inputs, context).outputs}
    handler("Bucket").update("updated", outputs, {"bucket": "updated", "tags": {"b": "2"}}, context)
    client = oss.client("updated")
    assert client.get_bucket_tagging().tag_set.tagging_rule == {"b": "2"}
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        client.get_bucket_lifecycle()


def test_bucket_with_objects_is_deleted_only_with_force_destroy(
    oss: LocalOss, context: Any
) -> None:
    inputs = {"bucket": "full"}
    handler("Bucket").create(inputs, context)
    handler("BucketVersioning").create({**inputs, "status": "Enabled"}, context)
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


def test_deleted_encryption_is_not_found(oss: LocalOss, context: Any) -> None:
    bucket = oss.make_bucket().bucket_name
    inputs = {"bucket": bucket, "sseAlgorithm": "AES256"}
    encryption = handler("BucketServerSideEncryption")
    encryption.create(inputs, context)
    assert encryption.read(bucket, inputs, context) == inputs
    encryption.delete(bucket, inputs, context)
    assert encryption.read(bucket, inputs, context) is None


@pytest.fixture
def code(oss: LocalOss, tmp_path: Path) -> dict[str, Any]:
    """Return the inputs of an object, whose bucket exists."""
    file = tmp_path / "code.zip"
    file.write_bytes(b"zip")
    return {
        "bucket": oss.make_bucket().bucket_name,
        "key": "code.zip",
        "source": str(file),
        "contentType": "application/zip",
        "acl": "private",
        "serverSideEncryption": "AES256",
    }


def test_object_is_uploaded_from_a_file(oss: LocalOss, context: Any, code: dict[str, Any]) -> None:
    created = handler("BucketObject").create(code, context)
    assert created.id == code["key"]
    client = oss.client(code["bucket"])
    got = client.get_object("code.zip")
    assert (got.read(), got.content_type) == (b"zip", "application/zip")
    assert (created.outputs["etag"], created.outputs["contentLength"]) == (got.etag, "3")
    assert got.headers["x-oss-server-side-encryption"] == "AES256"
    assert client.get_object_acl("code.zip").acl == "private"
    outputs = {**code, **created.outputs}
    read = handler("BucketObject").read(created.id, outputs, context)
    assert read == {"acl": "private", **created.outputs}


def test_read_detects_a_changed_or_deleted_object(
    oss: LocalOss, context: Any, code: dict[str, Any]
) -> None:
    outputs = {**code, **handler("BucketObject").create(code, context).outputs}
    client = oss.client(code["bucket"])
    client.put_object("code.zip", b"changed")
    read = handler("BucketObject").read("code.zip", outputs, context)
    assert read is not None and read["source"].startswith("(other bytes in OSS")
    client.delete_object("code.zip")
    assert handler("BucketObject").read("code.zip", outputs, context) is None
    handler("BucketObject").delete("code.zip", outputs, context)


@pytest.mark.parametrize("source", ["relative.txt", "/does/not/exist"])
def test_source_must_be_the_absolute_path_of_a_file(
    oss: LocalOss, context: Any, source: str
) -> None:
    inputs = {"bucket": oss.make_bucket().bucket_name, "key": "k", "source": source}
    with pytest.raises(CloudError, match="absolute path"):
        handler("BucketObject").create(inputs, context)


def test_object_in_a_missing_bucket_fails_with_the_clouds_code(
    context: Any, code: dict[str, Any]
) -> None:
    with pytest.raises(CloudError) as caught:
        handler("BucketObject").create({**code, "bucket": "not-there"}, context)
    assert (caught.value.code, caught.value.http_status) == ("NoSuchBucket", 404)


def test_lifecycle_rule_with_a_repeated_block_is_refused(context: Any) -> None:
    rule = {"enabled": True, "expirations": [{"days": 1}, {"days": 2}]}
    with pytest.raises(CloudError, match="only 1 is allowed"):
        handler("Bucket").create({"bucket": "twice", "lifecycleRules": [rule]}, context)


@pytest.mark.parametrize("kind", [{"storageClass": "IA"}, {"redundancyType": "ZRS"}])
def test_other_kinds_of_buckets_are_refused_by_name(context: Any, kind: dict[str, Any]) -> None:
    with pytest.raises(CloudError, match=r"of a bucket \(only"):
        handler("Bucket").create({"bucket": "other-kind", **kind}, context)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ({"transitions": [{"days": 7, "storageClass": "IA"}]}, "transitions"),
        ({"tags": {"a": "1"}}, "tags"),
        ({"expirations": [{"date": "2030-01-01"}]}, "expirations.date"),
    ],
)
def test_other_kinds_of_lifecycle_rules_are_refused_by_name(
    context: Any, kind: dict[str, Any], named: str
) -> None:
    inputs = {"bucket": "ruled", "lifecycleRules": [{"enabled": True, **kind}]}
    with pytest.raises(CloudError, match=rf"lifecycleRules\[0\]\.{named}"):
        handler("Bucket").create(inputs, context)


@pytest.mark.parametrize("item", HANDLERS)
def test_each_supported_input_exists_and_is_either_effective_or_recorded(
    item: type[ResourceHandler],
) -> None:
    assert isinstance(registry.handlers()[item.token], item)
    assert not item.effective & item.recorded
    facts = json.loads(resources.files("provider_facts").joinpath("alicloud.json").read_bytes())
    assert item.effective | item.recorded <= facts["types"][item.token]["inputs"].keys()
