"""The operations of ECS 2014-05-26 that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="ecs",
        name="DescribeInstances",
        api="RPC Ecs 2014-05-26",
        notes="filters: InstanceIds, Status, InstanceName, tags; only the alicloud plugin creates "
        "instances",
    ),
    Operation(
        service="ecs",
        name="StopInstances",
        api="RPC Ecs 2014-05-26",
        notes="InstanceId.N and StoppedMode; all instances or none",
    ),
    Operation(
        service="ecs",
        name="StartInstances",
        api="RPC Ecs 2014-05-26",
        notes="InstanceId.N; all instances or none",
    ),
    Operation(
        service="ecs",
        name="DescribeAvailableResource",
        api="RPC Ecs 2014-05-26",
        notes="DestinationResource InstanceType; every known type is in stock unless a fault is "
        "active",
    ),
    Operation(
        service="ecs",
        name="DescribeImages",
        api="RPC Ecs 2014-05-26",
        notes="local_python; instances accept any other image id, too",
    ),
    Operation(service="ecs", name="DescribeInstanceTypes", api="RPC Ecs 2014-05-26"),
    Operation(
        service="ecs",
        name="DescribeAccountAttributes",
        api="RPC Ecs 2014-05-26",
        notes="vCPU counts; the limit of 1,000 vCPUs of each kind is assumed",
    ),
    Operation(
        service="ecs", name="DescribeRegions", api="RPC Ecs 2014-05-26", notes="the stack's region"
    ),
    Operation(service="ecs", name="DescribeZones", api="RPC Ecs 2014-05-26"),
)
