"""Compare the query service with its limit and its peers, side by side in one run.

    python -m localcloud.elasticsearch.borrow --home DIR \\
        python -m benchmarks.query_service --corpus DIR [--model NAME] [--peer NAME=PYTHON]...

Starts an embedding service, indexes a corpus, and asks every system the same questions with 1, 8
and 32 clients at the same time. The systems take turns, some questions at a time, because on a busy
machine only ratios count. For each number of clients it prints:
    median, 95 %  time of a question, in ms
    ratio         its median to that of the limit with two searches
    of all        its median to that of the limit with all searches
    found         questions with the whole answer in one of the 10 passages
The systems:
    limit, two searches  the time of the embedding request, and the time that the engine reports
                         (`took`) for both searches, sent together, each for 100 ids and scores.
                         Nothing else counts: no connection, no JSON, no fusion, no text.
    limit, all searches  the time of the embedding request, and the engine's own time for the three
                         requests of the application, one after the other: the word search, both
                         scores of each passage, and the text of ten passages. `took` is in whole
                         milliseconds, rounded down; each counts half a millisecond more.
    customrag            `rag.retrieve.Retriever.retrieve` without a reranker
    reranked             the same with the late interaction, if the model has token vectors
    NAME, N              a peer (`peers.py`) whose searches return N passages each: 10 is the
                         default of both peers, and 100 is the application's
`--ids FILE` writes the ids that the application found, to compare two versions.
The address of the cluster is in CUSTOMRAG_ELASTICSEARCH_URL, _USERNAME and _PASSWORD. Every system
asks _ENGINE_URL instead if it is set, because the gateway of a local instance, which Alibaba Cloud
does not have, takes as long as a small search.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.query_service.systems import Limit, Own, Peer, System
from rag.corpus import Corpus, Question, load_corpus, load_questions
from rag.embed import EmbeddingClient
from rag.engines.base import SearchEngine
from rag.index import SETTINGS, mappings
from rag.ingest import ingest
from rag.reader_process import DocumentReader
from rag.rerank import no_reranking
from rag.retrieve import Retriever
from training.clusters import Cluster
from training.measure import Chosen
from training.settings import EvaluationSettings

_LOADING_SECONDS = 180.0
_BATCH = 64
_PEERS = ("haystack", "llamaindex", "llamaindex-sum")


@contextlib.contextmanager
def embedding_service(model: str) -> Iterator[str]:
    """Run an embedding service, and return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "rag.serving"],
        env={
            **os.environ,
            "CUSTOMRAG_MODEL_URI": model,
            "CUSTOMRAG_MODEL_VERSION": "benchmark",
            "CUSTOMRAG_PORT": str(port),
        },
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def fill(
    engine: SearchEngine, index: str, url: str, corpus: Corpus, model: str, *, peers: bool
) -> list[dict[str, Any]]:
    """Make and fill the application's index; return each chunk's id and text.

    With peers, each has a vector of its whole text, too: they know no windows.
    """
    embedder = EmbeddingClient(url, model_version="benchmark", retry_seconds=_LOADING_SECONDS)
    infos = await embedder.wait_ready(_LOADING_SECONDS)
    meta = {
        "model_version": "benchmark",
        "embedding_urls": [url],
        **Chosen.of(Path(model)).meta,
    }
    await engine.create_index(
        index, mappings=mappings(infos[url].dimension, meta), settings=dict(SETTINGS)
    )
    with DocumentReader() as reader:
        await ingest(
            engine,
            embedder,
            reader,
            corpus,
            index=index,
            corpus_uri="oss://benchmark/corpus/",
            report=lambda line: None,
        )
    answer = await engine.search(index, {"size": 10_000, "_source": ["text", "table_header"]})
    chunks = []
    for hit in answer["hits"]["hits"]:
        text = "\n".join(filter(None, (hit["_source"].get("table_header"), hit["_source"]["text"])))
        chunks.append({"id": hit["_id"], "text": text})
    if peers:
        for start in range(0, len(chunks), _BATCH):
            batch = chunks[start : start + _BATCH]
            found = await embedder.embed([chunk["text"] for chunk in batch], "document")
            for chunk, vector in zip(batch, found, strict=True):
                chunk["vector"] = vector.tolist()
    await embedder.close()
    return chunks


@contextlib.asynccontextmanager
async def systems(
    engine: SearchEngine,
    prefix: str,
    url: str,
    questions: list[Question],
    chunks: list[dict[str, Any]],
    peers: list[tuple[str, str]],
    engine_url: str,
) -> AsyncIterator[list[System]]:
    """Start every system."""
    index = f"{prefix}-own"
    plain = Retriever(engine, index, rerank=no_reranking)
    meta, _ = await plain.resolve()
    languages = {q.question: await plain.language_of(q.question) for q in questions}
    running: list[System] = [
        Limit(engine, index, f"{url}/v1", languages, whole=False),
        Limit(engine, index, f"{url}/v1", languages, whole=True),
        Own("customrag", plain),
    ]
    if meta.token_form is not None:
        running.append(Own("reranked", Retriever(engine, index)))
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
            file.writelines(json.dumps(chunk) + "\n" for chunk in chunks)
            file.flush()
            for number, (name, python) in enumerate(peers):
                for depth in (10,) if name == "llamaindex-sum" else (10, 100):
                    order = {
                        "engine_url": engine_url,
                        "index": f"{prefix}-{number}",
                        "embeddings_url": f"{url}/v1",
                        "model": "benchmark",
                        "chunks": file.name if depth == 10 else None,
                    }
                    peer = Peer(name, python, depth, order)
                    running.append(peer)
                    print(f"{peer.name}: version {await peer.prepare()}", flush=True)
        yield running
    finally:
        for system in running:
            await system.close()


