"""The Elasticsearch instance: private, encrypted, and reachable only from the VPC.

Owns: the cluster, and the probe of what it accepts. Does not own: its indices
(`components.knowledge`).
API: https://www.alibabacloud.com/help/en/es, provider docs of `alicloud_elasticsearch_instance`,
read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_alicloud import elasticsearch

import providers
from components.outputs import once
from components.scope import Scope
from stack_config.kinds import Protocol

__all__ = ["ElasticsearchCluster", "ElasticsearchClusterArgs"]

USERNAME = "elastic"
# The cloud allows only 3, with at least 20 GiB: CreateInstance, masterConfiguration, read
# 2026-11-21.
MASTER_NODE_AMOUNT = 3
MASTER_NODE_DISK_GIB = 20
# `whitespace` is the index's own. The others are Elastic's for English and Chinese, and those of
# the plugins analysis-ik and analysis-aliws: they show what another index could use.
ANALYZERS = ("whitespace", "english", "smartcn", "ik_smart", "aliws")


@dataclass(frozen=True, kw_only=True)
class ElasticsearchClusterArgs:
    """Arguments of `ElasticsearchCluster`.

    Attributes:
        scope: Names, region and tags of the stack.
        version: Version as the console writes it, e.g. `8.17_with_X-Pack`.
        vswitch_id: vSwitch that gives the nodes their addresses.
        password: Password of the user `elastic`: 8 to 32 characters, with three of upper-case
            letters, lower-case letters, digits and `!@#$%&*()_+-=`.
        private_whitelists: CIDR blocks inside the VPC that may connect.
        data_node_spec: Size of a data node, e.g. `elasticsearch.sn2ne.large`.
        data_node_amount: Number of data nodes, 2 to 50.
        data_node_disk_gib: Disk size of each data node, 20 or more.
        zone_count: Number of zones for the nodes, 1 to 3. The cloud chooses them and begins with
            the vSwitch's zone. More than one zone requires dedicated master nodes.
        master_node_spec: Size of the three dedicated master nodes. Empty: data nodes are masters.
        existing_instance_id: An existing instance, which is never changed or deleted. `password`
            must be its password, and the sizes have no effect. Empty: create one.
        protocol: Protocol of the cluster; HTTPS by default.
        deletion_protection: Whether Pulumi refuses to delete the instance.
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
            raise ValueError(f"data_node_amount is {self.data_node_amount}; it must be 2 to 50")
        if self.data_node_amount % self.zone_count:
            raise ValueError(
                f"data_node_amount is {self.data_node_amount} and zone_count is "
                f"{self.zone_count}; data_node_amount must be a multiple of zone_count"
            )
        # Three masters for several zones: https://www.alibabacloud.com/help/en/es/user-guide/
        # migrate-the-zone-of-the-node, "Create a cross-AZ instance", read 2026-11-21.
        if self.zone_count > 1 and not self.master_node_spec:
            raise ValueError(
                f"zone_count is {self.zone_count} but master_node_spec is empty; an instance in "
                "several zones needs dedicated master nodes, so set their size"
            )
        if self.data_node_disk_gib < 20:
            raise ValueError(
                f"data_node_disk_gib is {self.data_node_disk_gib}; it must be 20 or more"
            )
        if not re.fullmatch(r"\d+\.\d+_with_X-Pack", self.version):
            raise ValueError(f"version is {self.version!r}; it must be like '8.17_with_X-Pack'")
        for block in self.private_whitelists:
            if block in ("0.0.0.0/0", "::/0"):
                raise ValueError(f"private_whitelists has {block}; use the VPC's own range instead")


class ElasticsearchCluster(pulumi.ComponentResource):
    """An Elasticsearch instance without a public address.

    Attributes:
        url: `https://<domain>:9200`, resolvable inside the VPC.
        username: Name of the built-in administrator.
        instance_id: ID of the instance.
        capabilities: What the cluster accepts, by trying it: server_version, features,
            vector_index_kinds, analyzers, fusion, fusion_reason (`providers.SearchCapabilities`).
    """

    url: pulumi.Output[str]
    username: str
    instance_id: pulumi.Output[str]
    capabilities: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self, name: str, args: ElasticsearchClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:elasticsearch:ElasticsearchCluster", name, None, opts)
        instance = (
            elasticsearch.Instance.get(
                name, args.existing_instance_id, opts=pulumi.ResourceOptions(parent=self)
            )
            if args.existing_instance_id
            else self._create(name, args)
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
        self.capabilities = self._probe(name, args)
        self.register_outputs({"url": self.url})

    def _probe(self, name: str, args: ElasticsearchClusterArgs) -> pulumi.Output[Mapping[str, Any]]:
        found = providers.SearchCapabilities(
            f"{name}-capabilities",
            providers.SearchCapabilitiesArgs(
                endpoint=self.url,
                username=self.username,
                password=args.password,
                analyzers=list(ANALYZERS),
                instance_id=self.instance_id,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.all(
            server_version=found.server_version,
            features=found.features,
            vector_index_kinds=found.vector_index_kinds,
            analyzers=found.analyzers_found,
            fusion=found.fusion,
            fusion_reason=found.fusion_reason,
        )

    def _create(self, name: str, args: ElasticsearchClusterArgs) -> elasticsearch.Instance:
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
                # The cloud needs 10 to 30 minutes to create or change a cluster.
                custom_timeouts=pulumi.CustomTimeouts(create="120m", update="120m", delete="60m"),
            ),
        )


def _masters(spec: str) -> elasticsearch.InstanceMasterConfigurationArgs | None:
    if not spec:
        return None
    return elasticsearch.InstanceMasterConfigurationArgs(
        amount=MASTER_NODE_AMOUNT, spec=spec, disk=MASTER_NODE_DISK_GIB, disk_type="cloud_essd"
    )
