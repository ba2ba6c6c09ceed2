"""The RPC API of VPC 2016-04-28: looking at vSwitches.

Source: https://api.aliyun.com/document/Vpc/2016-04-28/DescribeVSwitches (read 2026-11-21).
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from localcloud.core.errors import CloudError
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall
from localcloud.vpc.resources import VSWITCHES

VERSION: Final = "2016-04-28"
# The first and the last three addresses of a vSwitch are the cloud's own:
# https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-and-vswitch (read 2026-11-21).
_RESERVED: Final = 4


def _number(call: RpcCall, name: str, default: int) -> int:
    text = call.parameters.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 50:
        raise CloudError("InvalidParameter", f"{name} is {text!r}; give 1 to 50.")
    return int(text)


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations of VPC."""

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
        page, size = _number(call, "PageNumber", 1), _number(call, "PageSize", 10)
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
