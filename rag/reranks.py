"""The rerank route of the embedding service.

    POST /v1/reranks  {"query": str, "documents": [str], "top_n"?: int}
    -> {"results": [{"index", "relevance_score"}], "model", "reranker", "usage"}, the most relevant
       first

It is the form of DashScope's rerank API (`rag.hosted_reranker`); ``reranker`` is an addition, and
says what scored. Owns the order of the requests and how many may wait. The cross-encoder
(`rag.cross_encoder`) or the late interaction (`rag.late_interaction`) takes one request at a time,
over all cores, beside the threads that embed: the operating system shares the cores among both, so
a question's embedding does not wait for the end of a reranking. The late interaction uses the
compiled embedding model itself, so beside it a question may wait for one batch.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rag.openai_requests import RefusedError, busy, texts_in

__all__ = ["Rerank", "Reranks", "Scorer", "rerank_in"]

_LONGEST_WAIT_SECONDS = 2.5
"""Half of what a reader's client waits (`rag.embed`), which leaves time to score. Without a limit,
a busy service would only score what no client waits for any more."""
_LOG = logging.getLogger("rag.serving")


@dataclass(frozen=True, kw_only=True)
class Rerank:
    """What a request asks for.

    Attributes:
        query: The question.
        documents: The passages to score.
        top_n: Results to return.
    """

    query: str
    documents: list[str]
    top_n: int

    def results(self, scores: Sequence[float]) -> list[dict[str, Any]]:
        """Return the results of the answer, the most relevant first."""
        order = sorted(range(len(scores)), key=lambda at: -scores[at])[: self.top_n]
        return [{"index": at, "relevance_score": scores[at]} for at in order]


def rerank_in(body: Mapping[str, Any]) -> Rerank:
    """Return what a body asks for.

    Raises:
        ValueError: It is not valid; says what is allowed.
    """
    query = body.get("query")
    if not isinstance(query, str):
        raise ValueError("query must be a string")
    documents = texts_in(body, "documents")
    top_n = body.get("top_n")
    # A bool is an int, too.
    if top_n is not None and (type(top_n) is not int or top_n < 1):
        raise ValueError(f"top_n is {top_n!r}; it must be a whole number from 1")
    return Rerank(query=query, documents=documents, top_n=top_n or len(documents))


class Scorer(Protocol):
    """Scores texts for a question, in the calling thread."""

    @property
    def name(self) -> str:
        """Its name, as an answer shows it."""
        ...

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text; higher is better, within one question."""
        ...


class Reranks:
    """The requests that wait for a reranker.

    Args:
        scorer: Scores the documents.
        max_documents: The most documents that may wait.

    Attributes:
        name: The reranker's.
        waiting: Documents that wait or are being scored.
        counters: Requests and documents that were scored, and requests that were refused because
            too many were waiting, or failed.
        busy_seconds: Time that the scoring took.
    """

    def __init__(self, scorer: Scorer, max_documents: int) -> None:
        self.waiting = 0
        self.counters = dict.fromkeys(("requests", "documents", "refused", "failed"), 0)
        self.busy_seconds = 0.0
        self.name = scorer.name
        self._scorer = scorer
        self._max_documents = max_documents
        self._turn = asyncio.Lock()

    async def scores(self, asked: Rerank) -> list[float]:
        """Return the score of each document.

        Raises:
            RefusedError: Too many documents are waiting, or the scoring failed.
        """
        count = len(asked.documents)
        if self.waiting + count > self._max_documents:
            raise self._refused("too many documents are waiting")
        self.waiting += count
        try:
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS):
                await self._turn.acquire()
            try:
                return await self._computed(asked)
            finally:
                self._turn.release()
        except TimeoutError as error:
            reason = f"other questions took the {_LONGEST_WAIT_SECONDS:g} s that one waits"
            raise self._refused(reason) from error
        finally:
            self.waiting -= count

    def _refused(self, reason: str) -> RefusedError:
        self.counters["refused"] += 1
        return busy(reason)

    async def _computed(self, asked: Rerank) -> list[float]:
        started = time.perf_counter()
        try:
            scores = await asyncio.to_thread(self._scorer.scores, asked.query, asked.documents)
        except Exception as error:
            _LOG.exception("the scoring of %d documents failed", len(asked.documents))
            self.counters["failed"] += 1
            message = f"reranking failed: {type(error).__name__}"
            raise RefusedError(500, message, "server_error") from error
        self.busy_seconds += time.perf_counter() - started
        self.counters["requests"] += 1
        self.counters["documents"] += len(scores)
        return scores
