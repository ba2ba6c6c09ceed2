"""VPC, vSwitches and security groups: a network with no way in from outside.

Owns: addresses and who may talk to whom. Does not own: the way out (`components.egress`) and load
balancers.
Two vSwitches exist where two zones are given, because managed services want a second zone to fail
over to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs, vpc

from components.scope import Scope

__all__ = ["CHAT_PORT", "EMBEDDING_PORT", "Network", "NetworkArgs", "plan_cidr_blocks"]

EMBEDDING_PORT = 8000
CHAT_PORT = 8080

# A vSwitch may be /16 to /29: https://www.alibabacloud.com/help/en/vpc, CreateVSwitch, read
# 2026-11-21.
_VSWITCH_PREFIX_LENGTH = 24


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of `Network`.

    Attributes:
        scope: Names, region and tags of the stack.
        zone_ids: Zones, one vSwitch each; the first is where single-zone things go.
        cidr_block: The VPC's private range; a /24 is cut from it for each zone.
        existing_vpc_id: A VPC to live in, with that very range. Empty: one is made.
        existing_vswitch_ids: Zone id to a vSwitch of it; goes with `existing_vpc_id`.
    """

    scope: Scope
    zone_ids: Sequence[str]
    cidr_block: str = "10.20.0.0/16"
    existing_vpc_id: str = ""
    existing_vswitch_ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.existing_vpc_id:
            plan_cidr_blocks(self.cidr_block, self.zone_ids)
        wanted = set(self.zone_ids) if self.existing_vpc_id else set()
        if set(self.existing_vswitch_ids) != wanted:
            raise ValueError(
                f"existing_vswitch_ids has {sorted(self.existing_vswitch_ids)}; with "
                f"existing_vpc_id {self.existing_vpc_id!r} it needs just {sorted(wanted)}"
            )


