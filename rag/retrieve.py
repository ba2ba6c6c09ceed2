"""Finds the passages for a question: a vector and a word search at the same time, fused, reranked.

Owns the order of the requests and the choice of services. The alias points to the index, and the
index's mapping names the nodes that embed questions for it, so moving the alias moves both at once.
Does not own the searches (`rag.query`) or how the best passages are ordered again (`rag.rerank`),
and does not judge whether the passages answer the question (`rag.answerable`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from rag.embed import EmbeddingClient
from rag.embedder import Embedder, Vectors
from rag.engines.base import SearchEngine, decoded
from rag.errors import (
    EmbeddingError,
    PassageNotFoundError,
    SearchEngineError,
    SearchIndexError,
)
from rag.fuse import CANDIDATES, Fusion, fuse
from rag.hits import Hit, Passage, hit_of
from rag.index import SOURCE_FIELDS, TOKENS_FIELD
from rag.index_state import IndexMeta, index_languages, index_meta
from rag.language import UNDETERMINED, detect
from rag.query import best_windows_of, near_candidates, vector_body, with_best_windows, word_search
from rag.rerank import Asked, ChooseReranking, Reranking, late_interaction, order_again

__all__ = ["Retrieval", "Retriever"]

_First = TypeVar("_First")
_Second = TypeVar("_Second")

_META_SECONDS = 5.0
# A running question may still use the embedder that it began with.
_RETIRE_SECONDS = 60.0
_WINDOWS = 20
"""More than a passage has, so that the engine compares all windows of the passages it is given."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """The passages for a question, best first.

    `language` is the question's, of those that the index has. `reranker` names what ordered the
    best passages again, in its order; empty if the ranking is the searches' own.
    """

    question: str
    language: str
    meta: IndexMeta
    hits: tuple[Hit, ...]
    seconds: float
    reranker: str = ""


class _ClosableEmbedder(Embedder, Protocol):
    async def close(self) -> None: ...


class Retriever:
    """Finds passages behind one alias.

    Args:
        engine: The cluster.
        alias: The alias, or an index.
        fusion: How the two searches become one ranking.
        weight: Share of the vector search in the weighted sum. Default: the index's own, which
            training chose. With 0 or 1, both searches still run: the cosines are evidence, and
            one search may find nothing.
        embedder: Creates an embedder from an index's `_meta`. Default: a client of the service
            that `_meta` names.
        rerank: Chooses rerankers by an index's `_meta`. Default: the late interaction, if the
            index has token vectors.
    """

    def __init__(
        self,
        engine: SearchEngine,
        alias: str,
        *,
        fusion: Fusion = Fusion.WEIGHTED,
        weight: float | None = None,
        embedder: Callable[[IndexMeta], _ClosableEmbedder] | None = None,
        rerank: ChooseReranking = late_interaction,
    ) -> None:
        self._engine = engine
        self._alias = alias
        self._fusion = fusion
        self._weight = weight
        self._make_embedder = embedder or _embedding_client
        self._rerank = rerank
        self._resolved: tuple[IndexMeta, _ClosableEmbedder] | None = None
        self._languages: frozenset[str] = frozenset()
        self._resolved_at = 0.0
        self._resolving = asyncio.Lock()
        self._retired: dict[asyncio.Task[None], _ClosableEmbedder] = {}

    async def close(self) -> None:
        """Close the embedders' connections. The caller closes the engine."""
        retired, self._retired = self._retired, {}
        for task, embedder in retired.items():
            task.cancel()
            await embedder.close()
        if self._resolved is not None:
            await self._resolved[1].close()
            self._resolved = None

    async def resolve(self, *, again: bool = False) -> tuple[IndexMeta, Embedder]:
        """Return the index behind the alias and its embedder, cached for a few seconds.

        Args:
            again: Skip the cache.

        Raises:
            SearchIndexError: There is no such alias, or the cluster does not answer.
        """
        async with self._resolving:
            fresh = time.monotonic() - self._resolved_at < _META_SECONDS
            if self._resolved is not None and fresh and not again:
                return self._resolved
            meta = await index_meta(self._engine, self._alias)
            languages = await index_languages(self._engine, meta.index)
            if self._resolved is None or self._resolved[0] != meta:
                self._resolved = (meta, self._embedder_of(meta))
            self._languages = languages
            self._resolved_at = time.monotonic()
            return self._resolved

    async def language_of(self, question: str) -> str:
        """Return the language of `question`, of those that the index has.

        Raises:
            SearchIndexError: There is no such index, or the cluster does not answer.
        """
        await self.resolve()
        return detect(question, self._languages)

    def _embedder_of(self, meta: IndexMeta) -> _ClosableEmbedder:
        """Return the present embedder if its model moved to other nodes, else a new one."""
        if self._resolved is not None:
            before, former = self._resolved
            same = (before.model_version, before.dimension) == (meta.model_version, meta.dimension)
            if same and isinstance(former, EmbeddingClient):
                former.follow(meta.embedding_urls)
                return former
            task = asyncio.create_task(self._retire(former))
            self._retired[task] = former
            task.add_done_callback(lambda done: self._retired.pop(done, None))
        return self._make_embedder(meta)

    async def _retire(self, embedder: _ClosableEmbedder) -> None:
        await asyncio.sleep(_RETIRE_SECONDS)
        await embedder.close()

    async def retrieve(self, question: str, top_k: int) -> Retrieval:
        """Return the `top_k` best passages for `question`.

        A failed search or embedding is tried once more after another look at the alias, because
        the index or the node may just have been replaced.

        Raises:
            SearchIndexError: The cluster failed twice.
            EmbeddingError: The embedding service failed twice.
        """
        started = time.monotonic()
        meta, embedder = await self.resolve()
        try:
            return await self._search(meta, embedder, question, top_k, started)
        except (EmbeddingError, SearchEngineError):
            meta, embedder = await self.resolve(again=True)
            try:
                return await self._search(meta, embedder, question, top_k, started)
            except SearchEngineError as error:
                raise SearchIndexError(f"search in {meta.index!r} failed: {error}") from error

    async def _search(
        self, meta: IndexMeta, embedder: Embedder, question: str, top_k: int, started: float
    ) -> Retrieval:
        """Search once.

        The word search runs while the question is embedded. For the weighted sum, one more search
        gives both scores of its passages and of the vector search's: a guess would favor what one
        search ranks high.
        """
        size = max(CANDIDATES, top_k)
        language = detect(question, self._languages)
        rerankings = self._rerank(meta, embedder)
        asked_words = word_search(question, language, size)
        (embedding, tokens), words = await _both(
            _embedded(question, embedder, any(one.token_vectors for one in rerankings)),
            self._engine.scores(meta.index, asked_words),
        )
        near = self._engine.nearest(embedding, size, near_candidates(size))
        if self._fusion is Fusion.WEIGHTED:
            found_by_words = self._engine.nearest(embedding, size, near_candidates(size), words)
            vector, matching = await self._engine.both_scores(
                meta.index, [near, found_by_words] if words else [near], asked_words, 2 * size
            )
            words = {**words, **matching}
            # The others have no word of the question.
            scores = vector, {**dict.fromkeys(vector, 0.0), **words}
        else:
            vector = await self._engine.scores(meta.index, vector_body(near, size))
            scores = vector, words
        weight = meta.search_weight if self._weight is None else self._weight
        ranking = fuse(*scores, method=self._fusion, weight=weight)
        depth = max([top_k, *(one.depth for one in rerankings)])
        best = [item for item, _ in ranking[:depth]]
        found = await self._passages(meta, best, rerankings, embedding)
        reranker = ""
        if ranking:
            asked = Asked(text=question, tokens=tokens)
            ranking, reranker = await order_again(rerankings, asked, ranking, found)
        return Retrieval(
            question=question,
            language=language,
            meta=meta,
            hits=tuple(
                hit_of(item, score, vector.get(item), words.get(item), found[item].source)
                for item, score in ranking[:top_k]
                if item in found
            ),
            seconds=time.monotonic() - started,
            reranker=reranker,
        )

    async def _passages(
        self,
        meta: IndexMeta,
        identifiers: list[str],
        rerankings: Sequence[Reranking],
        embedding: list[float],
    ) -> dict[str, Passage]:
        """Return passages by id, with what the rerankers need."""
        token_vectors = any(one.token_vectors for one in rerankings)
        windows = max((one.windows for one in rerankings), default=0)
        count = len(identifiers)
        if not identifiers:
            return {}
        if not (token_vectors or windows):
            found = await self._engine.passages(meta.index, identifiers, SOURCE_FIELDS)
            return {item: Passage(source) for item, source in found.items()}
        query: dict[str, Any] = {"ids": {"values": identifiers}}
        if windows:
            near = self._engine.nearest(
                embedding, count, _WINDOWS * count, identifiers, every_window=True
            )
            query = with_best_windows(near, identifiers, windows)
        body = {"query": query, "_source": list(SOURCE_FIELDS), "size": count}
        if token_vectors:
            body["docvalue_fields"] = [{"field": TOKENS_FIELD}]
        answer = await self._engine.search(meta.index, body)
        return {hit["_id"]: _passage(hit, meta) for hit in answer["hits"]["hits"]}

    async def passage(self, chunk_id: str) -> tuple[Hit, list[Hit]]:
        """Return a passage by its id, and its neighbors in the document, in order.

        Raises:
            PassageNotFoundError: The index has no such passage.
            SearchIndexError: The cluster failed.
        """
        meta, _ = await self.resolve()
        try:
            source = await self._engine.passage(meta.index, chunk_id)
            hit = hit_of(chunk_id, 0.0, None, None, source)
            number = hit.chunk_number
            filters = [
                {"term": {"document_key": hit.document_key}},
                {"term": {"document_sha256": source["document_sha256"]}},
                {"range": {"chunk_number": {"gte": number - 1, "lte": number + 1}}},
            ]
            around = await self._engine.search(
                meta.index,
                {
                    "query": {"bool": {"filter": filters}},
                    "sort": [{"chunk_number": "asc"}],
                    "size": 3,
                },
            )
        except SearchEngineError as error:
            if error.status == 404:
                raise PassageNotFoundError(
                    f"index {meta.index!r} has no passage {chunk_id!r}. The documents may have "
                    f"changed; ask the question again"
                ) from error
            raise SearchIndexError(f"search in {meta.index!r} failed: {error}") from error
        hits = around["hits"]["hits"]
        return hit, [hit_of(h["_id"], 0.0, None, None, h["_source"]) for h in hits]

    async def document_counts(self, terms: Sequence[str]) -> tuple[int, dict[str, int]]:
        """Count the passages, and for each term of `rag.analysis` the passages that have it.

        Raises:
            SearchIndexError: The cluster failed.
        """
        meta, _ = await self.resolve()
        filters = {term: {"term": {"terms": term}} for term in terms}
        try:
            aggregations = {"aggs": {"terms": {"filters": {"filters": filters}}}} if filters else {}
            body = {"size": 0, "track_total_hits": True, **aggregations}
            answer = await self._engine.search(meta.index, body)
        except SearchEngineError as error:
            raise SearchIndexError(f"search in {meta.index!r} failed: {error}") from error
        total = int(answer["hits"]["total"]["value"])
        buckets = answer.get("aggregations", {}).get("terms", {}).get("buckets", {})
        return total, {term: bucket["doc_count"] for term, bucket in buckets.items()}


