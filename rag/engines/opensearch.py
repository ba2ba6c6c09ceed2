"""OpenSearch 2.19 as a `SearchEngine`.

Owns what is its own: the client, retries, the `knn` query, the name of a vector in scripts, and the
`hybrid` query, which fuses both searches in the engine. The vectors are in the Lucene engine of the
k-NN plugin, whose `cosinesimil` scores as Elasticsearch does: (1 + cosine) / 2.

https://docs.opensearch.org/2.19/vector-search/ (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import TransportError
from opensearchpy.helpers import async_bulk
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from rag.engines.base import JSON, Failure, SearchEngine, may_pass
from rag.errors import SearchEngineError
from rag.index import VECTORS_FIELD
from rag.query import best_window

__all__ = ["OpenSearchEngine", "hybrid_search", "normalization"]

_BULK_SECONDS = 60
_MAX_WAIT_SECONDS = 2.0


class OpenSearchEngine(SearchEngine):
    """A cluster of OpenSearch.

    Args:
        client: Its client, as from `providers.clients.opensearch.async_client`. `close` closes it.
        max_retries: How often a request that a busy cluster refuses, or that is not answered, is
            made again.
    """

    def __init__(self, client: AsyncOpenSearch, *, max_retries: int = 5) -> None:
        self._client = client
        self._max_retries = max_retries

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = JSON,
        timeout_seconds: float | None = None,
        retry: bool = True,
    ) -> dict[str, Any]:
        """See `SearchEngine`."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(may_pass),
            wait=wait_random_exponential(multiplier=0.1, max=_MAX_WAIT_SECONDS),
            stop=stop_after_attempt(self._max_retries + 1 if retry else 1),
            reraise=True,
        ):
            with attempt:
                try:
                    answer = await self._client.transport.perform_request(
                        method,
                        path,
                        params=dict(params or {}),
                        body=body,
                        timeout=timeout_seconds,
                        headers=headers,
                    )
                except TransportError as error:
                    raise _converted(error) from error
        return cast(dict[str, Any], answer)

    async def bulk(
        self, index: str, operations: Sequence[dict[str, Any]], *, max_request_bytes: int
    ) -> list[Failure]:
        """See `SearchEngine`."""
        try:
            _, failed = await async_bulk(
                self._client,
                operations,
                index=index,
                max_chunk_bytes=max_request_bytes,
                raise_on_error=False,
                request_timeout=_BULK_SECONDS,
            )
        except TransportError as error:
            raise _converted(error) from error
        # The helper returns a number only if stats_only is set.
        return [Failure.of(item) for item in cast(list[dict[str, Any]], failed)]

    def nearest(
        self,
        vector: Sequence[float],
        size: int,
        candidates: int,
        among: Collection[str] | None = None,
        *,
        every_window: bool = False,
    ) -> dict[str, Any]:
        """See `SearchEngine`."""
        asked: dict[str, Any] = {
            "vector": list(vector),
            "k": size,
            "method_parameters": {"ef_search": candidates},
        }
        if among is not None:
            asked["filter"] = {"ids": {"values": list(among)}}
        if every_window:
            asked["expand_nested_docs"] = True
        return best_window({"knn": {VECTORS_FIELD: asked}})

    @property
    def vectors_in_scripts(self) -> str:
        """See `SearchEngine`."""
        return f"doc['{VECTORS_FIELD}']"

    async def close(self) -> None:
        """See `SearchEngine`."""
        await self._client.close()


def hybrid_search(words: Mapping[str, Any], vectors: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of both searches in one, which a search pipeline of the cluster fuses.

    Send it with the parameter ``search_pipeline``. The pipeline's processor decides how the scores
    become one: `normalization-processor` or `score-ranker-processor`.

    Args:
        words: The body of the word search (`rag.query.word_search`).
        vectors: The body of the vector search (`OpenSearchEngine.vector_search`).
    """
    return {**words, "query": {"hybrid": {"queries": [words["query"], vectors["query"]]}}}


def normalization(weight: float) -> dict[str, Any]:
    """Return the search pipeline that fuses a `hybrid_search` as `rag.fuse.min_max` does.

    `providers.opensearch_bodies` has the same for the program; it needs pulumi, so not for here.

    Args:
        weight: Share of the vector search, 0 to 1.
    """
    combination = {
        "technique": "arithmetic_mean",
        "parameters": {"weights": [round(1 - weight, 4), weight]},
    }
    processor = {"normalization": {"technique": "min_max"}, "combination": combination}
    return {"phase_results_processors": [{"normalization-processor": processor}]}


def _converted(error: TransportError) -> SearchEngineError:
    status = error.status_code
    return SearchEngineError(str(error), status=status if isinstance(status, int) else None)
