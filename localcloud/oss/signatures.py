"""Version 4 signatures of OSS and of AWS, which clients of the S3-compatible API use.

Owns the parts of a request that a signature covers, parsing the ``Authorization`` header or the
parameters of a presigned URL, the canonical request and the signature. Does not own the checks of
key and time (``authentication``), nor the operations that S3 clients may call (``s3``).

Sources (read 2026-11): https://help.aliyun.com/en/oss/developer-reference/
recommend-to-use-signature-version-4, ``ProviderAuthV4`` in oss2 2.19.1 ``auth.py``,
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. OSS calculates an AWS
signature with the region that the client signed for:
https://help.aliyun.com/en/oss/user-guide/0002-00000429.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from localcloud.oss.errors import OssError, invalid_argument

UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
PRESIGNED: Final = "x-oss-signature"
PRESIGNED_PARAMS: Final = frozenset(
    {
        PRESIGNED,
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-security-token",
        "x-oss-additional-headers",
    }
)
"""Query parameters of a presigned URL of version 4. They are not parameters of the operation."""
_MOST_SECONDS: Final = 7 * 24 * 3600
_REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SPACES = re.compile(r" +")


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """What differs between the two kinds of signatures.

    Attributes:
        algorithm: The first word of the ``Authorization`` header.
        scope_end: The last two parts of the credential's scope: product and terminator.
        key_prefix: Precedes the secret in the first step of the signing key.
        header_prefix: Start of the names of the headers that belong to the signature.
    """

    algorithm: str
    scope_end: tuple[str, str]
    key_prefix: str
    header_prefix: str


OSS: Final = Scheme(
    algorithm="OSS4-HMAC-SHA256",
    scope_end=("oss", "aliyun_v4_request"),
    key_prefix="aliyun_v4",
    header_prefix="x-oss-",
)
AWS: Final = Scheme(
    algorithm="AWS4-HMAC-SHA256",
    scope_end=("s3", "aws4_request"),
    key_prefix="AWS4",
    header_prefix="x-amz-",
)


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as its signer saw it.

    Attributes:
        method: The HTTP method.
        bucket: The bucket, from the path or the host; empty for the service itself.
        key: The object's key, decoded; empty for a bucket or the service.
        params: Query parameters, decoded.
        headers: Header names in lower case and their values, unchanged.
        raw_path: The percent-encoded path, which AWS signatures cover.
    """

    method: str
    bucket: str
    key: str
    params: Mapping[str, str]
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    raw_path: str

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string; several values are joined by commas."""
        wanted = name.encode("latin-1")
        return ",".join(
            value.decode("latin-1").strip() for given, value in self.headers if given == wanted
        )


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The identity that a request claims, and its signature.

    Attributes:
        scheme: The kind of signature.
        access_key_id: The access key that it names.
        signature: Its signature.
        security_token: The session's token, if any.
        signed_at: The time of signing, seconds since the epoch.
        date: The text of that time.
        scope: Date, region, product and terminator, with slashes.
        headers: OSS: further headers that it covers, in lower case, sorted; AWS: all headers.
        expires_seconds: How long a presigned URL is valid; None for a signature in the headers.
    """

    scheme: Scheme
    access_key_id: str
    signature: str = field(repr=False)
    security_token: str | None = field(repr=False)
    signed_at: float
    date: str
    scope: str
    headers: tuple[str, ...]
    expires_seconds: int | None = None

    @property
    def region_id(self) -> str:
        """The region that the client signed for."""
        return self.scope.split("/")[1]


def find(request: SignedRequest) -> Claim | None:
    """Return the version 4 signature of a request, or None if it has no such signature.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied`` for a malformed signature.
    """
    authorization = request.header("authorization")
    for scheme in (OSS, AWS):
        if authorization.startswith(scheme.algorithm):
            return _claim(request, scheme, authorization)
    if request.params.get("x-oss-signature-version") == OSS.algorithm:
        return _presigned(request)
    return None


def _presigned(request: SignedRequest) -> Claim:
    """Return the signature of a presigned URL.

    Source: https://help.aliyun.com/en/oss/developer-reference/add-signatures-to-urls (read
    2026-11), and ``ProviderAuthV4`` in oss2 2.19.1.
    """
    given = request.params
    missing = sorted({PRESIGNED, "x-oss-credential", "x-oss-date", "x-oss-expires"} - given.keys())
    if missing:
        raise invalid_argument(missing[0], "", f"{missing[0]} is required in a presigned URL.")
    date, expires = given["x-oss-date"], given["x-oss-expires"]
    if not expires.isdecimal() or not 1 <= int(expires) <= _MOST_SECONDS:
        raise invalid_argument(
            "x-oss-expires", expires, f"x-oss-expires must be 1 to {_MOST_SECONDS}."
        )
    access_key_id, scope = _credential(OSS, given["x-oss-credential"], date)
    names = given.get("x-oss-additional-headers", "").lower()
    return Claim(
        scheme=OSS,
        access_key_id=access_key_id,
        signature=given[PRESIGNED],
        security_token=given.get("x-oss-security-token") or None,
        signed_at=_timestamp(OSS, date),
        date=date,
        scope=scope,
        headers=tuple(sorted(name for name in names.split(";") if name)),
        expires_seconds=int(expires),
    )


