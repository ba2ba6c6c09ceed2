"""A GPU node that turns questions and passages into vectors with the trained model.

Owns: the node's settings. Does not own: the service (`rag.serving`), the node itself
(`components.nodes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.network import EMBEDDING_PORT
from components.nodes import LogAgent, ServiceArgs, ServiceNode, ServiceNodeArgs
from components.requirements import EMBEDDING

__all__ = ["EmbeddingNode", "EmbeddingNodeArgs"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingNodeArgs:
    """Arguments of `EmbeddingNode`.

    Attributes:
        region_id: Region of OSS.
        instance_type: ECS instance type, a gn7i for an NVIDIA A10.
        image_id: ECS image with Python 3.11 or newer as `python3`, and the GPU driver.
        zone_id: Zone of the node.
        vswitch_id: vSwitch in that zone.
        security_group_ids: Who may reach port 8000.
        ram_role_name: Role that reads the model and the code.
        code_uri: The service's code, `oss://bucket/key.zip`.
        oss_endpoint: URL of OSS as the node reaches it.
        model_uri: OSS directory of the model.
        model_version: Which model that is; the service reports it, the index names it.
        spot: A spot instance, at the market's price up to that on demand; the cloud may take it
            back, and the next update makes another. Default: on demand.
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
    model_uri: pulumi.Input[str]
    model_version: pulumi.Input[str]
    spot: bool = False
    disk_kms_key_id: pulumi.Input[str] | None = None
    log_agent: LogAgent | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class EmbeddingNode(pulumi.ComponentResource):
    """One model behind one address. Another model is another node, made before this one goes.

    Attributes:
        url: `http://<private ip>:8000`.
        instance_id: The ECS instance.
    """

    url: pulumi.Output[str]
    instance_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: EmbeddingNodeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:nodes:EmbeddingNode", name, None, opts)
        node = ServiceNode(
            name,
            ServiceNodeArgs(
                service=ServiceArgs(
                    name="embedding",
                    module="rag.serving",
                    port=EMBEDDING_PORT,
                    environment={
                        "CUSTOMRAG_REGION_ID": args.region_id,
                        "CUSTOMRAG_OSS_ENDPOINT": args.oss_endpoint,
                        "CUSTOMRAG_MODEL_URI": args.model_uri,
                        "CUSTOMRAG_MODEL_VERSION": args.model_version,
                    },
                ),
                instance_type=args.instance_type,
                image_id=args.image_id,
                zone_id=args.zone_id,
                vswitch_id=args.vswitch_id,
                security_group_ids=args.security_group_ids,
                ram_role_name=args.ram_role_name,
                code_uri=args.code_uri,
                oss_endpoint=args.oss_endpoint,
                region_id=args.region_id,
                requirements=EMBEDDING,
                spot_strategy="SpotAsPriceGo" if args.spot else "NoSpot",
                system_disk_kms_key_id=args.disk_kms_key_id,
                log_agent=args.log_agent,
                tags=args.tags,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.url = node.url
        self.instance_id = node.instance_id
        self.register_outputs({"url": self.url})
