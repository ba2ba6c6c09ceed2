"""Retrieves with Haystack or LlamaIndex, in an environment of its own.

    PEER_PYTHON benchmarks/query_service/peers.py

`benchmarks.query_service` runs it. Imports nothing of the project, because the peers' packages and
the project's are not installed together. It reads one JSON object a line and answers with one:
    {"name", "depth", "top_k", "engine_url", "index", "embeddings_url", "model", "chunks"}
        prepares:
        `chunks` is a file with {"id", "text", "vector"} a line, which the peer writes to an index
        of its own, by its own writer, and null if it has; the answer is {"version"}
    {"questions", "clients"}  retrieves: the answer is {"seconds", "found"}, where `found` has the
        ids of the passages of each question
The user of the cluster is in CUSTOMRAG_ELASTICSEARCH_USERNAME and _PASSWORD.

Both combine a vector search and a word search by reciprocal rank fusion in the client, because
Elasticsearch's own fusion needs a paid licence:
    haystack    ElasticsearchHybridRetriever
                https://docs.haystack.deepset.ai/docs/elasticsearchhybridretriever
    llamaindex  QueryFusionRetriever over two ElasticsearchStore, without generated queries
    llamaindex-sum  ElasticsearchStore with `hybrid=True, rrf=False`, which adds the two scores in
                one search
                https://developers.llamaindex.ai/python/framework/integrations/vector_stores/elasticsearchindexdemo
(read 2026-11)
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Any

Retrieve = Callable[[str], Awaitable[list[str]]]


def cluster(order: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a client of the cluster."""
    user, password = (os.environ[f"CUSTOMRAG_ELASTICSEARCH_{n}"] for n in ("USERNAME", "PASSWORD"))
    return {
        "hosts": order["engine_url"],
        "basic_auth": (user, password),
        "request_timeout": 60,
    }


async def haystack(order: dict[str, Any], chunks: list[dict[str, Any]]) -> Retrieve:
    """Return the retrieval of Haystack."""
    from elasticsearch import AsyncElasticsearch
    from haystack import Document  # type: ignore[import-not-found, unused-ignore]
    from haystack.components.embedders import OpenAITextEmbedder  # type: ignore[import-not-found, unused-ignore]
    from haystack.utils import Secret  # type: ignore[import-not-found, unused-ignore]
    from haystack_integrations.components.retrievers.elasticsearch import (  # type: ignore[import-not-found, unused-ignore]
        ElasticsearchHybridRetriever,
    )
    from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore  # type: ignore[import-not-found, unused-ignore]

    store = ElasticsearchDocumentStore(index=order["index"], **cluster(order))
    # Its own start asks for `GET /`, which Elasticsearch's build for tests does not have.
    store._async_client = client = AsyncElasticsearch(**cluster(order))
    if chunks:
        await client.indices.create(index=order["index"], mappings=store._default_mappings)
        await store.write_documents_async(
            [Document(id=c["id"], content=c["text"], embedding=c["vector"]) for c in chunks]
        )
    retriever = ElasticsearchHybridRetriever(
        document_store=store,
        embedder=OpenAITextEmbedder(
            api_key=Secret.from_token("none"),
            model=order["model"],
            api_base_url=order["embeddings_url"],
        ),
        top_k_bm25=order["depth"],
        top_k_embedding=order["depth"],
        top_k=order["top_k"],
    )

    async def retrieve(question: str) -> list[str]:
        found = await retriever.run_async(query=question)
        return [document.id for document in found["documents"]]

    return retrieve


async def llamaindex(order: dict[str, Any], chunks: list[dict[str, Any]]) -> Retrieve:
    """Return a retrieval of LlamaIndex."""
    from elasticsearch import AsyncElasticsearch
    from llama_index.core import VectorStoreIndex  # type: ignore[import-not-found, unused-ignore]
    from llama_index.core.llms import MockLLM  # type: ignore[import-not-found, unused-ignore]
    from llama_index.core.retrievers import QueryFusionRetriever  # type: ignore[import-not-found, unused-ignore]
    from llama_index.core.retrievers.fusion_retriever import FUSION_MODES  # type: ignore[import-not-found, unused-ignore]
    from llama_index.core.schema import TextNode  # type: ignore[import-not-found, unused-ignore]
    from llama_index.core.vector_stores.types import VectorStoreQueryMode  # type: ignore[import-not-found, unused-ignore]
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding  # type: ignore[import-not-found, unused-ignore]
    from llama_index.vector_stores.elasticsearch import (  # type: ignore[import-not-found, unused-ignore]
        AsyncBM25Strategy,
        AsyncDenseVectorStrategy,
        ElasticsearchStore,
    )

    client = AsyncElasticsearch(**cluster(order))
    embedder = OpenAILikeEmbedding(model_name=order["model"], api_base=order["embeddings_url"])
    one_search = order["name"] == "llamaindex-sum"

    def store(strategy: Any) -> Any:
        return ElasticsearchStore(
            index_name=order["index"], es_client=client, retrieval_strategy=strategy
        )

    dense = store(AsyncDenseVectorStrategy(hybrid=one_search, rrf=False, text_field="content"))
    nodes = [TextNode(id_=c["id"], text=c["text"], embedding=c["vector"]) for c in chunks]
    await dense.async_add(nodes)

    def retriever(of: Any, top_k: int, mode: VectorStoreQueryMode) -> Any:
        index = VectorStoreIndex.from_vector_store(of, embed_model=embedder)
        return index.as_retriever(similarity_top_k=top_k, vector_store_query_mode=mode)

    if one_search:
        chosen = retriever(dense, order["top_k"], VectorStoreQueryMode.HYBRID)
    else:
        words = store(AsyncBM25Strategy())
        chosen = QueryFusionRetriever(
            [
                retriever(dense, order["depth"], VectorStoreQueryMode.DEFAULT),
                retriever(words, order["depth"], VectorStoreQueryMode.TEXT_SEARCH),
            ],
            llm=MockLLM(),
            mode=FUSION_MODES.RECIPROCAL_RANK,
            similarity_top_k=order["top_k"],
            num_queries=1,
        )

    async def retrieve(question: str) -> list[str]:
        return [found.node.node_id for found in await chosen.aretrieve(question)]

    return retrieve


async def together(retrieve: Retrieve, questions: list[str], clients: int) -> dict[str, Any]:
    """Ask the questions with some clients at the same time."""
    seconds, found = [0.0] * len(questions), [[""]] * len(questions)
    waiting = iter(enumerate(questions))

    async def client() -> None:
        for number, question in waiting:
            started = time.perf_counter()
            found[number] = await retrieve(question)
            seconds[number] = time.perf_counter() - started

    await asyncio.gather(*(client() for _ in range(clients)))
    return {"seconds": seconds, "found": found}


async def serve() -> None:
    """Answer each line of the standard input."""
    answers, sys.stdout = sys.stdout, sys.stderr
    retrieve: Retrieve | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if retrieve is not None:
            answer = await together(retrieve, order["questions"], order["clients"])
        else:
            path = order["chunks"]
            rows = Path(path).read_text(encoding="utf-8").splitlines() if path else []
            chunks = [json.loads(row) for row in rows]
            make, package = (
                (haystack, "haystack-ai")
                if order["name"] == "haystack"
                else (llamaindex, "llama-index-core")
            )
            retrieve = await make(order, chunks)
            answer = {"version": metadata.version(package)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    asyncio.run(serve())