async def _both(
    first: Coroutine[Any, Any, _First], second: Coroutine[Any, Any, _Second]
) -> tuple[_First, _Second]:
    """Await both at the same time. The first error ends the other one and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return tasks[0].result(), tasks[1].result()


def _passage(hit: Mapping[str, Any], meta: IndexMeta) -> Passage:
    source = hit["_source"]
    # A passage in a language that the model does not know is not cut (`rag.pipeline`).
    cut = meta.knows(source.get("language", UNDETERMINED))
    return Passage(
        source,
        decoded(hit.get("fields", {}).get(TOKENS_FIELD, [""])[0]),
        best_windows_of(hit) if cut else (),
    )


async def _embedded(
    question: str, embedder: Embedder, token_vectors: bool
) -> tuple[list[float], bytes]:
    """Return a question's embedding, and its token vectors if they are needed."""
    if not token_vectors:
        return _numbers((await embedder.embed([question], "query"))[0]), b""
    encoded = await embedder.embed_tokens([question], "query")
    return _numbers(encoded.vectors[0]), encoded.tokens[0]


def _numbers(vector: Vectors) -> list[float]:
    """Return an embedding for a request, without the digits that a float32 does not have.

    As text they would take as much time and space again.
    """
    numbers: list[float] = np.round(vector.astype(np.float64), 8).tolist()
    return numbers


def _embedding_client(meta: IndexMeta) -> EmbeddingClient:
    # A person waits for the answer, so it gives up sooner than a job, and even sooner if there is
    # another node to ask. One question takes a GPU a few hundredths of a second.
    return EmbeddingClient(
        *meta.embedding_urls,
        model_version=meta.model_version,
        dimension=meta.dimension,
        timeout_seconds=20.0,
        patience_seconds=3.0,
        retry_seconds=10.0,
    )
