"""The chat application: on one node, or on several behind a load balancer.

Owns: the application's settings and the choice between the two shapes. Does not own: the
application (`rag.app`), nodes (`components.nodes`, `components.fleet`), the load balancer
(`components.load_balancer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pulumi

from components.fleet import ServiceFleet, ServiceFleetArgs
from components.load_balancer import HttpsLoadBalancer, HttpsLoadBalancerArgs
from components.model_endpoint import ModelEndpoint
from components.naming import Naming
from components.network import CHAT_PORT
from components.nodes import LogAgent, ServiceArgs, ServiceNode, ServiceNodeArgs
from components.outputs import once
from components.requirements import CHAT
from components.smoke import Door, smoke_hook
from stack_config.kinds import AddressType

__all__ = ["ChatApp", "ChatAppArgs", "ChatFrontArgs"]

_ROLE = "chat"
# What the load balancer asks a node: `rag.app.server`.
_READY_PATH = "/ready"


@dataclass(frozen=True, kw_only=True)
class ChatFrontArgs:
    """A load balancer with a scaling group behind it, in place of one node.

    Attributes:
        naming: Makes physical names.
        vpc_id: Where it is.
        vswitch_ids: Zone id to vSwitch, two zones or more.
        certificate_id: See `HttpsLoadBalancerArgs`.
        domain_name: The certificate's name, which the owner lets point to the load balancer.
            Empty: the load balancer's own name, which no certificate has.
        address_type: See `HttpsLoadBalancerArgs`.
        allowed_cidr_blocks: See `HttpsLoadBalancerArgs`.
        min_instances: At least so many nodes.
        max_instances: At most so many.
        drain_seconds: See `HttpsLoadBalancerArgs`.
        log_project: See `HttpsLoadBalancerArgs`.
        log_store: See `HttpsLoadBalancerArgs`.
        trusted_file: PEM file of what the smoke question trusts in place of the public authorities.
        deletion_protection: Of load balancer and scaling group.
    """

    naming: Naming
    vpc_id: pulumi.Input[str]
    vswitch_ids: Mapping[str, pulumi.Input[str]]
    certificate_id: pulumi.Input[str]
    domain_name: str = ""
    address_type: AddressType = AddressType.INTRANET
    allowed_cidr_blocks: Sequence[str] = ()
    min_instances: int = 1
    max_instances: int = 1
    drain_seconds: int = 300
    log_project: pulumi.Input[str] | None = None
    log_store: pulumi.Input[str] | None = None
    trusted_file: Path | None = None
    deletion_protection: bool = True


@dataclass(frozen=True, kw_only=True)
class ChatAppArgs:
    """Arguments of `ChatApp`.

    Attributes:
        region_id: Region of KMS and OSS.
        instance_type: ECS instance type; the application needs no GPU.
        image_id: ECS image with Python 3.11 or newer as `python3`.
        zone_id: Zone of the node, where there is one only.
        vswitch_id: vSwitch in that zone.
        security_group_ids: Who may reach port 8080, and what the node may reach.
        ram_role_name: Role that reads the two secrets and the code.
        code_uri: The application's code, `oss://bucket/key.zip`.
        oss_endpoint: URL of OSS as the node reaches it.
        kms_endpoint: URL of KMS as the node reaches it.
        elasticsearch_url: The cluster.
        elasticsearch_username: Who signs in.
        elasticsearch_secret_name: KMS secret with the password.
        index_alias: What is searched.
        model: Language model that writes the answers.
        front: A load balancer and several nodes. None: one node that is asked directly.
        edge_secret_name: KMS secret with the key that the edge shows. None: there is no edge, and
            the application answers whoever reaches it.
        edge_secret_version: That secret's version: another one is another node, as the application
            reads the key when it starts.
        edge_key: That key, for the smoke question.
        smoke_question: Asked once the application is up; a failure fails the update. Empty: none.
        disk_kms_key_id: See `ServiceNodeArgs.system_disk_kms_key_id`.
        log_agent: See `ServiceNodeArgs`.
        tags: Tags of every resource here.
    """

    region_id: str
    instance_type: str
    image_id: str
    zone_id: str
    vswitch_id: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    ram_role_name: pulumi.Input[str]
    code_uri: str
    oss_endpoint: str
    kms_endpoint: str
    elasticsearch_url: pulumi.Input[str]
    elasticsearch_username: pulumi.Input[str]
    elasticsearch_secret_name: pulumi.Input[str]
    index_alias: pulumi.Input[str]
    model: ModelEndpoint
    front: ChatFrontArgs | None = None
    edge_secret_name: pulumi.Input[str] | None = None
    edge_secret_version: pulumi.Input[str] = ""
    edge_key: pulumi.Output[str] | None = None
    smoke_question: str = ""
    disk_kms_key_id: pulumi.Input[str] | None = None
    log_agent: LogAgent | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class ChatApp(pulumi.ComponentResource):
    """The page where people ask, and the API behind it.

    Attributes:
        url: `http://<private ip>:8080` of one node, or `https://` of the load balancer; known once
            the nodes run what is declared.
        address: Where the name in `url` has to point, for a CNAME; the host of `url` itself where
            there is no load balancer.
        instance_id: The ECS instance, where there is just one; None behind a load balancer.
        load_balancer_id: The load balancer; None where there is none.
    """

    url: pulumi.Output[str]
    address: pulumi.Output[str]
    instance_id: pulumi.Output[str] | None
    load_balancer_id: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        args: ChatAppArgs,
        opts: pulumi.ResourceOptions | None = None,
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
        question = args.smoke_question
        node = ServiceNode(
            name,
            ServiceNodeArgs(
                instance_type=args.instance_type,
                image_id=args.image_id,
                zone_id=args.zone_id,
                vswitch_id=args.vswitch_id,
                security_group_ids=args.security_group_ids,
                ram_role_name=args.ram_role_name,
                code_uri=args.code_uri,
                oss_endpoint=args.oss_endpoint,
                region_id=args.region_id,
                requirements=CHAT,
                service=_service(args),
                ready_hook=(
                    (lambda url: smoke_hook(f"{name}-smoke", question, url, args.edge_key))
                    if question
                    else None
                ),
                system_disk_kms_key_id=args.disk_kms_key_id,
                log_agent=args.log_agent,
                tags=args.tags,
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
                naming=front.naming,
                role=_ROLE,
                vpc_id=front.vpc_id,
                vswitch_ids=front.vswitch_ids,
                certificate_id=front.certificate_id,
                health_check_path=_READY_PATH,
                address_type=front.address_type,
                allowed_cidr_blocks=front.allowed_cidr_blocks,
                drain_seconds=front.drain_seconds,
                log_project=front.log_project,
                log_store=front.log_store,
                deletion_protection=front.deletion_protection,
                tags=args.tags,
            ),
            self._child,
        )
        url = balancer.dns_name.apply(lambda own: f"https://{front.domain_name or own}")
        fleet = ServiceFleet(
            name,
            ServiceFleetArgs(
                naming=front.naming,
                service=_service(args),
                instance_type=args.instance_type,
                image_id=args.image_id,
                vpc_id=front.vpc_id,
                vswitch_ids=front.vswitch_ids,
                security_group_ids=args.security_group_ids,
                ram_role_name=args.ram_role_name,
                code_uri=args.code_uri,
                oss_endpoint=args.oss_endpoint,
                region_id=args.region_id,
                server_group_id=balancer.server_group_id,
                requirements=CHAT,
                min_instances=front.min_instances,
                max_instances=front.max_instances,
                drain_seconds=front.drain_seconds,
                system_disk_kms_key_id=args.disk_kms_key_id,
                log_agent=args.log_agent,
                ready_hook=(
                    smoke_hook(
                        f"{name}-smoke",
                        args.smoke_question,
                        url,
                        args.edge_key,
                        door=Door(
                            address=balancer.dns_name,
                            named=bool(front.domain_name),
                            trusted_file=front.trusted_file,
                        ),
                    )
                    if args.smoke_question
                    else None
                ),
                deletion_protection=front.deletion_protection,
                tags=args.tags,
            ),
            self._child,
        )
        self.url = once(url, fleet.rolled_out)
        self.address = balancer.dns_name
        self.load_balancer_id = balancer.load_balancer_id


def _service(args: ChatAppArgs) -> ServiceArgs:
    edge: dict[str, pulumi.Input[str]] = {}
    if args.edge_secret_name is not None:
        edge = {
            "CUSTOMRAG_EDGE_SECRET": args.edge_secret_name,
            "CUSTOMRAG_EDGE_SECRET_VERSION": args.edge_secret_version,
        }
    return ServiceArgs(
        name=_ROLE,
        module="rag.app",
        port=CHAT_PORT,
        environment={
            "CUSTOMRAG_REGION_ID": args.region_id,
            "CUSTOMRAG_OSS_ENDPOINT": args.oss_endpoint,
            "CUSTOMRAG_KMS_ENDPOINT": args.kms_endpoint,
            "CUSTOMRAG_ELASTICSEARCH_URL": args.elasticsearch_url,
            "CUSTOMRAG_ELASTICSEARCH_USERNAME": args.elasticsearch_username,
            "CUSTOMRAG_ELASTICSEARCH_SECRET": args.elasticsearch_secret_name,
            "CUSTOMRAG_INDEX_ALIAS": args.index_alias,
            "CUSTOMRAG_LLM_BASE_URL": args.model.base_url,
            "CUSTOMRAG_LLM_MODEL": args.model.model,
            "CUSTOMRAG_LLM_SECRET": args.model.secret_name,
            **edge,
        },
    )
