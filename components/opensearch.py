"""An OpenSearch cluster on ECS, with models inside: ml-commons, neural-search, k-NN and security.

Owns: nodes, data disks, certificates, users and their secrets. Does not own: what runs on a node
(`opensearch_node`), or the models, pipelines and indices in the cluster (`providers`). Alibaba
Cloud's product OpenSearch (`AppGroup`) is a different one, without ml-commons.

Every node's certificate is signed by an authority that signs for this cluster only. So the chain
alone identifies a node, and neither nodes nor clients compare its name with an address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pulumi

import providers
from components.joined import joined_hook
from components.network import OPENSEARCH_PORT
from components.nodes import (
    Code,
    DataDisk,
    Machine,
    Placement,
    ServiceArgs,
    ServiceNode,
    ServiceNodeArgs,
)
from components.requirements import OPENSEARCH
from components.scope import Scope
from components.secrets import MachineSecret, MachineSecretArgs, SecretStorage

__all__ = [
    "CERTIFICATES_ROLE",
    "DEPLOYER",
    "INGEST",
    "READER",
    "USERS",
    "OpenSearchCluster",
    "OpenSearchClusterArgs",
    "PlannedNode",
    "plan_nodes",
    "secret_role",
]

DEPLOYER, INGEST, READER = USERS = ("deployer", "ingest", "reader")
"""Users of the cluster: of the program, of the ingest job, and of the chat application. Their
rights are in `opensearch_node.security`."""

CERTIFICATES_ROLE = "opensearch-certificates"
# The node program knows these subjects (opensearch_node.configuration).
_NODE_NAME, _ADMIN_NAME = "opensearch-node", "opensearch-admin"
# Host numbers of the nodes in their vSwitch. ECS hands out addresses at random; the last three of
# a vSwitch are reserved.
_FIRST_HOST = 231
_MOST_NODES = 20
_DATA_ROLES = ("cluster_manager", "data", "ingest")
_ML_ROLES = ("ml",)
# As in the vendor's own packages of the operating systems.
_IMAGE_HOME = "/usr/share/opensearch"
_STATE = "/var/lib/customrag/opensearch"


@dataclass(frozen=True, kw_only=True)
class PlannedNode:
    """A node before it exists.

    Attributes:
        name: Its name in the cluster, e.g. `data-1`.
        zone_id: Its zone.
        address: Its private address.
        roles: Its roles in OpenSearch.
    """

    name: str
    zone_id: str
    address: str
    roles: tuple[str, ...]

    @property
    def is_cluster_manager(self) -> bool:
        """Whether it may be elected to manage the cluster."""
        return "cluster_manager" in self.roles


def plan_nodes(
    cidr_blocks: Mapping[str, str], *, data_nodes: int, ml_nodes: int
) -> tuple[PlannedNode, ...]:
    """Spread the nodes over the zones, with a fixed address each.

    Args:
        cidr_blocks: Zone to the CIDR block of its vSwitch, in the order of the zones.
        data_nodes: Nodes that hold data and elect the cluster manager: 1, or an odd number of
            3 or more.
        ml_nodes: Nodes that only run models.

    Raises:
        ValueError: A number is out of range.
    """
    if data_nodes < 1 or data_nodes % 2 == 0 or data_nodes + ml_nodes > _MOST_NODES:
        raise ValueError(
            f"data_nodes is {data_nodes} and ml_nodes {ml_nodes}; data_nodes must be odd, so that "
            f"a majority can elect a cluster manager, and both together at most {_MOST_NODES}"
        )
    zones = list(cidr_blocks)
    numbered = [
        *((f"data-{number}", _DATA_ROLES) for number in range(1, data_nodes + 1)),
        *((f"ml-{number}", _ML_ROLES) for number in range(1, ml_nodes + 1)),
    ]
    nodes = []
    for index, (name, roles) in enumerate(numbered):
        zone_id = zones[index % len(zones)]
        host = ipaddress.IPv4Network(cidr_blocks[zone_id])[_FIRST_HOST + index]
        nodes.append(PlannedNode(name=name, zone_id=zone_id, address=str(host), roles=roles))
    return tuple(nodes)


def secret_role(user: str) -> str:
    """Return the role, in names, of the KMS secret with a user's password."""
    return f"opensearch-{user}"


def _password(master: str, user: str) -> str:
    digest = hmac.new(master.encode(), f"opensearch {user}".encode(), hashlib.sha256).hexdigest()
    return f"Os-{digest[:32]}"


