"""The chat application: on one node, or on several nodes behind a load balancer.

Owns: the application's settings and the choice between the two shapes. Does not own: the
application (`rag.app`), nodes (`components.nodes`, `components.fleet`), the load balancer
(`components.load_balancer`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pulumi

from components.fleet import FleetSize, ServiceFleet, ServiceFleetArgs
from components.load_balancer import (
    Access,
    AccessLog,
    HttpsLoadBalancer,
    HttpsLoadBalancerArgs,
    Zones,
)
from components.model_endpoint import ModelEndpoint
from components.network import CHAT_PORT
from components.nodes import Code, Machine, Placement, ServiceArgs, ServiceNode, ServiceNodeArgs
from components.outputs import once
from components.requirements import CHAT
from components.scope import Scope
from components.search_endpoint import SearchAccess
from components.smoke import Door, smoke_hook

__all__ = [
    "ChatApp",
    "ChatAppArgs",
    "ChatFrontArgs",
    "EdgeKey",
    "RerankerSettings",
]

_ROLE = "chat"
# The path of the load balancer's health check: `rag.app.server`.
_READY_PATH = "/ready"


@dataclass(frozen=True, kw_only=True)
class RerankerSettings:
    """What orders the best passages again.

    Attributes:
        kind: `lateInteraction`, `crossEncoder`, `hosted` or `none`.
        base_url: The rerank API of a hosted one, up to and including `/v1`.
        model: The model's name there.
    """

    kind: str = "lateInteraction"
    base_url: str = ""
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class EdgeKey:
    """The key that the edge sends with every request.

    Attributes:
        secret_name: KMS secret with the key.
        secret_version: Version of that secret. A new version creates new nodes, because the
            application reads the key when it starts.
        value: The key itself, for the smoke question.
    """

    secret_name: pulumi.Input[str]
    secret_version: pulumi.Input[str]
    value: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class ChatFrontArgs:
    """A load balancer with a scaling group behind it, instead of one node.

    Attributes:
        zones: VPC and vSwitches, in at least two zones.
        certificate_id: See `HttpsLoadBalancerArgs`.
        domain_name: The certificate's name. Its owner creates a CNAME to the load balancer. Empty:
            the load balancer's own name, which no certificate has.
        access: Clients that may connect.
        size: Number of nodes.
        access_log: See `HttpsLoadBalancerArgs`.
        trusted_file: PEM file with the authorities that the smoke question trusts. Default: the
            public ones.
        deletion_protection: Protects load balancer and scaling group.
    """

    zones: Zones
    certificate_id: pulumi.Input[str]
    domain_name: str = ""
    access: Access = field(default_factory=Access)
    size: FleetSize = field(default_factory=FleetSize)
    access_log: AccessLog | None = None
    trusted_file: Path | None = None
    deletion_protection: bool = True


@dataclass(frozen=True, kw_only=True)
class ChatAppArgs:
    """Arguments of `ChatApp`.

    Attributes:
        scope: Names, region and tags of the stack.
        code: The application's code.
        machine: What a node is made of. The application needs no GPU.
        placement: Where the node is, if there is only one.
        kms_endpoint: URL of KMS as the node reaches it.
        search: The cluster that the application searches.
        index_alias: Alias that it searches.
        model: Language model that writes the answers.
        reranker: What orders the best passages again. A hosted one takes the key of `model`.
        front: A load balancer and several nodes. Default: one node without a load balancer.
        edge: The key of the edge. Default: there is no edge, and the application answers every
            client that reaches it.
        smoke_question: Question that the update asks when the application is up. If it fails, the
            update fails. Empty: none.
    """

    scope: Scope
    code: Code
    machine: Machine
    placement: Placement
    kms_endpoint: str
    search: SearchAccess
    index_alias: pulumi.Input[str]
    model: ModelEndpoint
    reranker: RerankerSettings = field(default_factory=RerankerSettings)
    front: ChatFrontArgs | None = None
    edge: EdgeKey | None = None
    smoke_question: str = ""


class ChatApp(pulumi.ComponentResource):
    """The chat page and its API.

    Attributes:
        url: `http://<private ip>:8080` of one node, or `https://` of the load balancer; known once
            the nodes run the declared version.
        address: Target for a CNAME of the name in `url`; without a load balancer the host of `url`.
        instance_id: The ECS instance; None behind a load balancer.
        load_balancer_id: The load balancer; None without one.
    """

    url: pulumi.Output[str]
    address: pulumi.Output[str]
    instance_id: pulumi.Output[str] | None
    load_balancer_id: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: ChatAppArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:chat:ChatApp", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.instance_id = self.load_balancer_id = None
        if args.front is None:
            self._on_one_node(name, args)
        else:
            self._behind_a_load_balancer(name, args, args.front)
        self.register_outputs({"url": self.url})

    def _on_one_node(self, name: str, args: ChatAppArgs) -> None:
        node = ServiceNode(
            name,
            ServiceNodeArgs(
                scope=args.scope,
                service=_service(args),
                code=args.code,
                machine=args.machine,
                placement=args.placement,
                ready_hook=(
                    (lambda url: _smoke(name, args, url, None)) if args.smoke_question else None
                ),
            ),
            self._child,
        )
        self.url = node.url
        self.address = node.private_ip
        self.instance_id = node.instance_id

    def _behind_a_load_balancer(self, name: str, args: ChatAppArgs, front: ChatFrontArgs) -> None:
        balancer = HttpsLoadBalancer(
            f"{name}-front",
            HttpsLoadBalancerArgs(
                scope=args.scope,
                role=_ROLE,
                zones=front.zones,
                certificate_id=front.certificate_id,
                health_check_path=_READY_PATH,
                access=front.access,
                access_log=front.access_log,
                deletion_protection=front.deletion_protection,
            ),
            self._child,
        )
        url = balancer.dns_name.apply(lambda own: f"https://{front.domain_name or own}")
        door = Door(
            address=balancer.dns_name,
            named=bool(front.domain_name),
            trusted_file=front.trusted_file,
        )
        fleet = ServiceFleet(
            name,
            ServiceFleetArgs(
                scope=args.scope,
                service=_service(args),
                code=args.code,
                machine=args.machine,
                zones=front.zones,
                server_group_id=balancer.server_group_id,
                size=front.size,
                ready_hook=_smoke(name, args, url, door) if args.smoke_question else None,
                deletion_protection=front.deletion_protection,
            ),
            self._child,
        )
        self.url = once(url, fleet.rolled_out)
        self.address = balancer.dns_name
        self.load_balancer_id = balancer.load_balancer_id


def _smoke(
    name: str, args: ChatAppArgs, url: pulumi.Output[str], door: Door | None
) -> pulumi.ResourceHook:
    key = args.edge.value if args.edge is not None else None
    return smoke_hook(f"{name}-smoke", args.smoke_question, url, key, door=door)


def _service(args: ChatAppArgs) -> ServiceArgs:
    optional: dict[str, pulumi.Input[str]] = {}
    if args.edge is not None:
        optional = {
            "CUSTOMRAG_EDGE_SECRET": args.edge.secret_name,
            "CUSTOMRAG_EDGE_SECRET_VERSION": args.edge.secret_version,
        }
    if args.reranker.kind == "hosted":
        optional |= {
            "CUSTOMRAG_RERANKER_BASE_URL": args.reranker.base_url,
            "CUSTOMRAG_RERANKER_MODEL": args.reranker.model,
        }
    return ServiceArgs(
        name=_ROLE,
        module="rag.app",
        port=CHAT_PORT,
        requirements=CHAT,
        environment={
            "CUSTOMRAG_REGION_ID": args.scope.region_id,
            "CUSTOMRAG_OSS_ENDPOINT": args.code.oss_endpoint,
            "CUSTOMRAG_KMS_ENDPOINT": args.kms_endpoint,
            **args.search.environment,
            "CUSTOMRAG_INDEX_ALIAS": args.index_alias,
            "CUSTOMRAG_LLM_BASE_URL": args.model.base_url,
            "CUSTOMRAG_LLM_MODEL": args.model.model,
            "CUSTOMRAG_LLM_SECRET": args.model.secret_name,
            "CUSTOMRAG_RERANKER": args.reranker.kind,
            **optional,
        },
    )
