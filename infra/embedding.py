"""The embedding model: trained and registered on PAI, and served by GPU nodes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.embedding_node import EmbeddingNode, EmbeddingNodeArgs
from components.nodes import Code
from components.pai import PaiWorkspace, PaiWorkspaceArgs, TrainedEmbedding, TrainedEmbeddingArgs
from infra.context import Context
from infra.foundation import Foundation
from infra.plans import plan_embedding_nodes, plan_training
from providers import IndexGeneration

__all__ = ["Embedding", "train_and_serve"]

_LOST_MODEL = (
    "Restore the files from the bucket's versions or its replica and run `pulumi refresh`, or set "
    "customrag:trainingRevision to another value to train again"
)


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """The PAI workspace, the trained model, and the nodes that serve it.

    While an index is pinned, the nodes serve the model that made that index.
    """

    workspace: PaiWorkspace
    model: TrainedEmbedding
    served_version: pulumi.Output[str]
    nodes: tuple[EmbeddingNode, ...]

    @property
    def urls(self) -> pulumi.Output[list[str]]:
        """URLs of the nodes."""
        return pulumi.Output.all(*(node.url for node in self.nodes)).apply(
            lambda urls: [str(url) for url in urls]
        )


def train_and_serve(
    context: Context, foundation: Foundation, pinned: IndexGeneration | None
) -> Embedding:
    """Declare workspace, training job, model version and embedding nodes.

    Args:
        context: What the program knows.
        foundation: The parts that these rely on.
        pinned: The former index that the stack returns to; None for the newest index.
    """
    workspace = PaiWorkspace(
        "workspace",
        PaiWorkspaceArgs(
            scope=context.scope,
            dataset_uris={"corpus": context.uris.corpus},
            existing_workspace_id=context.config.existing.pai_workspace_id,
        ),
        context.options(),
    )
    model = _train(context, foundation, workspace)
    served = _served(model, pinned)
    nodes = tuple(
        _serve(context, foundation, served, name, zone_id)
        for name, zone_id in plan_embedding_nodes(context.config).items()
    )
    return Embedding(
        workspace=workspace, model=model, served_version=served["version"], nodes=nodes
    )


def _served(
    model: TrainedEmbedding, pinned: IndexGeneration | None
) -> dict[str, pulumi.Output[str]]:
    """Return version and directory of the model that the nodes load."""
    if pinned is None:
        return {"version": model.model_version, "uri": model.model_uri}
    # The same weights may be in two places. That must not replace a node.
    uri = pulumi.Output.all(
        model.model_version, model.model_uri, pinned.model_version, pinned.model_uri
    ).apply(lambda values: str(values[1] if values[0] == values[2] else values[3]))
    return {"version": pinned.model_version, "uri": uri}


def _serve(
    context: Context,
    foundation: Foundation,
    served: dict[str, pulumi.Output[str]],
    name: str,
    zone_id: str,
) -> EmbeddingNode:
    return EmbeddingNode(
        name,
        EmbeddingNodeArgs(
            scope=context.scope,
            code=Code(
                uri=foundation.code["embedding"].uri, oss_endpoint=context.platform.oss_endpoint
            ),
            machine=foundation.machine(
                context,
                instance_type=context.config.embedding.instance_type,
                role=foundation.identity.embedding,
                security_group_id=foundation.network.embedding_security_group_id,
            ),
            placement=foundation.placement(zone_id),
            model_uri=served["uri"],
            model_version=served["version"],
            spot=context.config.embedding.spot,
        ),
        context.options(foundation.code["embedding"], *foundation.internet_access),
    )


def _train(context: Context, foundation: Foundation, workspace: PaiWorkspace) -> TrainedEmbedding:
    config, code = context.config, foundation.code["training"]
    output_uri = context.uris.training(code.digest)
    return TrainedEmbedding(
        "embedding-model",
        TrainedEmbeddingArgs(
            scope=context.scope,
            pods=foundation.pods(context, workspace.workspace_id, foundation.identity.training),
            plan=plan_training(
                config,
                code_uri=f"{code.directory_uri}{code.file_name}",
                corpus_uri=context.uris.corpus,
                output_uri=output_uri,
                oss_host=context.platform.oss_host,
            ),
            output_uri=output_uri,
            triggers={
                "questions": context.corpus.training_digest,
                "revision": config.training.revision,
            },
            max_running_time_minutes=config.training.max_running_time_minutes,
            # A stack that is protected pays for no second training unasked.
            lost_model_advice=_LOST_MODEL if config.protection.deletion_protection else None,
        ),
        context.options(
            foundation.corpus,
            code,
            foundation.storage.artifacts,
            foundation.identity.training,
            *foundation.internet_access,
        ),
    )
