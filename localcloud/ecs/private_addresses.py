"""Private addresses that a stack gives to its nodes.

A local node is on loopback, so a given address of the vSwitch stands for a loopback address, which
is the same for every node that ever has it. In the files and commands of a node, addresses of its
VPC's vSwitches are replaced, so that nodes can name each other. CIDR blocks stay. What a service
reads from elsewhere, such as OSS or KMS, is not changed: there, use the address that the instance
reports (``primaryIpAddress``).

Error codes: https://api.aliyun.com/document/Ecs/2014-05-26/RunInstances (read 2026-11-30).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.vpc.resources import INSTANCES, VSWITCHES

_ADDRESS: Final = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|[./]\d)")
# The first and the last three addresses:
# https://www.alibabacloud.com/help/en/vpc/user-guide/vpc-and-vswitch (read 2026-11-21).
_RESERVED_FIRST: Final = 1
_RESERVED_LAST: Final = 3


def check_private_ip(inputs: Mapping[str, Any], context: Context) -> None:
    """Check the address that a new instance asks for, if any.

    Raises:
        CloudError: It is not an address of the vSwitch, or another instance has it.
    """
    text = inputs.get("privateIp")
    if not text:
        return
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError as error:
        raise CloudError(
            "InvalidPrivateIpAddress.Malformed",
            f"privateIp is {text!r}; it must be an IPv4 address.",
        ) from error
    vswitch = context.store.table(VSWITCHES).get(inputs["vswitchId"]) or {}
    block = ipaddress.IPv4Network(vswitch["cidrBlock"])
    first, last = block[_RESERVED_FIRST], block[-1 - _RESERVED_LAST]
    if not first <= address <= last:
        raise CloudError(
            "InvalidPrivateIpAddress",
            f"privateIp is {text}; it must be {first} to {last}, in the CIDR block of the vSwitch.",
        )
    for instance_id, document in context.store.table(INSTANCES).items():
        other = document["inputs"]
        if (other.get("privateIp"), other["vswitchId"]) == (text, inputs["vswitchId"]):
            raise CloudError(
                "InvalidPrivateIpAddress.Duplicated",
                f"privateIp is {text}, which the instance {instance_id} has. Give a free address.",
            )


def keep_private_ip(
    inputs: Mapping[str, Any], old: Mapping[str, Any], instance_id: str
) -> dict[str, Any]:
    """Return the inputs of an update with the address that the instance has.

    Raises:
        CloudError: The inputs give it another one.
    """
    given, present = inputs.get("privateIp"), old.get("privateIp")
    if given and given != present:
        raise not_supported(
            f"privateIp={given!r} of the existing instance {instance_id}", "create another instance"
        )
    return {**inputs, "privateIp": present} if present else dict(inputs)


def loopback_address(private_ip: str, vswitch_id: str, context: Context) -> str:
    """Return the loopback address for an address of a vSwitch."""
    return context.addresses.allocate(f"ecs/{vswitch_id}/{private_ip}")


def on_loopback(text: str, vswitch_id: str, context: Context) -> str:
    """Replace the addresses of the vSwitches in the VPC of `vswitch_id`."""
    vswitches = context.store.table(VSWITCHES)
    vpc_id = (vswitches.get(vswitch_id) or {}).get("vpcId")
    blocks = {
        key: ipaddress.IPv4Network(record["cidrBlock"])
        for key, record in vswitches.items()
        if record["vpcId"] == vpc_id
    }

    def replaced(found: re.Match[str]) -> str:
        try:
            address = ipaddress.IPv4Address(found.group())
        except ValueError:
            return found.group()
        for key, block in blocks.items():
            if address in block:
                return loopback_address(str(address), key, context)
        return found.group()

    return _ADDRESS.sub(replaced, text)
