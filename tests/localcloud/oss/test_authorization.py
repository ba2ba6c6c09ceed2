"""Permissions: RAM policies of roles, ACLs, public access block."""

from __future__ import annotations

from typing import Any

import oss2
import pytest

from tests.localcloud.oss.local_oss import LocalOss, code_of

DENIED = (403, "AccessDenied")


def allow(actions: str | list[str], *resources: str) -> dict[str, Any]:
    """Return a statement that allows."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def test_an_object_encrypted_with_a_kms_key_needs_permission_for_the_key(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("KMS", "key-1"))
    bucket.put_object("k", b"x")
    objects = {
        "Effect": "Allow",
        "Action": ["oss:GetObject", "oss:PutObject"],
        "Resource": [f"acs:oss:*:*:{bucket.bucket_name}/*"],
    }
    without = oss.as_role(bucket.bucket_name, oss.session("keyless", objects))
    with pytest.raises(oss2.exceptions.AccessDenied, match="kms:Decrypt"):
        without.get_object("k")
    with pytest.raises(oss2.exceptions.AccessDenied, match="kms:GenerateDataKey"):
        without.put_object("k", b"y")
    key = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": ["acs:kms:*:*:key/key-1"],
    }
    allowed = oss.as_role(bucket.bucket_name, oss.session("keyed", objects, key))
    allowed.put_object("k", b"y")
    assert allowed.get_object("k").read() == b"y"


def test_role_reads_only_what_its_policy_allows(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("docs/a", b"x")
    bucket.put_object("secret/a", b"x")
    name = bucket.bucket_name
    session = oss.session(
        "reader",
        allow(
            ["oss:GetObject", "oss:ListObjects"],
            f"acs:oss:*:*:{name}",
            f"acs:oss:*:{oss.platform.account_id}:{name}/docs/*",
        ),
    )
    reader = oss.as_role(name, session)
    assert reader.get_object("docs/a").read() == b"x"
    assert len(reader.list_objects_v2().object_list) == 2
    assert code_of(lambda: reader.get_object("secret/a")) == DENIED
    assert code_of(lambda: reader.put_object("docs/a", b"y")) == DENIED
    assert code_of(lambda: reader.delete_object("docs/a")) == DENIED
    assert code_of(reader.get_bucket_info) == DENIED
    assert code_of(lambda: oss.service(reader.auth).list_buckets()) == DENIED
    assert code_of(oss.as_role("another", session).list_objects_v2) == DENIED


def test_denial_names_the_missing_permission(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name
    unprivileged = oss.as_role(name, oss.session("lister", allow("oss:ListBuckets", "*")))
    with pytest.raises(oss2.exceptions.AccessDenied) as caught:
        unprivileged.put_object("k", b"x")
    details = caught.value.details
    assert details["AuthAction"] == "oss:PutObject"
    assert details["AuthResource"].endswith(f":{oss.platform.account_id}:{name}/k")
    assert details["NoPermissionType"] == "ImplicitDeny"


def test_explicit_deny_wins(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("k", b"x")
    deny = {"Effect": "Deny", "Action": "oss:GetObject", "Resource": "*"}
    role = oss.as_role(bucket.bucket_name, oss.session("denied", allow("oss:*", "*"), deny))
    assert code_of(lambda: role.get_object("k")) == DENIED
    role.put_object("k", b"y")


def test_copy_needs_read_permission_for_the_source(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("k", b"x")
    name = bucket.bucket_name
    writer = oss.as_role(name, oss.session("writer", allow("oss:PutObject", "*")))
    assert code_of(lambda: writer.copy_object(name, "k", "copy")) == DENIED


def test_batch_delete_needs_permission_for_every_key(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    name = bucket.bucket_name
    for key in ("mine/a", "other/a"):
        bucket.put_object(key, b"x")
    session = oss.session("deleter", allow("oss:DeleteObject", f"acs:oss:*:*:{name}/mine/*"))
    deleter = oss.as_role(name, session)
    assert code_of(lambda: deleter.batch_delete_objects(["mine/a", "other/a"])) == DENIED
    assert bucket.object_exists("mine/a")
    deleter.batch_delete_objects(["mine/a"])
    assert not bucket.object_exists("mine/a")


def test_reading_a_version_needs_its_own_permission(oss: LocalOss, versioned: Any) -> None:
    version = {"versionId": versioned.put_object("k", b"x").versionid}
    name = versioned.bucket_name
    reader = oss.as_role(name, oss.session("latest-only", allow("oss:GetObject", "*")))
    assert reader.get_object("k").read() == b"x"
    assert code_of(lambda: reader.get_object("k", params=version)) == DENIED


def test_anonymous_reads_public_objects_only(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("private", b"x")
    bucket.put_object("public", b"x", headers={"x-oss-object-acl": "public-read"})
    anonymous = oss.anonymously(bucket.bucket_name)
    assert anonymous.get_object("public").read() == b"x"
    assert code_of(lambda: anonymous.get_object("private")) == DENIED
    assert code_of(lambda: anonymous.put_object("public", b"y")) == DENIED
    assert code_of(anonymous.list_objects_v2) == DENIED
    assert code_of(oss.service(oss2.AnonymousAuth()).list_buckets) == DENIED


def test_object_acl_overrides_the_bucket_acl(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_bucket_acl("public-read")
    bucket.put_object("default", b"x")
    bucket.put_object("private", b"x", headers={"x-oss-object-acl": "private"})
    anonymous = oss.anonymously(bucket.bucket_name)
    assert anonymous.get_object("default").read() == b"x"
    assert code_of(lambda: anonymous.get_object("private")) == DENIED


def test_public_read_write_bucket_accepts_anonymous_writes(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_bucket_acl("public-read-write")
    oss.anonymously(bucket.bucket_name).put_object("k", b"x")
    assert bucket.get_object("k").read() == b"x"


def test_public_access_block_disables_public_acls(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_bucket_acl("public-read")
    bucket.put_object("k", b"x")
    anonymous = oss.anonymously(bucket.bucket_name)
    assert anonymous.get_object("k").read() == b"x"
    bucket.put_bucket_public_access_block(True)
    assert code_of(lambda: anonymous.get_object("k")) == DENIED