@dataclass(frozen=True, kw_only=True)
class OpenSearchClusterArgs:
    """Arguments of `OpenSearchCluster`.

    Attributes:
        scope: Names, region and tags of the stack.
        nodes: The nodes, from `plan_nodes`.
        code: Where the node program is.
        machine: What every node is made of. Its image has OpenSearch, unless `package_uri` is
            given.
        vswitch_ids: Zone to vSwitch.
        kms_endpoint: URL of KMS for the nodes.
        password: From it, the users' passwords are derived.
        index_prefix: What the names of the application's indices begin with.
        package_uri: `oss://bucket/…-<SHA-256>.tar.gz` of the OpenSearch package. Empty: the image
            has it in /usr/share/opensearch.
        heap_mib: Java heap of a node: half of its memory at most, because libtorch and Lucene's
            files need the rest.
        data_disk_gib: Data disk of a node, 20 to 32,768. 0: the node's system disk, so that a
            replaced node is empty.
        storage: How KMS stores the secrets.
        deletion_protection: Whether Pulumi refuses to delete the data disks.
    """

    scope: Scope
    nodes: Sequence[PlannedNode]
    code: Code
    machine: Machine
    vswitch_ids: Mapping[str, pulumi.Input[str]]
    kms_endpoint: str
    password: pulumi.Input[str]
    index_prefix: str
    package_uri: str = ""
    heap_mib: int = 1024
    data_disk_gib: int = 0
    storage: SecretStorage = field(default_factory=SecretStorage)
    deletion_protection: bool = True


class OpenSearchCluster(pulumi.ComponentResource):
    """An OpenSearch cluster whose nodes reach each other and their clients over TLS.

    Attributes:
        url: URL of the first node, `https://<private ip>:9200`.
        urls: URLs of all nodes.
        ca_certificate: The authority of their certificates, as PEM text.
        passwords: Password by user; secrets.
        instance_ids: ECS instance by the node's name in the cluster.
    """

    url: pulumi.Output[str]
    urls: pulumi.Output[list[str]]
    ca_certificate: pulumi.Output[str]
    passwords: dict[str, pulumi.Output[str]]
    instance_ids: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: OpenSearchClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:opensearch:OpenSearchCluster", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        authority = providers.CertificateAuthority(
            f"{name}-ca",
            providers.CertificateAuthorityArgs(common_name=args.scope.naming.physical(name)),
            opts=self._child,
        )
        certificates = self._certificates(name, args, authority)
        self.ca_certificate = authority.certificate_pem
        master = pulumi.Output.secret(args.password)
        self.passwords = {
            user: master.apply(lambda text, user=user: _password(text, user))  # type: ignore[misc]
            for user in USERS
        }
        secrets = [certificates, *self._users(args)]
        nodes: list[ServiceNode] = []
        for planned in args.nodes:
            # One after the other, so that an update never takes two nodes at once.
            before = [*secrets, *nodes[-1:]]
            joined = partial(self._joined, name, args, planned, tuple(nodes))
            nodes.append(self._node(name, args, planned, joined, before))
        self.instance_ids = {
            planned.name: node.instance_id for planned, node in zip(args.nodes, nodes, strict=True)
        }
        urls = pulumi.Output.all(*(node.private_ip for node in nodes)).apply(_urls)
        # Known once every node's role is attached.
        self.urls = pulumi.Output.all(urls, *(node.url for node in nodes)).apply(
            lambda found: [str(url) for url in found[0]]
        )
        self.url = self.urls.apply(lambda found: found[0])
        self.register_outputs({"url": self.url, "urls": self.urls})

    def _certificates(
        self,
        name: str,
        args: OpenSearchClusterArgs,
        authority: providers.CertificateAuthority,
    ) -> MachineSecret:
        node = self._issue(
            name,
            authority,
            common_name=_NODE_NAME,
            ip_addresses=[planned.address for planned in args.nodes],
            usages=["server", "client"],
        )
        admin = self._issue(
            name, authority, common_name=_ADMIN_NAME, ip_addresses=[], usages=["client"]
        )
        return MachineSecret(
            f"{name}-certificates",
            MachineSecretArgs(
                scope=args.scope,
                role=CERTIFICATES_ROLE,
                value=pulumi.Output.json_dumps(
                    {
                        "ca": authority.certificate_pem,
                        "node": node.certificate_pem,
                        "node_key": node.private_key_pem,
                        "admin": admin.certificate_pem,
                        "admin_key": admin.private_key_pem,
                    }
                ),
                description="Certificates and keys of the OpenSearch nodes",
                storage=args.storage,
            ),
            self._child,
        )

    def _issue(
        self,
        name: str,
        authority: providers.CertificateAuthority,
        *,
        common_name: str,
        ip_addresses: list[pulumi.Input[str]],
        usages: list[pulumi.Input[str]],
    ) -> providers.Certificate:
        return providers.Certificate(
            common_name.replace("opensearch", name),
            providers.CertificateArgs(
                ca_certificate_pem=authority.certificate_pem,
                ca_private_key_pem=authority.private_key_pem,
                common_name=common_name,
                ip_addresses=ip_addresses,
                usages=usages,
            ),
            opts=self._child,
        )

    def _users(self, args: OpenSearchClusterArgs) -> list[MachineSecret]:
        return [
            MachineSecret(
                secret_role(user),
                MachineSecretArgs(
                    scope=args.scope,
                    role=secret_role(user),
                    value=password,
                    description=f"Password of the OpenSearch user {user}",
                    storage=args.storage,
                ),
                self._child,
            )
            for user, password in self.passwords.items()
        ]

    def _joined(
        self,
        name: str,
        args: OpenSearchClusterArgs,
        planned: PlannedNode,
        earlier: Sequence[ServiceNode],
        url: pulumi.Output[str],
    ) -> pulumi.ResourceHook:
        """Return the hook that waits until a node is in the cluster."""
        later = args.nodes[len(earlier) + 1 :]
        others: list[pulumi.Input[str]] = [
            *(node.private_ip for node in earlier),
            *(node.address for node in later),
        ]
        own = url.apply(lambda found: found.replace("http://", "https://"))
        managers = sum(node.is_cluster_manager for node in args.nodes)
        return joined_hook(
            f"{name}-{planned.name}-joined",
            planned.name,
            pulumi.Output.all(own, pulumi.Output.all(*others).apply(_urls)).apply(
                lambda found: [found[0], *found[1]]
            ),
            # With this node, the majority exists that forms a new cluster.
            may_be_first=len(earlier) + 1 < managers // 2 + 1,
            ca_certificate=self.ca_certificate,
            password=self.passwords[DEPLOYER],
        )

    def _node(
        self,
        name: str,
        args: OpenSearchClusterArgs,
        planned: PlannedNode,
        joined: Callable[[pulumi.Output[str]], pulumi.ResourceHook],
        before: Sequence[pulumi.Resource],
    ) -> ServiceNode:
        disk = None
        if args.data_disk_gib and "data" in planned.roles:
            disk = DataDisk(
                size_gib=args.data_disk_gib,
                mount_path=_STATE,
                deletion_protection=args.deletion_protection,
            )
        return ServiceNode(
            f"{name}-{planned.name}",
            ServiceNodeArgs(
                scope=args.scope,
                service=ServiceArgs(
                    name="opensearch",
                    module="opensearch_node",
                    port=OPENSEARCH_PORT,
                    requirements=OPENSEARCH,
                    packages=("openjdk-17-jre-headless",),
                    environment=_environment(args, planned),
                ),
                code=args.code,
                machine=args.machine,
                placement=Placement(
                    zone_id=planned.zone_id, vswitch_id=args.vswitch_ids[planned.zone_id]
                ),
                data_disk=disk,
                private_ip=planned.address,
                ready_hook=joined,
            ),
            pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=list(before))
            ),
        )


