"""The program: everything that a custom RAG system consists of, in the order of its creation."""

from __future__ import annotations

import sys
from pathlib import Path

# Pulumi runs this folder, not the project's.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infra.backups import back_up
from infra.context import load_context
from infra.edge import open_edge
from infra.elasticsearch import (
    describe_elasticsearch,
    fill_elasticsearch,
    make_elasticsearch,
)
from infra.embedding import train_and_serve
from infra.foundation import lay_foundation
from infra.guard import check_budget, start_estimate
from infra.observability import collect_logs, watch
from infra.opensearch import describe_opensearch, fill_opensearch, make_opensearch
from infra.outputs import export
from infra.search import find_pinned, open_chat, served_by
from rag.outcomes import Outcome

# Configuration, preflight, platform, names and corpus: what can be refused, before any resource.
context = load_context()

# From here on, adds up what the declared resources cost.
estimate = start_estimate()

# KMS key, buckets, network, secrets and roles; the uploaded code and documents.
foundation = lay_foundation(context)
logs = collect_logs(context, foundation)

# The engines of customrag:searchEngines: Elasticsearch and what it accepts, OpenSearch on ECS.
elasticsearch = make_elasticsearch(context, foundation)
opensearch = make_opensearch(context, foundation)

# With customrag:pinnedIndex, the former index and its model.
pinned = find_pinned(context, elasticsearch, opensearch)

# A PAI workspace, a DLC job that tunes the embedding model, its registered version, its GPU nodes.
embedding = train_and_serve(context, foundation, pinned)

# An index for that model, filled from the corpus, behind an alias; the application's own searches.
in_elasticsearch = fill_elasticsearch(context, foundation, embedding, elasticsearch, pinned)
back_up(context, foundation, elasticsearch)

# The same index in OpenSearch, whose own copy of the model embeds the documents.
in_opensearch = fill_opensearch(context, foundation, embedding, opensearch, pinned)

# The chat application, which searches the first engine.
served = served_by(context, in_elasticsearch, in_opensearch)
chat = open_chat(context, foundation, served, logs)

# With customrag:edge, a worker in front of it that checks tokens and caches answers.
edge = open_edge(context, foundation, served.knowledge, chat)

# Alerts the on-call contacts when a service is unhealthy.
watch(context, elasticsearch, opensearch, embedding, chat)

export(
    chat_url=chat.url,
    chat_address=chat.address,
    edge_url=edge.url if edge is not None else "",
    embedding_url=embedding.nodes[0].url,
    embedding_urls=embedding.urls,
    **describe_elasticsearch(elasticsearch, in_elasticsearch),
    **describe_opensearch(opensearch, in_opensearch),
    search_engine=context.config.engines.serving.value,
    reranker=context.config.reranker.kind.value,
    language_model={"model": foundation.model.model, "base_url": foundation.model.base_url},
    index_alias=served.knowledge.index_alias,
    index_name=served.knowledge.index_name,
    index_generations=served.knowledge.generations,
    buckets={
        "corpus": foundation.storage.corpus.bucket_name,
        "artifacts": foundation.storage.artifacts.bucket_name,
    },
    pai_workspace_id=embedding.workspace.workspace_id,
    training=embedding.model.result,
    model_version=embedding.served_version,
    corpus={
        "version": foundation.corpus.version,
        "document_count": len(context.corpus.documents),
        "unread": context.corpus.count(Outcome.UNREAD),
        "skipped": context.corpus.count(Outcome.SKIPPED),
    },
    ingest=served.knowledge.ingest,
    expires_at=context.config.expires_at,
)

# Fails a preview whose estimate is over the budget.
check_budget(estimate, context.config)
