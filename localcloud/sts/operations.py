"""The operations of STS that the local cloud answers."""

from __future__ import annotations

from localcloud.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="sts",
        name="AssumeRole",
        api="RPC Sts 2015-04-01",
        notes="no ExternalId or SourceIdentity; policies without conditions",
    ),
    Operation(service="sts", name="GetCallerIdentity", api="RPC Sts 2015-04-01"),
)
