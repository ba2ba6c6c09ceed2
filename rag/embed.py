"""The client of the embedding service.

Does not own the interface (`rag.embedder`), the service (`rag.serving`), the encoder behind it
(`rag.encoder`), the order in which its nodes are asked (`rag.failover`), or the choice of texts.

The service speaks the OpenAI embeddings protocol; ``encoding_format: base64`` carries each vector
as little-endian float32 (https://platform.openai.com/docs/api-reference/embeddings, read 2026-11).
``token_vectors: true`` is an addition: each embedding then comes with the text's token vectors, as
the base64 of `rag.token_vectors.pack`. ``/v1/reranks`` is the rerank API that `rag.hosted_reranker`
describes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import numpy as np
from httpx_aiohttp import AiohttpTransport
from tenacity import AsyncRetrying, retry_if_exception_type, stop_before_delay

from rag.embedder import Encoded, InputType, Vectors
from rag.errors import EmbeddingError, RerankError, TextsRefusedError
from rag.failover import Node, PassingError, follow, order, wait
from rag.hosted_reranker import scores_in
from rag.late_interaction import LocalLateInteraction
from rag.tokens import ModelTokens

__all__ = ["EmbeddingClient", "ServiceInfo"]

# Busy but healthy: the client asks another node, and this one again the next time.
_BUSY = frozenset({408, 409, 429})
# The request is wrong: every node would refuse it.
_REFUSED = frozenset({400, 413, 422})
_CONNECT_SECONDS = 5.0
# While there is another node to ask. A connection in one network takes milliseconds; nothing
# comes back from a zone that is lost.
_IMPATIENT_CONNECT_SECONDS = 1.0
_HEALTH_SECONDS = 5.0
_PROBE_SECONDS = 2.0
_RERANKS = "/v1/reranks"
_LOG = logging.getLogger("rag.embed")


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """What an embedding service reports about itself.

    Attributes:
        model_version: The version it was deployed as.
        dimension: Components of its embeddings.
    """

    model_version: str
    dimension: int


class EmbeddingClient:
    """Client of an embedding service of one or several nodes.

    The requests take turns over the nodes. If a node does not answer, fails or has the wrong model,
    the request goes to the next node at once; embedding a text twice does no harm. A node that
    failed gets no requests until its ``/health`` answers. The client checks that in the background.

    Args:
        urls: The nodes, e.g. ``http://10.0.1.7:8000``; at least one.
        model_version: The model that must compute the embeddings, because another node may
            have got the address. Default: any model.
        dimension: The dimension that the embeddings must have. Default: any.
        timeout_seconds: Longest wait for one answer.
        patience_seconds: Longest wait while there is another node to ask. Default: the same.
        retry_seconds: How long to retry a request that failed for a temporary reason.
        relevance_seconds: Longest wait for the scores of a question's passages.
        probe_seconds: Interval between health checks of a node that failed.
        transport: Replaces the network in tests.
    """

    def __init__(
        self,
        *urls: str,
        model_version: str | None = None,
        dimension: int | None = None,
        timeout_seconds: float = 120.0,
        patience_seconds: float | None = None,
        retry_seconds: float = 60.0,
        relevance_seconds: float = 5.0,
        probe_seconds: float = _PROBE_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if not urls:
            raise ValueError("urls is empty. Give the URL of at least one embedding node.")
        self.model_version = model_version
        self.dimension = dimension
        self._nodes = [Node(url) for url in dict.fromkeys(url.rstrip("/") for url in urls)]
        self._turn = random.randrange(len(self._nodes))  # noqa: S311 - spreads load, no secret
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = min(timeout_seconds, patience_seconds or timeout_seconds)
        self._retry_seconds = retry_seconds
        self._relevance_seconds = relevance_seconds
        self._probe_seconds = probe_seconds
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._tokens: ModelTokens | None = None
        self._http = httpx.AsyncClient(
            transport=transport or AiohttpTransport(trust_env=False), trust_env=False
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """The nodes in use."""
        return tuple(node.url for node in self._nodes if not node.leaving)

    async def close(self) -> None:
        """Close the connections."""
        probes, self._probes = list(self._probes.values()), {}
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await self._http.aclose()

    def follow(self, urls: Sequence[str]) -> None:
        """Use these nodes of the same model from now on.

        A new node gets requests once it is healthy. Until one is, the former nodes stay in use.
        """
        self._nodes = follow(self._nodes, (url.rstrip("/") for url in urls), time.monotonic())
        for node in self._nodes:
            if node.failed_at is not None and not node.leaving:
                self._probe(node, first_seconds=0.0)
        if any(node.failed_at is None for node in self._nodes if not node.leaving):
            self._forget_leaving()

    async def infos(self) -> dict[str, ServiceInfo | EmbeddingError]:
        """Ask all nodes once for their state; a node that does not answer has an error instead."""
        urls = self.urls
        answers = await asyncio.gather(*(self._info(url) for url in urls), return_exceptions=True)
        found: dict[str, ServiceInfo | EmbeddingError] = {}
        for url, info in zip(urls, answers, strict=True):
            if isinstance(info, BaseException) and not isinstance(info, EmbeddingError):
                raise info
            found[url] = info
        return found

    async def _info(self, url: str) -> ServiceInfo:
        try:
            response = await self._http.get(f"{url}/health", timeout=_HEALTH_SECONDS)
            body = response.json()
            if response.status_code != httpx.codes.OK:
                raise EmbeddingError(
                    f"embedding service {url}: {body.get('status', response.status_code)}"
                    f"{': ' + body['reason'] if body.get('reason') else ''}"
                )
            return ServiceInfo(
                model_version=str(body["model_version"]), dimension=int(body["dimension"])
            )
        except (
            httpx.HTTPError,
            aiohttp.ClientError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            raise EmbeddingError(f"embedding service {url} does not answer: {error!r}") from error

    async def wait_ready(
        self, timeout_seconds: float, *, others_seconds: float = 0.0
    ) -> dict[str, ServiceInfo]:
        """Wait until every node is healthy; a new node is still loading its model.

        Args:
            timeout_seconds: How long to wait for the first healthy node.
            others_seconds: How long to wait for the other nodes after it.

        Returns:
            The state of each healthy node.

        Raises:
            EmbeddingError: No node was healthy in time; has the last state of each.
        """
        deadline, others = time.monotonic() + timeout_seconds, None
        while True:
            infos = await self.infos()
            healthy = {url: info for url, info in infos.items() if isinstance(info, ServiceInfo)}
            now = time.monotonic()
            if healthy:
                others = now + others_seconds if others is None else others
                if len(healthy) == len(infos) or now >= others:
                    return healthy
            elif now >= deadline:
                problems = "; ".join(map(str, infos.values()))
                raise EmbeddingError(f"{problems} (waited {timeout_seconds:g} s)")
            await asyncio.sleep(0.5)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Return embeddings of `texts` in order; see `Embedder`.

        Raises:
            TextsRefusedError: A node refused the texts.
            EmbeddingError: Every node failed, or the number or the dimension of the
                embeddings is wrong.
        """
        if not texts:
            return np.empty((0, self.dimension or 0), np.float32)
        return self._vectors(*await self._embeddings(texts, input_type), len(texts))

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Return embeddings and token vectors of `texts` in order; see `Embedder`.

        Raises:
            TextsRefusedError, EmbeddingError: As for `embed`, or the model has no token vectors.
        """
        if not texts:
            return Encoded(vectors=await self.embed(texts, input_type), tokens=())
        url, answer = await self._embeddings(texts, input_type, token_vectors=True)
        vectors = self._vectors(url, answer, len(texts))
        try:
            tokens = tuple(base64.b64decode(item["token_vectors"]) for item in answer["data"])
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(
                f"embedding service {url} did not return token vectors: {error!r}. Its model was "
                f"trained without them, or its version is older. Run pulumi up, which replaces it."
            ) from error
        return Encoded(vectors=vectors, tokens=tokens)

    async def _embeddings(
        self, texts: Sequence[str], input_type: InputType, **more: bool
    ) -> tuple[str, dict[str, Any]]:
        body = {"input": list(texts), "encoding_format": "base64", "input_type": input_type, **more}
        return await self._request("/v1/embeddings", _encoded(body))

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the cross-encoder's score of each text; see `Embedder`.

        Each node is asked at most once, because a reader waits. The first is the one that has just
        embedded a question.

        Raises:
            RerankError: Every node failed, or none answered in time.
        """
        if not texts:
            return []
        content = _encoded({"query": question, "documents": list(texts)})
        try:
            async with asyncio.timeout(self._relevance_seconds):
                url, answer = await self._ask_each(_RERANKS, content)
        except TimeoutError as error:
            raise RerankError(
                f"embedding service {', '.join(self.urls)} did not score {len(texts)} passages "
                f"within {self._relevance_seconds:g} s"
            ) from error
        except (EmbeddingError, PassingError) as error:
            raise RerankError(str(error)) from error
        if answer.get("reranker") == LocalLateInteraction.name:
            raise RerankError(f"embedding service {url}: its model has no cross-encoder")
        try:
            return scores_in(answer, len(texts))
        except (KeyError, TypeError, ValueError) as error:
            raise RerankError(
                f"embedding service {url} did not return a score for each of {len(texts)} "
                f"passages: {error!r}"
            ) from error

    def _vectors(self, url: str, answer: dict[str, Any], count: int) -> Vectors:
        try:
            rows = [base64.b64decode(item["embedding"]) for item in answer["data"]]
            vectors = np.frombuffer(b"".join(rows), "<f4").reshape(count, -1)
        except (KeyError, TypeError, ValueError) as error:
            raise EmbeddingError(
                f"embedding service {url} did not return {count} embeddings: {error!r}"
            ) from error
        if self.dimension is not None and vectors.shape[1] != self.dimension:
            raise EmbeddingError(
                f"embedding service {url} returns {vectors.shape[1]} dimensions, but the index has "
                f"{self.dimension}"
            )
        return vectors.astype(np.float32, copy=False)

    async def token_measure(self) -> ModelTokens:
        """Return the measure of a chunk in the model's tokens; one request for each client.

        Raises:
            EmbeddingError: Every node failed, or is too old to have the route.
        """
        if self._tokens is None:
            url, answer = await self._request("/v1/tokenizer", None)
            try:
                self._tokens = await asyncio.to_thread(
                    ModelTokens, answer["tokenizer"], int(answer["max_tokens"])
                )
            # The package raises Exception itself where it cannot read a tokenizer.
            except Exception as error:
                raise EmbeddingError(
                    f"embedding service {url} did not return a tokenizer: {error!r}"
                ) from error
        return self._tokens

    async def _request(self, path: str, content: bytes | None) -> tuple[str, dict[str, Any]]:
        """Return the answer of the first node that gives one, and the URL of that node.

        A request without content is a GET.
        """
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(PassingError),
                wait=wait,
                stop=stop_before_delay(self._retry_seconds),
                reraise=True,
            ):
                with attempt:
                    self._turn += 1
                    return await self._ask_each(path, content)
        except PassingError as error:
            raise EmbeddingError(f"{error} (tried for {self._retry_seconds:g} s)") from error
        raise AssertionError("AsyncRetrying ended without an answer or an error")

    async def _ask_each(self, path: str, content: bytes | None) -> tuple[str, dict[str, Any]]:
        """Ask one node after another, each once."""
        problems: list[PassingError] = []
        asked = order(self._nodes, self._turn)
        for node, following in zip(asked, [*asked[1:], None], strict=True):
            # The last healthy node gets all the time there is, because it may just be slow.
            another = following is not None and following.failed_at is None
            timeout = httpx.Timeout(
                self._patience_seconds if another else self._timeout_seconds,
                connect=_IMPATIENT_CONNECT_SECONDS if len(asked) > 1 else _CONNECT_SECONDS,
            )
            try:
                answer = await self._ask(node.url, path, content, timeout)
            except PassingError as error:
                problems.append(error)
                # A node that scores too slowly may still embed.
                if error.failed and path != _RERANKS:
                    self._failed(node, str(error))
            else:
                self._answered(node)
                return node.url, answer
        if all(error.too_old for error in problems):
            raise EmbeddingError(
                f"{'; '.join(map(str, problems))}. The nodes run an older version than this "
                f"program. Run pulumi up, which replaces them, then run again."
            )
        raise PassingError(
            "; ".join(map(str, problems)),
            # As soon as the first of them takes requests again.
            retry_after_seconds=min(error.retry_after_seconds for error in problems),
        )

    async def _ask(
        self, url: str, path: str, content: bytes | None, timeout: httpx.Timeout
    ) -> dict[str, Any]:
        try:
            response = await self._http.request(
                "GET" if content is None else "POST",
                f"{url}{path}",
                content=content,
                headers={"content-type": "application/json"} if content is not None else None,
                timeout=timeout,
            )
        # The transport lets some errors of aiohttp through.
        except (httpx.HTTPError, aiohttp.ClientError) as error:
            raise PassingError(f"embedding service {url} does not answer: {error!r}") from error
        if response.status_code != httpx.codes.OK:
            problem = f"embedding service {url}: {_reason(response)}"
            if content is None and response.status_code == httpx.codes.NOT_FOUND:
                raise PassingError(f"{problem} for {path}", failed=False, too_old=True)
            if response.status_code in _REFUSED:
                raise TextsRefusedError(problem)
            raise PassingError(
                problem,
                failed=response.status_code not in _BUSY,
                retry_after_seconds=_retry_after(response),
            )
        try:
            answer = response.json()
        except ValueError as error:
            raise PassingError(
                f"embedding service {url} did not return valid JSON: {error}"
            ) from error
        if not isinstance(answer, dict):
            raise PassingError(f"embedding service {url} did not return a JSON object")
        if self.model_version is not None and answer.get("model") != self.model_version:
            raise PassingError(
                f"embedding service {url} has model {answer.get('model')!r}, but the index needs "
                f"{self.model_version!r}"
            )
        return answer

    def _answered(self, node: Node) -> None:
        if node.failed_at is not None:
            _LOG.info("embedding service %s answers again", node.url)
            node.failed_at = None
            if probe := self._probes.pop(node.url, None):
                probe.cancel()
        if not node.leaving:
            self._forget_leaving()

    def _failed(self, node: Node, problem: str) -> None:
        if node.failed_at is None:
            _LOG.warning("%s", problem)
        node.failed_at = time.monotonic()
        # A single node gets the requests in any case.
        if not node.leaving and len(self._nodes) > 1:
            self._probe(node, first_seconds=self._probe_seconds)

    def _forget_leaving(self) -> None:
        if any(node.leaving for node in self._nodes):
            self._nodes = [node for node in self._nodes if not node.leaving]

    def _probe(self, node: Node, *, first_seconds: float) -> None:
        """Check in the background until the node is healthy, so that no request is spent on it."""
        if node.url not in self._probes:
            task = asyncio.create_task(self._until_well(node, first_seconds))
            self._probes[node.url] = task

    async def _until_well(self, node: Node, first_seconds: float) -> None:
        await asyncio.sleep(first_seconds)
        while not node.leaving:
            try:
                info = await self._info(node.url)
            except EmbeddingError:
                info = None
            if info is not None and self.model_version in (None, info.model_version):
                self._probes.pop(node.url, None)
                self._answered(node)
                return
            await asyncio.sleep(self._probe_seconds)
        self._probes.pop(node.url, None)


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


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
