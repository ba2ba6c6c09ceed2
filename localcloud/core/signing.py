"""Verify the signatures of control-plane requests. Pure.

Owns ACS3-HMAC-SHA256 (headers; RPC and ROA style), which the SDKs use. It does not own the
signatures of OSS. Algorithm:
https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
(read 2026-11). Unlike the cloud, a nonce may repeat.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from localcloud.core.access import ANONYMOUS, AccessControl, Principal
from localcloud.core.errors import CloudError, not_supported

_ACS3 = "ACS3-HMAC-SHA256"
_MAX_SKEW = timedelta(minutes=15)
# A token in the request identifies the caller.
_WITHOUT_SIGNATURE = frozenset({"AssumeRoleWithOIDC"})
_REQUIRED_SIGNED_HEADERS = frozenset({"host", "x-acs-date", "x-acs-content-sha256"})


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request as received.

    Attributes:
        method: Such as ``POST``.
        path: Raw, still percent-encoded.
        query: Raw query string, without the ``?``.
        headers: The headers by lower-case name.
        body: The complete body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the query string and, for a form, of the body."""
        found = dict(parse_qsl(self.query, keep_blank_values=True))
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            found |= dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        return found

    def operation(self) -> str:
        """Return the RPC action, or the method and path of another request."""
        if self.path == "/":
            return self.headers.get("x-acs-action") or self.parameters().get("Action", "")
        return f"{self.method} {self.path}"


def authenticate(request: SignedRequest, access: AccessControl) -> Principal:
    """Return who signed a request; ``ANONYMOUS`` for an operation that needs no signature.

    Raises:
        CloudError: The request is not signed, its key is unknown, its time is too far off, or the
            signature does not match; with the cloud's code.
    """
    authorization = request.headers.get("authorization", "")
    if authorization:
        return _authenticate_acs3(request, authorization, access)
    if "Signature" in request.parameters():
        raise not_supported("RPC signature version 1.0", f"sign with {_ACS3}")
    if request.operation() in _WITHOUT_SIGNATURE:
        return ANONYMOUS
    raise CloudError("MissingAccessKeyId", "AccessKeyId is mandatory for this action.")


def _authenticate_acs3(
    request: SignedRequest, authorization: str, access: AccessControl
) -> Principal:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != _ACS3:
        raise CloudError(
            "InvalidAuthorization",
            f"The signature algorithm {algorithm!r} is not supported; use {_ACS3}.",
        )
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise CloudError(
            "IncompleteSignature",
            "Authorization must have Credential, SignedHeaders and Signature.",
        )
    signed = fields["SignedHeaders"].split(";")
    missing = sorted(_REQUIRED_SIGNED_HEADERS - set(signed))
    if missing:
        raise CloudError("IncompleteSignature", f"The headers {missing} must be signed.")
    _check_time(request.headers.get("x-acs-date", ""))
    if hashlib.sha256(request.body).hexdigest() != request.headers.get("x-acs-content-sha256"):
        raise CloudError(
            "InvalidContentSha256", "x-acs-content-sha256 is not the SHA-256 of the body."
        )
    token = request.headers.get("x-acs-security-token")
    principal = access.principal(fields["Credential"], token)
    text = _acs3_string_to_sign(request, signed)
    expected = hmac.new(principal.access_key_secret.encode(), text.encode(), hashlib.sha256)
    _compare(expected.hexdigest(), fields["Signature"], text)
    return principal


def _acs3_string_to_sign(request: SignedRequest, signed: list[str]) -> str:
    pairs = sorted(parse_qsl(request.query, keep_blank_values=True))
    query = "&".join(f"{key}={quote(value, safe='~')}" for key, value in pairs)
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed)
    canonical = "\n".join(
        (
            request.method,
            request.path or "/",
            query,
            headers,
            ";".join(signed),
            request.headers["x-acs-content-sha256"],
        )
    )
    return f"{_ACS3}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def _check_time(text: str) -> None:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise CloudError(
            "InvalidTimeStamp.Format",
            f"The time stamp {text!r} is not in the form yyyy-MM-ddTHH:mm:ssZ.",
        ) from None
    if abs(datetime.now(UTC) - moment) > _MAX_SKEW:
        raise CloudError(
            "InvalidTimeStamp.Expired",
            f"The time stamp {text} is more than 15 minutes from the server's time.",
        )


def _compare(expected: str, given: str, string_to_sign: str) -> None:
    if not secrets.compare_digest(expected.encode(), given.encode()):
        raise CloudError(
            "SignatureDoesNotMatch",
            "Specified signature does not match our calculation. "
            f"server string to sign is: {string_to_sign}",
        )
