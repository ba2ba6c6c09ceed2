"""Buckets and their configurations through oss2."""

from __future__ import annotations

import datetime
from typing import Any

import oss2
import pytest

from tests.localcloud.oss.local_oss import LocalOss, code_of


def test_bucket_is_listed_and_described(oss: LocalOss, bucket: Any) -> None:
    listed = {item.name: item for item in oss2.BucketIterator(oss.service(bucket.auth))}
    found = listed[bucket.bucket_name]
    info = bucket.get_bucket_info()
    assert found.location == info.location
    assert info.location == f"oss-{oss.platform.region_id}"
    assert info.owner.id == oss.platform.account_id
    assert info.extranet_endpoint == oss.endpoint.removeprefix("http://")
    assert (info.acl.grant, info.storage_class, info.data_redundancy_type) == (
        "private",
        "Standard",
        "LRS",
    )
    assert info.versioning_status is None and info.bucket_encryption_rule.sse_algorithm is None


def test_buckets_are_listed_by_prefix_in_pages(oss: LocalOss) -> None:
    for number in range(5):
        oss.client(f"paged-{number}").create_bucket()
    service = oss.service()
    page = service.list_buckets(prefix="paged-", max_keys=3)
    assert [item.name for item in page.buckets] == ["paged-0", "paged-1", "paged-2"]
    rest = service.list_buckets(prefix="paged-", marker=page.next_marker)
    assert [item.name for item in rest.buckets] == ["paged-3", "paged-4"]
    assert not rest.is_truncated


def test_create_bucket_again_changes_nothing(bucket: Any) -> None:
    bucket.put_bucket_acl("public-read")
    bucket.put_object("k", b"x")
    bucket.create_bucket()
    assert bucket.get_bucket_acl().acl == "public-read"
    assert bucket.get_object("k").read() == b"x"


@pytest.mark.parametrize(
    ("config", "named"), [(("IA", "LRS"), "StorageClass 'IA'"), (("Standard", "ZRS"), "'ZRS'")]
)
def test_other_kinds_of_buckets_are_refused_by_name(
    oss: LocalOss, config: tuple[str, str], named: str
) -> None:
    with pytest.raises(oss2.exceptions.NotImplemented, match=named):
        oss.client("other-kind").create_bucket(input=oss2.models.BucketCreateConfig(*config))
    with pytest.raises(oss2.exceptions.NotImplemented, match="x-oss-acl"):
        oss.client("other-kind").create_bucket("public-read")


@pytest.mark.parametrize("name", ["ab", "Upper", "-starts", "ends-", "under_score"])
def test_invalid_bucket_name_is_refused(oss: LocalOss, name: str) -> None:
    client = oss.client("valid-name")
    client.bucket_name = name
    assert code_of(client.create_bucket) == (400, "InvalidBucketName")


def test_delete_bucket_that_is_not_empty_is_refused(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.delete_object("k")
    bucket.delete_bucket()
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.get_bucket_info()


def test_delete_bucket_with_an_unfinished_upload_is_refused(bucket: Any) -> None:
    upload = bucket.init_multipart_upload("k")
    with pytest.raises(oss2.exceptions.BucketNotEmpty):
        bucket.delete_bucket()
    bucket.abort_multipart_upload("k", upload.upload_id)
    bucket.delete_bucket()


@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: bucket.put_object("k", b"x"),
        lambda bucket: bucket.list_objects_v2(),
        lambda bucket: bucket.get_bucket_acl(),
        lambda bucket: bucket.delete_bucket(),
        lambda bucket: bucket.init_multipart_upload("k"),
    ],
)
def test_missing_bucket_gives_nosuchbucket(oss: LocalOss, call: Any) -> None:
    assert code_of(lambda: call(oss.client("not-there"))) == (404, "NoSuchBucket")


def test_unknown_bucket_acl_is_refused(bucket: Any) -> None:
    assert code_of(lambda: bucket.put_bucket_acl("default")) == (400, "InvalidArgument")


def test_bucket_encryption_is_put_read_and_deleted(bucket: Any) -> None:
    with pytest.raises(oss2.exceptions.NotFound):
        bucket.get_bucket_encryption()
    bucket.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("AES256"))
    assert bucket.get_bucket_encryption().sse_algorithm == "AES256"
    assert bucket.get_bucket_info().bucket_encryption_rule.sse_algorithm == "AES256"
    bucket.delete_bucket_encryption()
    with pytest.raises(oss2.exceptions.NotFound):
        bucket.get_bucket_encryption()


def test_unknown_encryption_algorithm_is_refused(bucket: Any) -> None:
    rule = oss2.models.ServerSideEncryptionRule("DES")
    assert code_of(lambda: bucket.put_bucket_encryption(rule)) == (
        400,
        "InvalidEncryptionAlgorithmError",
    )
    rule = oss2.models.ServerSideEncryptionRule("KMS", "key-1", "SM4")
    with pytest.raises(oss2.exceptions.NotImplemented, match="KMSDataEncryption"):
        bucket.put_bucket_encryption(rule)


