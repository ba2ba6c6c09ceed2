"""The operations of ALB 2020-06-16 that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

_API = "RPC Alb 2020-06-16"
_NOTES = "everything in one page; only the alicloud plugin creates load balancers"

OPERATIONS: tuple[Operation, ...] = (
    Operation(service="alb", name="ListLoadBalancers", api=_API, notes=_NOTES),
    Operation(service="alb", name="ListServerGroups", api=_API, notes=_NOTES),
    Operation(service="alb", name="ListServerGroupServers", api=_API, notes=_NOTES),
    Operation(
        service="alb",
        name="GetListenerHealthStatus",
        api=_API,
        notes="for the server groups of the default action",
    ),
)
