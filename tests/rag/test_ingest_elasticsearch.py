"""Ingest and retrieval against a real Elasticsearch, embeddings by hashing: counts are exact.

What this cannot prove: that the passages found are good ones (`training.evaluate` measures that).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from rag.bulk import BulkWriter, index_operation
from rag.chunk import chunk_document
from rag.corpus import load_corpus
from rag.errors import IngestError, PassageNotFoundError, RerankError, SearchIndexError
from rag.fuse import CANDIDATES, fuse
from rag.hits import Hit
from rag.index import SETTINGS, chunk_id, mappings
from rag.ingest import IngestResult, ingest
from rag.query import TEMPLATES, knn_body, near_candidates, template_params, word_search
from rag.reader_process import DocumentReader
from rag.readers import read_document
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from rag.rerank import Asked, Candidate, always
from rag.retrieve import Retrieval, Retriever
from rag.token_form import TokenForm
from rag.token_vectors import max_sim, unpack
from rag.windows import windows_of
from tests.rag.fakes import DIMENSION, META, FakeEmbedder, tokens_of, vector_of
from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch

REPOSITORY = Path(__file__).resolve().parents[2]
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
        assert subprocess.run(**wait, check=False).returncode == 1
        assert not output.exists()


def test_the_word_search_knows_languages_codes_and_forms_of_words(
    elasticsearch_server: ElasticsearchServer, index: str, tmp_path: Path
) -> None:
    documents = {
        "pump.md": "# Pump AW-047\n\nThe vessels were watered by hand in the spring of 1987.",
        "fan.md": "# Fan\n\nThe motor of the fan needs no oil and runs on 24 V.",
        "除湿机.md": "# 松涛除湿机\n\n保修四十二个月。水箱容量为四点五升。代码E7表示传感器断线。",
        "空调.md": "# 松涛空调\n\n室外机的噪音低于五十分贝。滤网每月清洗一次。",
    }
    (tmp_path / "docs").mkdir()
    for name, text in documents.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    run(elasticsearch_server, index, tmp_path)

    async def main() -> None:
        async with elasticsearch_server.engine() as engine:
            retriever = Retriever(engine, index, embedder=lambda meta: FakeEmbedder())
            for question, language, document in (
                ("Who waters the vessel?", "en", "docs/pump.md"),
                ("AW 047", "en", "docs/pump.md"),
                ("Is it 24V?", "en", "docs/fan.md"),
                ("除湿机的保修期有多长？", "zh", "docs/除湿机.md"),
                ("Ｅ７是什么意思？", "zh", "docs/除湿机.md"),
                ("噪音是多少分贝？", "zh", "docs/空调.md"),
                (f"vessel {' '.join(f'x{n}' for n in range(5_000))}", "en", "docs/pump.md"),
            ):
                assert await retriever.language_of(question) == language, question
                found = await engine.scores(index, word_search(question, language, 5))
                best = await retriever.passage(next(iter(found)))
                assert best[0].document_key == document, question
                assert best[0].language == ("zh" if language == "zh" else "en")
            await retriever.close()

    asyncio.run(main())


def _retrieved(
    server: ElasticsearchServer, index: str, question: str, top_k: int
) -> tuple[Hit, ...]:
    return _retrieval(server, index, question, top_k).hits


def _retrieval(
    server: ElasticsearchServer, index: str, question: str, top_k: int, **options: Any
) -> Retrieval:
    async def main() -> Retrieval:
        async with server.engine() as engine:
            retriever = Retriever(engine, index, embedder=lambda meta: FakeEmbedder(), **options)
            found = await retriever.retrieve(question, top_k)
            await retriever.close()
            return found

    return asyncio.run(main())


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_index_says_how_much_each_search_weighs(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path, weight: float
) -> None:
    run(elasticsearch_server, index, corpus)
    question = "topic3 document"
    with elasticsearch_server.client() as client:
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
        client.indices.put_mapping(index=index, meta={**meta, "search_weight": weight})
        words = client.search(index=index, body=word_search(question, "en", 20))["hits"]["hits"]

    hits = _retrieved(elasticsearch_server, index, question, 20)
    if weight:
        scores = [hit.cosine for hit in hits if hit.cosine is not None]
    else:
        scores = [hit.bm25 for hit in hits if hit.bm25 is not None]
        assert scores == sorted((hit["_score"] for hit in words), reverse=True)
    assert scores == sorted(scores, reverse=True)
    assert any(hit.cosine is not None for hit in hits)


@pytest.mark.parametrize("limited", [False, True], ids=["all passages", "some passages"])
@pytest.mark.parametrize(
    "question", ['topic3 and topic5 "document" text', "Document \\ 7 about topic7?"]
)
def test_the_templates_find_what_the_application_finds(
    elasticsearch_server: ElasticsearchServer,
    index: str,
    corpus: Path,
    question: str,
    limited: bool,
) -> None:
    run(elasticsearch_server, index, corpus)
    vector = vector_of(question).tolist()
    with elasticsearch_server.client() as client:
        everything = client.search(index=index, size=100, source=False)["hits"]["hits"]
        ids = [hit["_id"] for hit in everything[::3]]
        among = ids if limited else None
        ours = {
            "words": word_search(question, "en", 20, among),
            "vectors": knn_body(vector, 20, near_candidates(20), among),
        }
        params: dict[str, Any] = {
            "words": template_params(question, "en", 20),
            "vectors": {"vector": vector, "size": 20, "candidates": near_candidates(20)},
        }
        for name, source in TEMPLATES.items():
            client.put_script(id=f"{index}-{name}", script={"lang": "mustache", "source": source})
            given = {**params[name], **({"among": {"ids": ids}} if limited else {})}
            found = client.search_template(index=index, id=f"{index}-{name}", params=given)
            expected = client.search(index=index, body=ours[name])
            assert found["hits"] == expected["hits"]
            assert found["hits"]["hits"]
            client.delete_script(id=f"{index}-{name}")


def test_a_template_needs_only_what_the_question_gives(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    with elasticsearch_server.client() as client:
        found = client.search_template(
            index=index,
            source=TEMPLATES["words"],
            params={"terms": [{"query": "topic3", "weight": 1}]},
        )
        assert found["hits"]["hits"]
        rendered = client.render_search_template(
            source=TEMPLATES["vectors"], params={"vector": [0.5, 0.25]}
        )["template_output"]
    assert rendered == knn_body([0.5, 0.25], CANDIDATES, near_candidates(CANDIDATES), None)


def test_both_searches_score_what_one_of_them_returned(
    elasticsearch_server: ElasticsearchServer,
    index: str,
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(elasticsearch_server, index, corpus)
    monkeypatch.setattr("rag.retrieve.CANDIDATES", 3)
    question = "topic3 document"
    bodies = (
        knn_body(vector_of(question).tolist(), 1000, near_candidates(1000), None),
        word_search(question, "en", 1000),
    )
    with elasticsearch_server.client() as client:
        vector, words = (
            {
                hit["_id"]: hit["_score"]
                for hit in client.search(index=index, body=body)["hits"]["hits"]
            }
            for body in bodies
        )

    def best(scores: dict[str, float]) -> list[str]:
        return sorted(scores, key=lambda item: -scores[item])[:3]

    found = {*best(vector), *best(words)}
    assert len(found) > 3
    expected = fuse(
        {item: vector[item] for item in found}, {item: words.get(item, 0.0) for item in found}
    )

    hits = _retrieved(elasticsearch_server, index, question, 3)
    assert [hit.chunk_id for hit in hits] == [item for item, _ in expected[:3]]
    assert [hit.score for hit in hits] == pytest.approx(
        [score for _, score in expected[:3]], abs=1e-3
    )


def test_the_best_passages_are_ordered_by_their_token_vectors(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    question = "topic7 document"
    form = TokenForm(dimension=DIMENSION, pooling=1).described()
    with elasticsearch_server.client() as client:
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
        changed = {**meta, "token_vectors": form, "rerank_weight": 1.0}
        client.indices.put_mapping(index=index, meta=changed)
    run(elasticsearch_server, index, corpus)
    reranked = _retrieval(elasticsearch_server, index, question, 40)
    assert reranked.reranker == "late-interaction"
    with elasticsearch_server.client() as client:
        stored = client.search(
            index=index, size=100, docvalue_fields=["token_vectors"], query={"match_all": {}}
        )["hits"]["hits"]
        assert not any("token_vectors" in hit["_source"] for hit in stored)
    asked = unpack(tokens_of(question), DIMENSION)
    measured = {
        hit["_id"]: float(
            max_sim(
                asked,
                [unpack(base64.b64decode(hit["fields"]["token_vectors"][0]), DIMENSION)],
            )[0]
        )
        for hit in stored
    }
    scores = [measured[hit.chunk_id] for hit in reranked.hits]
    assert len(scores) > 20
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1.0, abs=0.01)
    assert "topic7" in reranked.hits[0].text


def test_an_index_without_token_vectors_keeps_the_ranking_of_the_searches(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    with elasticsearch_server.client() as client:
        meta = client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
        client.indices.put_mapping(index=index, meta={**meta, "rerank_weight": 1.0})
    assert _retrieval(elasticsearch_server, index, "topic7 document", 5).reranker == ""


def test_a_reranker_that_fails_costs_the_order_and_not_the_answer(
    elasticsearch_server: ElasticsearchServer,
    index: str,
    corpus: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        name = "broken"

        async def scores(self, question: Asked, passages: Sequence[Candidate]) -> list[float]:
            assert question.text == "topic7 document"
            assert all(passage.text for passage in passages)
            raise RerankError("The reranker did not answer in time.")

    run(elasticsearch_server, index, corpus)
    plain = _retrieval(elasticsearch_server, index, "topic7 document", 5)
    broken = _retrieval(elasticsearch_server, index, "topic7 document", 5, rerank=always(Broken()))
    assert [hit.chunk_id for hit in broken.hits] == [hit.chunk_id for hit in plain.hits]
    assert broken.reranker == ""
    assert "did not answer in time" in caplog.text


def test_retrieval_follows_the_alias_to_another_index(
    elasticsearch_server: ElasticsearchServer, index: str, corpus: Path
) -> None:
    run(elasticsearch_server, index, corpus)
    alias = f"{index}-alias"

    async def main() -> None:
        async with elasticsearch_server.engine() as engine:
            retriever = Retriever(engine, alias, embedder=lambda meta: FakeEmbedder())
            with pytest.raises(SearchIndexError, match="no index or alias"):
                await retriever.retrieve("topic7?", 3)
            await engine.move_alias(alias, index)
            found = await retriever.retrieve("What do they say about topic7?", 3)
            assert found.meta.index == index
            assert found.hits[0].document_key == "docs/07.txt"
            assert found.hits[0].uri == f"{URI}docs/07.txt"
            passage, around = await retriever.passage(found.hits[0].chunk_id)
            assert passage.text == found.hits[0].text
            assert passage.chunk_id in {hit.chunk_id for hit in around}
            total, counts = await retriever.document_counts(["topic7", "absent"])
            assert total > counts["topic7"] > counts["absent"] == 0
            with pytest.raises(PassageNotFoundError, match="has no passage 'nothing'"):
                await retriever.passage("nothing")
            other = f"{index}-other"
            mapping = mappings(
                DIMENSION, {"model_version": "v2", "embedding_urls": ["http://embedder-2"]}
            )
            await engine.create_index(other, mapping, SETTINGS)
            await engine.move_alias(alias, other)
            meta, _ = await retriever.resolve(again=True)
            assert (meta.index, meta.embedding_urls) == (other, ("http://embedder-2",))
            await retriever.close()
            await engine.delete_index(other)

    asyncio.run(main())
