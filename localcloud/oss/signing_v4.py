"""OSS signature version 4: HMAC-SHA256 with a key derived per day, region and product.

Owns the canonical request, the string to sign and parsing a version 4 signature. Does not own the
checks of key and time (``authentication``).
Source: https://help.aliyun.com/en/oss/developer-reference/recommend-to-use-signature-version-4 and
``ProviderAuthV4`` in oss2 2.19.1 ``auth.py`` (read 2026-11).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import quote

from localcloud.oss.errors import OssError, invalid_argument
from localcloud.oss.signed_request import Claim, SignedRequest, not_a_number

ALGORITHM = "OSS4-HMAC-SHA256"
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
_UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_PRODUCT = "oss"
_TERMINATOR = "aliyun_v4_request"
_REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")
_ALWAYS_SIGNED = (b"content-type", b"content-md5")


def region_of(request: SignedRequest) -> str | None:
    """Return the region in a request's version 4 signature, or None."""
    credential = request.params.get("x-oss-credential", "")
    authorization = request.header("authorization")
    if authorization.startswith(ALGORITHM):
        found = re.search(r"Credential=([^,\s]+)", authorization)
        credential = found.group(1) if found else ""
    region_id = (credential.split("/") + [""] * 3)[2]
    return region_id if _REGION.fullmatch(region_id) else None


def find(request: SignedRequest, region_id: str | None) -> Claim | None:
    """Return the version 4 signature of a request, or None if it is missing.

    Args:
        request: The request.
        region_id: The region that signatures must name; None for any.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied`` for a malformed signature.
    """
    if "x-oss-signature" in request.params:
        return _presigned(request, region_id)
    authorization = request.header("authorization")
    if not authorization.startswith(ALGORITHM):
        return None
    fields = {}
    for item in authorization[len(ALGORITHM) :].split(","):
        name, _, value = item.strip().partition("=")
        fields[name] = value
    if not {"Credential", "Signature"} <= fields.keys():
        raise invalid_argument("Authorization", authorization, "Authorization header is invalid.")
    payload = request.header("x-oss-content-sha256")
    if payload != _UNSIGNED_PAYLOAD:
        raise invalid_argument(
            "x-oss-content-sha256", payload, f"x-oss-content-sha256 must be {_UNSIGNED_PAYLOAD}."
        )
    date = request.header("x-oss-date")
    access_key_id, scope = _credential(fields["Credential"], date, region_id)
    return Claim(
        access_key_id=access_key_id,
        signature=fields["Signature"],
        security_token=request.header("x-oss-security-token") or None,
        signed_at=_timestamp(date),
        date=date,
        scope=scope,
        additional_headers=_names(fields.get("AdditionalHeaders", "")),
    )


def _presigned(request: SignedRequest, region_id: str | None) -> Claim:
    params = request.params
    version = params.get("x-oss-signature-version", "")
    if version != ALGORITHM:
        raise invalid_argument(
            "x-oss-signature-version", version, f"x-oss-signature-version must be {ALGORITHM}."
        )
    expires = params.get("x-oss-expires", "")
    if not_a_number(expires) or not 1 <= int(expires) <= MAX_EXPIRES_SECONDS:
        raise invalid_argument(
            "x-oss-expires", expires, f"x-oss-expires must be 1 to {MAX_EXPIRES_SECONDS}."
        )
    date = params.get("x-oss-date", "")
    signed_at = _timestamp(date)
    access_key_id, scope = _credential(params.get("x-oss-credential", ""), date, region_id)
    return Claim(
        access_key_id=access_key_id,
        signature=params["x-oss-signature"],
        security_token=params.get("x-oss-security-token"),
        signed_at=signed_at,
        expires_at=signed_at + int(expires),
        presigned=True,
        date=date,
        scope=scope,
        additional_headers=_names(params.get("x-oss-additional-headers", "")),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(name.lower() for name in text.split(";") if name))


def _timestamp(date: str) -> float:
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise OssError(
            "AccessDenied",
            f"OSS authentication requires a valid x-oss-date (20261121T100000Z), not {date!r}.",
        ) from error


def _credential(text: str, date: str, region_id: str | None) -> tuple[str, str]:
    access_key_id, *scope = text.split("/")
    if len(scope) != 4 or scope[2:] != [_PRODUCT, _TERMINATOR]:
        raise invalid_argument("Credential", text, "Invalid Credential in Authorization header.")
    if scope[0] != date[:8]:
        raise invalid_argument("Credential", text, "Invalid signing date in Authorization header.")
    if not _REGION.fullmatch(scope[1]) or region_id not in (None, scope[1]):
        raise invalid_argument(
            "Credential",
            text,
            f"Invalid signing region in Authorization header: {scope[1]}"
            + (f", expected {region_id}." if region_id else "."),
        )
    return access_key_id, "/".join(scope)


def canonical_request(request: SignedRequest, claim: Claim) -> bytes:
    """Return the canonical request that a version 4 signature covers."""
    path = "/" if request.bucket is None else f"/{request.bucket}/{request.key or ''}"
    query = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in request.params.items()
        if name != "x-oss-signature"
    )
    additional = {name.encode("latin-1") for name in claim.additional_headers}
    headers = sorted(
        (name, value.strip())
        for name, value in request.headers
        if name.startswith(b"x-oss-") or name in _ALWAYS_SIGNED or name in additional
    )
    return b"\n".join(
        (
            request.method.encode(),
            quote(path, safe="/~").encode(),
            "&".join(f"{name}={value}" if value else name for name, value in query).encode(),
            b"".join(name + b":" + value + b"\n" for name, value in headers),
            ";".join(claim.additional_headers).encode(),
            _UNSIGNED_PAYLOAD.encode(),
        )
    )


def string_to_sign(claim: Claim, canonical: bytes) -> bytes:
    """Return the bytes that the signing key signs."""
    digest = hashlib.sha256(canonical).hexdigest()
    return "\n".join((ALGORITHM, claim.date, claim.scope, digest)).encode()


def signature(secret: str, claim: Claim, text: bytes) -> str:
    """Return the signature of a string to sign in lower-case hexadecimal."""
    key = f"aliyun_v4{secret}".encode()
    for step in claim.scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text, hashlib.sha256).hexdigest()
