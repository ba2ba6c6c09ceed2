"""An index for the trained model in one cluster, filled from the corpus, behind the alias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.knowledge import Knowledge, KnowledgeArgs, PinnedIndex
from components.search_endpoint import SearchAccess, SomeEndpoint
from infra.context import Context
from infra.embedding import Embedding
from infra.foundation import Foundation
from infra.plans import index_name
from providers import IndexGeneration
from training.job_specs import JobPlan, PodSettings, ingest_job

__all__ = ["Filling", "InEngine", "fill"]


@dataclass(frozen=True, kw_only=True)
class Filling:
    """What differs between the clusters.

    Attributes:
        name: Logical name of the component.
        search: The cluster.
        access: The same for the ingest job, and the kind of cluster.
        settings: Settings of the index.
    """

    name: str
    search: SomeEndpoint
    access: SearchAccess
    settings: pulumi.Input[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class InEngine:
    """What is inside one of the stack's engines.

    Attributes:
        access: The cluster, as the application reaches it.
        knowledge: The index in it.
    """

    access: SearchAccess
    knowledge: Knowledge


def fill(
    context: Context,
    foundation: Foundation,
    embedding: Embedding,
    filling: Filling,
    pinned: IndexGeneration | None,
    *depends_on: pulumi.Resource,
) -> Knowledge:
    """Declare the index, its ingest run and the alias.

    With a pinned index, declare a run that waits for its embedder, and the alias, in the engine
    that serves the application. The other engine stays as it is, because its ingest would meet
    embedding nodes with the model of the pinned index.

    Args:
        context: What the program knows.
        foundation: The parts that these rely on.
        embedding: The model, and the nodes that serve it.
        filling: The cluster.
        pinned: The former index that the stack returns to; None for the newest index.
        depends_on: What must exist before.
    """
    model, alias, engine = embedding.model, context.config.index.alias, filling.access.engine
    serves = engine is context.config.engines.serving
    former = (
        PinnedIndex(index_name=pinned.index_name, meta={"embedding_urls": embedding.urls})
        if pinned is not None and serves
        else None
    )
    return Knowledge(
        filling.name,
        KnowledgeArgs(
            scope=context.scope,
            search=filling.search,
            access=filling.access,
            index_alias=alias,
            index_name=pulumi.Output.all(model.model_version, model.chosen).apply(
                lambda values: index_name(
                    alias, values[0], context.mappings(values[0], "", values[1], (), engine)
                )
            ),
            mappings=pulumi.Output.all(
                model.model_version, model.model_uri, model.chosen, embedding.urls
            ).apply(
                lambda values: context.mappings(values[0], values[1], values[2], values[3], engine)
            ),
            settings=filling.settings,
            documents=context.corpus.documents,
            ingest_plan=lambda index, urls, envs: _ingest_plan(
                context, foundation, index, urls, envs, as_it_is=former is not None
            ),
            embedding_urls=embedding.urls,
            pods=foundation.pods(
                context, embedding.workspace.workspace_id, foundation.identity.ingest
            ),
            result_uri=context.uris.ingest,
            keep_indices=context.config.index.keep,
            pinned=former,
            unchanged=bool(context.config.index.pinned) and not serves,
        ),
        context.options(
            foundation.corpus,
            foundation.code["ingest"],
            foundation.storage.artifacts,
            foundation.identity.ingest,
            *foundation.internet_access,
            *depends_on,
        ),
    )


def _ingest_plan(
    context: Context,
    foundation: Foundation,
    index: str,
    embedding_urls: Sequence[str],
    envs: Mapping[str, str],
    *,
    as_it_is: bool,
) -> JobPlan:
    code = foundation.code["ingest"]
    return ingest_job(
        PodSettings(
            ecs_spec=context.config.ingest.ecs_spec,
            image=context.config.training.image,
            gpus_per_pod=0,
        ),
        index_name=index,
        embedding_urls=embedding_urls,
        code_uri=f"{code.directory_uri}{code.file_name}",
        corpus_uri=context.uris.corpus,
        output_uri=context.uris.ingest,
        as_it_is=as_it_is,
        read_options=context.config.documents.read_options,
        envs={
            "CUSTOMRAG_KMS_ENDPOINT": context.platform.kms_endpoint,
            "CUSTOMRAG_REGION_ID": context.config.region_id,
            **envs,
        },
    )
