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
    assert [item.key for item in oss2.ObjectIteratorV2(bucket)] == [key]


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


@pytest.mark.parametrize("key", ["x" * 1024, "\\starts-with-backslash"])
def test_invalid_object_name_is_refused(bucket: Any, key: str) -> None:
    assert code_of(lambda: bucket.put_object(key, b"x")) == (400, "InvalidObjectName")


def test_refused_write_leaves_no_blob(oss: LocalOss, bucket: Any) -> None:
    blobs = oss.platform.home / "cloud" / "oss" / "blobs"
    before = set(blobs.glob("*/*"))
    headers = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}
    code_of(lambda: bucket.put_object("k", b"x", headers=headers))
    assert set(blobs.glob("*/*")) == before


def test_copy_keeps_metadata(bucket: Any) -> None:
    bucket.put_object("from", b"data", headers={"x-oss-meta-a": "1", "Content-Type": "text/x"})
    bucket.copy_object(bucket.bucket_name, "from", "to")
    bucket.delete_object("from")
    kept = bucket.get_object("to")
    assert kept.read() == b"data"
    assert (kept.headers["x-oss-meta-a"], kept.content_type) == ("1", "text/x")


def test_batch_delete_removes_all_and_accepts_a_missing_key(bucket: Any) -> None:
    bucket.put_object("a", b"x")
    bucket.put_object("b&c", b"x")
    result = bucket.batch_delete_objects(["a", "b&c", "missing"])
    assert sorted(result.deleted_keys) == ["a", "b&c", "missing"]
    assert list(oss2.ObjectIteratorV2(bucket)) == []


def test_quiet_batch_delete_has_an_empty_reply(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("a", b"x")
    body = b"<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>"
    reply = bucket._Bucket__do_bucket("POST", data=body, params={"delete": ""})
    assert reply.read() == b""
    assert not bucket.object_exists("a")


def test_object_acl_is_default_unless_it_is_set(bucket: Any) -> None:
    bucket.put_object("k", b"x")
    assert bucket.get_object_acl("k").acl == "default"
    bucket.put_object("k", b"x", headers={"x-oss-object-acl": "private"})
    assert bucket.get_object_acl("k").acl == "private"


def test_encryption_of_the_header_or_the_bucket_is_reported(bucket: Any) -> None:
    bucket.put_object("plain", b"x")
    assert "x-oss-server-side-encryption" not in bucket.head_object("plain").headers
    bucket.put_bucket_encryption(oss2.models.ServerSideEncryptionRule("KMS", "key-1"))
    put = bucket.put_object("by-rule", b"x")
    assert put.headers["x-oss-server-side-encryption"] == "KMS"
    found = bucket.head_object("by-rule").headers
    assert found["x-oss-server-side-encryption-key-id"] == "key-1"
    bucket.put_object("by-header", b"x", headers={"x-oss-server-side-encryption": "AES256"})
    found = bucket.head_object("by-header").headers
    assert found["x-oss-server-side-encryption"] == "AES256"
    assert "x-oss-server-side-encryption-key-id" not in found


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda bucket: bucket.get_object("k", process="image/resize,w_10"), "x-oss-process"),
        (lambda bucket: bucket.get_object("k", params={"response-expires": "0"}), "response-exp"),
        (lambda bucket: bucket.put_symlink("k", "link"), "symlink"),
        (lambda bucket: bucket.append_object("log", 0, b"x"), "append&position"),
        (lambda bucket: bucket.put_object_acl("k", "private"), "acl"),
        (lambda bucket: bucket.get_object_tagging("k"), "tagging"),
        (lambda bucket: bucket.put_object_tagging("k", tagging()), "tagging"),
        (lambda bucket: bucket.delete_object_tagging("k"), "tagging"),
        (lambda bucket: bucket.upload_part_copy("b", "k", None, "k", "id", 1), "x-oss-copy-source"),
    ],
)
def test_unsupported_operations_and_parameters_are_refused_by_name(
    bucket: Any, call: Any, named: str
) -> None:
    bucket.put_object("k", b"x")
    with pytest.raises(oss2.exceptions.NotImplemented, match=named):
        call(bucket)


def tagging() -> Any:
    return oss2.models.Tagging(oss2.models.TaggingRule())


@pytest.mark.parametrize(
    "name",
    [
        *("x-oss-traffic-limit", "x-oss-forbid-overwrite", "x-oss-tagging", "x-oss-storage-class"),
        *("x-oss-server-side-encryption-key-id", "If-Match", "If-None-Match", "If-Modified-Since"),
    ],
)
def test_unsupported_headers_of_a_write_are_refused_by_name(bucket: Any, name: str) -> None:
    with pytest.raises(oss2.exceptions.NotImplemented, match=f"Header {name.lower()} of PutObject"):
        bucket.put_object("k", b"x", headers={name: "1"})
    assert not bucket.object_exists("k")


@pytest.mark.parametrize(
    "name", ["x-oss-metadata-directive", "x-oss-meta-a", "x-oss-copy-source-if-match"]
)
def test_unsupported_headers_of_a_copy_are_refused_by_name(bucket: Any, name: str) -> None:
    bucket.put_object("from", b"x")
    with pytest.raises(oss2.exceptions.NotImplemented, match=name):
        bucket.copy_object(bucket.bucket_name, "from", "to", headers={name: "1"})
    version = {"versionId": "null"}
    with pytest.raises(oss2.exceptions.NotImplemented, match="A version as the source"):
        bucket.copy_object(bucket.bucket_name, "from", "to", params=version)


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
