"""Resource types of VPC and of ECS security groups.

Error codes: https://api.aliyun.com/document/Vpc/2016-04-28/CreateVpc, .../CreateVSwitch,
.../DeleteVpc and https://api.aliyun.com/document/Ecs/2014-05-26/AuthorizeSecurityGroup (2026-11).
"""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties, ResourceHandler
from localcloud.core.times import timestamp
from localcloud.vpc.egress import EGRESS_HANDLERS, GATEWAYS

VPCS, VSWITCHES = "vpc.networks", "vpc.vswitches"
GROUPS, RULES = "ecs.security_groups", "ecs.security_group_rules"
INSTANCES = "ecs.instances"
_DEFAULT_CIDR = "172.16.0.0/12"
_PRIVATE = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_VPC_PREFIXES = range(8, 29)


def network_of(text: str, name: str) -> ipaddress.IPv4Network:
    """Parse the CIDR block of an input.

    Raises:
        CloudError: ``InvalidCidrBlock.Malformed``.
    """
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        raise CloudError(
            "InvalidCidrBlock.Malformed",
            f"{name} is {text!r}, which is not an IPv4 CIDR block: {error}.",
        ) from error


class NetworkHandler(RecordHandler):
    """``alicloud:vpc/network:Network``."""

    token: ClassVar[str] = "alicloud:vpc/network:Network"
    table: ClassVar[str] = VPCS
    effective: ClassVar[frozenset[str]] = frozenset({"cidrBlock", "vpcName"})
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "resourceGroupId", "tags"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateVpc and ModifyVpcAttribute do."""
        block = network_of(inputs.get("cidrBlock", _DEFAULT_CIDR), "cidrBlock")
        if block.prefixlen not in _VPC_PREFIXES or not any(
            block.subnet_of(private) for private in _PRIVATE
        ):
            raise CloudError(
                "InvalidCidrBlock.Malformed",
                f"cidrBlock is {block}; a VPC needs a block of /8 to /28 in "
                f"{', '.join(map(str, _PRIVATE))}.",
            )
        name = inputs.get("vpcName", "")
        computed: dict[str, Any] = {"cidrBlock": str(block), "vpcName": name, "name": name}
        if old is not None:
            return "", computed
        router_id = context.ids.new("vrt-bp1", 18)
        route_table_id = context.ids.new("vtb-bp1", 18)
        return context.ids.new("vpc-bp1", 18), {
            **computed,
            "createTime": timestamp(),
            "regionId": context.platform.region_id,
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
            "routeTableId": route_table_id,
            "routerId": router_id,
            "routerTableId": route_table_id,
            "status": "Available",
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion of a VPC with vSwitches, security groups or NAT gateways."""
        for table, code, what in (
            (VSWITCHES, "DependencyViolation.VSwitch", "vSwitches"),
            (GROUPS, "DependencyViolation.SecurityGroup", "security groups"),
            (GATEWAYS, "DependencyViolation.NatGateway", "NAT gateways"),
        ):
            users = [key for key, item in context.store.table(table).items() if item["vpcId"] == id]
            if users:
                raise CloudError(
                    code, f"The VPC {id} still has {what}; delete them first: {', '.join(users)}."
                )


