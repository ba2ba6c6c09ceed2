"""The OpenSearch cluster of a stack that has one: the trained model and an index inside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.engine_model import (
    EngineModel,
    EngineModelArgs,
    ServiceModel,
    TorchScriptModel,
)
from components.network import plan_cidr_blocks
from components.nodes import Code
from components.opensearch import (
    DEPLOYER,
    INGEST,
    READER,
    OpenSearchCluster,
    OpenSearchClusterArgs,
    plan_nodes,
)
from components.search_endpoint import OpenSearchEndpoint, SearchAccess
from components.storage import BucketRole
from infra.context import Context
from infra.embedding import Embedding
from infra.foundation import Foundation
from infra.knowledge import Filling, InEngine, fill
from providers import IndexGeneration
from rag.engine_embedding import FIELD_MAP
from rag.index import settings
from stack_config.kinds import EngineKind, EngineModelKind

__all__ = [
    "InOpenSearch",
    "describe_opensearch",
    "fill_opensearch",
    "make_opensearch",
    "reach_opensearch",
]


@dataclass(frozen=True, kw_only=True)
class InOpenSearch(InEngine):
    """What is inside the cluster: the model with its pipelines, and the index that it fills."""

    model: EngineModel


def make_opensearch(context: Context, foundation: Foundation) -> OpenSearchCluster | None:
    """Declare the OpenSearch cluster; None if the stack does not have one."""
    config, password = context.config, context.platform.opensearch_password
    role = foundation.identity.opensearch
    group_id = foundation.network.opensearch_security_group_id
    if password is None or role is None or group_id is None:
        return None
    return OpenSearchCluster(
        "opensearch",
        OpenSearchClusterArgs(
            scope=context.scope,
            nodes=plan_nodes(
                plan_cidr_blocks(config.network.cidr_block, config.zone_ids),
                data_nodes=config.opensearch.nodes,
                ml_nodes=config.opensearch.ml_nodes,
            ),
            code=Code(
                uri=foundation.code["opensearch"].uri, oss_endpoint=context.platform.oss_endpoint
            ),
            machine=foundation.machine(
                context,
                instance_type=config.opensearch.instance_type,
                role=role,
                security_group_id=group_id,
            ),
            vswitch_ids=foundation.network.vswitch_ids,
            kms_endpoint=context.platform.kms_endpoint,
            password=password,
            index_prefix=config.index.alias,
            package_uri=config.opensearch.package,
            heap_mib=config.opensearch.heap_mib,
            data_disk_gib=config.opensearch.disk_gib,
            storage=context.secret_storage(foundation.key_id),
            deletion_protection=config.protection.deletion_protection,
        ),
        context.options(foundation.code["opensearch"], *foundation.internet_access),
    )


def reach_opensearch(cluster: OpenSearchCluster | None) -> OpenSearchEndpoint | None:
    """Return how the program reaches the cluster; None without one."""
    if cluster is None:
        return None
    return OpenSearchEndpoint(
        url=cluster.url,
        username=DEPLOYER,
        password=cluster.passwords[DEPLOYER],
        ca_certificate=cluster.ca_certificate,
        instance_id=next(iter(cluster.instance_ids.values())),
    )


def fill_opensearch(
    context: Context,
    foundation: Foundation,
    embedding: Embedding,
    cluster: OpenSearchCluster | None,
    pinned: IndexGeneration | None,
) -> InOpenSearch | None:
    """Declare model, pipelines, index, ingest run and alias; None without a cluster."""
    search = reach_opensearch(cluster)
    if cluster is None or search is None:
        return None
    model = EngineModel(
        "engine-model",
        EngineModelArgs(
            scope=context.scope,
            search=search,
            model=_source(context, embedding),
            model_version=embedding.model.model_version,
            prefix=context.config.index.alias,
            field_map=FIELD_MAP,
            search_weight=embedding.model.chosen.apply(
                # An older training result has no choice.
                lambda chosen: float(chosen.get("search_weight", 0.5))
            ),
            on_ml_nodes=context.config.opensearch.ml_nodes > 0,
        ),
        context.options(cluster),
    )
    filling = Filling(
        name="opensearch-knowledge",
        search=search,
        access=_access(context, cluster, INGEST),
        settings=model.ingest_pipeline.apply(_settings),
    )
    knowledge = fill(context, foundation, embedding, filling, pinned, cluster)
    return InOpenSearch(access=_access(context, cluster, READER), knowledge=knowledge, model=model)


def _access(context: Context, cluster: OpenSearchCluster, user: str) -> SearchAccess:
    """Return how a machine reaches the cluster as one of its users."""
    return SearchAccess(
        engine=EngineKind.OPENSEARCH,
        url=cluster.url,
        username=user,
        secret_name=context.opensearch_user_secret(user) or "",
        ca_certificate=cluster.ca_certificate,
    )


def describe_opensearch(
    cluster: OpenSearchCluster | None, inside: InOpenSearch | None
) -> dict[str, pulumi.Input[Any]]:
    """Return the outputs about the cluster; empty ones without one."""
    return {
        "opensearch_url": cluster.url if cluster is not None else "",
        "opensearch_ca_certificate": cluster.ca_certificate if cluster is not None else "",
        "opensearch_inside": _inside(inside) if inside is not None else {},
    }


def _inside(inside: InOpenSearch) -> dict[str, Any]:
    return {
        "model_id": inside.model.model_id,
        "ingest_pipeline": inside.model.ingest_pipeline,
        "search_pipelines": inside.model.search_pipelines,
        "index_alias": inside.knowledge.index_alias,
        "index_name": inside.knowledge.index_name,
        "ingest": inside.knowledge.ingest,
    }


def _source(context: Context, embedding: Embedding) -> TorchScriptModel | ServiceModel:
    if context.config.opensearch.model is EngineModelKind.SERVICE:
        return ServiceModel(url=embedding.nodes[0].url)
    platform = context.platform
    bucket, host = re.escape(context.bucket(BucketRole.ARTIFACTS)), re.escape(platform.oss_host)
    exported = embedding.model.torchscript.apply(_exported)
    return TorchScriptModel(
        uri=_text(embedding.model.torchscript_uri, exported),
        sha256=exported.apply(lambda found: str(found["sha256"])),
        config=exported.apply(lambda found: dict(found["model_config"])),
        oss_endpoint=platform.oss_endpoint,
        # The bucket is in the host's name, or in the path where the host is an address.
        trusted_url_regex=f"^https?://({bucket}\\.{host}|{host}/{bucket})/.*$",
    )


def _exported(torchscript: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return what the training job says about the zip.

    Raises:
        pulumi.RunError: It wrote none.
    """
    if torchscript is None or "path" not in torchscript:
        reason = (torchscript or {}).get("refused", "the training job did not export it")
        raise pulumi.RunError(
            f"the trained model cannot run inside OpenSearch: {reason}. Set "
            "customrag:opensearchModel to service, so that OpenSearch calls the embedding node, or "
            "train another model"
        )
    return torchscript


def _text(value: pulumi.Output[str | None], proof: pulumi.Output[Any]) -> pulumi.Output[str]:
    return pulumi.Output.all(value, proof).apply(lambda found: str(found[0]))


def _settings(pipeline: str) -> dict[str, Any]:
    index = settings(EngineKind.OPENSEARCH)["index"]
    return {"index": {**index, "default_pipeline": pipeline}}
