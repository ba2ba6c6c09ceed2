"""The S3-compatible API, with an independent signer (AWS signature version 4)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.localcloud.oss.local_oss import LocalOss


class S3:
    """A client of one bucket."""

    def __init__(self, oss: LocalOss, bucket: str, *, region: str = "cn-hangzhou") -> None:
        self.oss = oss
        self.bucket = bucket
        self.region = region
        self.key_id = oss.platform.access_key_id
        self.secret = oss.platform.access_key_secret
        self.token = ""

    def __call__(
        self,
        method: str,
        key: str = "",
        body: bytes = b"",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        sent: bytes | None = None,
    ) -> requests.Response:
        """Send one signed request; `sent` replaces the signed body."""
        path = f"/{self.bucket}" + (f"/{quote(key, safe='/~')}" if key else "")
        pairs = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in (query or {}).items())
        text = "&".join(f"{name}={value}" for name, value in pairs)
        date = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {
            "host": urlsplit(self.oss.endpoint).netloc,
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
            "x-amz-date": date,
            **({"x-amz-security-token": self.token} if self.token else {}),
            **(headers or {}),
        }
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        payload = signed["x-amz-content-sha256"]
        canonical = "\n".join((method, path, text, lines, names, payload))
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key_bytes = f"AWS4{self.secret}".encode()
        for step in scope.split("/"):
            key_bytes = hmac.new(key_bytes, step.encode(), hashlib.sha256).digest()
        to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}".encode()
        signature = hmac.new(key_bytes, to_sign, hashlib.sha256).hexdigest()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}"
        )
        url = f"{self.oss.endpoint}{path}" + (f"?{text}" if text else "")
        data = body if sent is None else sent
        return requests.request(method, url, data=data, headers=signed, timeout=10)


@pytest.fixture
def s3(oss: LocalOss) -> S3:
    return S3(oss, str(oss.make_bucket().bucket_name))


def code(reply: requests.Response) -> tuple[int, str]:
    found = reply.text.partition("<Code>")[2].partition("</Code>")[0]
    return reply.status_code, found


def test_an_object_is_written_and_read_with_s3_headers(s3: S3) -> None:
    put = s3("PUT", "a b/ü+1.json", b"{}", headers={"x-amz-meta-owner": "me"})
    assert put.status_code == 200
    got = s3("GET", "a b/ü+1.json", query={"x-id": "GetObject"})
    assert (got.content, got.headers["x-amz-meta-owner"]) == (b"{}", "me")
    assert got.headers["etag"] == put.headers["etag"]
    assert not [name for name in got.headers if name.startswith("x-oss-meta")]
    native = s3.oss.client(s3.bucket).get_object("a b/ü+1.json")
    assert native.headers["x-oss-meta-owner"] == "me"


def test_a_listing_has_pages(s3: S3) -> None:
    for name in ("a", "b", "c"):
        s3("PUT", name, b"x")
    first = s3("GET", query={"list-type": "2", "max-keys": "2"})
    token = first.text.partition("<NextContinuationToken>")[2].partition("<")[0]
    second = s3("GET", query={"list-type": "2", "max-keys": "2", "continuation-token": token})
    assert first.text.count("<Contents>") == 2
    assert "<Key>c</Key>" in second.text


def test_a_copy_names_its_source_without_a_slash(s3: S3) -> None:
    s3("PUT", "from", b"x")
    copied = s3("PUT", "to", headers={"x-amz-copy-source": f"{s3.bucket}/from"})
    assert copied.status_code == 200
    assert s3("GET", "to").content == b"x"


def test_a_missing_object_gives_404_for_head_and_nosuchkey_for_get(s3: S3) -> None:
    assert s3("HEAD", "nothing").status_code == 404
    assert code(s3("GET", "nothing")) == (404, "NoSuchKey")
    assert s3("DELETE", "nothing").status_code == 204


def test_any_signed_region_is_accepted(s3: S3) -> None:
    s3.region = "us-east-1"
    assert s3("PUT", "key", b"x").status_code == 200


def test_a_wrong_secret_gives_signaturedoesnotmatch(s3: S3) -> None:
    s3.secret = "wrong"
    assert code(s3("GET", "key")) == (403, "SignatureDoesNotMatch")


def test_an_unknown_key_gives_invalidaccesskeyid(s3: S3) -> None:
    s3.key_id = "LTAIunknown"
    assert code(s3("GET", "key")) == (403, "InvalidAccessKeyId")


def test_a_request_signed_too_early_gives_requesttimetooskewed(s3: S3) -> None:
    s3.oss.clock.offset_seconds = 16 * 60
    assert code(s3("GET", "key")) == (403, "RequestTimeTooSkewed")


def test_a_body_that_was_not_signed_is_refused_and_not_stored(s3: S3) -> None:
    reply = s3("PUT", "key", b"signed", sent=b"forged")
    assert code(reply) == (400, "InvalidDigest")
    assert s3("HEAD", "key").status_code == 404


def test_an_unsigned_payload_is_accepted(s3: S3) -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    assert s3("PUT", "key", b"x", headers=unsigned).status_code == 200


def test_a_body_with_another_crc32_is_refused_and_not_stored(s3: S3) -> None:
    checksum = base64.b64encode(zlib.crc32(b"other").to_bytes(4)).decode()
    reply = s3("PUT", "key", b"x", headers={"x-amz-checksum-crc32": checksum})
    assert code(reply) == (400, "InvalidDigest")
    assert s3("HEAD", "key").status_code == 404


def test_aws_chunked_bodies_are_refused_as_in_oss(s3: S3) -> None:
    streaming = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    reply = s3("PUT", "key", b"x", headers=streaming)
    assert code(reply) == (400, "InvalidArgument")
    assert "aws-chunked" in reply.text


def test_a_session_has_the_permissions_of_its_role(s3: S3) -> None:
    may_read = {
        "Effect": "Allow",
        "Action": "oss:GetObject",
        "Resource": f"acs:oss:*:*:{s3.bucket}/*",
    }
    s3("PUT", "key", b"x")
    session = s3.oss.session("s3-reader", may_read)
    s3.key_id, s3.secret = session.access_key_id, session.access_key_secret
    assert code(s3("GET", "key")) == (403, "InvalidSecurityToken")
    s3.token = session.security_token or ""
    assert s3("GET", "key").content == b"x"
    assert code(s3("PUT", "key", b"y")) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("query", "what"),
    [({"versioning": ""}, "GetBucketVersioning"), ({"acl": ""}, "GetBucketAcl"), ({}, "bucket")],
)
def test_operations_outside_the_s3_compatible_api_are_refused_by_name(
    s3: S3, query: dict[str, str], what: str
) -> None:
    reply = s3("GET", query=query)
    assert code(reply) == (400, "NotImplemented")
    assert what in reply.text


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256 Credential=x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, SignedHeaders=host, Signature=x",
    ],
)
def test_a_malformed_signature_is_refused(oss: LocalOss, authorization: str) -> None:
    headers: dict[str, Any] = {"authorization": authorization}
    reply = requests.get(f"{oss.endpoint}/any/key", headers=headers, timeout=10)
    assert code(reply) == (400, "InvalidArgument")


def test_a_presigned_url_is_refused_by_name(oss: LocalOss) -> None:
    reply = requests.get(f"{oss.endpoint}/any/key?X-Amz-Signature=0", timeout=10)
    assert code(reply) == (400, "NotImplemented")
