"""VPC 2016-04-28 over RPC: describe vSwitches.

Source: https://api.aliyun.com/document/Vpc/2016-04-28/DescribeVSwitches (read 2026-11-21).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from localcloud.core.rpc import RpcApi, RpcCall
from localcloud.vpc.resources import VSWITCHES

API: Final = RpcApi("vpc", "Vpc", "2016-04-28")
# The cloud reserves the first and the last three addresses of a vSwitch:
# https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-and-vswitch (read 2026-11-21).
_RESERVED: Final = 4


@API.action(
    "DescribeVSwitches",
    *("PageNumber", "PageSize", "VpcId"),
    notes="filter VpcId; every address of a vSwitch counts as free",
)
def describe_vswitches(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeVSwitches."""
    call.authorise("vpc:DescribeVSwitches", "acs:vpc:*:*:vswitch/*")
    found = [
        {
            "VSwitchId": vswitch_id,
            "VpcId": record["vpcId"],
            "ZoneId": record["zoneId"],
            "CidrBlock": record["cidrBlock"],
            "AvailableIpAddressCount": ipaddress.IPv4Network(record["cidrBlock"]).num_addresses
            - _RESERVED,
            "Status": "Available",
        }
        for vswitch_id, record in call.context.store.table(VSWITCHES).items()
        if call.parameters.get("VpcId", record["vpcId"]) == record["vpcId"]
    ]
    fields, page = call.page(found, 50)
    return {**fields, "VSwitches": {"VSwitch": page}}
