"""Signatures and sessions: which requests are accepted."""

from __future__ import annotations

import datetime
import time
from typing import Any

import oss2
import pytest
import requests

from tests.localcloud.oss.local_oss import LocalOss, code_of

REGION = "cn-hangzhou"


def error_code(reply: requests.Response) -> str:
    """Return the code in an error's XML."""
    return reply.text.split("<Code>")[1].split("</Code>")[0]


def test_wrong_secret_gives_signaturedoesnotmatch(oss: LocalOss) -> None:
    auth = oss2.make_auth(oss.platform.access_key_id, "wrong", "v4")
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch) as caught:
        oss.client("any", auth).list_objects_v2()
    details = caught.value.details
    assert details["EC"] == "0002-00000040"
    assert details["StringToSign"] and "wrong" not in str(details)
    assert oss.platform.access_key_secret not in str(details)


def test_unknown_access_key_gives_invalidaccesskeyid(oss: LocalOss) -> None:
    auth = oss2.make_auth("LTAInobody", "secret", "v4")
    assert code_of(oss.client("any", auth).list_objects_v2) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("offset_seconds", [-16 * 60, 16 * 60])
def test_request_signed_too_early_or_late_is_refused(oss: LocalOss, offset_seconds: float) -> None:
    oss.clock.offset_seconds = offset_seconds
    client = oss.client("any", oss.auth())
    assert code_of(client.list_objects_v2) == (403, "RequestTimeTooSkewed")


def test_version_4_for_another_region_is_refused(oss: LocalOss) -> None:
    client = oss.make_bucket()
    client.region = "cn-beijing"
    assert code_of(client.list_objects_v2) == (400, "InvalidArgument")


@pytest.mark.parametrize("signature", ["v1", "v2"])
def test_older_versions_are_refused_by_name(oss: LocalOss, signature: str) -> None:
    key = (oss.platform.access_key_id, oss.platform.access_key_secret)
    client = oss.client("any", oss2.make_auth(*key, signature))
    with pytest.raises(oss2.exceptions.NotImplemented, match="signature of version 1 or 2"):
        client.list_objects_v2()
    presigned = requests.get(client.sign_url("GET", "k", 60), timeout=10)
    assert (presigned.status_code, error_code(presigned)) == (400, "NotImplemented")


def test_unknown_authorization_type_is_refused(oss: LocalOss) -> None:
    reply = requests.get(f"{oss.endpoint}/any/k", headers={"Authorization": "Basic x"}, timeout=10)
    assert (reply.status_code, error_code(reply)) == (400, "InvalidArgument")


def test_signature_covers_content_type_and_parameters(oss: LocalOss) -> None:
    bucket = oss.make_bucket()

    def send(method: str, url: str, **changed: str) -> requests.Response:
        address = f"{oss.endpoint}/{bucket.bucket_name}/k"
        request = oss2.http.Request(method, address, region=REGION, product="oss")
        request.headers["Content-Type"] = "text/plain"
        bucket.auth._sign_request(request, bucket.bucket_name, "k")
        headers = {**request.headers, **changed}
        return requests.request(method, request.url + url, headers=headers, timeout=10)

    assert send("PUT", "").ok
    changed = send("PUT", "", **{"content-type": "text/html"})
    assert error_code(changed) == "SignatureDoesNotMatch"
    assert error_code(send("GET", "?versionId=null")) == "SignatureDoesNotMatch"


def test_presigned_url_reads_one_object_for_its_time(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("folder/å b", b"content")
    url = bucket.sign_url("GET", "folder/å b", 60, slash_safe=True)
    assert requests.get(url, timeout=10).content == b"content"
    another = requests.get(url.replace("folder/", "folder/x"), timeout=10)
    assert (another.status_code, error_code(another)) == (403, "SignatureDoesNotMatch")
    assert error_code(requests.put(url, b"x", timeout=10)) == "SignatureDoesNotMatch"
    assert error_code(requests.get(f"{url}&acl", timeout=10)) == "SignatureDoesNotMatch"
    oss.clock.offset_seconds = 61
    late = requests.get(url, timeout=10)
    assert (late.status_code, error_code(late)) == (403, "AccessDenied")
    assert "Request has expired." in late.text


def test_presigned_url_of_a_session_has_the_rights_of_its_role(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("mine/k", b"content")
    bucket.put_object("theirs/k", b"content")
    resource = f"acs:oss:*:*:{bucket.bucket_name}/mine/*"
    allowed = {"Effect": "Allow", "Action": "oss:GetObject", "Resource": resource}
    session = oss.as_role(bucket.bucket_name, oss.session("reader-of-one-folder", allowed))
    assert requests.get(session.sign_url("GET", "mine/k", 60, slash_safe=True), timeout=10).ok
    other = requests.get(session.sign_url("GET", "theirs/k", 60, slash_safe=True), timeout=10)
    assert (other.status_code, error_code(other)) == (403, "AccessDenied")


@pytest.mark.parametrize("seconds", [0, 604_801])
def test_presigned_url_for_no_time_or_too_long_is_refused(oss: LocalOss, seconds: int) -> None:
    reply = requests.get(oss.make_bucket().sign_url("GET", "k", seconds), timeout=10)
    assert (reply.status_code, error_code(reply)) == (400, "InvalidArgument")
    assert "x-oss-expires must be 1 to 604800" in reply.text


def test_session_works_until_it_expires(oss: LocalOss) -> None:
    name = oss.make_bucket().bucket_name
    session = oss.session(
        "role-of-a-session", {"Effect": "Allow", "Action": "oss:*", "Resource": "*"}
    )
    bucket = oss.as_role(name, session)
    bucket.put_object("k", b"x")
    assert bucket.get_object("k").read() == b"x"
    ended = {"expires_at": time.time() - 1}
    oss.store.table("sts.sessions").update(
        session.access_key_id, lambda found: (found or {}) | ended
    )
    assert code_of(lambda: bucket.get_object("k")) == (403, "SecurityTokenExpired")


def test_session_with_a_missing_or_wrong_token_is_refused(oss: LocalOss) -> None:
    session = oss.session("tokens", {"Effect": "Allow", "Action": "oss:*", "Resource": "*"})
    keys = (session.access_key_id, session.access_key_secret)
    without = oss.client("any", oss2.AuthV4(*keys))
    other = oss.client("any", oss2.StsAuth(*keys, "CAISother", auth_version="v4"))
    assert code_of(without.list_objects_v2) == (403, "InvalidSecurityToken")
    assert code_of(other.list_objects_v2) == (403, "InvalidSecurityToken")


def test_account_key_with_a_token_is_refused(oss: LocalOss) -> None:
    platform = oss.platform
    key = (platform.access_key_id, platform.access_key_secret)
    auth: Any = oss2.StsAuth(*key, "CAISx", auth_version="v4")
    assert code_of(oss.client("any", auth).list_objects_v2) == (403, "InvalidSecurityToken")


def test_oss2_can_parse_the_dates_of_replies(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("k", b"x")
    now = datetime.datetime.now(datetime.UTC).timestamp()
    for modified in (
        bucket.head_object("k").last_modified,
        bucket.list_objects_v2().object_list[0].last_modified,
    ):
        assert abs(modified - now) < 60
