"""Writes to an index in bulk, with retries.

Owns the shape of an operation, and which failures are retried and for how long. It uses
`elasticsearch.helpers`. Every operation names its `_id`, so a repeated one does no harm.

https://elasticsearch-py.readthedocs.io/en/v8.19.0/helpers.html (read 2026-11).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch
from elasticsearch.helpers import async_bulk
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_before_delay,
    wait_random_exponential,
)

from rag.errors import IngestError
from rag.index import TOKENS_FIELD

__all__ = ["BulkWriter", "delete_operation", "index_operation"]

_PASSING = (408, 429, 502, 503, 504)
_WRONG_CONTENT = 400
_WRONG_MAPPING = "strict_dynamic_mapping_exception"
_RETRY_SECONDS = 180.0
_MAX_WAIT_SECONDS = 5.0
_RETRIES = 36
"""Of one refused operation: about three minutes at `_MAX_WAIT_SECONDS`."""
# Half the size from which the hosted service answers 413 by default (http.max_content_length).
_MAX_REQUEST_BYTES = 50 * 2**20


def index_operation(
    chunk_id: str,
    source: Mapping[str, Any],
    embedding: npt.NDArray[np.float32],
    tokens: bytes = b"",
) -> dict[str, Any]:
    """Return the operation that indexes a chunk.

    The embedding has 7 decimals, because float32 has no more digits and its components are at
    most 1.

    Args:
        chunk_id: Its `_id`.
        source: Its fields, except for the vectors.
        embedding: (dimension,) float32.
        tokens: Its token vectors, as `rag.token_vectors.pack` wrote them; empty for none.
    """
    vector = embedding.astype(np.float64).round(7).tolist()
    operation = {"_op_type": "index", "_id": chunk_id, **source, "embedding": vector}
    if tokens:
        operation[TOKENS_FIELD] = base64.b64encode(tokens).decode()
    return operation


def delete_operation(chunk_id: str) -> dict[str, Any]:
    """Return the operation that deletes a chunk. It succeeds if the chunk does not exist."""
    return {"_op_type": "delete", "_id": chunk_id}


class BulkWriter:
    """Sends operations to one index.

    Args:
        client: The cluster.
        index: The index.
    """

    def __init__(self, client: AsyncElasticsearch, index: str) -> None:
        self._client = client.options(max_retries=0, request_timeout=60)
        self._index = index

    async def write(self, operations: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Carry out operations from `index_operation` and `delete_operation`.

        An operation that a busy cluster refuses, or a cluster that does not answer, is tried
        again for about three minutes.

        Returns:
            The reason by `_id` for each chunk whose content the cluster refuses.

        Raises:
            IngestError: The cluster refused an operation for another reason, for example because
                the index has no such field, or did not take it in time.
        """
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(TransportError),
                wait=wait_random_exponential(multiplier=0.2, max=_MAX_WAIT_SECONDS),
                stop=stop_before_delay(_RETRY_SECONDS),
                reraise=True,
            ):
                with attempt:
                    return await self._send(operations)
        except (ApiError, TransportError) as error:
            raise IngestError(f"Writing to index {self._index!r} failed: {error}") from error
        raise AssertionError("AsyncRetrying ended without an answer or an error")

    async def _send(self, operations: Sequence[dict[str, Any]]) -> dict[str, str]:
        _, errors = await async_bulk(
            self._client,
            operations,
            index=self._index,
            max_chunk_bytes=_MAX_REQUEST_BYTES,
            raise_on_error=False,
            retry_on_status=_PASSING,
            max_retries=_RETRIES,
            initial_backoff=0.2,
            max_backoff=_MAX_WAIT_SECONDS,
        )
        refused: dict[str, str] = {}
        # The helper returns a number of errors only if stats_only is set.
        for item in cast(list[dict[str, Any]], errors):
            ((kind, outcome),) = item.items()
            status, cause = outcome["status"], outcome.get("error", {})
            if kind == "delete" and status == 404:
                continue
            if status == _WRONG_CONTENT and cause.get("type") != _WRONG_MAPPING:
                refused[outcome["_id"]] = (
                    f"the index refuses a part of it: {cause.get('type')}: {cause.get('reason')}"
                )
            else:
                raise IngestError(
                    f"Index {self._index!r} refused a chunk: {status} {cause.get('type')}: "
                    f"{cause.get('reason')}"
                )
        return refused
