"""Retrieval from a real Elasticsearch, embeddings by hashing.

What this cannot prove: that the passages found are good ones (`training.evaluate` measures that).
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rag.errors import PassageNotFoundError, RerankError, SearchIndexError
from rag.fuse import CANDIDATES, fuse
from rag.hits import Hit, Passage
from rag.index import SETTINGS, mappings
from rag.query import (
    TEMPLATES,
    near_candidates,
    nearest,
    template_params,
    vector_body,
    word_search,
)
from rag.rerank import Asked, always
from rag.retrieve import Retrieval, Retriever
from rag.token_form import TokenForm
from rag.token_vectors import max_sim, unpack
from tests.rag.fakes import DIMENSION, FakeEmbedder, tokens_of, vector_of
from tests.rag.ingested import URI, corpus, index, run
from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch

__all__ = ["corpus", "index"]


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
            "vectors": vector_body(nearest(vector, 20, near_candidates(20), among), 20),
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
    near = nearest([0.5, 0.25], CANDIDATES, near_candidates(CANDIDATES), None)
    assert rendered == vector_body(near, CANDIDATES)


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
        vector_body(nearest(vector_of(question).tolist(), 1000, near_candidates(1000), None), 1000),
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

        async def scores(self, question: Asked, passages: Sequence[Passage]) -> list[float]:
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
