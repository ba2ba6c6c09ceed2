"""Authentication of a request by its signature, its time and its session.

Owns the order of the checks and their errors. Does not own the signature algorithms
(``signing_v1``, ``signing_v4`` and ``signing_aws4``), nor keys and sessions
(``localcloud.core.access``). It refuses version 2 signatures.
"""

from __future__ import annotations

import hmac

from localcloud.core.access import (
    AccessControl,
    ExpiredSecurityTokenError,
    InvalidSecurityTokenError,
    Principal,
    UnknownAccessKeyError,
)
from localcloud.oss import signing_aws4, signing_v1, signing_v4
from localcloud.oss.errors import OssError, not_implemented
from localcloud.oss.signed_request import Claim, SignedRequest

MAX_SKEW_SECONDS = 15 * 60

# Query parameters of a signature. Operations do not see them.
PARAMETERS = frozenset(
    {
        "OSSAccessKeyId",
        "Expires",
        "Signature",
        "security-token",
        "x-oss-signature",
        "x-oss-signature-version",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-expires",
        "x-oss-additional-headers",
        "x-oss-security-token",
    }
)


def authenticate(
    request: SignedRequest, access: AccessControl, region_id: str | None, now: float
) -> Principal | None:
    """Return the request's principal, or None if the request is anonymous.

    Args:
        request: The request.
        access: Knows the keys.
        region_id: The region that version 4 signatures must name; None for any.
        now: Seconds since the epoch.

    Raises:
        OssError: ``InvalidAccessKeyId``, ``InvalidSecurityToken``, ``SecurityTokenExpired``,
            ``RequestTimeTooSkewed``, ``AccessDenied`` (an expired URL), ``SignatureDoesNotMatch``,
            ``InvalidArgument``.
    """
    scheme = signing_aws4 if signing_aws4.is_signed(request) else signing_v4
    claim = signing_aws4.find(request) or signing_v4.find(request, region_id)
    version_4 = claim is not None
    if claim is None:
        claim = signing_v1.find(request)
    if claim is None:
        _refuse_unknown_scheme(request)
        return None
    principal = _principal(claim, access)
    _check_time(claim, now)
    canonical = b""
    if version_4:
        canonical = scheme.canonical_request(request, claim)
        text = scheme.string_to_sign(claim, canonical)
        expected = scheme.signature(principal.access_key_secret, claim, text)
    else:
        text = signing_v1.string_to_sign(request, claim)
        expected = signing_v1.signature(principal.access_key_secret, text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise _mismatch(claim, text, canonical)
    return principal


def _refuse_unknown_scheme(request: SignedRequest) -> None:
    authorization = request.header("authorization")
    if authorization.startswith("OSS2 ") or request.params.get("x-oss-signature-version") == "OSS2":
        raise not_implemented("Signature version 2 (use version 1 or 4)")
    if authorization:
        raise OssError("InvalidArgument", "Unsupported Authorization Type.")


def _principal(claim: Claim, access: AccessControl) -> Principal:
    try:
        return access.principal(claim.access_key_id, claim.security_token)
    except UnknownAccessKeyError as error:
        raise OssError(
            "InvalidAccessKeyId",
            "The OSS Access Key Id you provided does not exist in our records.",
            details={"OSSAccessKeyId": claim.access_key_id},
        ) from error
    except InvalidSecurityTokenError as error:
        raise OssError(
            "InvalidSecurityToken", "The security token you provided is invalid."
        ) from error
    except ExpiredSecurityTokenError as error:
        raise OssError(
            "SecurityTokenExpired", "The security token you provided has expired."
        ) from error


def _check_time(claim: Claim, now: float) -> None:
    if claim.presigned:
        if claim.expires_at is None or now > claim.expires_at:
            raise OssError("AccessDenied", "Request has expired.")
        if claim.signed_at is not None and claim.signed_at > now + MAX_SKEW_SECONDS:
            raise OssError("AccessDenied", "Request is not valid yet.")
    elif claim.signed_at is None or abs(now - claim.signed_at) > MAX_SKEW_SECONDS:
        raise OssError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            details={"MaxAllowedSkewMilliseconds": str(MAX_SKEW_SECONDS * 1000)},
        )


def _mismatch(claim: Claim, text: bytes, canonical: bytes) -> OssError:
    details = {
        "OSSAccessKeyId": claim.access_key_id,
        "SignatureProvided": claim.signature,
        "StringToSign": _printable(text),
    }
    if canonical:
        details["CanonicalRequest"] = _printable(canonical)
    return OssError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check "
        "your key and signing method.",
        details=details,
    )


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in decoded)
