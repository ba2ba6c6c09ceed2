"""Turning texts into embeddings: the interface, and the client of the embedding service.

Does not own the service (`rag.serving`), the encoder behind it (`rag.encoder`), nor the choice of
texts. Embeddings are ``(texts, dimension) float32, L2-normalised``.

The service speaks the OpenAI embeddings protocol; ``encoding_format: base64`` carries each vector
as little-endian float32 (https://platform.openai.com/docs/api-reference/embeddings, read 2026-11).
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import httpx
import numpy as np
import numpy.typing as npt

from rag.errors import EmbeddingError

__all__ = ["Embedder", "EmbeddingClient", "InputType", "ServiceInfo", "Vectors"]

InputType = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]

_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})


class Embedder(Protocol):
    """What turns texts into embeddings."""

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Embeddings of `texts`, in their order: ``(texts, dimension) float32``, normalised."""
        ...


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """What an embedding service says of itself.

    Attributes:
        model_version: The version it was deployed as.
        dimension: Components of its embeddings.
    """

    model_version: str
    dimension: int


class EmbeddingClient:
    """Client of an embedding service.

    Args:
        url: The service, e.g. ``http://10.0.1.7:8000``.
        dimension: What its embeddings must have; None takes any.
        timeout_seconds: Longest wait for one answer.
        retry_seconds: How long a request that fails for a passing reason is tried again.
        transport: In place of the network, for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        dimension: int | None = None,
        timeout_seconds: float = 120.0,
        retry_seconds: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.dimension = dimension
        self._retry_seconds = retry_seconds
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            transport=transport,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def info(self) -> ServiceInfo:
        """What the service says of itself, asked once.

        Raises:
            EmbeddingError: It does not answer, or is not healthy.
        """
        try:
            response = await self._http.get("/health", timeout=5.0)
            body = response.json()
            if response.status_code != httpx.codes.OK:
                raise EmbeddingError(
                    f"embedding service {self.url}: {body.get('status', response.status_code)}"
                    f"{': ' + body['reason'] if body.get('reason') else ''}"
                )
            return ServiceInfo(
                model_version=str(body["model_version"]), dimension=int(body["dimension"])
            )
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EmbeddingError(
                f"embedding service {self.url} does not answer: {error!r}"
            ) from error

    async def wait_ready(self, timeout_seconds: float) -> ServiceInfo:
        """Ask until it is healthy; a node that was just made is still loading its model.

        Raises:
            EmbeddingError: It was not healthy in time; says what it last said.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                return await self.info()
            except EmbeddingError as error:
                if time.monotonic() >= deadline:
                    raise EmbeddingError(f"{error} (waited {timeout_seconds:g} s)") from error
            await asyncio.sleep(0.5)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Embeddings of `texts` in their order; see `Embedder`.

        Raises:
            EmbeddingError: Refused, out of time, or vectors of another number or dimension.
        """
        if not texts:
            return np.empty((0, self.dimension or 0), np.float32)
        body = {"input": list(texts), "encoding_format": "base64", "input_type": input_type}
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        answer = await self._post(content)
        try:
            rows = [base64.b64decode(item["embedding"]) for item in answer["data"]]
            vectors = np.frombuffer(b"".join(rows), "<f4").reshape(len(texts), -1)
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(
                f"embedding service {self.url} answered something else than "
                f"{len(texts)} embeddings: {error!r}"
            ) from error
        if self.dimension is not None and vectors.shape[1] != self.dimension:
            raise EmbeddingError(
                f"embedding service {self.url} gives {vectors.shape[1]} dimensions; "
                f"the index has {self.dimension}"
            )
        return vectors.astype(np.float32, copy=False)

    async def _post(self, content: bytes) -> Any:
        deadline = time.monotonic() + self._retry_seconds
        delay = 0.1
        while True:
            wait = delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, no secret
            try:
                response = await self._http.post(
                    "/v1/embeddings",
                    content=content,
                    headers={"content-type": "application/json"},
                )
            except httpx.HTTPError as error:
                problem = f"embedding service {self.url} does not answer: {error!r}"
            else:
                if response.status_code == httpx.codes.OK:
                    return response.json()
                problem = f"embedding service {self.url}: {_reason(response)}"
                if response.status_code not in _RETRIED:
                    raise EmbeddingError(problem)
                wait = max(wait, _retry_after(response))
            if time.monotonic() + wait > deadline:
                raise EmbeddingError(f"{problem} (tried for {self._retry_seconds:g} s)")
            await asyncio.sleep(wait)
            delay = min(delay * 2, 5.0)


def _reason(response: httpx.Response) -> str:
    try:
        message = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = response.text[:200]
    return f"{response.status_code} {message}"


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(float(response.headers.get("retry-after", "0")), 30.0)
    except ValueError:
        return 0.0
