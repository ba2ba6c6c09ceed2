"""AWS signature version 4, which clients of the S3-compatible API use.

Owns the canonical request, the string to sign and parsing the signature. Does not own the checks of
key and time (``authentication``), nor the operations that such a request may call (``s3``).
Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, and
https://help.aliyun.com/en/oss/user-guide/0002-00000429: OSS calculates with the region that the
client signed for (read 2026-11-21). Presigned URLs are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote

from localcloud.oss.errors import OssError, invalid_argument, not_implemented
from localcloud.oss.signed_request import Claim, SignedRequest

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_SERVICE = "s3"
_TERMINATOR = "aws4_request"
_REQUIRED_HEADERS = frozenset({"host", "x-amz-date", "x-amz-content-sha256"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SPACES = re.compile(r" +")


def is_signed(request: SignedRequest) -> bool:
    """Return whether the request is from a client of the S3-compatible API."""
    return request.header("authorization").startswith(ALGORITHM)


def find(request: SignedRequest) -> Claim | None:
    """Return the AWS signature of a request, or None if it is missing.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied`` for a malformed signature.
    """
    if "X-Amz-Algorithm" in request.params:
        raise not_implemented("A presigned URL of the S3-compatible API")
    if not is_signed(request):
        return None
    authorization = request.header("authorization")
    fields = dict(
        part.strip().partition("=")[::2] for part in authorization[len(ALGORITHM) :].split(",")
    )
    if fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise invalid_argument("Authorization", authorization, "Authorization header is invalid.")
    signed = tuple(fields["SignedHeaders"].split(";"))
    missing = sorted(_REQUIRED_HEADERS - set(signed))
    if missing:
        raise invalid_argument(
            "Authorization", authorization, f"The headers {', '.join(missing)} must be signed."
        )
    _check_payload(request.header("x-amz-content-sha256"))
    date = request.header("x-amz-date")
    access_key_id, scope = _credential(fields["Credential"], date)
    return Claim(
        access_key_id=access_key_id,
        signature=fields["Signature"],
        security_token=request.header("x-amz-security-token") or None,
        signed_at=_timestamp(date),
        date=date,
        scope=scope,
        additional_headers=signed,
    )


def _check_payload(payload: str) -> None:
    if payload.startswith("STREAMING-"):
        # OSS's own message: https://github.com/iflytek/skillhub/pull/376 (read 2026-11-21).
        raise OssError("InvalidArgument", "aws-chunked encoding is not supported.")
    if payload != UNSIGNED_PAYLOAD and _SHA256.fullmatch(payload) is None:
        raise invalid_argument(
            "x-amz-content-sha256", payload, f"It must be a SHA-256 or {UNSIGNED_PAYLOAD}."
        )


def _timestamp(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise OssError(
            "AccessDenied", f"A valid x-amz-date (20261121T100000Z) is required, not {date!r}."
        ) from error


def _credential(text: str, date: str) -> tuple[str, str]:
    access_key_id, *scope = text.split("/")
    if len(scope) != 4 or scope[2:] != [_SERVICE, _TERMINATOR] or not scope[1]:
        raise invalid_argument("Credential", text, "Invalid Credential in Authorization header.")
    if scope[0] != date[:8]:
        raise invalid_argument("Credential", text, "Invalid signing date in Authorization header.")
    return access_key_id, "/".join(scope)


def canonical_request(request: SignedRequest, claim: Claim) -> bytes:
    """Return the canonical request that the signature covers."""
    query = sorted(
        (quote(name, safe="~"), quote(value, safe="~")) for name, value in request.params.items()
    )
    headers = "".join(f"{name}:{_value(request, name)}\n" for name in claim.additional_headers)
    return "\n".join(
        (
            request.method,
            request.raw_path,
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(claim.additional_headers),
            request.header("x-amz-content-sha256"),
        )
    ).encode()


def _value(request: SignedRequest, name: str) -> str:
    wanted = name.encode("latin-1")
    values = [value.decode("latin-1") for header, value in request.headers if header == wanted]
    return ",".join(_SPACES.sub(" ", value.strip()) for value in values)


def string_to_sign(claim: Claim, canonical: bytes) -> bytes:
    """Return the bytes that the signing key signs."""
    digest = hashlib.sha256(canonical).hexdigest()
    return "\n".join((ALGORITHM, claim.date, claim.scope, digest)).encode()


def signature(secret: str, claim: Claim, text: bytes) -> str:
    """Return the signature of a string to sign in lower-case hexadecimal."""
    key = f"AWS4{secret}".encode()
    for step in claim.scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text, hashlib.sha256).hexdigest()
