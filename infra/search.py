"""The search cluster, the index in it, and the chat application."""

from __future__ import annotations

from dataclasses import dataclass

from components.chat_app import (
    ChatApp,
    ChatAppArgs,
    ChatFrontArgs,
    EdgeKey,
    RerankerSettings,
)
from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.fleet import FleetSize
from components.knowledge import Knowledge, PinnedIndex
from components.load_balancer import Access, AccessLog, Zones
from components.nodes import Code
from components.observability import LogCollection, LogStoreRole
from components.opensearch import READER, OpenSearchCluster
from components.search_endpoint import SearchAccess, SearchEndpoint
from components.search_templates import SearchTemplates, SearchTemplatesArgs
from infra.context import Context
from infra.edge import make_edge_secret
from infra.embedding import Embedding
from infra.foundation import Foundation
from infra.knowledge import Filling, fill
from infra.opensearch import InOpenSearch, access_opensearch
from providers import IndexGeneration, IndexGenerationArgs, Provider, get_index_generation
from rag.index import SETTINGS
from rag.query import TEMPLATES
from stack_config.kinds import EngineKind

__all__ = [
    "Served",
    "build_knowledge",
    "find_pinned",
    "make_cluster",
    "open_chat",
    "served_by",
    "store_searches",
]


def make_cluster(context: Context, foundation: Foundation) -> ElasticsearchCluster:
    """Declare the Elasticsearch instance."""
    config = context.config
    return ElasticsearchCluster(
        "search",
        ElasticsearchClusterArgs(
            scope=context.scope,
            version=config.search.version,
            vswitch_id=foundation.network.vswitch_ids[context.zone_id],
            password=context.platform.elasticsearch_password,
            private_whitelists=[config.network.cidr_block],
            data_node_spec=config.search.data_node_spec,
            data_node_amount=config.search.data_node_amount,
            data_node_disk_gib=config.search.data_node_disk_gib,
            zone_count=config.search.zone_count,
            master_node_spec=config.search.master_node_spec,
            existing_instance_id=config.existing.elasticsearch_instance_id,
            protocol=config.search.protocol,
            deletion_protection=config.protection.deletion_protection,
        ),
        context.options(),
    )


def find_pinned(context: Context, cluster: ElasticsearchCluster) -> IndexGeneration | None:
    """Look up the former index that the stack returns to; None if no index is pinned.

    A preview asks the cluster, too, so that an index that does not exist is refused before anything
    changes.
    """
    config = context.config
    if not config.index.pinned or config.tear_down:
        return None
    return get_index_generation(
        IndexGenerationArgs(
            endpoint=cluster.url,
            username=cluster.username,
            password=context.platform.elasticsearch_password,
            alias=config.index.alias,
            index_name=config.index.pinned,
        ),
        next(item for item in context.platform.providers if isinstance(item, Provider)),
    )


def build_knowledge(
    context: Context,
    foundation: Foundation,
    embedding: Embedding,
    cluster: ElasticsearchCluster,
    pinned: IndexGeneration | None,
) -> Knowledge:
    """Declare the index for the trained model, its ingest run and the alias.

    With a pinned index, declare a run that waits for its embedder, and the alias.
    """
    filling = Filling(
        name="knowledge",
        search=_endpoint(context, cluster),
        access=SearchAccess(
            url=cluster.url, username=cluster.username, secret_name=context.search_secret_name
        ),
        settings=SETTINGS,
        pinned=(
            PinnedIndex(index_name=pinned.index_name, meta={"embedding_urls": embedding.urls})
            if pinned is not None
            else None
        ),
    )
    return fill(context, foundation, embedding, filling, foundation.search_secret)


@dataclass(frozen=True, kw_only=True)
class Served:
    """What the application searches.

    Attributes:
        access: The cluster.
        knowledge: The index in it.
    """

    access: SearchAccess
    knowledge: Knowledge