class SwitchHandler(RecordHandler):
    """``alicloud:vpc/switch:Switch``."""

    token: ClassVar[str] = "alicloud:vpc/switch:Switch"
    table: ClassVar[str] = VSWITCHES
    effective: ClassVar[frozenset[str]] = frozenset({"cidrBlock", "vpcId", "zoneId", "vswitchName"})
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "tags"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateVSwitch and ModifyVSwitchAttribute do."""
        name = inputs.get("vswitchName", "")
        computed: dict[str, Any] = {"vswitchName": name, "name": name}
        if old is not None:
            return "", computed
        for required in ("vpcId", "cidrBlock", "zoneId"):
            if not inputs.get(required):
                raise CloudError("MissingParameter", f"The input {required} is mandatory.")
        vpc = context.store.table(VPCS).get(inputs["vpcId"])
        if vpc is None:
            raise CloudError(
                "InvalidVpcId.NotFound",
                f"vpcId is {inputs['vpcId']!r}; the VPC does not exist.",
                404,
            )
        zones = context.platform.zone_ids
        if inputs["zoneId"] not in zones:
            raise CloudError(
                "InvalidZoneId.NotFound",
                f"zoneId is {inputs['zoneId']!r}; this region has {', '.join(zones)}.",
                404,
            )
        block = network_of(inputs["cidrBlock"], "cidrBlock")
        self._check_block(block, inputs["vpcId"], vpc["cidrBlock"], context)
        return context.ids.new("vsw-bp1", 18), {
            **computed,
            "availabilityZone": inputs["zoneId"],
            "createTime": timestamp(),
            "status": "Available",
        }

    def _check_block(
        self, block: ipaddress.IPv4Network, vpc_id: str, vpc_block: str, context: Context
    ) -> None:
        if not block.subnet_of(ipaddress.IPv4Network(vpc_block)):
            raise CloudError(
                "InvalidCidrBlock.Malformed",
                f"cidrBlock is {block}; a vSwitch needs a block within its VPC's {vpc_block}.",
            )
        for key, other in self.records(context).items():
            if other["vpcId"] == vpc_id and block.overlaps(
                ipaddress.IPv4Network(other["cidrBlock"])
            ):
                raise CloudError(
                    "InvalidCidrBlock.Overlapped",
                    f"cidrBlock {block} overlaps with {other['cidrBlock']} of vSwitch {key}.",
                )

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """As DeleteVSwitch: not while an instance has its network interface in it."""
        users = [
            key
            for key, item in context.store.table(INSTANCES).items()
            if item["inputs"].get("vswitchId") == id
        ]
        if users:
            raise CloudError(
                "DependencyViolation.NetworkInterface",
                f"The vSwitch {id} still has instances: {', '.join(users)}.",
            )
        # Loopback addresses of the private addresses that the stack gave to its nodes.
        context.addresses.release_below(f"ecs/{id}/")


class SecurityGroupHandler(RecordHandler):
    """``alicloud:ecs/securityGroup:SecurityGroup``."""

    token: ClassVar[str] = "alicloud:ecs/securityGroup:SecurityGroup"
    table: ClassVar[str] = GROUPS
    effective: ClassVar[frozenset[str]] = frozenset({"vpcId", "securityGroupName"})
    recorded: ClassVar[frozenset[str]] = frozenset(
        {"description", "innerAccessPolicy", "resourceGroupId", "securityGroupType", "tags"}
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateSecurityGroup and ModifySecurityGroupAttribute do."""
        name = inputs.get("securityGroupName", "")
        policy = inputs.get("innerAccessPolicy", "Accept")
        computed: dict[str, Any] = {
            "securityGroupName": name,
            "name": name,
            "innerAccessPolicy": policy,
            "innerAccess": policy == "Accept",
        }
        if old is not None:
            return "", computed
        vpc_id = inputs.get("vpcId", "")
        if context.store.table(VPCS).get(vpc_id) is None:
            raise CloudError(
                "InvalidVpcId.NotFound", f"vpcId is {vpc_id!r}; the VPC does not exist.", 404
            )
        return context.ids.new("sg-bp1", 18), {
            **computed,
            "createTime": timestamp(),
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
            "securityGroupType": inputs.get("securityGroupType", "normal"),
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion while an instance is in it or a rule of another group names it.

        Otherwise, delete its own rules too, as DeleteSecurityGroup does.
        """
        for item in context.store.table(INSTANCES).values():
            if id in (item["inputs"].get("securityGroups") or ()):
                raise CloudError(
                    "DependencyViolation",
                    "There is still instance(s) in the specified security group.",
                    403,
                )
        rules = context.store.table(RULES)
        users = [key for key, rule in rules.items() if rule.get("sourceSecurityGroupId") == id]
        users = [key for key in users if not key.startswith(f"{id}:")]
        if users:
            raise CloudError(
                "DependencyViolation",
                f"Rules of other groups name the security group {id}; delete them first: "
                f"{', '.join(users)}.",
                403,
            )
        for key, rule in rules.items():
            if rule["securityGroupId"] == id:
                rules.delete(key)


class SecurityGroupRuleHandler(RecordHandler):
    """``alicloud:ecs/securityGroupRule:SecurityGroupRule``."""

    token: ClassVar[str] = "alicloud:ecs/securityGroupRule:SecurityGroupRule"
    table: ClassVar[str] = RULES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"securityGroupId", "type", "ipProtocol", "portRange", "cidrIp", "sourceSecurityGroupId"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"description", "nicType", "policy", "priority"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as AuthorizeSecurityGroup(Egress) does; build the provider's id."""
        groups = context.store.table(GROUPS)
        group_id, source = inputs["securityGroupId"], inputs.get("sourceSecurityGroupId")
        for name, value in (("securityGroupId", group_id), ("sourceSecurityGroupId", source)):
            if value is not None and groups.get(value) is None:
                raise CloudError(
                    "InvalidSecurityGroupId.NotFound",
                    f"{name} is {value!r}, which does not exist.",
                    404,
                )
        protocol = inputs["ipProtocol"]
        if protocol == "icmpv6":
            raise not_supported("ipProtocol 'icmpv6'", "use tcp, udp, icmp, gre or all")
        if "cidrIp" in inputs:
            network_of(inputs["cidrIp"], "cidrIp")
        elif source is None:
            raise CloudError("MissingParameter", "Give cidrIp or sourceSecurityGroupId.")
        nic_type = inputs.get("nicType", "intranet")
        parts = (
            *(group_id, inputs["type"], protocol, inputs.get("portRange", "-1/-1"), nic_type),
            *(inputs.get("cidrIp") or source, inputs.get("policy", "accept")),
            int(inputs.get("priority", 1)),
        )
        computed = {"nicType": nic_type, "securityGroupRuleId": context.ids.new("sgr-bp1", 18)}
        if old is not None:
            computed["securityGroupRuleId"] = old["securityGroupRuleId"]
        return ":".join(map(str, parts)), computed


HANDLERS: tuple[type[ResourceHandler], ...] = (
    NetworkHandler,
    SwitchHandler,
    SecurityGroupHandler,
    SecurityGroupRuleHandler,
    *EGRESS_HANDLERS,
)
