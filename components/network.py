"""VPC, vSwitches and security groups: a network without access from outside.

Owns: addresses, and which nodes may connect to which. Does not own: access to the internet
(`components.egress`), or load balancers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs, vpc

from components.scope import Scope

__all__ = [
    "CHAT_PORT",
    "EMBEDDING_PORT",
    "OPENSEARCH_PORT",
    "Network",
    "NetworkArgs",
    "plan_cidr_blocks",
]

EMBEDDING_PORT = 8000
CHAT_PORT = 8080
OPENSEARCH_PORT = 9200

# A vSwitch may be /16 to /29: https://www.alibabacloud.com/help/en/vpc, CreateVSwitch, read
# 2026-11-21.
_VSWITCH_PREFIX_LENGTH = 24


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of `Network`.

    Attributes:
        scope: Names, region and tags of the stack.
        zone_ids: Zones, with one vSwitch each; resources in a single zone use the first.
        cidr_block: The VPC's private range; each zone gets a /24 of it.
        opensearch: Whether to declare the security group of an OpenSearch cluster.
        opensearch_calls_embedding: Whether that cluster calls the embedding nodes.
        existing_vpc_id: An existing VPC with the same range. Empty: create one.
        existing_vswitch_ids: Zone id to a vSwitch of that VPC; required with `existing_vpc_id`.
    """

    scope: Scope
    zone_ids: Sequence[str]
    cidr_block: str = "10.20.0.0/16"
    opensearch: bool = False
    opensearch_calls_embedding: bool = False
    existing_vpc_id: str = ""
    existing_vswitch_ids: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.existing_vpc_id:
            plan_cidr_blocks(self.cidr_block, self.zone_ids)
        expected = set(self.zone_ids) if self.existing_vpc_id else set()
        if set(self.existing_vswitch_ids) != expected:
            raise ValueError(
                f"existing_vswitch_ids has keys {sorted(self.existing_vswitch_ids)}; because "
                f"existing_vpc_id is {self.existing_vpc_id!r}, they must be {sorted(expected)}"
            )


def plan_cidr_blocks(cidr_block: str, zone_ids: Sequence[str]) -> dict[str, str]:
    """Plan a /24 of `cidr_block` for each zone, in the order of the zones.

    Returns:
        Zone id to CIDR block.

    Raises:
        ValueError: `zone_ids` is empty or has a duplicate, or the range is public or too small.
    """
    if not zone_ids:
        raise ValueError("zone_ids is empty; add at least one zone, e.g. ['cn-hangzhou-h']")
    if len(set(zone_ids)) != len(zone_ids):
        raise ValueError(f"zone_ids is {list(zone_ids)}; each zone may appear only once")
    network = ipaddress.ip_network(cidr_block)
    if not network.is_private:
        raise ValueError(
            f"cidr_block is {cidr_block}; it must be a range inside 10.0.0.0/8, 172.16.0.0/12 or "
            "192.168.0.0/16"
        )
    if network.prefixlen > _VSWITCH_PREFIX_LENGTH:
        raise ValueError(
            f"cidr_block is {cidr_block}; it must be /{_VSWITCH_PREFIX_LENGTH} or larger"
        )
    subnets = network.subnets(new_prefix=_VSWITCH_PREFIX_LENGTH)
    plan = {zone: str(block) for zone, block in zip(zone_ids, subnets, strict=False)}
    if len(plan) < len(zone_ids):
        raise ValueError(
            f"cidr_block is {cidr_block}, which is too small for {len(zone_ids)} vSwitches of /24; "
            "choose a larger range"
        )
    return plan


