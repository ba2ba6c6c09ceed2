"""Compare the kinds of vector index, side by side in one run.

    python -m localcloud.elasticsearch.borrow --home DIR \\
        python -m benchmarks.quantisation --corpus DIR [--model NAME] [--vectors FILE]

Embeds a corpus and its questions, indexes the same vectors once for each kind, merges each index to
one segment, and asks all of them the application's vector search, one question at a time in an
order that turns. Prints for each kind:
    recall@10   how many of the exact 10 nearest windows are among its first 10, on average
    recall@100  the same for 100, which is what the application fuses
    median, 95 %  time of a search, in ms
    disk        vectors, copies and graph in the index, in MB
    memory      what every search reads, in MB: without the vectors, where there are copies
The exact neighbors come from numpy. `--vectors` keeps the embeddings in a file for the next run.
The address of the cluster is in CUSTOMRAG_ELASTICSEARCH_URL, _USERNAME and _PASSWORD.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.bulk import BulkWriter, index_operation
from rag.chunk import chunk_document, embedding_text
from rag.corpus import load_corpus, load_questions
from rag.encoder import LocalEncoder
from rag.engines.base import SearchEngine
from rag.fuse import CANDIDATES
from rag.index import VECTORS_FIELD, mappings
from rag.query import near_candidates
from rag.readers import read_document
from rag.vector_index import VectorIndex, VectorIndexKind
from rag.windows import windows_of
from training.clusters import Cluster
from training.settings import EvaluationSettings

Matrix = npt.NDArray[np.float32]
_MERGE_SECONDS = 600.0
KINDS = (
    VectorIndex(kind=VectorIndexKind.HNSW),
    VectorIndex(kind=VectorIndexKind.INT8_HNSW),
    VectorIndex(kind=VectorIndexKind.INT8_HNSW, oversample=2.0),
    VectorIndex(kind=VectorIndexKind.INT4_HNSW),
    VectorIndex(kind=VectorIndexKind.INT4_HNSW, oversample=2.0),
    VectorIndex(kind=VectorIndexKind.BBQ_HNSW),
    VectorIndex(kind=VectorIndexKind.BBQ_HNSW, oversample=0.0),
    VectorIndex(kind=VectorIndexKind.FLAT),
    VectorIndex(kind=VectorIndexKind.INT8_FLAT),
    VectorIndex(kind=VectorIndexKind.INT4_FLAT),
    VectorIndex(kind=VectorIndexKind.BBQ_FLAT),
)


@dataclass(kw_only=True)
class Measured:
    """The index of one kind, and its measurements.

    Attributes:
        vectors: The options.
        index: Name of the index.
        disk_mb, memory_mb: Its sizes.
        seconds: Of each search.
        found: Row numbers that each search returned, best first.
    """

    vectors: VectorIndex
    index: str
    disk_mb: float = 0.0
    memory_mb: float = 0.0
    seconds: list[float] = field(default_factory=list)
    found: list[list[int]] = field(default_factory=list)


def embeddings(arguments: argparse.Namespace) -> tuple[Matrix, Matrix]:
    """Return the embeddings of windows and questions, one a row, normalised."""
    if arguments.vectors and arguments.vectors.is_file():
        with np.load(arguments.vectors) as kept:
            return kept["windows"], kept["questions"]
    texts = []
    for file in load_corpus(arguments.corpus).files:
        document = read_document(file.key, file.path)
        for chunk in chunk_document(document):
            texts += windows_of(embedding_text(document.title, chunk))
    questions = [item.question for item in load_questions(arguments.corpus)]
    encoder = LocalEncoder(arguments.model)
    try:
        windows = encoder.encode(texts, "document").vectors
        asked = encoder.encode(questions, "query").vectors
    finally:
        encoder.close()
    if arguments.vectors:
        np.savez(arguments.vectors, windows=windows, questions=asked)
    return windows, asked


async def fill(engine: SearchEngine, one: Measured, windows: Matrix) -> None:
    """Make and fill an index, and note its sizes."""
    meta = {"model_version": "quantisation", "embedding_urls": ["http://in-process.invalid"]}
    mapping = mappings(windows.shape[1], meta, one.vectors)
    settings = {"number_of_shards": 1, "number_of_replicas": 0}
    await engine.create_index(one.index, mapping, settings)
    operations = [index_operation(str(row), {}, vector[None]) for row, vector in enumerate(windows)]
    await BulkWriter(engine, one.index).write(operations)
    await engine.request(
        "POST",
        f"/{one.index}/_forcemerge",
        params={"max_num_segments": "1"},
        timeout_seconds=_MERGE_SECONDS,
    )
    await engine.refresh(one.index)
    usage = await engine.request(
        "POST", f"/{one.index}/_disk_usage", params={"run_expensive_tasks": "true"}
    )
    vectors_bytes = usage[one.index]["fields"][VECTORS_FIELD]["knn_vectors_in_bytes"]
    one.disk_mb = vectors_bytes / 1e6
    # A search of a quantised kind reads the vectors themselves for few passages, or for none.
    read_bytes = vectors_bytes - (windows.nbytes if one.vectors.kind.is_quantised else 0)
    one.memory_mb = read_bytes / 1e6


async def ask(engine: SearchEngine, kinds: list[Measured], questions: Matrix) -> None:
    """Ask every index each question; another one begins each time."""
    for number, question in enumerate(questions):
        body = engine.vector_search(question.tolist(), CANDIDATES, near_candidates(CANDIDATES))
        turn = number % len(kinds)
        for one in [*kinds[turn:], *kinds[:turn]]:
            started = time.perf_counter()
            found = await engine.scores(one.index, body)
            one.seconds.append(time.perf_counter() - started)
            one.found.append([int(row) for row in found])


def recall(found: list[list[int]], exact: npt.NDArray[np.int64], k: int) -> float:
    """Return the mean share of the exact `k` nearest that is among the first `k` found."""
    shares = [
        len(set(one[:k]) & set(row[:k].tolist())) / k for one, row in zip(found, exact, strict=True)
    ]
    return statistics.fmean(shares)


def report(kinds: list[Measured], exact: npt.NDArray[np.int64], warm_up: int) -> None:
    """Print a row for each kind."""
    print(
        f"{'kind':<10} {'oversample':>10} {'recall@10':>9} {'recall@100':>10} {'median':>7} "
        f"{'95 %':>7} {'disk':>7} {'memory':>7}"
    )
    for one in kinds:
        seconds = [1000 * value for value in one.seconds[warm_up:]]
        oversample = "" if one.vectors.oversample is None else f"{one.vectors.oversample:g}"
        print(
            f"{one.vectors.kind:<10} {oversample:>10} {recall(one.found, exact, 10):>9.3f} "
            f"{recall(one.found, exact, CANDIDATES):>10.3f} {statistics.median(seconds):>7.1f} "
            f"{statistics.quantiles(seconds, n=20)[-1]:>7.1f} {one.disk_mb:>7.1f} "
            f"{one.memory_mb:>7.1f}"
        )


async def measure(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    windows, questions = embeddings(arguments)
    print(f"{len(windows)} windows, {len(questions)} questions, {windows.shape[1]} dimensions")
    exact = np.argsort(-(questions @ windows.T), axis=1, kind="stable")[:, :CANDIDATES]
    settings = EvaluationSettings()
    engine = Cluster(
        url=settings.elasticsearch_url,
        username=settings.elasticsearch_username,
        password=settings.elasticsearch_password.get_secret_value(),
    ).engine()
    prefix = f"customrag-quantisation-{secrets.token_hex(4)}"
    kinds = [
        Measured(vectors=vectors, index=f"{prefix}-{number}")
        for number, vectors in enumerate(KINDS)
    ]
    try:
        for one in kinds:
            await fill(engine, one, windows)
        await ask(engine, kinds, questions)
    finally:
        for one in kinds:
            await engine.delete_index(one.index)
        await engine.close()
    report(kinds, exact, arguments.warm_up)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quantisation")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument("--vectors", type=Path, help="an .npz file that keeps the embeddings")
    parser.add_argument("--warm-up", type=int, default=50, help="searches that are not timed")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
