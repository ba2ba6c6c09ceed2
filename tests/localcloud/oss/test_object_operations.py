"""Objects through oss2.

The tests prove what oss2 2.19.1 sends and accepts, not how the cloud behaves.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import Any

import oss2
import pytest
import requests
from oss2.exceptions import NotModified, PreconditionFailed

from tests.localcloud.oss.local_oss import LocalOss, code_of


def test_put_object_is_read_back_with_checksums_that_oss2_verifies(bucket: Any) -> None:
    data = os.urandom(300_000)
    put = bucket.put_object("dir/a b+c%.bin", data)
    assert put.etag == hashlib.md5(data).hexdigest().upper()  # noqa: S324
    got = bucket.get_object("dir/a b+c%.bin")
    assert got.read() == data
    assert got.client_crc == got.server_crc == put.crc


@pytest.mark.parametrize(
    "key", ["日本/ключ.txt", "a?b&c=d#e", "a//b", "tab\tkey", "~x!*'()", "%41"]
)
def test_keys_with_special_characters_are_stored_unchanged(bucket: Any, key: str) -> None:
    bucket.is_verify_object_strict = False
    bucket.put_object(key, b"x")
    assert bucket.get_object(key).read() == b"x"
    assert [item.key for item in oss2.ObjectIterator(bucket)] == [key]


def test_empty_object_has_no_bytes(bucket: Any) -> None:
    bucket.put_object("empty", b"")
    assert bucket.get_object("empty").read() == b""


def test_put_object_with_wrong_content_md5_is_invalid_digest_and_stores_nothing(
    bucket: Any,
) -> None:
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()  # noqa: S324
    headers = {"Content-MD5": md5}
    assert code_of(lambda: bucket.put_object("k", b"x", headers=headers)) == (400, "InvalidDigest")
    assert not bucket.object_exists("k")


def test_chunked_body_is_stored_completely(bucket: Any) -> None:
    bucket.put_object("k", iter([b"a" * 100_000, b"b" * 100_000]))
    assert bucket.get_object("k").read() == b"a" * 100_000 + b"b" * 100_000


def test_metadata_and_content_headers_are_returned(bucket: Any) -> None:
    headers = {
        "Content-Type": "text/markdown",
        "Cache-Control": "no-cache",
        "Content-Disposition": "inline",
        "x-oss-meta-source": "guide",
        "x-oss-storage-class": "IA",
    }
    bucket.put_object("k", b"x", headers=headers)
    found = bucket.head_object("k").headers
    assert {name: found[name] for name in headers} == headers
    assert found["x-oss-object-type"] == "Normal"


@pytest.mark.parametrize(
    ("byte_range", "expected", "status"),
    [
        ((0, 3), b"0123", 206),
        ((7, None), b"789", 206),
        ((None, 3), b"789", 206),
        ((5, 50), b"0123456789", 200),
        ((10, 12), b"0123456789", 200),
    ],
)
def test_range_in_the_object_is_partial_and_a_range_beyond_it_is_ignored(
    bucket: Any, byte_range: tuple[int | None, int | None], expected: bytes, status: int
) -> None:
    bucket.put_object("k", b"0123456789")
    got = bucket.get_object("k", byte_range=byte_range)
    assert (got.status, got.read()) == (status, expected)


def test_standard_range_behavior_truncates_or_refuses(bucket: Any) -> None:
    bucket.put_object("k", b"0123456789")
    standard = {"x-oss-range-behavior": "standard"}
    cut = bucket.get_object("k", byte_range=(5, 50), headers=standard)
    assert (cut.status, cut.read()) == (206, b"56789")
    assert code_of(lambda: bucket.get_object("k", byte_range=(10, 12), headers=standard)) == (
        416,
        "InvalidRange",
    )


def test_conditions_on_etag_and_time_are_honoured(bucket: Any) -> None:
    etag = bucket.put_object("k", b"x").etag
    past, future = "Thu, 01 Jan 2015 00:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 GMT"
    assert bucket.get_object("k", headers={"If-Match": f'"{etag}"'}).read() == b"x"
    assert bucket.get_object("k", headers={"If-Modified-Since": past}).read() == b"x"
    for header, value in (("If-Match", '"0"'), ("If-Unmodified-Since", past)):
        with pytest.raises(PreconditionFailed):
            bucket.get_object("k", headers={header: value})
    for header, value in (("If-None-Match", f'"{etag}"'), ("If-Modified-Since", future)):
        with pytest.raises(NotModified):
            bucket.get_object("k", headers={header: value})
        with pytest.raises(NotModified):
            bucket.head_object("k", headers={header: value})


def test_missing_object_gives_nosuchkey_for_get_and_head(bucket: Any) -> None:
    with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
        bucket.get_object("missing")
    assert caught.value.details["EC"] == "0026-00000001"
    assert caught.value.details["RequestId"] == caught.value.request_id
    with pytest.raises(oss2.exceptions.NoSuchKey):
        bucket.head_object("missing")
    assert not bucket.object_exists("missing")


def test_object_meta_has_size_and_etag(bucket: Any) -> None:
    put = bucket.put_object("k", b"12345")
    meta = bucket.get_object_meta("k")
    assert (meta.content_length, meta.etag) == (5, put.etag)


@pytest.mark.parametrize("key", ["x" * 1024, "\\starts-with-backslash"])
def test_invalid_object_name_is_refused(bucket: Any, key: str) -> None:
    assert code_of(lambda: bucket.put_object(key, b"x")) == (400, "InvalidObjectName")


def test_forbid_overwrite_keeps_the_first_object(bucket: Any) -> None:
    forbid = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("k", b"first", headers=forbid)
    assert code_of(lambda: bucket.put_object("k", b"second", headers=forbid)) == (
        409,
        "FileAlreadyExists",
    )
    assert bucket.get_object("k").read() == b"first"


def test_refused_overwrite_leaves_no_blob(oss: LocalOss, bucket: Any) -> None:
    blobs = oss.platform.home / "cloud" / "oss" / "blobs"
    bucket.put_object("k", b"first")
    before = set(blobs.glob("*/*"))
    headers = {"x-oss-forbid-overwrite": "true"}
    code_of(lambda: bucket.put_object("k", b"second", headers=headers))
    assert set(blobs.glob("*/*")) == before


def test_copy_keeps_metadata_unless_the_directive_is_replace(bucket: Any) -> None:
    bucket.put_object("from", b"data", headers={"x-oss-meta-a": "1", "Content-Type": "text/x"})
    bucket.copy_object(bucket.bucket_name, "from", "kept")
    replace = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-b": "2"}
    bucket.copy_object(bucket.bucket_name, "from", "replaced", headers=replace)
    bucket.delete_object("from")
    kept, replaced = bucket.get_object("kept"), bucket.get_object("replaced")
    assert kept.read() == replaced.read() == b"data"
    assert (kept.headers["x-oss-meta-a"], kept.content_type) == ("1", "text/x")
    assert "x-oss-meta-a" not in replaced.headers and replaced.headers["x-oss-meta-b"] == "2"


def test_copy_condition_that_fails_copies_nothing(bucket: Any) -> None:
    bucket.put_object("from", b"data")
    headers = {"x-oss-copy-source-if-match": '"0"'}
    with pytest.raises(PreconditionFailed):
        bucket.copy_object(bucket.bucket_name, "from", "to", headers=headers)
    assert not bucket.object_exists("to")


def test_append_extends_the_object_and_returns_the_crc_of_all_its_bytes(bucket: Any) -> None:
    first = bucket.append_object("log", 0, b"hello ", init_crc=0)
    second = bucket.append_object("log", first.next_position, b"world", init_crc=first.crc)
    assert second.next_position == 11
    got = bucket.get_object("log")
    assert got.read() == b"hello world"
    assert got.client_crc == got.server_crc
    assert got.object_type == "Appendable"


def test_append_at_a_wrong_position_returns_the_right_one(bucket: Any) -> None:
    bucket.append_object("log", 0, b"hello")
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as caught:
        bucket.append_object("log", 3, b"x")
    assert caught.value.next_position == 5


def test_append_to_a_normal_object_is_refused(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    with pytest.raises(oss2.exceptions.ObjectNotAppendable):
        bucket.append_object("k", 1, b"y")


def test_batch_delete_removes_all_and_accepts_a_missing_key(bucket: Any) -> None:
    bucket.put_object("a", b"x")
    bucket.put_object("b&c", b"x")
    result = bucket.batch_delete_objects(["a", "b&c", "missing"])
    assert sorted(result.deleted_keys) == ["a", "b&c", "missing"]
    assert list(oss2.ObjectIterator(bucket)) == []


def test_quiet_batch_delete_has_an_empty_reply(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("a", b"x")
    body = b"<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>"
    reply = bucket._Bucket__do_bucket("POST", data=body, params={"delete": ""})
    assert reply.read() == b""
    assert not bucket.object_exists("a")


def test_object_acl_is_default_until_it_is_set(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    assert bucket.get_object_acl("k").acl == "default"
    bucket.put_object_acl("k", "private")
    assert bucket.get_object_acl("k").acl == "private"


def test_object_tags_are_put_read_and_deleted(bucket: Any) -> None:
    bucket.put_object("k", b"x", headers={"x-oss-tagging": "a=1&b=%20"})
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"a": "1", "b": " "}
    assert bucket.head_object("k").headers["x-oss-tagging-count"] == "2"
    rule = oss2.models.TaggingRule()
    rule.add("c", "3")
    bucket.put_object_tagging("k", oss2.models.Tagging(rule))
    assert bucket.get_object_tagging("k").tag_set.tagging_rule == {"c": "3"}
    bucket.delete_object_tagging("k")
    assert not bucket.get_object_tagging("k").tag_set.tagging_rule


def test_encryption_of_the_header_or_the_bucket_is_reported(bucket: Any) -> None:
    bucket.put_object("plain", b"x")
    assert "x-oss-server-side-encryption" not in bucket.head_object("plain").headers
    bucket.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("KMS", "key-1"))
    put = bucket.put_object("by-rule", b"x")
    assert put.headers["x-oss-server-side-encryption"] == "KMS"
    found = bucket.head_object("by-rule").headers
    assert found["x-oss-server-side-encryption-key-id"] == "key-1"
    bucket.put_object("by-header", b"x", headers={"x-oss-server-side-encryption": "AES256"})
    assert bucket.head_object("by-header").headers["x-oss-server-side-encryption"] == "AES256"


def test_unsupported_parameters_and_headers_are_refused_by_name(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    with pytest.raises(oss2.exceptions.NotImplemented, match="x-oss-process"):
        bucket.get_object("k", process="image/resize,w_10")
    with pytest.raises(oss2.exceptions.NotImplemented, match="x-oss-traffic-limit"):
        bucket.put_object("k", b"x", headers={"x-oss-traffic-limit": "819200"})
    with pytest.raises(oss2.exceptions.NotImplemented, match="symlink"):
        bucket.put_symlink("k", "link")


def test_response_headers_can_be_overridden_by_a_signed_request_only(
    oss: LocalOss, bucket: Any
) -> None:
    bucket.put_object("k", b"x", headers={"x-oss-object-acl": "public-read"})
    override = {"response-content-type": "text/plain"}
    assert bucket.get_object("k", params=override).content_type == "text/plain"
    anonymous = oss.anonymously(bucket.bucket_name)
    assert code_of(lambda: anonymous.get_object("k", params=override)) == (400, "InvalidRequest")


def test_virtual_host_style_names_the_bucket_in_the_host(oss: LocalOss, bucket: Any) -> None:
    bucket.put_object("dir/k", b"x", headers={"x-oss-object-acl": "public-read"})
    host = oss.endpoint.removeprefix("http://")
    reply = requests.get(
        f"{oss.endpoint}/dir/k", headers={"Host": f"{bucket.bucket_name}.{host}"}, timeout=10
    )
    assert (reply.status_code, reply.content) == (200, b"x")


def test_reader_is_not_disturbed_by_a_delete(bucket: Any) -> None:
    data = os.urandom(8 * 1024 * 1024)
    bucket.put_object("k", data)
    got = bucket.get_object("k")
    first = got.read(1024)
    bucket.delete_object("k")
    assert first + got.read() == data
