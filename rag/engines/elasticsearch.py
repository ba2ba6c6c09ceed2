"""Elasticsearch 8.19 as a `SearchEngine`.

Owns what is its own: the client, the `knn` query, and the name of a vector in scripts.

https://www.elastic.co/guide/en/elasticsearch/reference/8.19/knn-search.html (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch
from elasticsearch.helpers import async_bulk

from rag.engines.base import JSON, Failure, SearchEngine
from rag.errors import SearchEngineError
from rag.index import VECTORS_FIELD
from rag.query import nearest

__all__ = ["ElasticsearchEngine"]

_BULK_SECONDS = 60


class ElasticsearchEngine(SearchEngine):
    """A cluster of Elasticsearch.

    Args:
        client: Its client, as from `providers.clients.elasticsearch.async_client`. `close` closes
            it.
    """

    def __init__(self, client: AsyncElasticsearch) -> None:
        self._client = client
        # `rag.bulk` retries.
        self._bulk_client = client.options(max_retries=0, request_timeout=_BULK_SECONDS)

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
        client = self._client
        if timeout_seconds is not None:
            client = client.options(request_timeout=timeout_seconds)
        if not retry:
            client = client.options(max_retries=0)
        try:
            answer = await client.perform_request(
                method, path, params=params, headers=headers, body=body
            )
        except (ApiError, TransportError) as error:
            raise _converted(error) from error
        return cast(dict[str, Any], answer.body)

    async def bulk(
        self, index: str, operations: Sequence[dict[str, Any]], *, max_request_bytes: int
    ) -> list[Failure]:
        """See `SearchEngine`."""
        try:
            _, failed = await async_bulk(
                self._bulk_client,
                operations,
                index=index,
                max_chunk_bytes=max_request_bytes,
                raise_on_error=False,
            )
        except (ApiError, TransportError) as error:
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
        """See `SearchEngine`. The inner hits always have every window."""
        del every_window
        return nearest(vector, size, candidates, among)

    @property
    def vectors_in_scripts(self) -> str:
        """See `SearchEngine`."""
        return f"'{VECTORS_FIELD}'"

    async def close(self) -> None:
        """See `SearchEngine`."""
        await self._client.close()


def _converted(error: ApiError | TransportError) -> SearchEngineError:
    status = error.meta.status if isinstance(error, ApiError) else None
    return SearchEngineError(str(error), status=status)