def _claim(request: SignedRequest, scheme: Scheme, authorization: str) -> Claim:
    parts = authorization[len(scheme.algorithm) :].split(",")
    fields = dict(part.strip().partition("=")[::2] for part in parts)
    if not {"Credential", "Signature"} <= fields.keys():
        raise invalid_argument("Authorization", authorization, "Authorization header is invalid.")
    date = request.header(f"{scheme.header_prefix}date")
    access_key_id, scope = _credential(scheme, fields["Credential"], date)
    payload = request.header(f"{scheme.header_prefix}content-sha256")
    if scheme is OSS:
        names = fields.get("AdditionalHeaders", "").lower()
        headers = tuple(sorted(name for name in names.split(";") if name))
        _check_oss_payload(payload)
    else:
        headers = tuple(fields.get("SignedHeaders", "").split(";"))
        missing = sorted({"host", "x-amz-date", "x-amz-content-sha256"} - set(headers))
        if missing:
            raise invalid_argument(
                "Authorization", authorization, f"The headers {', '.join(missing)} must be signed."
            )
        _check_aws_payload(payload)
    return Claim(
        scheme=scheme,
        access_key_id=access_key_id,
        signature=fields["Signature"],
        security_token=request.header(f"{scheme.header_prefix}security-token") or None,
        signed_at=_timestamp(scheme, date),
        date=date,
        scope=scope,
        headers=headers,
    )


def _credential(scheme: Scheme, text: str, date: str) -> tuple[str, str]:
    access_key_id, *scope = text.split("/")
    if len(scope) != 4 or tuple(scope[2:]) != scheme.scope_end:
        raise invalid_argument("Credential", text, "Invalid Credential in Authorization header.")
    if scope[0] != date[:8]:
        raise invalid_argument("Credential", text, "Invalid signing date in Authorization header.")
    if scheme is OSS and _REGION.fullmatch(scope[1]) is None:
        raise invalid_argument(
            "Credential", text, f"Invalid signing region in Authorization header: {scope[1]}."
        )
    return access_key_id, "/".join(scope)


def _check_oss_payload(payload: str) -> None:
    if payload != UNSIGNED_PAYLOAD:
        raise invalid_argument(
            "x-oss-content-sha256", payload, f"x-oss-content-sha256 must be {UNSIGNED_PAYLOAD}."
        )


def _check_aws_payload(payload: str) -> None:
    if payload.startswith("STREAMING-"):
        # OSS's own message: https://github.com/iflytek/skillhub/pull/376 (read 2026-11-21).
        raise OssError("InvalidArgument", "aws-chunked encoding is not supported.")
    if payload != UNSIGNED_PAYLOAD and _SHA256.fullmatch(payload) is None:
        raise invalid_argument(
            "x-amz-content-sha256", payload, f"It must be a SHA-256 or {UNSIGNED_PAYLOAD}."
        )


def _timestamp(scheme: Scheme, date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise OssError(
            "AccessDenied",
            f"A valid {scheme.header_prefix}date (20261121T100000Z) is required, not {date!r}.",
        ) from error


def canonical_request(request: SignedRequest, claim: Claim) -> bytes:
    """Return the canonical request that the signature covers."""
    query = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.params.items()
        if name != PRESIGNED
    )
    if claim.scheme is AWS:
        path, names = request.raw_path, list(claim.headers)
        text = "&".join(f"{name}={value}" for name, value in query)
    else:
        path = quote(f"/{request.bucket}/{request.key}" if request.bucket else "/", safe="/~")
        names = _covered_by_oss(request, claim)
        text = "&".join(f"{name}={value}" if value else name for name, value in query)
    lines = "".join(f"{name}:{_value(request, claim.scheme, name)}\n" for name in names)
    payload = request.header(f"{claim.scheme.header_prefix}content-sha256")
    if claim.expires_seconds is not None:
        payload = UNSIGNED_PAYLOAD
    signed = ";".join(claim.headers)
    # The names and values of headers are bytes: oss2 sends UTF-8, which is read as Latin-1.
    return b"\n".join(
        (
            f"{request.method}\n{path}\n{text}".encode(),
            lines.encode("latin-1"),
            f"{signed}\n{payload}".encode(),
        )
    )


def _covered_by_oss(request: SignedRequest, claim: Claim) -> list[str]:
    always = {"content-type", "content-md5", *claim.headers}
    names = {name.decode("latin-1") for name, _ in request.headers}
    return sorted(name for name in names if name.startswith("x-oss-") or name in always)


def _value(request: SignedRequest, scheme: Scheme, name: str) -> str:
    value = request.header(name)
    return _SPACES.sub(" ", value) if scheme is AWS else value


def string_to_sign(claim: Claim, canonical: bytes) -> bytes:
    """Return the bytes that the signing key signs."""
    digest = hashlib.sha256(canonical).hexdigest()
    return "\n".join((claim.scheme.algorithm, claim.date, claim.scope, digest)).encode()


def signature(secret: str, claim: Claim, text: bytes) -> str:
    """Return the signature of a string to sign in lower-case hexadecimal."""
    key = f"{claim.scheme.key_prefix}{secret}".encode()
    for step in claim.scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text, hashlib.sha256).hexdigest()
