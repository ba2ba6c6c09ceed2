"""Verification of tokens from OIDC providers.

Owns the checks of a JWT against its issuer: signature by the issuer's published keys (JWKS, found
by OpenID Connect discovery), issuer, audience, expiry, and the age that the provider allows. Does
not own the providers (`localcloud.ims`), nor the trust policies of roles
(`localcloud.core.policies`).

Error codes: https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-errorcodes (read
2026-11-21). Each call fetches the keys, so that a rotated key works at once. The cloud does not
document whether it caches keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jwt
import requests

from localcloud.core.errors import CloudError

__all__ = ["verified_claims"]

# GitHub uses RS256. `none` and symmetric algorithms, whose key is public here, must stay refused.
_ALGORITHMS = ("RS256", "ES256")
_TIMEOUT_SECONDS = 5
_LEEWAY_SECONDS = 60
_TOKEN_CHARACTERS = range(4, 20_001)


def _failed(kind: str, message: str) -> CloudError:
    return CloudError(f"AuthenticationFail.{kind}", message, 401)


def verified_claims(token: str, provider: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Verify a token of a provider, and return its claims.

    Args:
        token: The JWT.
        provider: The OIDC provider's record.
        now: Seconds since the epoch.

    Raises:
        CloudError: ``AuthenticationFail.…`` with the reason.
    """
    if len(token) not in _TOKEN_CHARACTERS or token.count(".") != 2:
        raise _failed(
            "OIDCToken.Invalid", "The number of Jwt field should be divided into 3 parts with '.' ."
        )
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise _failed(
            "OIDCToken.Invalid", f"The Jwt content is invalid that cannot be recognized: {error}."
        ) from error
    algorithm = header.get("alg")
    if algorithm not in _ALGORITHMS:
        raise _failed(
            "OIDCToken.Invalid",
            f"The algorithm {algorithm} that be specified in Jwt header is unknown.",
        )
    key = _key(str(provider["issuerUrl"]), header.get("kid"))
    claims = _decoded(token, key, str(algorithm), provider)
    _check_age(claims, provider, now)
    return claims


def _decoded(
    token: str, key: jwt.PyJWK, algorithm: str, provider: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            audience=list(provider["clientIds"]),
            issuer=str(provider["issuerUrl"]),
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise _failed("OIDCToken.Expired", "This JsonWebToken is expired.") from error
    except jwt.InvalidAudienceError as error:
        raise _failed("OIDCToken.AudienceNotMatch", "Invalid audience.") from error
    except jwt.InvalidSignatureError as error:
        raise _failed(
            "OIDCToken.InvalidSignature", "OIDC token validate failed: invalid signature."
        ) from error
    except jwt.PyJWTError as error:
        raise _failed(
            "OIDCToken.Invalid", f"The Jwt content is invalid that cannot be recognized: {error}."
        ) from error
    return claims


def _check_age(claims: Mapping[str, Any], provider: Mapping[str, Any], now: float) -> None:
    issued_at, hours = float(claims["iat"]), int(provider["issuanceLimitTime"])
    if issued_at > now + _LEEWAY_SECONDS:
        raise _failed("OIDCToken.Invalid", "The token was issued in the future.")
    if now - issued_at > hours * 3600:
        raise _failed(
            "OIDCToken.Expired",
            f"The token is older than {hours} hours, the provider's issuanceLimitTime.",
        )


def _key(issuer: str, key_id: object) -> jwt.PyJWK:
    discovery = _fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if discovery.get("issuer") != issuer:
        raise _failed(
            "OIDCToken.Invalid",
            f"The discovery document of {issuer} has the issuer {discovery.get('issuer')!r}.",
        )
    entries = _fetched(str(discovery.get("jwks_uri", ""))).get("keys", [])
    for entry in entries:
        if entry.get("kid") == key_id:
            try:
                return jwt.PyJWK(entry)
            except jwt.PyJWTError as error:
                raise _failed(
                    "OIDCToken.Invalid", f"The issuer's key {key_id!r} cannot be used: {error}."
                ) from error
    raise _failed(
        "OIDCToken.InvalidSignature",
        f"OIDC token validate failed: invalid signature (the issuer has no key {key_id!r}).",
    )


def _fetched(url: str) -> dict[str, Any]:
    try:
        reply = requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        document = reply.json() if reply.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise _failed("OIDCToken.HttpsUrlInvalid", f"Invoke url failed: {url}: {error}.") from error
    if not isinstance(document, dict):
        raise _failed(
            "OIDCToken.HttpsUrlInvalid", f"Invoke url failed: {url}: status {reply.status_code}."
        )
    return document
