"""The operations of Quota Center that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="quotas",
        name="GetProductQuota",
        api="RPC quotas 2020-05-10",
        notes="product ecs-spec: the vCPUs of one instance type in the region; totals are assumed",
    ),
)
