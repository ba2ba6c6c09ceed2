"""A stack's outputs. Their names and shapes are a contract (docs/reference/outputs.md)."""

from __future__ import annotations

from typing import Any

import pulumi

__all__ = ["OUTPUTS", "export"]

OUTPUTS: dict[str, str] = {
    "chat_url": "The chat page and its API.",
    "chat_address": "Where the hostname in `chat_url` must point: the load balancer, or the node.",
    "edge_url": "The same through the edge, with a token. Empty without an edge.",
    "embedding_url": "The first node of the embedding service, OpenAI-compatible.",
    "embedding_urls": "All nodes of the embedding service. They are equivalent.",
    "elasticsearch_url": "The Elasticsearch cluster. Empty without one.",
    "search_capabilities": "What that cluster accepts, found by trying it. Empty without one.",
    "search_templates": "The application's searches, stored in that cluster. Empty without one.",
    "opensearch_url": "A node of the OpenSearch cluster. Empty without one.",
    "opensearch_ca_certificate": "The authority of that cluster's certificates, as PEM text.",
    "opensearch_inside": "Model, pipelines and index in that cluster. Empty without one.",
    "search_engine": "The engine that the application searches.",
    "reranker": "What orders the best passages again: `customrag:reranker`.",
    "language_model": "The language model that writes the answers: its name and its endpoint.",
    "index_alias": "Alias that the application searches.",
    "index_name": "Index that the alias points to.",
    "index_generations": "That index and the former ones that the stack keeps, for `pinnedIndex`.",
    "buckets": "Names of the OSS buckets, by content.",
    "pai_workspace_id": "The PAI workspace.",
    "training": "What the training job measured, and which model it kept.",
    "model_version": "Version of the embedding model in use.",
    "corpus": "The uploaded corpus: version, documents, and the files that were left out.",
    "expires_at": "When the sweeper may destroy the stack, in UTC. Empty if it does not expire.",
    "ingest": "Counts of the last ingest run, and the documents that were not read whole.",
}


def export(**values: Any) -> None:
    """Export the stack's outputs.

    Raises:
        ValueError: The names are not exactly those of `OUTPUTS`.
    """
    if values.keys() != OUTPUTS.keys():
        raise ValueError(
            f"the outputs are {sorted(values)}, but OUTPUTS has {sorted(OUTPUTS)}; make them equal"
        )
    for name, value in values.items():
        pulumi.export(name, value)
