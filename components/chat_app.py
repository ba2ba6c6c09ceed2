"""The chat application on its node.

Owns: the node's settings. Does not own: the application (`rag.app`), the node itself
(`components.nodes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.model_endpoint import ModelEndpoint
from components.network import CHAT_PORT
from components.nodes import LogAgent, ServiceArgs, ServiceNode, ServiceNodeArgs
from components.requirements import CHAT
from components.smoke import smoke_hook

__all__ = ["ChatApp", "ChatAppArgs"]


@dataclass(frozen=True, kw_only=True)
class ChatAppArgs:
    """Arguments of `ChatApp`.

    Attributes:
        region_id: Region of KMS and OSS.
        instance_type: ECS instance type; the application needs no GPU.
        image_id: ECS image with Python 3.11 or newer as `python3`.
        zone_id: Zone of the node.
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
        edge_secret_name: KMS secret with the key that the edge shows. None: there is no edge, and
            the application answers whoever reaches it.
        edge_key: That key, for the smoke question.
        smoke_question: Asked once the application is up; a failure fails the update. Empty: none.
        disk_kms_key_id: See `ServiceNodeArgs.system_disk_kms_key_id`.
        log_agent: See `ServiceNodeArgs`.
        tags: Tags of the node.
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
    edge_secret_name: pulumi.Input[str] | None = None
    edge_key: pulumi.Output[str] | None = None
    smoke_question: str = ""
    disk_kms_key_id: pulumi.Input[str] | None = None
    log_agent: LogAgent | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class ChatApp(pulumi.ComponentResource):
    """The page where people ask, and the API behind it.

    Attributes:
        url: `http://<private ip>:8080`.
        instance_id: The ECS instance, where there is just one; None behind a load balancer.
        load_balancer_id: The load balancer; None where there is none.
    """

    url: pulumi.Output[str]
    instance_id: pulumi.Output[str] | None
    load_balancer_id: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        args: ChatAppArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("customrag:chat:ChatApp", name, None, opts)
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
                service=ServiceArgs(
                    name="chat",
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
                        **(
                            {"CUSTOMRAG_EDGE_SECRET": args.edge_secret_name}
                            if args.edge_secret_name is not None
                            else {}
                        ),
                    },
                ),
                ready_hook=_smoke_test(name, args.smoke_question, args.edge_key),
                system_disk_kms_key_id=args.disk_kms_key_id,
                log_agent=args.log_agent,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.url = node.url
        self.instance_id = node.instance_id
        self.load_balancer_id = None
        self.register_outputs({"url": self.url})


def _smoke_test(
    name: str, question: str, edge_key: pulumi.Output[str] | None
) -> Callable[[pulumi.Output[str]], pulumi.ResourceHook] | None:
    if not question:
        return None
    return lambda url: smoke_hook(f"{name}-smoke", question, url, edge_key)