class Network(pulumi.ComponentResource):
    """A VPC whose nodes can reach each other only on fixed ports.

    Attributes:
        vpc_id: The VPC.
        vswitch_ids: Zone id to vSwitch id.
        chat_security_group_id: Security group of the chat application's nodes.
        embedding_security_group_id: Security group of the embedding nodes, which allows port 8000
            from the chat nodes and the jobs.
        job_security_group_id: Security group of PAI DLC jobs, which allows no incoming traffic.
        opensearch_security_group_id: Security group of the OpenSearch nodes, which allows port 9200
            from inside the VPC, and everything among the nodes; None without a cluster.
    """

    vpc_id: pulumi.Output[str]
    vswitch_ids: dict[str, pulumi.Output[str]]
    chat_security_group_id: pulumi.Output[str]
    embedding_security_group_id: pulumi.Output[str]
    job_security_group_id: pulumi.Output[str]
    opensearch_security_group_id: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:network:Network", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        if args.existing_vpc_id:
            self._use_existing(name, args)
        else:
            self._create(name, args)
        self.chat_security_group_id = self._security_group(name, "chat")
        self.embedding_security_group_id = self._security_group(name, "embedding")
        # Workers of a training job connect to each other (torchrun's rendezvous, gradients).
        self.job_security_group_id = self._security_group(name, "job", inner_access_policy="Accept")
        self._open_embedding(name, "chat", self.chat_security_group_id)
        self._open_embedding(name, "job", self.job_security_group_id)
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
        self.opensearch_security_group_id = self._opensearch(name) if args.opensearch else None
        self.register_outputs({"vpc_id": self.vpc_id, "vswitch_ids": self.vswitch_ids})

    def _open_embedding(self, name: str, source: str, group_id: pulumi.Output[str]) -> None:
        ecs.SecurityGroupRule(
            f"{name}-embedding-from-{source}",
            type="ingress",
            ip_protocol="tcp",
            port_range=f"{EMBEDDING_PORT}/{EMBEDDING_PORT}",
            security_group_id=self.embedding_security_group_id,
            source_security_group_id=group_id,
            description=f"embedding requests from the {source} nodes",
            opts=self._child,
        )

    def _opensearch(self, name: str) -> pulumi.Output[str]:
        # The nodes connect to each other on the transport port.
        group_id = self._security_group(name, "opensearch", inner_access_policy="Accept")
        ecs.SecurityGroupRule(
            f"{name}-opensearch-from-vpc",
            type="ingress",
            ip_protocol="tcp",
            port_range=f"{OPENSEARCH_PORT}/{OPENSEARCH_PORT}",
            security_group_id=group_id,
            cidr_ip=self._args.cidr_block,
            description="requests to OpenSearch, from inside the VPC only",
            opts=self._child,
        )
        if self._args.opensearch_calls_embedding:
            self._open_embedding(name, "opensearch", group_id)
        return group_id

    def _create(self, name: str, args: NetworkArgs) -> None:
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

    def _use_existing(self, name: str, args: NetworkArgs) -> None:
        """Read the existing VPC and vSwitches, which are never changed or deleted."""
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
    """Return the VPC's id if its range is the configured one.

    Raises:
        ValueError: The VPC has a different range.
    """
    # In a run without a cloud, the range is a placeholder, which cannot be compared.
    if cidr_block != expected and re.fullmatch(r"[\d.]+/\d+", cidr_block):
        raise ValueError(
            f"VPC {vpc_id} has the range {cidr_block}, but customrag:cidrBlock is {expected}; set "
            f"customrag:cidrBlock to {cidr_block}"
        )
    return vpc_id


def _placed(vswitch_id: str, vswitch: vpc.Switch, vpc_id: str, zone_id: str) -> pulumi.Output[str]:
    # Use outputs instead of the resource's own id: see `components.outputs`.
    return pulumi.Output.all(vswitch.vpc_id, vswitch.zone_id).apply(
        lambda found: _same_place(vswitch_id, str(found[0]), str(found[1]), vpc_id, zone_id)
    )


def _same_place(vswitch_id: str, vpc_id: str, zone_id: str, vpc: str, zone: str) -> str:
    """Return the vSwitch's id if it is in the configured VPC and zone.

    Raises:
        ValueError: The vSwitch is in another VPC or zone.
    """
    if (vpc_id, zone_id) != (vpc, zone) and vpc_id.startswith("vpc-"):
        raise ValueError(
            f"vSwitch {vswitch_id} is in zone {zone_id} of {vpc_id}, not in zone {zone} of {vpc}; "
            "list customrag:existingVswitchIds in the order of customrag:zoneIds"
        )
    return vswitch_id
