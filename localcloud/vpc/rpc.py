"""VPC 2016-04-28 over RPC: describe vSwitches.

Source: https://api.aliyun.com/document/Vpc/2016-04-28/DescribeVSwitches (read 2026-11-21).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.vpc.resources import VSWITCHES

VERSION: Final = "2016-04-28"
# The cloud reserves the first and the last three addresses of a vSwitch:
# https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-and-vswitch (read 2026-11-21).
_RESERVED: Final = 4


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the RPC operations of VPC."""

    def describe_vswitches(call: RpcCall) -> dict[str, Any]:
        context.access.require(call.principal, "vpc:DescribeVSwitches", "acs:vpc:*:*:vswitch/*")
        given = call.parameters
        found = [
            {
                "VSwitchId": vswitch_id,
                "VSwitchName": record.get("vswitchName", ""),
                "VpcId": record["vpcId"],
                "ZoneId": record["zoneId"],
                "CidrBlock": record["cidrBlock"],
                "AvailableIpAddressCount": ipaddress.IPv4Network(record["cidrBlock"]).num_addresses
                - _RESERVED,
                "Status": "Available",
            }
            for vswitch_id, record in context.store.table(VSWITCHES).items()
            if given.get("VpcId", record["vpcId"]) == record["vpcId"]
            and given.get("VSwitchId", vswitch_id) == vswitch_id
            and given.get("ZoneId", record["zoneId"]) == record["zoneId"]
        ]
        page, size = call.number("PageNumber", 1, 1, 50), call.number("PageSize", 10, 1, 50)
        return {
            "TotalCount": len(found),
            "PageNumber": page,
            "PageSize": size,
            "VSwitches": {"VSwitch": found[(page - 1) * size : page * size]},
        }

    return (
        RpcAction(
            name="DescribeVSwitches",
            version=VERSION,
            parameters=frozenset({"PageNumber", "PageSize", "VSwitchId", "VpcId", "ZoneId"}),
            answer=describe_vswitches,
        ),
    )
