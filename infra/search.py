"""The engine that the application searches, and the chat application."""

from __future__ import annotations

from components.chat_app import (
    ChatApp,
    ChatAppArgs,
    ChatFrontArgs,
    EdgeKey,
    RerankerSettings,
)
from components.elasticsearch import ElasticsearchCluster
from components.fleet import FleetSize
from components.load_balancer import Access, AccessLog, Zones
from components.nodes import Code
from components.observability import LogCollection, LogStoreRole
from components.opensearch import OpenSearchCluster
from components.search_endpoint import SomeEndpoint
from infra.context import Context
from infra.edge import make_edge_secret
from infra.elasticsearch import reach_elasticsearch
from infra.foundation import Foundation
from infra.knowledge import InEngine
from infra.opensearch import reach_opensearch
from providers import IndexGeneration, Provider
from stack_config.kinds import EngineKind

__all__ = ["find_pinned", "open_chat", "served_by"]


def find_pinned(
    context: Context,
    elasticsearch: ElasticsearchCluster | None,
    opensearch: OpenSearchCluster | None,
) -> IndexGeneration | None:
    """Look up the former index that the stack returns to; None if no index is pinned.

    The engine that serves the application has it. A preview asks that cluster, too, so that an
    index that does not exist is refused before anything changes.
    """
    config = context.config
    endpoints: dict[EngineKind, SomeEndpoint | None] = {
        EngineKind.ELASTICSEARCH: reach_elasticsearch(context, elasticsearch),
        EngineKind.OPENSEARCH: reach_opensearch(opensearch),
    }
    search = endpoints[config.engines.serving]
    if not config.index.pinned or config.tear_down or search is None:
        return None
    return search.find_generation(
        next(item for item in context.platform.providers if isinstance(item, Provider)),
        alias=config.index.alias,
        index_name=config.index.pinned,
    )


def served_by(context: Context, *filled: InEngine | None) -> InEngine:
    """Return the index that the application searches, among those of the stack's engines."""
    serving = context.config.engines.serving
    return next(found for found in filled if found is not None and found.access.engine is serving)


def open_chat(
    context: Context,
    foundation: Foundation,
    served: InEngine,
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
