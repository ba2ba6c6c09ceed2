"""Buckets in another region, and replication to them, through oss2."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import oss2
import pytest

from localcloud.core.access import ATTACHMENTS, POLICIES, ROLES
from localcloud.core.errors import CloudError
from localcloud.core.ids import Ids
from localcloud.oss.replication import Replicated, replicate
from localcloud.oss.replication_resource import BucketReplication
from tests.localcloud.oss.local_oss import LocalOss

ELSEWHERE = "cn-shanghai"
READ = {
    "Effect": "Allow",
    "Action": ["oss:ReplicateList", "oss:ReplicateGet"],
    "Resource": ["acs:oss:*:*:source", "acs:oss:*:*:source/*"],
}
WRITE = {
    "Effect": "Allow",
    "Action": ["oss:ReplicateList", "oss:ReplicateGet", "oss:ReplicatePut"],
    "Resource": ["acs:oss:*:*:copy", "acs:oss:*:*:copy/*"],
}


@pytest.fixture
def context(oss: LocalOss) -> Any:
    """Return the parts of a context that the handler uses."""
    return SimpleNamespace(
        platform=oss.platform, ids=Ids("test", itertools.count().__next__), store=oss.store
    )


def bucket_in(oss: LocalOss, name: str, region_id: str) -> Any:
    """Return an `oss2.Bucket` in that region."""
    return oss2.Bucket(oss.auth(), oss.endpoint, name, session=oss.connections, region=region_id)


def trust(oss: LocalOss, *statements: dict[str, Any], service: str = "oss.aliyuncs.com") -> None:
    """Create a role `copier` that a service may assume, with these permissions."""
    trusting = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": [service]},
    }
    policy = json.dumps({"Version": "1", "Statement": [trusting]})
    oss.store.table(ROLES).put("copier", {"trust_policy": policy, "max_session_duration": 3600})
    document = json.dumps({"Version": "1", "Statement": list(statements)})
    oss.store.table(POLICIES).put("copier", {"document": document})
    oss.store.table(ATTACHMENTS).put("copier", {"role_name": "copier", "policy_name": "copier"})


@pytest.fixture
def buckets(oss: LocalOss) -> tuple[Any, Any]:
    """Create a versioned source, and a versioned copy in another region, in an empty store."""
    oss.reset()
    source = bucket_in(oss, "source", oss.platform.region_id)
    copy = bucket_in(oss, "copy", ELSEWHERE)
    for bucket in (source, copy):
        bucket.create_bucket()
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
    return source, copy


def declared(**more: Any) -> dict[str, Any]:
    """Return the inputs of a rule from `source` to `copy`."""
    return {
        "bucket": "source",
        "action": "PUT",
        "destination": {"bucket": "copy", "location": f"oss-{ELSEWHERE}"},
        "historicalObjectReplication": "enabled",
        "syncRole": "copier",
        **more,
    }


def run(oss: LocalOss) -> Replicated:
    """Run one round of replication."""
    return replicate(oss.storage, oss.access)


def test_a_bucket_is_created_in_the_region_of_the_signature(
    oss: LocalOss, buckets: tuple[Any, Any]
) -> None:
    source, copy = buckets
    assert source.get_bucket_info().location == f"oss-{oss.platform.region_id}"
    assert copy.get_bucket_info().location == f"oss-{ELSEWHERE}"


def test_requests_to_a_bucket_must_be_signed_for_its_region(
    oss: LocalOss, buckets: tuple[Any, Any]
) -> None:
    wrong = bucket_in(oss, "copy", oss.platform.region_id)
    with pytest.raises(oss2.exceptions.ServerError, match=f"expected {ELSEWHERE}"):
        wrong.get_bucket_info()


def test_new_objects_are_copied_with_their_settings(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    source, copy = buckets
    trust(oss, READ, WRITE)
    source.put_object("before", b"old", headers={"x-oss-meta-a": "1"})
    BucketReplication().create(declared(), context)
    source.put_object("after", b"new")
    assert run(oss) == Replicated(copied=2)
    assert copy.get_object("before").read() == b"old"
    assert copy.head_object("before").headers["x-oss-meta-a"] == "1"
    assert copy.get_object("after").read() == b"new"
    assert run(oss) == Replicated()


def test_deletes_are_not_copied(oss: LocalOss, context: Any, buckets: tuple[Any, Any]) -> None:
    source, copy = buckets
    trust(oss, READ, WRITE)
    BucketReplication().create(declared(), context)
    source.put_object("kept", b"x")
    run(oss)
    source.delete_object("kept")
    assert run(oss) == Replicated()
    assert copy.object_exists("kept")


def test_only_objects_that_the_role_may_read_are_copied(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    source, copy = buckets
    trust(oss, READ)
    BucketReplication().create(declared(), context)
    source.put_object("k", b"x")
    assert run(oss) == Replicated(refused=1)
    trust(oss, READ, WRITE)
    assert run(oss) == Replicated(copied=1)
    assert copy.object_exists("k")


def test_kms_encrypted_objects_are_copied_only_if_the_rule_allows_it(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    source, copy = buckets
    trust(oss, READ, WRITE)
    oss.store.table("kms.keys").put("key-2", {"status": "Enabled"})
    BucketReplication().create(
        declared(
            encryptionConfiguration={"replicaKmsKeyId": "key-2"},
            sourceSelectionCriteria={"sseKmsEncryptedObjects": {"status": "Enabled"}},
        ),
        context,
    )
    source.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("KMS"))
    source.put_object("k", b"x")
    assert run(oss) == Replicated(copied=1)
    headers = copy.head_object("k").headers
    assert headers["x-oss-server-side-encryption-key-id"] == "key-2"


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"destination": {"bucket": "nowhere", "location": "oss-x"}}, "InvalidTargetBucket"),
        ({"destination": {"bucket": "copy", "location": "oss-x"}}, "InvalidTargetLocation"),
        ({"syncRole": "missing"}, "InvalidArgument"),
        ({"syncRole": None}, "NotImplemented"),
        ({"action": "ALL"}, "NotImplemented"),
        ({"historicalObjectReplication": "disabled"}, "NotImplemented"),
    ],
)
def test_an_invalid_rule_is_refused(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any], inputs: dict[str, Any], code: str
) -> None:
    trust(oss, READ, WRITE)
    with pytest.raises(CloudError) as raised:
        BucketReplication().create(declared(**inputs), context)
    assert raised.value.code == code


def test_a_role_that_does_not_trust_oss_is_refused(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    trust(oss, READ, WRITE, service="ecs.aliyuncs.com")
    with pytest.raises(CloudError) as raised:
        BucketReplication().create(declared(), context)
    assert raised.value.code == "AccessDenied"


def test_a_rule_is_read_back_as_declared_and_deleted(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    trust(oss, READ, WRITE)
    handler = BucketReplication()
    created = handler.create(declared(), context)
    found = handler.read(created.id, {}, context)
    assert found is not None
    assert declared().items() <= found.items()
    handler.delete(created.id, {}, context)
    assert handler.read(created.id, {}, context) is None


def test_the_rule_of_an_interrupted_create_is_adopted(
    oss: LocalOss, context: Any, buckets: tuple[Any, Any]
) -> None:
    trust(oss, READ, WRITE)
    first = BucketReplication().create(declared(), context)
    assert BucketReplication().create(declared(), context).id == first.id
    roles = oss.store.table(ROLES)
    roles.put("other", roles.get("copier") or {})
    with pytest.raises(CloudError, match="already has a replication rule"):
        BucketReplication().create(declared(syncRole="other"), context)


def test_a_context_of_another_region_creates_buckets_there(oss: LocalOss, context: Any) -> None:
    from localcloud.oss.bucket_resource import Bucket

    context.platform = replace(oss.platform, region_id=ELSEWHERE)
    created = Bucket().create({"bucket": "there"}, context)
    assert created.outputs["location"] == f"oss-{ELSEWHERE}"
