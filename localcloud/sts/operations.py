"""The operations of STS that the local cloud answers."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="sts",
        name="AssumeRole",
        api="RPC Sts 2015-04-01",
        notes="no ExternalId or SourceIdentity; conditions in trust policies, on OIDC claims",
    ),
    Operation(
        service="sts",
        name="AssumeRoleWithOIDC",
        api="RPC Sts 2015-04-01",
        notes="the issuer's keys really verify the token; certificates' fingerprints are not "
        "compared",
    ),
    Operation(service="sts", name="GetCallerIdentity", api="RPC Sts 2015-04-01"),
)
