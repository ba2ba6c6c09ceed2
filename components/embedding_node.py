"""A GPU node that serves the trained embedding model.

Owns: the node's settings. Does not own: the service (`rag.serving`), the node itself
(`components.nodes`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.network import EMBEDDING_PORT
from components.nodes import Code, Machine, Placement, ServiceArgs, ServiceNode, ServiceNodeArgs
from components.requirements import EMBEDDING
from components.scope import Scope

__all__ = ["EmbeddingNode", "EmbeddingNodeArgs"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingNodeArgs:
    """Arguments of `EmbeddingNode`.

    Attributes:
        scope: Names, region and tags of the stack.
        code: The service's code.
        machine: What the node is made of; a gn7i type has an NVIDIA A10.
        placement: Where the node is.
        model_uri: OSS directory of the model.
        model_version: Version of that model. The service reports it, and the index names it.
        spot: See `ServiceNodeArgs`.
    """

    scope: Scope
    code: Code
    machine: Machine
    placement: Placement
    model_uri: pulumi.Input[str]
    model_version: pulumi.Input[str]
    spot: bool = False


class EmbeddingNode(pulumi.ComponentResource):
    """One model behind one address. A new model gets a new node before the old one is deleted.

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
        service = ServiceArgs(
            name="embedding",
            module="rag.serving",
            port=EMBEDDING_PORT,
            requirements=EMBEDDING,
            environment={
                "CUSTOMRAG_REGION_ID": args.scope.region_id,
                "CUSTOMRAG_OSS_ENDPOINT": args.code.oss_endpoint,
                "CUSTOMRAG_MODEL_URI": args.model_uri,
                "CUSTOMRAG_MODEL_VERSION": args.model_version,
            },
        )
        node = ServiceNode(
            name,
            ServiceNodeArgs(
                scope=args.scope,
                service=service,
                code=args.code,
                machine=args.machine,
                placement=args.placement,
                spot=args.spot,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.url = node.url
        self.instance_id = node.instance_id
        self.register_outputs({"url": self.url})
