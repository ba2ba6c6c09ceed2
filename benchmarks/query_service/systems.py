"""The systems that `benchmarks.query_service` compares: the limit, the application's, and peers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from rag.engines.base import SearchEngine
from rag.fuse import CANDIDATES
from rag.index import SOURCE_FIELDS
from rag.query import both_scores, near_candidates, vector_body, word_search
from rag.retrieve import Retriever

__all__ = ["TOP_K", "Answers", "Limit", "Own", "Peer", "System"]

TOP_K = 10
_END_SECONDS = 10
_ROUNDED_OFF_MS = 0.5
"""What `took` lacks on average: the engines give whole milliseconds, rounded down."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a system made of some questions.

    Attributes:
        seconds: How long each took.
        found: The ids of the passages for each, best first; empty for the limit.
    """

    seconds: list[float]
    found: list[list[str]]


class System(Protocol):
    """Answers questions with some clients at the same time."""

    name: str

    async def ask(self, questions: Sequence[str], clients: int) -> Answers:
        """Ask the questions; each client asks the next one as soon as it has an answer."""
        ...

    async def close(self) -> None:
        """End its connections and processes."""
        ...


async def _together(
    ask: Callable[[str], Awaitable[tuple[float, list[str]]]], questions: Sequence[str], clients: int
) -> Answers:
    answers: list[tuple[float, list[str]]] = [(0.0, [])] * len(questions)
    waiting = iter(enumerate(questions))

    async def client() -> None:
        for number, question in waiting:
            answers[number] = await ask(question)

    await asyncio.gather(*(client() for _ in range(clients)))
    return Answers(seconds=[one for one, _ in answers], found=[ids for _, ids in answers])


class Own:
    """The application's retrieval."""

    def __init__(self, name: str, retriever: Retriever) -> None:
        self.name = name
        self._retriever = retriever

    async def ask(self, questions: Sequence[str], clients: int) -> Answers:
        """See `System`."""

        async def one(question: str) -> tuple[float, list[str]]:
            started = time.perf_counter()
            retrieval = await self._retriever.retrieve(question, TOP_K)
            return time.perf_counter() - started, [hit.chunk_id for hit in retrieval.hits]

        return await _together(one, questions, clients)

    async def close(self) -> None:
        """See `System`."""
        await self._retriever.close()


class Limit:
    """What no query service can avoid: the time of the encoder, and the engine's own (`took`).

    Args:
        engine: The cluster.
        index: The index.
        embeddings_url: Of the embedding service, up to and including ``/v1``.
        languages: The language of each question.
        whole: Count the engine's time for every search that the application sends, not for the
            two of a plain hybrid search.
    """

    def __init__(
        self,
        engine: SearchEngine,
        index: str,
        embeddings_url: str,
        languages: dict[str, str],
        *,
        whole: bool,
    ) -> None:
        self.name = "limit, all searches" if whole else "limit, two searches"
        self._engine = engine
        self._index = index
        self._url = f"{embeddings_url}/embeddings"
        self._languages = languages
        self._whole = whole
        # Not httpx, which takes a millisecond of its own.
        self._http = aiohttp.ClientSession()

    async def ask(self, questions: Sequence[str], clients: int) -> Answers:
        """See `System`."""
        return await _together(self._one, questions, clients)

    async def _one(self, question: str) -> tuple[float, list[str]]:
        started = time.perf_counter()
        body = {"input": question, "input_type": "query"}
        async with self._http.post(self._url, json=body) as response:
            content = await response.read()
        seconds = time.perf_counter() - started
        vector = json.loads(content)["data"][0]["embedding"]
        words = word_search(question, self._languages[question], CANDIDATES)
        near = self._near(vector)
        if not self._whole:
            took = await self._both(words, vector_body(near, CANDIDATES))
            return seconds + took / 1000, []
        took, found = await self._search(words)
        among = self._near(vector, found)
        both = both_scores([near, among], words, 2 * CANDIDATES)
        more, best = await self._search(both, {"include_named_queries_score": "true"})
        texts = {"query": {"ids": {"values": best[:TOP_K]}}, "size": TOP_K}
        last, _ = await self._search({**texts, "_source": list(SOURCE_FIELDS)})
        return seconds + (took + more + last) / 1000, []

    def _near(self, vector: list[float], among: list[str] | None = None) -> dict[str, Any]:
        return self._engine.nearest(vector, CANDIDATES, near_candidates(CANDIDATES), among)

    async def _search(
        self, body: dict[str, Any], params: dict[str, str] | None = None
    ) -> tuple[float, list[str]]:
        answer = await self._engine.search(self._index, body, params)
        found = [hit["_id"] for hit in answer["hits"]["hits"]]
        return answer["took"] + _ROUNDED_OFF_MS, found

    async def _both(self, *bodies: dict[str, Any]) -> float:
        """Return the engine's time for searches that are sent together, in milliseconds."""
        lines = [json.dumps(line) for body in bodies for line in ({"index": self._index}, body)]
        answer = await self._engine.request(
            "POST",
            "/_msearch",
            "\n".join(lines) + "\n",
            headers={"accept": "application/json", "content-type": "application/x-ndjson"},
        )
        took: float = answer["took"] + _ROUNDED_OFF_MS
        return took

    async def close(self) -> None:
        """See `System`."""
        await self._http.close()


class Peer:
    """A peer, in a process with an environment of its own (`peers.py`).

    Args:
        name: As in `peers.py`.
        python: The interpreter that has its packages.
        depth: Passages that each of its searches returns.
        order: What `peers.py` needs beside that.
    """

    def __init__(self, name: str, python: str, depth: int, order: dict[str, Any]) -> None:
        self.name = f"{name}, {depth}"
        self._order = {**order, "name": name, "depth": depth, "top_k": TOP_K}
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("peers.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )

    async def prepare(self) -> str:
        """Let it write its index, and return its version."""
        return str((await self._say(self._order))["version"])

    async def ask(self, questions: Sequence[str], clients: int) -> Answers:
        """See `System`."""
        answer = await self._say({"questions": list(questions), "clients": clients})
        return Answers(seconds=answer["seconds"], found=answer["found"])

    async def _say(self, what: dict[str, Any]) -> dict[str, Any]:
        def exchange() -> str:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()

        line = await asyncio.to_thread(exchange)
        if not line:
            raise SystemExit(f"{self.name} ended with status {self._process.wait(_END_SECONDS)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def close(self) -> None:
        """See `System`."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        await asyncio.to_thread(self._process.wait, _END_SECONDS)
