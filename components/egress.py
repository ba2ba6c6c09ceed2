"""Access to the internet: a NAT gateway with one public address for outgoing traffic.

Owns: the gateway, its address, and which vSwitches use it. Does not own: the VPC
(`components.network`). Incoming connections are impossible, because there is no DNAT entry.
API: https://www.alibabacloud.com/help/en/nat-gateway, CreateNatGateway (2016-04-28), read
2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_alicloud import ecs, vpc

from components.outputs import once
from components.scope import Scope

__all__ = ["NatEgress", "NatEgressArgs"]

# 1 to 200 Mbit/s for an address that is billed by traffic: https://www.alibabacloud.com/help/en/eip,
# read 2026-11-21.
BANDWIDTH_MBPS = 100


@dataclass(frozen=True, kw_only=True)
class NatEgressArgs:
    """Arguments of `NatEgress`.

    Attributes:
        scope: Names, region and tags of the stack.
        vpc_id: The VPC.
        zone_id: Zone whose vSwitch gives the gateway its private address. The gateway itself
            survives the loss of a zone.
        vswitch_ids: Zone id to the vSwitch whose nodes may connect to the internet.
        deletion_protection: Whether the cloud refuses to delete the gateway and address.
    """

    scope: Scope
    vpc_id: pulumi.Input[str]
    zone_id: str
    vswitch_ids: Mapping[str, pulumi.Input[str]]
    deletion_protection: bool = True

    def __post_init__(self) -> None:
        if self.zone_id not in self.vswitch_ids:
            raise ValueError(
                f"zone_id is {self.zone_id!r}; it must be one of the zones in vswitch_ids: "
                f"{', '.join(self.vswitch_ids)}"
            )


class NatEgress(pulumi.ComponentResource):
    """A NAT gateway that allows only outgoing connections.

    Attributes:
        public_ip: Source address of outgoing connections, e.g. for other services' allow lists.
    """

    public_ip: pulumi.Output[str]

    def __init__(
        self, name: str, args: NatEgressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:network:NatEgress", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        gateway = vpc.NatGateway(
            name,
            nat_gateway_name=args.scope.naming.physical("nat"),
            description="customrag: outgoing traffic of the VPC",
            vpc_id=args.vpc_id,
            vswitch_id=args.vswitch_ids[args.zone_id],
            nat_type="Enhanced",
            network_type="internet",
            payment_type="PayAsYouGo",
            internet_charge_type="PayByLcu",
            deletion_protection=args.deletion_protection,
            tags=dict(args.scope.tags),
            opts=child,
        )
        address = ecs.EipAddress(
            f"{name}-address",
            address_name=args.scope.naming.physical("nat"),
            description="customrag: outgoing traffic of the VPC",
            bandwidth=str(BANDWIDTH_MBPS),
            internet_charge_type="PayByTraffic",
            payment_type="PayAsYouGo",
            deletion_protection=args.deletion_protection,
            tags=dict(args.scope.tags),
            opts=child,
        )
        bound = ecs.EipAssociation(
            f"{name}-address-gateway",
            allocation_id=address.id,
            instance_id=gateway.id,
            instance_type="Nat",
            opts=child,
        )
        entries = [
            vpc.SnatEntry(
                f"{name}-snat-{zone_id}",
                snat_entry_name=args.scope.naming.physical(f"snat-{zone_id}"),
                snat_table_id=gateway.snat_table_ids,
                source_vswitch_id=vswitch_id,
                snat_ip=address.ip_address,
                # Create entries after the address is bound, and delete them before it is released.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[bound]),
            )
            for zone_id, vswitch_id in args.vswitch_ids.items()
        ]
        self.public_ip = once(address.ip_address, *(entry.snat_entry_id for entry in entries))
        self.register_outputs({"public_ip": self.public_ip})