def plan_cidr_blocks(cidr_block: str, zone_ids: Sequence[str]) -> dict[str, str]:
    """Cuts one /24 for each zone out of `cidr_block`, in the order of the zones.

    Returns:
        Zone id to CIDR block.

    Raises:
        ValueError: No zones, a zone twice, a range that is not private, or too small for the zones.
    """
    if not zone_ids:
        raise ValueError("zone_ids is empty; give at least one zone, e.g. ['cn-hangzhou-h']")
    if len(set(zone_ids)) != len(zone_ids):
        raise ValueError(f"zone_ids names a zone twice: {list(zone_ids)}")
    network = ipaddress.ip_network(cidr_block)
    if not network.is_private:
        raise ValueError(
            f"cidr_block is {cidr_block}; a VPC takes a range of "
            "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        )
    if network.prefixlen > _VSWITCH_PREFIX_LENGTH:
        raise ValueError(
            f"cidr_block is {cidr_block}; it must be /{_VSWITCH_PREFIX_LENGTH} or larger"
        )
    subnets = network.subnets(new_prefix=_VSWITCH_PREFIX_LENGTH)
    plan = {zone: str(block) for zone, block in zip(zone_ids, subnets, strict=False)}
    if len(plan) < len(zone_ids):
        raise ValueError(
            f"cidr_block {cidr_block} has no room for {len(zone_ids)} vSwitches of /24"
        )
    return plan


class Network(pulumi.ComponentResource):
    """A VPC whose nodes reach each other on named ports only.

    Attributes:
        vpc_id: The VPC.
        cidr_block: Its private range.
        vswitch_ids: Zone id to vSwitch id.
        chat_security_group_id: For the chat application's nodes.
        embedding_security_group_id: For the embedding nodes: port 8000 from the chat nodes and the
            jobs.
        job_security_group_id: For PAI DLC jobs: nothing comes in.
    """

    vpc_id: pulumi.Output[str]
    cidr_block: str
    vswitch_ids: dict[str, pulumi.Output[str]]
    chat_security_group_id: pulumi.Output[str]
    embedding_security_group_id: pulumi.Output[str]
    job_security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:network:Network", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.cidr_block = args.cidr_block
        if args.existing_vpc_id:
            self._bring(name, args)
        else:
            self._make(name, args)
        self.chat_security_group_id = self._security_group(name, "chat")
        self.embedding_security_group_id = self._security_group(name, "embedding")
        # Workers of one training job speak to each other (torchrun's rendezvous, gradients).
        self.job_security_group_id = self._security_group(name, "job", inner_access_policy="Accept")
        for source, group_id in (
            ("chat", self.chat_security_group_id),
            ("job", self.job_security_group_id),
        ):
            ecs.SecurityGroupRule(
                f"{name}-embedding-from-{source}",
                type="ingress",
                ip_protocol="tcp",
                port_range=f"{EMBEDDING_PORT}/{EMBEDDING_PORT}",
                security_group_id=self.embedding_security_group_id,
                source_security_group_id=group_id,
                description=f"embedding requests of the {source} nodes",
                opts=self._child,
            )
        ecs.SecurityGroupRule(
            f"{name}-chat-from-vpc",
            type="ingress",
            ip_protocol="tcp",
            port_range=f"{CHAT_PORT}/{CHAT_PORT}",
            security_group_id=self.chat_security_group_id,
            cidr_ip=args.cidr_block,
            description="the chat page, from inside the VPC only",
            opts=self._child,
        )
        self.register_outputs({"vpc_id": self.vpc_id, "vswitch_ids": self.vswitch_ids})

    def _make(self, name: str, args: NetworkArgs) -> None:
        network = vpc.Network(
            name,
            vpc_name=args.scope.naming.physical("vpc"),
            cidr_block=args.cidr_block,
            tags=dict(args.scope.tags),
            opts=self._child,
        )
        self.vpc_id = network.id
        self.vswitch_ids = {
            zone_id: vpc.Switch(
                f"{name}-vswitch-{zone_id}",
                vswitch_name=args.scope.naming.physical(f"vswitch-{zone_id}"),
                vpc_id=network.id,
                zone_id=zone_id,
                cidr_block=cidr_block,
                tags=dict(args.scope.tags),
                opts=self._child,
            ).id
            for zone_id, cidr_block in plan_cidr_blocks(args.cidr_block, args.zone_ids).items()
        }

    def _bring(self, name: str, args: NetworkArgs) -> None:
        """Reads VPC and vSwitches that are there; they are never changed nor deleted."""
        network = vpc.Network.get(name, args.existing_vpc_id, opts=self._child)
        self.vpc_id = network.cidr_block.apply(
            lambda found: _same_range(args.existing_vpc_id, str(found), args.cidr_block)
        )
        self.vswitch_ids = {}
        for zone_id in args.zone_ids:
            vswitch_id = args.existing_vswitch_ids[zone_id]
            vswitch = vpc.Switch.get(f"{name}-vswitch-{zone_id}", vswitch_id, opts=self._child)
            self.vswitch_ids[zone_id] = _placed(vswitch_id, vswitch, args.existing_vpc_id, zone_id)

    def _security_group(
        self, name: str, role: str, *, inner_access_policy: str = "Drop"
    ) -> pulumi.Output[str]:
        group = ecs.SecurityGroup(
            f"{name}-{role}",
            security_group_name=self._args.scope.naming.physical(role),
            description=f"customrag: {role}",
            vpc_id=self.vpc_id,
            inner_access_policy=inner_access_policy,
            tags=dict(self._args.scope.tags),
            opts=self._child,
        )
        return group.id


def _same_range(vpc_id: str, cidr_block: str, expected: str) -> str:
    """The VPC's id, if its range is the one that the rest of the stack goes by.

    Raises:
        ValueError: It is another range.
    """
    # What is no range stands in for one, in a run without a cloud, and says nothing.
    if cidr_block != expected and re.fullmatch(r"[\d.]+/\d+", cidr_block):
        raise ValueError(
            f"VPC {vpc_id} has the range {cidr_block}, the configuration says {expected}; set "
            f"customrag:cidrBlock to {cidr_block}"
        )
    return vpc_id


def _placed(vswitch_id: str, vswitch: vpc.Switch, vpc_id: str, zone_id: str) -> pulumi.Output[str]:
    # Not by the resource's own id: see `components.outputs`.
    return pulumi.Output.all(vswitch.vpc_id, vswitch.zone_id).apply(
        lambda found: _same_place(vswitch_id, str(found[0]), str(found[1]), vpc_id, zone_id)
    )


def _same_place(vswitch_id: str, vpc_id: str, zone_id: str, vpc: str, zone: str) -> str:
    """The vSwitch's id, if it is where the configuration says.

    Raises:
        ValueError: It is in another VPC or zone.
    """
    if (vpc_id, zone_id) != (vpc, zone) and vpc_id.startswith("vpc-"):
        raise ValueError(
            f"vSwitch {vswitch_id} is in zone {zone_id} of {vpc_id}, not in zone {zone} of {vpc}; "
            "put existingVswitchIds in the order of zoneIds"
        )
    return vswitch_id