def _urls(addresses: Sequence[str]) -> list[str]:
    return [f"https://{address}:{OPENSEARCH_PORT}" for address in addresses]


def _environment(args: OpenSearchClusterArgs, planned: PlannedNode) -> dict[str, pulumi.Input[str]]:
    """Return the settings of a node (`opensearch_node.settings`)."""
    naming = args.scope.naming
    managers = [node for node in args.nodes if node.is_cluster_manager]
    return {
        "CUSTOMRAG_REGION_ID": args.scope.region_id,
        "CUSTOMRAG_KMS_ENDPOINT": args.kms_endpoint,
        "CUSTOMRAG_OSS_ENDPOINT": args.code.oss_endpoint,
        "CUSTOMRAG_OPENSEARCH_PACKAGE_URI": args.package_uri,
        "CUSTOMRAG_OPENSEARCH_HOME": _IMAGE_HOME,
        "CUSTOMRAG_OPENSEARCH_STATE": _STATE,
        "CUSTOMRAG_OPENSEARCH_CLUSTER_NAME": naming.physical("opensearch"),
        "CUSTOMRAG_OPENSEARCH_NODE_NAME": planned.name,
        "CUSTOMRAG_OPENSEARCH_ADDRESS": planned.address,
        "CUSTOMRAG_OPENSEARCH_ROLES": ",".join(planned.roles),
        "CUSTOMRAG_OPENSEARCH_CLUSTER_MANAGERS": ",".join(
            f"{node.name}={node.address}" for node in managers
        ),
        "CUSTOMRAG_OPENSEARCH_HEAP_MIB": str(args.heap_mib),
        "CUSTOMRAG_OPENSEARCH_CERTIFICATES": naming.physical(CERTIFICATES_ROLE),
        "CUSTOMRAG_OPENSEARCH_USERS": ",".join(
            f"{user}={naming.physical(secret_role(user))}" for user in USERS
        ),
        "CUSTOMRAG_OPENSEARCH_INDEX_PREFIX": args.index_prefix,
    }