def test_bucket_tags_are_put_read_and_deleted(bucket: Any) -> None:
    assert not bucket.get_bucket_tagging().tag_set.tagging_rule
    rule = oss2.models.TaggingRule()
    rule.add("stack", "local")
    bucket.put_bucket_tagging(oss2.models.Tagging(rule))
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"stack": "local"}
    bucket.delete_bucket_tagging()
    assert not bucket.get_bucket_tagging().tag_set.tagging_rule


def test_lifecycle_rules_are_read_back_unchanged(bucket: Any) -> None:
    models = oss2.models
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        bucket.get_bucket_lifecycle()
    rule = models.LifecycleRule(
        "r1",
        "logs/",
        expiration=models.LifecycleExpiration(days=30),
        abort_multipart_upload=models.AbortMultipartUpload(days=3),
        noncurrent_version_expiration=models.NoncurrentVersionExpiration(5),
    )
    bucket.put_bucket_lifecycle(models.BucketLifecycle([rule]))
    (found,) = bucket.get_bucket_lifecycle().rules
    assert (found.id, found.prefix, found.status) == ("r1", "logs/", "Enabled")
    assert (found.expiration.days, found.abort_multipart_upload.days) == (30, 3)
    assert found.noncurrent_version_expiration.noncurrent_days == 5
    bucket.delete_bucket_lifecycle()
    with pytest.raises(oss2.exceptions.NoSuchLifecycle):
        bucket.get_bucket_lifecycle()


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ({"storage_transitions": [oss2.models.StorageTransition(7, None, "IA")]}, "Transition"),
        ({"filter": oss2.models.LifecycleFilter(object_size_greater_than=1)}, "Filter"),
        (
            {"expiration": oss2.models.LifecycleExpiration(date=datetime.date(2030, 1, 1))},
            "Date of Expiration",
        ),
    ],
)
def test_other_kinds_of_lifecycle_rules_are_refused_by_name(
    bucket: Any, kind: dict[str, Any], named: str
) -> None:
    rule = oss2.models.LifecycleRule("r", "", **kind)
    with pytest.raises(oss2.exceptions.NotImplemented, match=named):
        bucket.put_bucket_lifecycle(oss2.models.BucketLifecycle([rule]))


def test_lifecycle_rule_without_action_is_refused(bucket: Any) -> None:
    rules = oss2.models.BucketLifecycle([oss2.models.LifecycleRule("r", "x/")])
    assert code_of(lambda: bucket.put_bucket_lifecycle(rules)) == (400, "InvalidArgument")


def test_public_access_block_refuses_public_acls(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    bucket.put_bucket_public_access_block(True)
    assert bucket.get_bucket_public_access_block().block_public_access is True
    for call in (
        lambda: bucket.put_bucket_acl("public-read"),
        lambda: bucket.put_object("k", b"x", headers={"x-oss-object-acl": "public-read"}),
    ):
        assert code_of(call) == (403, "AccessDenied")
    bucket.delete_bucket_public_access_block()
    bucket.put_bucket_acl("public-read")


@pytest.mark.parametrize(
    "call",
    [
        lambda bucket: bucket.get_bucket_website(),
        lambda bucket: bucket.get_bucket_policy(),
        lambda bucket: bucket.put_bucket_policy("{}"),
        lambda bucket: bucket.get_bucket_stat(),
        lambda bucket: bucket.get_bucket_location(),
        lambda bucket: bucket.list_objects(),
        lambda bucket: bucket.get_bucket_replication_progress("rule"),
        lambda bucket: bucket.get_bucket_cors(),
        lambda bucket: bucket.get_bucket_logging(),
        lambda bucket: bucket.get_bucket_referer(),
        lambda bucket: bucket.list_live_channel(),
    ],
)
def test_unsupported_operation_is_refused_by_name(bucket: Any, call: Any) -> None:
    with pytest.raises(oss2.exceptions.NotImplemented, match="not supported by the local OSS"):
        call(bucket)


def test_document_that_is_not_xml_is_malformed(bucket: Any) -> None:
    def put(body: bytes) -> Any:
        return bucket._Bucket__do_bucket("PUT", data=body, params={"versioning": ""})

    assert code_of(lambda: put(b"<Versioning")) == (400, "MalformedXML")
    entity = b'<!DOCTYPE a [<!ENTITY b "c">]><VersioningConfiguration/>'
    assert code_of(lambda: put(entity)) == (400, "MalformedXML")
    assert code_of(lambda: put(entity.decode().encode("utf-16"))) == (400, "MalformedXML")
