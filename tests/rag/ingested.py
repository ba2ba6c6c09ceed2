"""A small corpus, an index of the elasticsearch server, and an ingest of the one into the other.

Embeddings come from hashing, so that counts are exact. Import the fixtures `index` and `corpus`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.corpus import load_corpus
from rag.index import SETTINGS, mappings
from rag.ingest import IngestResult, ingest
from rag.reader_process import DocumentReader
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from tests.rag.fakes import DIMENSION, META, FakeEmbedder
from tests.support.elasticsearch import ElasticsearchServer

__all__ = ["URI", "corpus", "index", "run", "write"]

URI = "oss://bucket/corpus/"


@pytest.fixture
def index(elasticsearch_server: ElasticsearchServer) -> Iterator[str]:
    name = f"ingest-{os.getpid()}-{time.monotonic_ns()}"
    mapping = mappings(
        DIMENSION, {"model_version": META.model_version, "embedding_urls": ["http://embedder"]}
    )
    with elasticsearch_server.client() as client:
        client.indices.create(index=name, mappings=mapping, settings=dict(SETTINGS))
        yield name
        client.indices.delete(index=name)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "docs").mkdir(parents=True)
    for number in range(12):
        write(folder, number, f"Document {number} about topic{number}. " * (10 + 20 * number))
    return folder


def write(folder: Path, number: int, text: str) -> None:
    (folder / "docs" / f"{number:02}.txt").write_text(text, encoding="utf-8")


def run(
    server: ElasticsearchServer, index: str, folder: Path, options: ReadOptions = DEFAULT_OPTIONS
) -> tuple[IngestResult, FakeEmbedder]:
    async def main() -> tuple[IngestResult, FakeEmbedder]:
        embedder = FakeEmbedder()
        async with server.engine() as engine:
            result = await ingest(
                engine,
                embedder,
                reader,
                load_corpus(folder),
                index=index,
                corpus_uri=URI,
                report=lambda line: None,
            )
        return result, embedder

    with DocumentReader(options=options) as reader:
        return asyncio.run(main())
