"""Resource types for outbound traffic of a VPC: NAT gateways, SNAT entries, elastic IP addresses.

Owns the records and their dependencies. It does not route packets: nodes are on loopback, where no
address needs translation.

Error codes: https://api.aliyun.com/document/Vpc/2016-04-28/CreateNatGateway, .../CreateSnatEntry,
.../AllocateEipAddress, .../AssociateEipAddress, .../ReleaseEipAddress (read 2026-11).
"""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from localcloud.core.errors import CloudError
from localcloud.core.records import Plan, RecordHandler
from localcloud.core.resources import Context, Properties, ResourceHandler
from localcloud.core.times import timestamp

GATEWAYS, SNAT_ENTRIES = "vpc.nat_gateways", "vpc.snat_entries"
EIPS, EIP_ASSOCIATIONS = "vpc.eips", "vpc.eip_associations"
_VPCS, _VSWITCHES = "vpc.networks", "vpc.vswitches"
# Addresses for documentation that are never routed: RFC 5737.
_POOL = ipaddress.IPv4Network("203.0.113.0/24")


class NatGatewayHandler(RecordHandler):
    """``alicloud:vpc/natGateway:NatGateway``; the cloud sells only enhanced ones."""

    token: ClassVar[str] = "alicloud:vpc/natGateway:NatGateway"  # noqa: S105 - a type token
    table: ClassVar[str] = GATEWAYS
    effective: ClassVar[frozenset[str]] = frozenset(
        {"vpcId", "vswitchId", "natType", "natGatewayName", "deletionProtection", "force"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("description", "eipBindMode", "internetChargeType", "networkType"),
            *("paymentType", "tags", "availabilityMode", "icmpReplyEnabled"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateNatGateway and ModifyNatGatewayAttribute do."""
        nat_type = inputs.get("natType", "Enhanced")
        if nat_type != "Enhanced":
            raise CloudError(
                "InvalidParameter.NatType", f"natType is {nat_type!r}; it must be Enhanced."
            )
        computed: dict[str, Any] = {"natType": nat_type}
        if old is not None:
            return "", computed
        _require(context, _VPCS, inputs["vpcId"], "InvalidVpcId.NotFound", "vpcId")
        vswitch_id = inputs.get("vswitchId")
        if not vswitch_id:
            raise CloudError("MissingParameter", "An enhanced NAT gateway needs vswitchId.")
        vswitch = _require(
            context, _VSWITCHES, vswitch_id, "InvalidVSwitchId.NotFound", "vswitchId"
        )
        if vswitch["vpcId"] != inputs["vpcId"]:
            raise CloudError(
                "InvalidVSwitchId.NotFound",
                f"vswitchId {vswitch_id} is in {vswitch['vpcId']}, not in {inputs['vpcId']}.",
            )
        return context.ids.new("ngw-bp1", 17), {
            **computed,
            "snatTableIds": context.ids.new("stb-bp1", 17),
            "forwardTableIds": context.ids.new("ftb-bp1", 17),
            "status": "Available",
            "networkType": inputs.get("networkType", "internet"),
            "eipBindMode": inputs.get("eipBindMode", "MULTI_BINDED"),
            "paymentType": inputs.get("paymentType", "PayAsYouGo"),
            "internetChargeType": inputs.get("internetChargeType", "PayByLcu"),
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the deletion of a gateway that is protected or has SNAT entries or an EIP."""
        if record.get("deletionProtection"):
            raise CloudError(
                "OperationDenied.DeletionProtectionEnabled",
                f"The NAT gateway {id} has deletion protection; turn it off first.",
            )
        entries = context.store.table(SNAT_ENTRIES).items()
        used = [key for key, item in entries if item["snatTableId"] == record["snatTableIds"]]
        bound = [
            key
            for key, item in context.store.table(EIP_ASSOCIATIONS).items()
            if item["instanceId"] == id
        ]
        if (used or bound) and not record.get("force"):
            raise CloudError(
                "DependencyViolation",
                f"The NAT gateway {id} still has {', '.join([*used, *bound])}; delete them first.",
            )


class EipAddressHandler(RecordHandler):
    """``alicloud:ecs/eipAddress:EipAddress``: an address that is not routed."""

    token: ClassVar[str] = "alicloud:ecs/eipAddress:EipAddress"  # noqa: S105 - a type token
    table: ClassVar[str] = EIPS
    effective: ClassVar[frozenset[str]] = frozenset({"addressName", "deletionProtection"})
    recorded: ClassVar[frozenset[str]] = frozenset(
        {
            *("bandwidth", "description", "internetChargeType", "isp", "netmode"),
            *("paymentType", "resourceGroupId", "tags"),
        }
    )

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as AllocateEipAddress does."""
        if old is not None:
            return "", {}
        taken = {item["ipAddress"] for item in self.records(context).values()}
        free = next((str(host) for host in _POOL.hosts() if str(host) not in taken), None)
        if free is None:
            raise CloudError("QuotaExceeded.Eip", f"Every address of {_POOL} is in use.")
        return context.ids.new("eip-bp1", 17), {
            "ipAddress": free,
            "status": "Available",
            "createTime": timestamp(),
            "bandwidth": inputs.get("bandwidth", "5"),
            "internetChargeType": inputs.get("internetChargeType", "PayByTraffic"),
            "isp": inputs.get("isp", "BGP"),
            "netmode": inputs.get("netmode", "public"),
            "paymentType": inputs.get("paymentType", "PayAsYouGo"),
            "resourceGroupId": inputs.get("resourceGroupId", "rg-default"),
        }

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse the release of a protected or bound address, as ReleaseEipAddress does."""
        if record.get("deletionProtection"):
            raise CloudError(
                "OperationDenied.DeletionProtectionEnabled",
                f"The elastic IP address {id} has deletion protection; turn it off first.",
            )
        for item in context.store.table(EIP_ASSOCIATIONS).values():
            if item["allocationId"] == id:
                raise CloudError(
                    "IncorrectEipStatus", f"{id} is bound to {item['instanceId']}; unbind it first."
                )


class EipAssociationHandler(RecordHandler):
    """``alicloud:ecs/eipAssociation:EipAssociation``: an address bound to a NAT gateway."""

    token: ClassVar[str] = "alicloud:ecs/eipAssociation:EipAssociation"  # noqa: S105 - a type token
    table: ClassVar[str] = EIP_ASSOCIATIONS
    effective: ClassVar[frozenset[str]] = frozenset({"allocationId", "instanceId", "instanceType"})
    recorded: ClassVar[frozenset[str]] = frozenset({"force", "mode"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as AssociateEipAddress does."""
        allocation_id, instance_id = inputs["allocationId"], inputs["instanceId"]
        instance_type = inputs.get("instanceType", "Nat")
        if instance_type != "Nat":
            raise CloudError(
                "LocalCloud.NotSupported",
                f"instanceType is {instance_type!r}; the local cloud supports only Nat.",
                501,
            )
        _require(context, EIPS, allocation_id, "InvalidAllocationId.NotFound", "allocationId")
        _require(context, GATEWAYS, instance_id, "InvalidInstance.NotExist", "instanceId")
        key = f"{allocation_id}:{instance_id}"
        for other, item in self.records(context).items():
            if item["allocationId"] == allocation_id and other != key:
                raise CloudError(
                    "IncorrectEipStatus", f"{allocation_id} is bound to {item['instanceId']}."
                )
        context.store.table(EIPS).update(
            allocation_id, lambda record: (record or {}) | {"status": "InUse"}
        )
        return key, {"instanceType": instance_type, "mode": inputs.get("mode", "NAT")}

    def check_unused(self, id: str, record: Properties, context: Context) -> None:
        """Refuse to unbind an address that an SNAT entry uses, as UnassociateEipAddress does."""
        address = context.store.table(EIPS).get(record["allocationId"])
        if address is None:
            return
        for key, entry in context.store.table(SNAT_ENTRIES).items():
            if address["ipAddress"] in entry["snatIp"].split(","):
                raise CloudError(
                    "OperationUnsupported.EipInSnatEntry",
                    f"The SNAT entry {key} uses {address['ipAddress']}; delete it first.",
                )
        context.store.table(EIPS).put(record["allocationId"], address | {"status": "Available"})


class SnatEntryHandler(RecordHandler):
    """``alicloud:vpc/snatEntry:SnatEntry``; its id is ``<table>:<entry>``, as in the provider."""

    token: ClassVar[str] = "alicloud:vpc/snatEntry:SnatEntry"  # noqa: S105 - a type token
    table: ClassVar[str] = SNAT_ENTRIES
    effective: ClassVar[frozenset[str]] = frozenset(
        {"snatTableId", "snatIp", "sourceVswitchId", "sourceCidr"}
    )
    recorded: ClassVar[frozenset[str]] = frozenset({"snatEntryName", "eipAffinity"})

    def plan(self, inputs: Properties, context: Context, old: Properties | None) -> Plan:
        """Validate the inputs as CreateSnatEntry does: the address must be bound to the gateway."""
        gateways = context.store.table(GATEWAYS).items()
        gateway_id = next(
            (key for key, item in gateways if item["snatTableIds"] == inputs["snatTableId"]), None
        )
        if gateway_id is None:
            raise CloudError(
                "InvalidSnatTableId.NotFound",
                f"The SNAT table {inputs['snatTableId']} does not exist.",
            )
        bound = _bound_addresses(gateway_id, context)
        unbound = [ip for ip in inputs["snatIp"].split(",") if ip not in bound]
        if unbound:
            raise CloudError(
                "InvalidSnatIp.Malformed",
                f"snatIp has {', '.join(unbound)}; use addresses that are bound to {gateway_id}: "
                f"{sorted(bound)}.",
            )
        vswitch_id, source = inputs.get("sourceVswitchId"), inputs.get("sourceCidr")
        if not vswitch_id and not source:
            raise CloudError("MissingParameter", "Give sourceVswitchId or sourceCidr.")
        if vswitch_id:
            vswitch = _require(
                context, _VSWITCHES, vswitch_id, "InvalidVSwitchId.NotFound", "sourceVswitchId"
            )
            source = vswitch["cidrBlock"]
        if old is not None:
            return "", {"sourceCidr": source}
        for other in self.records(context).values():
            if other["snatTableId"] == inputs["snatTableId"] and other["sourceCidr"] == source:
                raise CloudError(
                    "Forbidden.SourceCIDR.Duplicate", f"{source} already has an SNAT entry."
                )
        entry_id = context.ids.new("snat-bp1", 17)
        return f"{inputs['snatTableId']}:{entry_id}", {
            "snatEntryId": entry_id,
            "sourceCidr": source,
            "status": "Available",
        }


def _bound_addresses(gateway_id: str, context: Context) -> set[str]:
    eips = context.store.table(EIPS)
    found = set()
    for item in context.store.table(EIP_ASSOCIATIONS).values():
        address = eips.get(item["allocationId"])
        if item["instanceId"] == gateway_id and address is not None:
            found.add(str(address["ipAddress"]))
    return found


def _require(context: Context, table: str, key: str, code: str, name: str) -> Properties:
    record = context.store.table(table).get(key)
    if record is None:
        raise CloudError(code, f"{name} is {key!r}, which does not exist.", 404)
    return record


EGRESS_HANDLERS: tuple[type[ResourceHandler], ...] = (
    NatGatewayHandler,
    EipAddressHandler,
    EipAssociationHandler,
    SnatEntryHandler,
)
