"""Authentication of a request by its signature, its time and its session.

Owns the order of the checks and their errors, and the refusal of other signatures than version 4.
Does not own the signatures (``signatures``), nor keys and sessions (``localcloud.core.access``).
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
from localcloud.oss import signatures
from localcloud.oss.errors import OssError, invalid_argument, not_implemented
from localcloud.oss.signatures import Claim, SignedRequest

MAX_SKEW_SECONDS = 15 * 60

# Query parameters that have the signature of a presigned URL of S3's, or of version 1 or 2.
_REFUSED = ("Signature", signatures.PRESIGNED, "X-Amz-Signature")


def claimed(request: SignedRequest, region_id: str | None) -> Claim | None:
    """Return the identity that a request claims, or None if it is anonymous.

    Args:
        request: The request.
        region_id: The region that OSS's own signatures must name; None for any.

    Raises:
        OssError: ``InvalidArgument``, ``AccessDenied`` for a malformed signature;
            ``NotImplemented`` for an older version, or a presigned URL of S3's.
    """
    claim = signatures.find(request)
    if claim is None:
        if any(name in request.params for name in _REFUSED):
            raise not_implemented("A presigned URL of another kind (use OSS's version 4)")
        authorization = request.header("authorization")
        if authorization.startswith(("OSS ", "OSS2 ")):
            raise not_implemented("A signature of version 1 or 2 (use version 4)")
        if authorization:
            raise OssError("InvalidArgument", "Unsupported Authorization Type.")
    elif claim.scheme is signatures.OSS and region_id not in (None, claim.region_id):
        raise invalid_argument(
            "Credential",
            claim.scope,
            f"Invalid signing region in Authorization header: {claim.region_id}, "
            f"expected {region_id}.",
        )
    return claim


def authenticate(
    request: SignedRequest, claim: Claim, access: AccessControl, now: float
) -> Principal:
    """Return the principal of a signed request.

    Args:
        request: The request.
        claim: The result of `claimed`.
        access: Knows the keys.
        now: Seconds since the epoch.

    Raises:
        OssError: ``InvalidAccessKeyId``, ``InvalidSecurityToken``, ``SecurityTokenExpired``,
            ``RequestTimeTooSkewed``, ``SignatureDoesNotMatch``.
    """
    principal = _principal(claim, access)
    if claim.expires_seconds is not None:
        if now > claim.signed_at + claim.expires_seconds:
            raise OssError("AccessDenied", "Request has expired.")
    elif abs(now - claim.signed_at) > MAX_SKEW_SECONDS:
        raise OssError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            details={"MaxAllowedSkewMilliseconds": str(MAX_SKEW_SECONDS * 1000)},
        )
    canonical = signatures.canonical_request(request, claim)
    text = signatures.string_to_sign(claim, canonical)
    expected = signatures.signature(principal.access_key_secret, claim, text)
    if not hmac.compare_digest(expected.encode(), claim.signature.encode()):
        raise OssError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check "
            "your key and signing method.",
            details={
                "OSSAccessKeyId": claim.access_key_id,
                "SignatureProvided": claim.signature,
                "StringToSign": _printable(text),
                "CanonicalRequest": _printable(canonical),
            },
        )
    return principal


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


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in decoded)
