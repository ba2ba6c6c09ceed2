"""The operations of VPC that the local cloud supports, for the coverage table."""

from __future__ import annotations

from localcloud.core.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        service="vpc",
        name="DescribeVSwitches",
        api="RPC Vpc 2016-04-28",
        notes="filters VpcId, VSwitchId, ZoneId; every address of a vSwitch counts as free",
    ),
)
