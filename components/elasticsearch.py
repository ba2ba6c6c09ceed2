"""The Elasticsearch instance: private, encrypted, reachable from the VPC only.

Owns: the cluster. Does not own: what is in it (`components.knowledge`).
API: https://www.alibabacloud.com/help/en/es, provider docs of `alicloud_elasticsearch_instance`,
read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_alicloud import elasticsearch

from components.outputs import once
from components.scope import Scope
from stack_config.kinds import Protocol

__all__ = ["ElasticsearchCluster", "ElasticsearchClusterArgs"]

USERNAME = "elastic"
PORT = 9200
# The cloud takes no other number; 20 GiB is the least: CreateInstance, masterConfiguration, read
# 2026-11-21.
MASTER_NODE_AMOUNT = 3
MASTER_NODE_DISK_GIB = 20


@dataclass(frozen=True, kw_only=True)
class ElasticsearchClusterArgs:
    """Arguments of `ElasticsearchCluster`.

    Attributes:
        scope: Names, region and tags of the stack.
        version: As the console writes it, e.g. `8.17_with_X-Pack`.
        vswitch_id: Where the nodes' addresses come from.
        password: Of the user `elastic`: 8 to 32 characters, three of upper-case, lower-case, digits
            and `!@#$%&*()_+-=`.
        private_whitelists: CIDR blocks inside the VPC that may connect.
        data_node_spec: Size of a data node, e.g. `elasticsearch.sn2ne.large`.
        data_node_amount: Data nodes, 2 to 50.
        data_node_disk_gib: Disk of each, in GiB.
        zone_count: Zones to spread the nodes over, 1 to 3. The cloud picks them, the vSwitch's
            first; more than one need dedicated master nodes.
        master_node_spec: Size of the three dedicated master nodes. Empty: data nodes do that, too.
        existing_instance_id: An instance that is there: read, never changed, never deleted; then
            `password` must be its own, and sizes do not count. Empty: one is made.
        protocol: HTTPS by default.
        deletion_protection: Pulumi refuses to delete it. Default: it does.
    """

    scope: Scope
    version: str
    vswitch_id: pulumi.Input[str]
    password: pulumi.Input[str]
    private_whitelists: Sequence[str]
    data_node_spec: str = "elasticsearch.sn2ne.large"
    data_node_amount: int = 2
    data_node_disk_gib: int = 20
    zone_count: int = 1
    master_node_spec: str = ""
    existing_instance_id: str = ""
    protocol: Protocol = Protocol.HTTPS
    deletion_protection: bool = True

    def __post_init__(self) -> None:
        if not 2 <= self.data_node_amount <= 50:
            raise ValueError(
                f"data_node_amount is {self.data_node_amount}; the cloud allows 2 to 50"
            )
        if self.data_node_amount % self.zone_count:
            raise ValueError(
                f"data_node_amount is {self.data_node_amount} and zone_count {self.zone_count}; "
                "the nodes must divide evenly over the zones"
            )
        # Three for several zones: https://www.alibabacloud.com/help/en/es/user-guide/
        # migrate-the-zone-of-the-node, "Create a cross-AZ instance", read 2026-11-21.
        if self.zone_count > 1 and not self.master_node_spec:
            raise ValueError(
                f"zone_count is {self.zone_count} and master_node_spec is empty; an instance in "
                "several zones needs three dedicated master nodes: name their size"
            )
        if self.data_node_disk_gib < 20:
            raise ValueError(
                f"data_node_disk_gib is {self.data_node_disk_gib}; the cloud allows 20 or more"
            )
        if not re.fullmatch(r"\d+\.\d+_with_X-Pack", self.version):
            raise ValueError(f"version is {self.version!r}; write it like '8.17_with_X-Pack'")
        for block in self.private_whitelists:
            if block in ("0.0.0.0/0", "::/0"):
                raise ValueError(
                    f"private_whitelists has {block}; name the VPC's own range instead"
                )


class ElasticsearchCluster(pulumi.ComponentResource):
    """An Elasticsearch instance without a public address.

    Attributes:
        url: `https://<domain>:9200`, resolvable inside the VPC.
        username: The built-in administrator.
        instance_id: The instance's id.
    """

    url: pulumi.Output[str]
    username: str
    instance_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: ElasticsearchClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:elasticsearch:ElasticsearchCluster", name, None, opts)
        instance = (
            elasticsearch.Instance.get(
                name, args.existing_instance_id, opts=pulumi.ResourceOptions(parent=self)
            )
            if args.existing_instance_id
            else self._make(name, args)
        )
        protocol = instance.protocol if args.existing_instance_id else args.protocol.lower()
        self.instance_id = (
            once(args.existing_instance_id, instance.domain)
            if args.existing_instance_id
            else instance.id
        )
        self.username = USERNAME
        self.url = pulumi.Output.all(protocol, instance.domain, instance.port).apply(
            lambda found: f"{str(found[0]).lower()}://{found[1]}:{found[2]}"
        )
        self.register_outputs({"url": self.url})

    def _make(self, name: str, args: ElasticsearchClusterArgs) -> elasticsearch.Instance:
        return elasticsearch.Instance(
            name,
            description=args.scope.naming.physical("search"),
            version=args.version,
            vswitch_id=args.vswitch_id,
            payment_type="PayAsYouGo",
            password=args.password,
            protocol=args.protocol,
            private_whitelists=list(args.private_whitelists),
            enable_public=False,
            enable_kibana_public_network=False,
            zone_count=args.zone_count,
            data_node_configuration=elasticsearch.InstanceDataNodeConfigurationArgs(
                amount=args.data_node_amount,
                spec=args.data_node_spec,
                disk=args.data_node_disk_gib,
                disk_type="cloud_essd",
                performance_level="PL1",
                disk_encryption=True,
            ),
            master_configuration=_masters(args.master_node_spec),
            tags=dict(args.scope.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # A cluster takes the cloud 10 to 30 minutes to make or to change.
                custom_timeouts=pulumi.CustomTimeouts(create="120m", update="120m", delete="60m"),
            ),
        )


def _masters(spec: str) -> elasticsearch.InstanceMasterConfigurationArgs | None:
    if not spec:
        return None
    return elasticsearch.InstanceMasterConfigurationArgs(
        amount=MASTER_NODE_AMOUNT, spec=spec, disk=MASTER_NODE_DISK_GIB, disk_type="cloud_essd"
    )
