"""Signatures, presigned URLs and sessions: which requests are accepted."""

from __future__ import annotations

import datetime
import time
from typing import Any

import oss2
import pytest
import requests

from tests.localcloud.oss.local_oss import LocalOss, code_of


def error_code(reply: requests.Response) -> str:
    """Return the code in an error's XML."""
    return reply.text.split("<Code>")[1].split("</Code>")[0]


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_wrong_secret_gives_signaturedoesnotmatch(oss: LocalOss, signature: str) -> None:
    auth = oss2.make_auth(oss.platform.access_key_id, "wrong", signature)
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch) as caught:
        oss.client("any", auth).list_objects()
    details = caught.value.details
    assert details["EC"] == "0002-00000040"
    assert details["StringToSign"] and "wrong" not in str(details)
    assert oss.platform.access_key_secret not in str(details)


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_unknown_access_key_gives_invalidaccesskeyid(oss: LocalOss, signature: str) -> None:
    auth = oss2.make_auth("LTAInobody", "secret", signature)
    assert code_of(oss.client("any", auth).list_objects) == (403, "InvalidAccessKeyId")


@pytest.mark.parametrize("signature", ["v1", "v4"])
@pytest.mark.parametrize("offset_seconds", [-16 * 60, 16 * 60])
def test_request_signed_too_early_or_late_is_refused(
    oss: LocalOss, signature: str, offset_seconds: float
) -> None:
    oss.clock.offset_seconds = offset_seconds
    client = oss.client("any", oss.auth(signature))
    assert code_of(client.list_objects) == (403, "RequestTimeTooSkewed")


def test_version_4_for_another_region_is_refused(oss: LocalOss) -> None:
    client = oss.make_bucket()
    client.region = "cn-beijing"
    assert code_of(client.list_objects) == (400, "InvalidArgument")


def test_version_2_is_refused_by_name(oss: LocalOss) -> None:
    with pytest.raises(oss2.exceptions.NotImplemented, match="Signature version 2"):
        oss.client("any", oss.auth("v2")).list_objects()


def test_unknown_authorization_type_is_refused(oss: LocalOss) -> None:
    reply = requests.get(f"{oss.endpoint}/any/k", headers={"Authorization": "Basic x"}, timeout=10)
    assert (reply.status_code, error_code(reply)) == (400, "InvalidArgument")


def test_version_4_covers_content_type_and_parameters(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    url = bucket.sign_url("PUT", "k", 60, headers={"Content-Type": "text/plain"})
    changed = requests.put(url, b"x", headers={"Content-Type": "text/html"}, timeout=10)
    assert error_code(changed) == "SignatureDoesNotMatch"
    assert requests.put(url, b"x", headers={"Content-Type": "text/plain"}, timeout=10).ok
    changed = requests.get(bucket.sign_url("GET", "k", 60) + "&versionId=null", timeout=10)
    assert error_code(changed) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_presigned_url_reads_and_writes_until_it_expires(oss: LocalOss, signature: str) -> None:
    bucket = oss.make_bucket(signature)
    assert requests.put(bucket.sign_url("PUT", "a/b ü", 60), b"data", timeout=10).ok
    url = bucket.sign_url("GET", "a/b ü", 60, slash_safe=True)
    assert requests.get(url, timeout=10).content == b"data"
    assert error_code(requests.delete(url, timeout=10)) == "SignatureDoesNotMatch"
    oss.clock.offset_seconds = 61
    late = requests.get(url, timeout=10)
    assert (late.status_code, error_code(late)) == (403, "AccessDenied")
    assert "expired" in late.text


def test_presigned_url_of_version_4_is_valid_for_at_most_seven_days(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    reply = requests.get(bucket.sign_url("GET", "k", 7 * 86_400 + 1), timeout=10)
    assert (reply.status_code, error_code(reply)) == (400, "InvalidArgument")


@pytest.mark.parametrize("signature", ["v1", "v4"])
def test_session_works_until_it_expires(oss: LocalOss, signature: str) -> None:
    name = oss.make_bucket().bucket_name
    session = oss.session(
        f"role-{signature}", {"Effect": "Allow", "Action": "oss:*", "Resource": "*"}
    )
    bucket = oss.as_role(name, session, signature)
    bucket.put_object("k", b"x")
    url = bucket.sign_url("GET", "k", 60)
    assert requests.get(url, timeout=10).content == b"x"
    ended = {"expires_at": time.time() - 1}
    oss.store.table("sts.sessions").update(
        session.access_key_id, lambda found: (found or {}) | ended
    )
    assert code_of(lambda: bucket.get_object("k")) == (403, "SecurityTokenExpired")
    assert error_code(requests.get(url, timeout=10)) == "SecurityTokenExpired"


def test_session_with_a_missing_or_wrong_token_is_refused(oss: LocalOss) -> None:
    session = oss.session("tokens", {"Effect": "Allow", "Action": "oss:*", "Resource": "*"})
    keys = (session.access_key_id, session.access_key_secret)
    without = oss.client("any", oss2.AuthV4(*keys))
    other = oss.client("any", oss2.StsAuth(*keys, "CAISother", auth_version="v4"))
    assert code_of(without.list_objects) == (403, "InvalidSecurityToken")
    assert code_of(other.list_objects) == (403, "InvalidSecurityToken")


def test_account_key_with_a_token_is_refused(oss: LocalOss) -> None:
    platform = oss.platform
    auth: Any = oss2.StsAuth(platform.access_key_id, platform.access_key_secret, "CAISx")
    assert code_of(oss.client("any", auth).list_objects) == (403, "InvalidSecurityToken")


def test_oss2_can_parse_the_dates_of_replies(oss: LocalOss) -> None:
    bucket = oss.make_bucket()
    bucket.put_object("k", b"x")
    now = datetime.datetime.now(datetime.UTC).timestamp()
    for modified in (
        bucket.head_object("k").last_modified,
        bucket.list_objects().object_list[0].last_modified,
    ):
        assert abs(modified - now) < 60
