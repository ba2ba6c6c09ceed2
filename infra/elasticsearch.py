"""The Elasticsearch instance of a stack that has one: an index and the application's searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from components.elasticsearch import ElasticsearchCluster, ElasticsearchClusterArgs
from components.search_endpoint import SearchAccess, SearchEndpoint
from components.search_templates import SearchTemplates, SearchTemplatesArgs
from infra.context import Context
from infra.embedding import Embedding
from infra.foundation import Foundation
from infra.knowledge import Filling, InEngine, fill
from providers import IndexGeneration
from rag.index import SETTINGS
from rag.query import TEMPLATES

__all__ = [
    "InElasticsearch",
    "describe_elasticsearch",
    "fill_elasticsearch",
    "make_elasticsearch",
    "reach_elasticsearch",
]


@dataclass(frozen=True, kw_only=True)
class InElasticsearch(InEngine):
    """What is inside the instance: the index, and the application's own searches."""

    searches: SearchTemplates


def make_elasticsearch(context: Context, foundation: Foundation) -> ElasticsearchCluster | None:
    """Declare the Elasticsearch instance; None if the stack does not have one."""
    config, password = context.config, context.platform.elasticsearch_password
    if password is None:
        return None
    return ElasticsearchCluster(
        "search",
        ElasticsearchClusterArgs(
            scope=context.scope,
            version=config.search.version,
            vswitch_id=foundation.network.vswitch_ids[context.zone_id],
            password=password,
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


def reach_elasticsearch(
    context: Context, cluster: ElasticsearchCluster | None
) -> SearchEndpoint | None:
    """Return how the program reaches the instance; None without one."""
    password = context.platform.elasticsearch_password
    if cluster is None or password is None:
        return None
    return SearchEndpoint(
        instance_id=cluster.instance_id,
        url=cluster.url,
        username=cluster.username,
        password=password,
        vector_index_kinds=cluster.capabilities.apply(lambda found: found["vector_index_kinds"]),
    )


def fill_elasticsearch(
    context: Context,
    foundation: Foundation,
    embedding: Embedding,
    cluster: ElasticsearchCluster | None,
    pinned: IndexGeneration | None,
) -> InElasticsearch | None:
    """Declare index, ingest run, alias and stored searches; None without an instance."""
    search, secret = reach_elasticsearch(context, cluster), foundation.elasticsearch_secret
    if cluster is None or search is None or secret is None:
        return None
    filling = Filling(
        name="knowledge",
        search=search,
        # The name as a plain text, because a new password needs no other run.
        access=_access(cluster, context.elasticsearch_secret_name or ""),
        settings=SETTINGS,
    )
    knowledge = fill(context, foundation, embedding, filling, pinned, secret)
    searches = SearchTemplates(
        "searches",
        SearchTemplatesArgs(
            search=search,
            alias=context.config.index.alias,
            sources=TEMPLATES,
            features=cluster.capabilities.apply(lambda found: found["features"]),
        ),
        # A search application must find the alias.
        context.options(knowledge),
    )
    access = _access(cluster, secret.secret_name)
    return InElasticsearch(access=access, knowledge=knowledge, searches=searches)


def _access(cluster: ElasticsearchCluster, secret_name: pulumi.Input[str]) -> SearchAccess:
    return SearchAccess(url=cluster.url, username=cluster.username, secret_name=secret_name)


def describe_elasticsearch(
    cluster: ElasticsearchCluster | None, inside: InElasticsearch | None
) -> dict[str, pulumi.Input[Any]]:
    """Return the outputs about the instance; empty ones without one."""
    return {
        "elasticsearch_url": cluster.url if cluster is not None else "",
        "search_capabilities": cluster.capabilities if cluster is not None else {},
        "search_templates": inside.searches.stored if inside is not None else {},
    }