async def compare(
    running: list[System], questions: list[Question], clients: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, dict[str, list[str]]]]:
    """Return the times of each system, and the ids that it found for each question."""
    seconds: dict[str, list[float]] = defaultdict(list)
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    block = 10 if clients == 1 else 4 * clients
    for turn in range(rounds + 1):
        start = turn * block % len(questions)
        asked = [q.question for q in (questions + questions)[start : start + block]]
        first = turn % len(running)
        for system in [*running[first:], *running[:first]]:
            answers = await system.ask(asked, clients)
            found[system.name].update(zip(asked, answers.found, strict=True))
            # The first round warms up.
            seconds[system.name] += answers.seconds if turn else []
    return seconds, found


def report(
    clients: int,
    seconds: dict[str, list[float]],
    found: dict[str, dict[str, list[str]]],
    has_answer: dict[str, set[str]],
) -> None:
    """Print a row for each system."""
    count = len(next(iter(seconds.values())))
    print(f"\n{clients} clients, {count} questions")
    print(f"{'system':<20} {'median':>8} {'95 %':>8} {'ratio':>6} {'of all':>6} {'found':>6}")
    lowest, whole = (statistics.median(values) for values in list(seconds.values())[:2])
    for name, values in seconds.items():
        median, slow = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        right = [bool(has_answer[q] & set(ids)) for q, ids in found[name].items() if ids]
        share = f"{statistics.mean(right):.3f}" if right else ""
        print(
            f"{name:<20} {median * 1000:>8.1f} {slow * 1000:>8.1f} {median / lowest:>6.2f} "
            f"{median / whole:>6.2f} {share:>6}",
            flush=True,
        )


async def measure(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    given_by = EvaluationSettings()
    engine_url = os.environ.get("CUSTOMRAG_ELASTICSEARCH_ENGINE_URL", given_by.elasticsearch_url)
    engine = Cluster(
        url=engine_url,
        username=given_by.elasticsearch_username,
        password=given_by.elasticsearch_password.get_secret_value(),
    ).engine()
    prefix = f"customrag-query-{secrets.token_hex(4)}"
    corpus = load_corpus(arguments.corpus)
    corpus = replace(corpus, files=corpus.files[: arguments.documents])
    documents = {file.key for file in corpus.files}
    questions = [q for q in load_questions(arguments.corpus) if q.document in documents]
    random.Random(7).shuffle(questions)  # noqa: S311 - an order, no secret
    identifiers: dict[str, list[str]] = {}
    try:
        with embedding_service(arguments.model) as url:
            chunks = await fill(
                engine,
                f"{prefix}-own",
                url,
                corpus,
                arguments.model,
                peers=bool(arguments.peer),
            )
            has_answer = {
                q.question: {chunk["id"] for chunk in chunks if q.answer in chunk["text"]}
                for q in questions
            }
            print(f"{len(chunks)} chunks, {len(questions)} questions", flush=True)
            given = (engine, prefix, url, questions, chunks, arguments.peer)
            async with systems(*given, engine_url) as running:
                for clients in arguments.clients:
                    rounds = arguments.rounds if clients == 1 else max(2, arguments.rounds // 4)
                    seconds, found = await compare(running, questions, clients, rounds)
                    report(clients, seconds, found, has_answer)
                    identifiers.update(found["customrag"])
    finally:
        # A cluster may refuse to delete by a pattern.
        for name in await engine.creation_times(f"{prefix}-*"):
            await engine.delete_index(name)
        await engine.close()
    if arguments.ids:
        arguments.ids.write_text(json.dumps(identifiers, sort_keys=True, indent=1), "utf-8")


def _peer(text: str) -> tuple[str, str]:
    name, equals, python = text.partition("=")
    if not equals or name not in _PEERS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=PYTHON. NAME must be one of {', '.join(_PEERS)}"
        )
    return name, python


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.query_service")
    parser.add_argument("--corpus", type=Path, required=True, help="docs/ and questions.jsonl")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument("--documents", type=int, help="only the first of them, to begin sooner")
    parser.add_argument(
        "--peer",
        action="append",
        type=_peer,
        default=[],
        metavar="NAME=PYTHON",
        help=f"{', '.join(_PEERS)}, and the interpreter that has it; repeatable",
    )
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=20, help="a quarter with several clients")
    parser.add_argument("--ids", type=Path, help="a JSON file for the ids that were found")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
