"""What a stack tells the outside: names and shapes are a contract (docs/reference/outputs.md)."""

from __future__ import annotations

from typing import Any

import pulumi

__all__ = ["OUTPUTS", "export"]

OUTPUTS: dict[str, str] = {
    "chat_url": "The chat page and its API.",
    "chat_address": "Where the name in `chat_url` has to point: the load balancer, or the node.",
    "edge_url": "The same through the edge, with a token; empty where the stack has no edge.",
    "embedding_url": "The first node of the embedding service, OpenAI-compatible.",
    "embedding_urls": "All its nodes: each answers the same.",
    "elasticsearch_url": "The Elasticsearch cluster.",
    "index_alias": "Alias that the application searches.",
    "index_name": "Index that the alias names.",
    "index_generations": "That index and the former ones that are kept, for `pinnedIndex`.",
    "buckets": "Names of the OSS buckets by what they hold.",
    "pai_workspace_id": "The PAI workspace.",
    "training": "What the training job measured, and which model was kept.",
    "model_version": "Version of the embedding model in use.",
    "corpus": "Version and number of documents of the uploaded corpus.",
    "expires_at": "When the sweeper may destroy the stack, in UTC; empty if it is for good.",
    "ingest": "Counts of the last ingest run, with what was set aside and why.",
}


def export(**values: Any) -> None:
    """Exports the stack's outputs.

    Raises:
        ValueError: The names are not just those of `OUTPUTS`.
    """
    if values.keys() != OUTPUTS.keys():
        raise ValueError(
            f"outputs are {sorted(values)}; docs/reference/outputs.md promises {sorted(OUTPUTS)}"
        )
    for name, value in values.items():
        pulumi.export(name, value)