def served_by(
    context: Context,
    foundation: Foundation,
    elasticsearch: tuple[ElasticsearchCluster, Knowledge],
    opensearch: tuple[OpenSearchCluster | None, InOpenSearch | None],
) -> Served:
    """Return the cluster that serves the application, and the index in it.

    Args:
        context: What the program knows.
        foundation: The parts that it relies on.
        elasticsearch: The cluster, and the index in it.
        opensearch: The same; None for a stack without it.
    """
    cluster, inside = opensearch
    if context.config.engines.serving is EngineKind.OPENSEARCH and cluster and inside:
        return Served(
            access=access_opensearch(context, cluster, READER), knowledge=inside.knowledge
        )
    search, knowledge = elasticsearch
    return Served(
        access=SearchAccess(
            url=search.url,
            username=search.username,
            secret_name=foundation.search_secret.secret_name,
        ),
        knowledge=knowledge,
    )


def store_searches(
    context: Context, cluster: ElasticsearchCluster, knowledge: Knowledge
) -> SearchTemplates:
    """Declare the application's own searches as templates in the cluster."""
    return SearchTemplates(
        "searches",
        SearchTemplatesArgs(
            search=_endpoint(context, cluster),
            alias=context.config.index.alias,
            sources=TEMPLATES,
            features=cluster.capabilities.apply(lambda found: found["features"]),
        ),
        # A search application must find the alias.
        context.options(knowledge),
    )


def _endpoint(context: Context, cluster: ElasticsearchCluster) -> SearchEndpoint:
    return SearchEndpoint(
        instance_id=cluster.instance_id,
        url=cluster.url,
        username=cluster.username,
        password=context.platform.elasticsearch_password,
        vector_index_kinds=cluster.capabilities.apply(lambda found: found["vector_index_kinds"]),
    )


def open_chat(
    context: Context,
    foundation: Foundation,
    served: Served,
    logs: LogCollection | None,
) -> ChatApp:
    """Declare the chat application, and a question that it must answer once it is up.

    Args:
        context: What the program knows.
        foundation: The parts that it relies on.
        served: The cluster that it searches, and the index in it.
        logs: Receives a load balancer's access log.
    """
    config = context.config
    return ChatApp(
        "chat",
        ChatAppArgs(
            scope=context.scope,
            code=Code(uri=foundation.code["chat"].uri, oss_endpoint=context.platform.oss_endpoint),
            machine=foundation.machine(
                context,
                instance_type=config.chat.instance_type,
                role=foundation.identity.chat,
                security_group_id=foundation.network.chat_security_group_id,
            ),
            placement=foundation.placement(context.zone_id),
            kms_endpoint=context.platform.kms_endpoint,
            search=served.access,
            index_alias=served.knowledge.index_alias,
            model=foundation.model,
            reranker=RerankerSettings(
                kind=config.reranker.kind,
                base_url=config.reranker.base_url,
                model=config.reranker.model,
            ),
            front=_front(context, foundation, logs) if config.chat.load_balancer else None,
            edge=_edge_key(context, foundation),
            smoke_question=config.chat.smoke_question or context.corpus.first_question,
        ),
        context.options(foundation.code["chat"], *foundation.internet_access),
    )


def _edge_key(context: Context, foundation: Foundation) -> EdgeKey | None:
    edge, secret = context.platform.edge, make_edge_secret(context, foundation)
    if edge is None or secret is None:
        return None
    return EdgeKey(
        secret_name=secret.secret_name, secret_version=secret.version_id, value=edge.origin_key
    )


def _front(context: Context, foundation: Foundation, logs: LogCollection | None) -> ChatFrontArgs:
    chat = context.config.chat
    # Without a list, every client that reaches the address may connect. Adding the operators alone
    # would lock the others out.
    allowed = (
        (*chat.allowed_cidr_blocks, *context.platform.operator_cidr_blocks)
        if chat.allowed_cidr_blocks
        else ()
    )
    return ChatFrontArgs(
        zones=Zones(vpc_id=foundation.network.vpc_id, vswitch_ids=foundation.network.vswitch_ids),
        certificate_id=chat.certificate_id,
        domain_name=chat.domain_name,
        access=Access(address_type=chat.address_type, allowed_cidr_blocks=allowed),
        size=FleetSize(min_instances=chat.min_instances, max_instances=chat.max_instances),
        access_log=(
            AccessLog(project=logs.project_name, store=logs.store_names[LogStoreRole.ALB])
            if logs is not None
            else None
        ),
        trusted_file=context.platform.trusted_file,
        deletion_protection=context.config.protection.deletion_protection,
    )
