"""What of ECS 2014-05-26 the local cloud answers over HTTP, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="ecs",
        name="DescribeInstances",
        api="RPC Ecs 2014-05-26",
        notes="filters: InstanceIds, Status, InstanceName, tags; instances are made by the "
        "alicloud plugin only",
    ),
    Operation(
        service="ecs",
        name="StopInstances",
        api="RPC Ecs 2014-05-26",
        notes="InstanceId.N and StoppedMode; all of them or none",
    ),
    Operation(
        service="ecs",
        name="StartInstances",
        api="RPC Ecs 2014-05-26",
        notes="InstanceId.N; all of them or none",
    ),
    Operation(
        service="ecs",
        name="DescribeAvailableResource",
        api="RPC Ecs 2014-05-26",
        notes="DestinationResource InstanceType; all that is known is in stock, until a fault "
        "says otherwise",
    ),
    Operation(
        service="ecs",
        name="DescribeImages",
        api="RPC Ecs 2014-05-26",
        notes="local_python; instances take any other name for it, too",
    ),
    Operation(service="ecs", name="DescribeInstanceTypes", api="RPC Ecs 2014-05-26"),
    Operation(
        service="ecs",
        name="DescribeAccountAttributes",
        api="RPC Ecs 2014-05-26",
        notes="the vCPU counts; 1,000 vCPUs of each kind, which is assumed",
    ),
    Operation(
        service="ecs", name="DescribeRegions", api="RPC Ecs 2014-05-26", notes="the stack's region"
    ),
    Operation(service="ecs", name="DescribeZones", api="RPC Ecs 2014-05-26"),
)
