"""Writes to an index in bulk, with retries.

Owns the shape of an operation, and which failures are retried and for how long. Every operation
names its `_id`, so a repeated one does no harm. A cluster that lacks memory or disk gets a minute:
it does not help itself, and its owner wants to know.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_random_exponential,
)

from providers.clients.shortages import Shortage, shortage_of
from rag.engines.base import REFUSALS_OF_A_BUSY_CLUSTER, Failure, SearchEngine, may_pass
from rag.errors import ClusterShortageError, IngestError, SearchEngineError
from rag.index import TOKENS_FIELD, WINDOW_EMBEDDING, WINDOW_TEXT, WINDOWS_FIELD

__all__ = ["BulkWriter", "delete_operation", "failed_write", "index_operation"]

_WRONG_CONTENT = 400
_WRONG_MAPPING = "strict_dynamic_mapping_exception"
_RETRY_SECONDS = 180.0
# A garbage collection, or a merge that ends, may free enough.
_SHORTAGE_SECONDS = 60.0
_MAX_WAIT_SECONDS = 5.0
# Half the size from which the hosted service answers 413 by default (http.max_content_length).
_MAX_REQUEST_BYTES = 50 * 2**20


def index_operation(
    chunk_id: str,
    source: Mapping[str, Any],
    windows: npt.NDArray[np.float32] | Sequence[str],
    tokens: bytes = b"",
) -> dict[str, Any]:
    """Return the operation that indexes a chunk.

    An embedding has 7 decimals, because float32 has no more digits and its components are at
    most 1.

    Args:
        chunk_id: Its `_id`.
        source: Its fields, except for the vectors.
        windows: The embeddings of its windows, (windows, dimension) float32; their texts if the
            engine embeds.
        tokens: Its token vectors, as `rag.token_vectors.pack` wrote them; empty for none.
    """
    embedded: list[dict[str, Any]]
    if isinstance(windows, np.ndarray):
        rows = windows.astype(np.float64).round(7).tolist()
        embedded = [{WINDOW_EMBEDDING: row} for row in rows]
    else:
        embedded = [{WINDOW_TEXT: text} for text in windows]
    operation = {"_op_type": "index", "_id": chunk_id, **source, WINDOWS_FIELD: embedded}
    if tokens:
        operation[TOKENS_FIELD] = base64.b64encode(tokens).decode()
    return operation


def delete_operation(chunk_id: str) -> dict[str, Any]:
    """Return the operation that deletes a chunk. It succeeds if the chunk does not exist."""
    return {"_op_type": "delete", "_id": chunk_id}


class _RefusedError(IngestError):
    """The cluster refused operations. `busy` tells whether it may accept them later."""

    def __init__(self, index: str, failure: Failure, *, busy: bool) -> None:
        super().__init__(
            f"Index {index!r} refused a chunk: {failure.status} {failure.type}: {failure.reason}"
        )
        self.busy = busy


class BulkWriter:
    """Sends operations to one index.

    Args:
        engine: The cluster.
        index: The index.

    Attributes:
        waits_for: What the cluster lacks for the writes that are being retried; None if no write
            waits for that.
    """

    def __init__(self, engine: SearchEngine, index: str) -> None:
        self._engine = engine
        self._index = index
        self.waits_for: Shortage | None = None

    async def write(self, operations: Sequence[dict[str, Any]]) -> dict[str, str]:
        """Carry out operations from `index_operation` and `delete_operation`.

        An operation that a busy cluster refuses, or a cluster that does not answer, is tried
        again for about three minutes; for one minute if the cluster lacks memory or disk.

        Returns:
            The reason by `_id` for each chunk whose content the cluster refuses.

        Raises:
            ClusterShortageError: The cluster lacks something; the message says what to do.
            IngestError: The cluster refused an operation for another reason, for example because
                the index has no such field, or did not take it in time.
        """
        left = {operation["_id"]: operation for operation in operations}
        refused: dict[str, str] = {}
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(_may_pass),
                wait=wait_random_exponential(multiplier=0.2, max=_MAX_WAIT_SECONDS),
                stop=_is_over,
                before_sleep=self._wait,
                reraise=True,
            ):
                with attempt:
                    await self._send(left, refused)
        except (SearchEngineError, _RefusedError) as error:
            raise failed_write(self._index, error) from error
        self.waits_for = None
        return refused

    def _wait(self, state: RetryCallState) -> None:
        self.waits_for = _shortage(state)

    async def _send(self, left: dict[str, dict[str, Any]], refused: dict[str, str]) -> None:
        """Send the operations that are left, and leave those that a busy cluster refuses."""
        failures = await self._engine.bulk(
            self._index, list(left.values()), max_request_bytes=_MAX_REQUEST_BYTES
        )
        busy = [one for one in failures if _is_busy(one)]
        for failure in failures:
            if failure in busy or (failure.kind == "delete" and failure.status == 404):
                continue
            if failure.status == _WRONG_CONTENT and failure.type != _WRONG_MAPPING:
                refused[failure.chunk_id] = (
                    f"the index refuses a part of it: {failure.type}: {failure.reason}"
                )
            else:
                raise _RefusedError(self._index, failure, busy=False)
        again = {failure.chunk_id for failure in busy}
        for chunk_id in left.keys() - again:
            del left[chunk_id]
        if busy:
            raise _RefusedError(self._index, busy[0], busy=True)


def failed_write(index: str, error: SearchEngineError | IngestError) -> IngestError:
    """Return the error for a write that failed, with what to do if the cluster lacks something."""
    text = str(error)
    if isinstance(error, SearchEngineError):
        text = f"Writing to index {index!r} failed: {text}"
    shortage = shortage_of(text)
    return ClusterShortageError(f"{shortage} ({text})") if shortage else IngestError(text)


def _is_busy(failure: Failure) -> bool:
    """Return whether the cluster may carry out the operation later.

    A model that is not deployed is reported like wrong content.
    """
    return failure.status in REFUSALS_OF_A_BUSY_CLUSTER or shortage_of(failure.reason) is not None


def _may_pass(error: BaseException) -> bool:
    return may_pass(error) or (isinstance(error, _RefusedError) and error.busy)


def _shortage(state: RetryCallState) -> Shortage | None:
    error = state.outcome and state.outcome.exception()
    return shortage_of(str(error)) if error else None


def _is_over(state: RetryCallState) -> bool:
    """Return whether the next attempt would begin too late."""
    shortage = _shortage(state)
    most = _SHORTAGE_SECONDS if shortage and not shortage.passes else _RETRY_SECONDS
    return (state.seconds_since_start or 0.0) + state.upcoming_sleep >= most
