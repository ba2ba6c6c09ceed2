"""The edge of a stack that has one: its key, and the worker in front of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.chat_app import ChatApp
from components.knowledge import Knowledge
from components.secrets import MachineSecret, MachineSecretArgs
from infra.context import EDGE_SECRET_ROLE, Context
from infra.foundation import Foundation
from stack_config.config import ConfigError

if TYPE_CHECKING:
    from components.edge import Edge

__all__ = ["make_edge_secret", "open_edge"]


def make_edge_secret(context: Context, foundation: Foundation) -> MachineSecret | None:
    """Declare the KMS secret with the key that the edge sends; None without an edge."""
    edge = context.platform.edge
    if edge is None:
        return None
    return MachineSecret(
        "edge-key",
        MachineSecretArgs(
            scope=context.scope,
            role=EDGE_SECRET_ROLE,
            value=edge.origin_key,
            description="What the edge shows the chat application",
            storage=context.secret_storage(foundation.key_id),
        ),
        context.options(),
    )


def open_edge(
    context: Context, foundation: Foundation, knowledge: Knowledge, chat: ChatApp
) -> Edge | None:
    """Declare the worker; None without an edge.

    Raises:
        ConfigError: The worker has not been built.
    """
    settings, config = context.platform.edge, context.config
    if settings is None:
        return None
    # Imported here, because its SDK takes more than a second to load.
    from components.edge import Edge, EdgeArgs, WorkerMissingError, answers_version, read_worker

    try:
        content = read_worker(context.root)
    except WorkerMissingError as error:
        raise ConfigError(f"customrag:edge is {config.edge.kind}, but {error}") from error
    # Depends on the ingest, so that answers of the old index are not cached under the new version.
    version = pulumi.Output.all(
        foundation.corpus.version, knowledge.index_name, knowledge.ingest
    ).apply(
        lambda values: answers_version(
            str(values[0]), str(values[1]), config.language_model.model, foundation.code["chat"].uri
        )
    )
    return Edge(
        "edge",
        EdgeArgs(
            script_name=context.scope.naming.physical("edge"),
            content=content,
            account_id=settings.account_id,
            zone_id=settings.zone_id,
            url=settings.url,
            origin_url=chat.url,
            origin_key=settings.origin_key,
            issuer=settings.issuer,
            audience=settings.audience,
            jwks_url=settings.jwks_url,
            answers_version=version,
            requests_per_minute=config.edge.requests_per_minute,
            cache_seconds=config.edge.cache_seconds,
        ),
        pulumi.ResourceOptions(providers=[settings.provider]),
    )
