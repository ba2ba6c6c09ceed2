"""Writing to an index in bulk, slowing down when the cluster says so.

Owns the request bodies, the repetition of what was refused for a passing reason, and its limits.
Every write names its `_id`, so repeating one is harmless.

https://www.elastic.co/guide/en/elasticsearch/reference/8.19/docs-bulk.html (read 2026-11).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from rag.errors import IngestError

__all__ = ["BulkWriter", "delete_line", "index_lines"]

_PASSING = frozenset({408, 429, 502, 503, 504})


def index_lines(
    chunk_id: str, source: Mapping[str, Any], embedding: npt.NDArray[np.float32]
) -> str:
    """The two lines that index a chunk.

    An embedding is written with 7 decimals: its components are at most 1, and float32 holds no
    more than 7 digits.
    """
    vector = ",".join([f"{x:.7f}" for x in embedding.tolist()])
    body = json.dumps(source, ensure_ascii=False)
    return f'{{"index":{{"_id":"{chunk_id}"}}}}\n{body[:-1]},"embedding":[{vector}]}}'


def delete_line(identifier: str) -> str:
    """The line that deletes a chunk; that there is none is success."""
    return json.dumps({"delete": {"_id": identifier}})


class BulkWriter:
    """Sends operations to one index.

    Args:
        client: The cluster.
        index: The index.
        retry_seconds: How long what is refused for a passing reason is tried again: a full write
            queue, a node that restarts.
    """

    def __init__(
        self, client: AsyncElasticsearch, index: str, *, retry_seconds: float = 180.0
    ) -> None:
        self._client = client.options(max_retries=0, request_timeout=60)
        self._index = index
        self._retry_seconds = retry_seconds
        self.retried = 0

    async def write(self, operations: Sequence[str]) -> None:
        """Carry out operations as `index_lines` and `delete_line` make them.

        Raises:
            IngestError: The cluster refused one for a reason that does not pass, or did not take
                them in time.
        """
        deadline = time.monotonic() + self._retry_seconds
        pending, delay = list(operations), 0.1
        while True:
            pending, problem = await self._send(pending)
            if not pending:
                return
            wait = delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, no secret
            if time.monotonic() + wait > deadline:
                raise IngestError(
                    f"index {self._index!r}: {problem} "
                    f"(tried for {self._retry_seconds:g} s; {len(pending)} operations left)"
                )
            self.retried += len(pending)
            await asyncio.sleep(wait)
            delay = min(delay * 2, 5.0)

    async def _send(self, operations: list[str]) -> tuple[list[str], str]:
        """Send once; returns what is to be sent again and why."""
        try:
            answer = await self._client.bulk(
                index=self._index,
                operations=cast(Any, operations),
                filter_path="errors,items.*.status,items.*.error.type,items.*.error.reason",
            )
        except ApiError as error:
            if error.status_code == 413 and len(operations) > 1:
                half = len(operations) // 2
                left, why = await self._send(operations[:half])
                right, why_right = await self._send(operations[half:])
                return left + right, why or why_right
            if error.status_code in _PASSING:
                return operations, f"{error.status_code} {error.message}"
            raise IngestError(f"index {self._index!r}: {error}") from error
        except TransportError as error:
            return operations, f"the cluster does not answer: {error.message}"
        if not answer["errors"]:
            return [], ""
        again, problem = [], ""
        for operation, item in zip(operations, answer["items"], strict=True):
            (kind, outcome), *_ = item.items()
            status, cause = outcome["status"], outcome.get("error", {})
            if status in _PASSING:
                again.append(operation)
                problem = f"{status} {cause.get('reason', '')}"
            elif status >= 400 and not (kind == "delete" and status == 404):
                raise IngestError(
                    f"index {self._index!r} refused a chunk: {status} {cause.get('type')}: "
                    f"{cause.get('reason')}"
                )
        return again, problem
