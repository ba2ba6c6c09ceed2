"""The operations of ESS 2022-02-22 that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

_API = "RPC Ess 2022-02-22"

OPERATIONS: tuple[Operation, ...] = (
    Operation(service="ess", name="DescribeScalingGroups", api=_API, notes="filter: ids"),
    Operation(service="ess", name="DescribeScalingInstances", api=_API, notes="filter: group"),
    Operation(service="ess", name="DescribeInstanceRefreshes", api=_API, notes="in one page"),
    Operation(
        service="ess",
        name="StartInstanceRefresh",
        api=_API,
        notes="to a numbered version of a launch template; no checkpoints; a member serves once "
        "the load balancer reports it healthy",
    ),
    Operation(service="ess", name="RollbackInstanceRefresh", api=_API),
    Operation(service="ess", name="CancelInstanceRefresh", api=_API, notes="at once"),
    Operation(
        service="ess",
        name="ExecuteScalingRule",
        api=_API,
        notes="SimpleScalingRule; no cooldown; a TargetTrackingScalingRule has no effect",
    ),
)
