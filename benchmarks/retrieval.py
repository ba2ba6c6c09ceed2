"""Compare a hybrid retrieval with its parts, in one run.

    python -m benchmarks.retrieval --elasticsearch-url URL --index NAME --questions FILE

Both ask the same index, whose `_meta` names the embedding service. They alternate, one question at
a time:
    parts      encode the question, then ask the engine for both searches at once, and read the ids
    retrieval  `rag.retrieve.Retriever.retrieve`: the same, fused, with the passages' text
Prints the median of each and their ratio. The password is CUSTOMRAG_ELASTICSEARCH_PASSWORD.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import time
from pathlib import Path

from providers.clients.elasticsearch import async_client
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.fuse import CANDIDATES
from rag.query import near_candidates, word_search
from rag.retrieve import Retriever


async def measure(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    rows = [json.loads(line) for line in arguments.questions.read_text("utf-8").splitlines()]
    questions = [row["question"] for row in rows][: arguments.count]
    engine = ElasticsearchEngine(
        async_client(
            arguments.elasticsearch_url,
            arguments.username,
            os.environ["CUSTOMRAG_ELASTICSEARCH_PASSWORD"],
            http_compress=False,
        )
    )
    retriever = Retriever(engine, arguments.index)
    meta, embedder = await retriever.resolve()

    async def parts(question: str) -> None:
        (vector,) = await embedder.embed([question], "query")
        candidates = near_candidates(CANDIDATES)
        await engine.scores_of_each(
            meta.index,
            [
                engine.vector_search(vector.tolist(), CANDIDATES, candidates),
                word_search(question, await retriever.language_of(question), CANDIDATES),
            ],
        )

    seconds: dict[str, list[float]] = {"parts": [], "retrieval": []}
    for number, question in enumerate(questions):
        turns = [("parts", parts(question)), ("retrieval", retriever.retrieve(question, 10))]
        for name, work in turns if number % 2 else reversed(turns):
            started = time.perf_counter()
            await work
            if number >= arguments.warm_up:
                seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(values) * 1000 for name, values in seconds.items()}
    for name, values in seconds.items():
        slow = statistics.quantiles(values, n=20)[-1] * 1000
        print(f"{name:<10} median {medians[name]:7.1f} ms   95 % {slow:7.1f} ms")
    print(f"ratio      {medians['retrieval'] / medians['parts']:.2f}")
    await retriever.close()
    await engine.close()


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval")
    parser.add_argument("--elasticsearch-url", required=True)
    parser.add_argument("--username", default="elastic")
    parser.add_argument("--index", required=True, help="index or alias")
    parser.add_argument("--questions", type=Path, required=True, help="a questions.jsonl")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--warm-up", type=int, default=20, help="questions that are not counted")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
