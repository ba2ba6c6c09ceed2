"""The operations of the local issuer, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = tuple(
    Operation(service="issuer", name=name, api=api, notes=notes)
    for name, api, notes in (
        ("openid-configuration", "GET /.well-known/openid-configuration", ""),
        ("jwks", "GET /.well-known/jwks.json", "ES256 keys"),
        (
            "token",
            "POST /oauth/token",
            "client credentials and authorization codes; any subject and tenant is accepted",
        ),
        ("code", "POST /oauth/code", "replaces the sign-in page: a one-time code"),
        (
            "rotate",
            "POST /oauth/rotate",
            "creates a signing key; only the local issuer has this route",
        ),
    )
)
