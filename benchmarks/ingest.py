"""Compare the rate of an ingest with the rate of the encoder alone, in one run.

    python -m benchmarks.ingest --elasticsearch-url URL --corpus DIR [--model NAME]

Alternates between two, on the same chunk texts and the same cores:
    encoder  the model in a process that does nothing else: the faster of `rag.encoder` and
             plain SentenceTransformer.encode
    ingest   `rag.ingest` with the embedding service as a process beside the engine: reading,
             cutting, embedding over HTTP, indexing, until the counts are verified
Prints chunks per second of each and the ratio of the medians. Creates an index and removes it. The
password is CUSTOMRAG_ELASTICSEARCH_PASSWORD.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from providers.clients.elasticsearch import async_client
from rag.chunk import chunk_document, embedding_text
from rag.corpus import Corpus, load_corpus
from rag.embed import EmbeddingClient
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.index import SETTINGS, mappings
from rag.ingest import ingest
from rag.models import resolve_model
from rag.reader_process import DocumentReader
from rag.readers import read_document
from rag.tokens import load_tokens

_VERSION = "benchmark"


@contextlib.contextmanager
def embedding_service(model: str) -> Iterator[str]:
    """Run `rag.serving` as a separate process, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "CUSTOMRAG_MODEL_URI": model,
        "CUSTOMRAG_MODEL_VERSION": _VERSION,
        "CUSTOMRAG_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "rag.serving"], env={**os.environ, **settings}
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def encoder_rates(model: str, texts: list[str]) -> Iterator[dict[str, float]]:
    """Yield the chunks per second of the encoder alone; each step measures again."""
    import torch

    from rag.cores import available_cores
    from rag.encoder import LocalEncoder

    encoder = LocalEncoder(model)
    stock: Any = encoder._model
    encoder.encode(texts[:64], "document")
    stock.encode(texts[:64], show_progress_bar=False)
    while True:
        rates = {}
        started = time.perf_counter()
        encoder.encode(texts, "document")
        rates["rag.encoder"] = len(texts) / (time.perf_counter() - started)
        torch.set_num_threads(available_cores())
        started = time.perf_counter()
        stock.encode(texts, show_progress_bar=False)
        rates["sentence-transformers"] = len(texts) / (time.perf_counter() - started)
        yield rates


async def ingest_rate(arguments: argparse.Namespace, corpus: Corpus, url: str) -> float:
    """Return the chunks per second of a whole ingest into a new index."""
    engine = ElasticsearchEngine(
        async_client(
            arguments.elasticsearch_url,
            arguments.username,
            os.environ["CUSTOMRAG_ELASTICSEARCH_PASSWORD"],
            http_compress=False,
        )
    )
    embedder = EmbeddingClient(url)
    index = f"benchmark-ingest-{os.getpid()}"
    try:
        info = (await embedder.wait_ready(300))[url]
        await embedder.embed(["warm"] * 64, "document")
        meta = {"model_version": _VERSION, "embedding_urls": [url]}
        await engine.create_index(index, mappings(info.dimension, meta), SETTINGS)
        started = time.perf_counter()
        with DocumentReader() as reader:
            result = await ingest(
                engine,
                embedder,
                reader,
                corpus,
                index=index,
                corpus_uri="oss://benchmark/",
                report=lambda line: None,
            )
        return result.chunks / (time.perf_counter() - started)
    finally:
        await engine.delete_index(index)
        await embedder.close()
        await engine.close()


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest")
    parser.add_argument("--elasticsearch-url", required=True)
    parser.add_argument("--username", default="elastic")
    parser.add_argument("--corpus", type=Path, required=True, help="folder with docs/")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="as in rag.models")
    parser.add_argument("--documents", type=int, default=None, help="only the first so many")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    corpus = load_corpus(arguments.corpus)
    corpus = replace(corpus, files=corpus.files[: arguments.documents])
    documents = [read_document(file.key, file.path) for file in corpus.files]
    tokens = load_tokens(resolve_model(arguments.model))
    texts = [
        embedding_text(document.title, chunk)
        for document in documents
        for chunk in chunk_document(document, tokens)
    ]
    print(f"{len(documents)} documents, {len(texts)} chunks, {arguments.rounds} rounds")
    measured: dict[str, list[float]] = {}
    alone = encoder_rates(arguments.model, texts)
    with embedding_service(arguments.model) as url:
        asyncio.run(ingest_rate(arguments, replace(corpus, files=corpus.files[:1]), url))
        for _ in range(arguments.rounds):
            rates = next(alone)
            rates["ingest"] = asyncio.run(ingest_rate(arguments, corpus, url))
            for name, rate in rates.items():
                measured.setdefault(name, []).append(rate)
                print(f"  {name:<22} {rate:7.1f} chunks/s", flush=True)
    medians = {name: statistics.median(rates) for name, rates in measured.items()}
    own = max(rate for name, rate in medians.items() if name != "ingest")
    print(f"encoder {own:.1f}, ingest {medians['ingest']:.1f} chunks/s")
    print(f"ratio   {medians['ingest'] / own:.2f}")


if __name__ == "__main__":
    main()
