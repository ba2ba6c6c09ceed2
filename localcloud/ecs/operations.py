"""What of ECS 2014-05-26 the local cloud answers over HTTP, for the coverage table."""

from __future__ import annotations

from localcloud.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="ecs",
        name="DescribeInstances",
        api="RPC Ecs 2014-05-26",
        notes="filters: InstanceIds, Status, InstanceName, tags; instances are made by the "
        "alicloud plugin only",
    ),
)
