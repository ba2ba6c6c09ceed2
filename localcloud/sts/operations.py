"""The operations of STS that the local cloud supports."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="sts",
        name="AssumeRole",
        api="RPC Sts 2015-04-01",
        notes="no ExternalId or SourceIdentity; trust policies may have conditions on OIDC claims",
    ),
    Operation(
        service="sts",
        name="AssumeRoleWithOIDC",
        api="RPC Sts 2015-04-01",
        notes="verifies the token with the issuer's keys; does not compare certificate "
        "fingerprints",
    ),
    Operation(service="sts", name="GetCallerIdentity", api="RPC Sts 2015-04-01"),
)
