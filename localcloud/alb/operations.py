"""What of ALB 2020-06-16 the local cloud answers over HTTP, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

_API = "RPC Alb 2020-06-16"
_NOTES = "everything in one page; ALB is made by the alicloud plugin only"

OPERATIONS: tuple[Operation, ...] = (
    Operation(service="alb", name="ListLoadBalancers", api=_API, notes=_NOTES),
    Operation(service="alb", name="ListServerGroups", api=_API, notes=_NOTES),
    Operation(service="alb", name="ListServerGroupServers", api=_API, notes=_NOTES),
    Operation(
        service="alb",
        name="GetListenerHealthStatus",
        api=_API,
        notes="of the default action's server groups",
    ),
)
