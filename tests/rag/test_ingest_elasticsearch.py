"""Ingest into a real Elasticsearch, embeddings by hashing: counts are exact."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from rag.bulk import BulkWriter, index_operation
from rag.chunk import chunk_document
from rag.corpus import load_corpus
from rag.errors import IngestError, SearchIndexError
from rag.index import chunk_id
from rag.ingest import MAY_PASS
from rag.readers import read_document
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from rag.windows import windows_of
from tests.rag.fakes import vector_of
from tests.rag.ingested import URI, corpus, index, run, write
from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch

__all__ = ["corpus", "index"]

REPOSITORY = Path(__file__).resolve().parents[2]


def chunks_of(folder: Path) -> set[str]:
    """Return the `_id` of every chunk that an index of this corpus must have."""
    found = set()
    for file in load_corpus(folder).files:
        from rag.corpus import sha256_of

        for chunk in chunk_document(read_document(file.key, file.path)):
            found.add(chunk_id(file.key, sha256_of(file.path), chunk.number))
    return found


def windows_in(folder: Path) -> int:
    return sum(
        len(windows_of(chunk.text))
        for file in load_corpus(folder).files
        for chunk in chunk_document(read_document(file.key, file.path))
    )


def ids_in(client: Elasticsearch, index: str) -> set[str]:
    client.indices.refresh(index=index)
    answer = client.search(index=index, size=10_000, source=False)
    return {hit["_id"] for hit in answer["hits"]["hits"]}


def test_the_first_run_indexes_every_chunk_and_the_second_none(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    first, embedder = run(elasticsearch_server, index, corpus)
    expected = chunks_of(corpus)
    assert (first.documents, first.embedded_documents) == (12, 12)
    assert first.chunks == len(expected)
    assert embedder.texts == windows_in(corpus) > len(expected)
    with elasticsearch_server.client() as client:
        assert ids_in(client, index) == expected
    second, embedder = run(elasticsearch_server, index, corpus)
    assert (second.documents, second.unchanged_documents, second.chunks) == (12, 12, first.chunks)
    assert embedder.texts == 0


def test_only_changed_documents_are_embedded_and_deleted_ones_are_removed(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    write(corpus, 11, "Now short.")
    write(corpus, 12, "A new document.")
    (corpus / "docs" / "03.txt").unlink()
    result, embedder = run(elasticsearch_server, index, corpus)
    assert (result.embedded_documents, result.unchanged_documents) == (2, 10)
    assert (result.removed_documents, result.documents) == (1, 12)
    assert embedder.texts == 2
    with elasticsearch_server.client() as client:
        assert ids_in(client, index) == chunks_of(corpus)


def test_a_changed_option_reads_only_the_documents_again_that_it_applies_to(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    (corpus / "docs" / "05.txt").write_bytes("备用钥匙挂在值班室".encode("gb18030"))
    options = ReadOptions(encodings={"docs/05.txt": "big5"})
    run(elasticsearch_server, index, corpus, options)
    for again in (ReadOptions(encodings={"docs/05.txt": "gb18030"}), DEFAULT_OPTIONS):
        result, embedder = run(elasticsearch_server, index, corpus, again)
        assert (result.embedded_documents, result.unchanged_documents) == (1, 11)
        assert (result.documents, embedder.texts) == (12, 1)
    result, embedder = run(elasticsearch_server, index, corpus)
    assert (result.unchanged_documents, embedder.texts) == (12, 0)
    with elasticsearch_server.client() as client:
        assert ids_in(client, index) == chunks_of(corpus)


def test_an_unreadable_document_is_skipped_and_its_former_content_is_removed(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    (corpus / "docs" / "05.txt").write_bytes(b"\xb0\xa1")
    result, _ = run(elasticsearch_server, index, corpus)
    assert [entry["document"] for entry in result.set_aside] == ["docs/05.txt"]
    assert result.documents == 11
    (corpus / "docs" / "05.txt").unlink()
    with elasticsearch_server.client() as client:
        assert ids_in(client, index) == chunks_of(corpus)


def test_foreign_chunks_in_the_index_fail_the_run(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    with elasticsearch_server.client() as client:
        client.index(index=index, document={"text": "foreign"}, refresh=True)
    with pytest.raises(IngestError, match="nothing else writes"):
        run(elasticsearch_server, index, corpus)


@pytest.mark.parametrize("field", ["chunker", "analyser"])
def test_an_index_for_other_chunks_or_terms_is_refused(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path, field: str
) -> None:
    with elasticsearch_server.client() as client:
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
        client.indices.put_mapping(index=index, meta={**meta, field: "other"})
    with pytest.raises(IngestError, match=r"is for .* of 'other'"):
        run(elasticsearch_server, index, corpus)


def test_a_missing_index_is_named(elasticsearch_server: ElasticsearchServer, corpus: Path) -> None:
    with pytest.raises(SearchIndexError, match="no index or alias 'nowhere'"):
        run(elasticsearch_server, "nowhere", corpus)


def test_a_chunk_that_the_index_refuses_fails_the_write(
    elasticsearch_server: ElasticsearchServer, index: str
) -> None:
    async def main() -> None:
        async with elasticsearch_server.engine() as engine:
            operation = index_operation("x", {"unknown_field": 1}, vector_of("x")[None])
            await BulkWriter(engine, index).write([operation])

    with pytest.raises(IngestError, match="refused a chunk: 400"):
        asyncio.run(main())


@contextmanager
def embedding_service(delay_seconds: float) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.rag.stub_embedder", "0", str(delay_seconds)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def command(server: ElasticsearchServer, index: str, corpus: Path, url: str) -> dict[str, Any]:
    arguments = {
        "corpus-dir": corpus,
        "corpus-uri": URI,
        "index": index,
        "embedding-url": url,
        "output-dir": corpus.parent / "output",
    }
    return {
        "args": [
            sys.executable,
            "-m",
            "rag.ingest",
            *(f"--{name}={value}" for name, value in arguments.items()),
        ],
        "cwd": REPOSITORY,
        "env": {
            **os.environ,
            "CUSTOMRAG_SEARCH_URL": server.url,
            "CUSTOMRAG_SEARCH_PASSWORD": server.password,
        },
    }


def test_a_run_killed_in_the_middle_and_run_again_leaves_exact_counts(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    for number in range(12, 40):
        write(corpus, number, f"Document {number} about topic{number}. " * 300)
    expected = chunks_of(corpus)
    output = corpus.parent / "output" / "result.json"
    with elasticsearch_server.client() as client, embedding_service(0.5) as url:
        process = subprocess.Popen(**command(elasticsearch_server, index, corpus, url))
        deadline = time.monotonic() + 60
        while not (done := len(ids_in(client, index))):
            assert process.poll() is None, "it ended before anything was written"
            assert time.monotonic() < deadline, "nothing was written within 60 s"
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert 0 < done < len(expected)
        assert not output.exists()
    with elasticsearch_server.client() as client, embedding_service(0.0) as url:
        subprocess.run(**command(elasticsearch_server, index, corpus, url), check=True)
        assert ids_in(client, index) == expected
        settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
        assert "refresh_interval" not in settings
    result = json.loads(output.read_text())
    assert result["documents"] == 40
    assert result["chunks"] == len(expected)


def test_a_run_after_a_rollback_waits_for_the_model_and_changes_nothing(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    output = corpus.parent / "output" / "result.json"
    with elasticsearch_server.client() as client:
        before = ids_in(client, index)
        write(corpus, 1, "Changed since.")
        with embedding_service(0.0) as url:
            wait = command(elasticsearch_server, index, corpus, url)
            wait["args"].append("--as-it-is")
            subprocess.run(**wait, check=True)
        assert ids_in(client, index) == before
        result = json.loads(output.read_text())
        assert (result["chunks"], result["embedded_documents"]) == (len(before), 0)
        wait["args"].append("--embedding-wait-seconds=1")
        assert subprocess.run(**wait, check=False).returncode == MAY_PASS
        assert not output.exists()
