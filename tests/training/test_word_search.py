"""The word search of the training job, alone and beside a real Elasticsearch."""

from __future__ import annotations

import math

import pytest
from elasticsearch import Elasticsearch

from rag.index import BM25_K1, SETTINGS, mappings
from rag.query import word_search
from tests.support.elasticsearch import ElasticsearchServer
from training.examples import Passage
from training.word_search import Bm25, WordSearch

TEXTS = {
    "pump.md": "The pump is checked every ten days. Oil the pump's bearing, then run the pump.",
    "valve.md": "Valves are checked every month, and painted blue where they rust. " * 12,
    "fan.md": "A fan hums. The fan of room 7 is replaced with part AX-19 when it stops.",
    "水泵.md": "水泵连续运行不得超过11小时，超过以后必须停机冷却。润滑油每110小时更换一次。",
    "风机.md": "风机由第2车间负责管理，每班开工前检查一次。" * 5,
}
QUESTIONS = (
    "How often is the pump checked?",
    "Which part replaces the fan of room 7?",
    "pumps",
    "水泵连续运行不得超过多少小时？",
    "风机的润滑油",
    "What has nothing in common: xylophones",
)


def _passages() -> list[Passage]:
    return [
        Passage(
            document=f"docs/{name}",
            number=0,
            start=0,
            end=len(text),
            title=name.removesuffix(".md"),
            heading="" if number % 2 else f"{name.removesuffix('.md')} > Care of it",
            language="en" if name.isascii() else "zh",
            text=text,
        )
        for number, (name, text) in enumerate(TEXTS.items())
    ]


def test_a_rare_term_counts_more_than_a_frequent_one_and_a_long_text_less() -> None:
    search = Bm25([["a", "b"], ["a"], ["a", "c"], ["b"] + ["x"] * 20])
    assert search.scores({"c": 1.0})[2] > search.scores({"a": 1.0})[2] > 0
    both = search.scores({"b": 1.0})
    assert both[0] > both[3] > 0
    assert search.scores({"b": 0.5})[0] == pytest.approx(both[0] / 2)
    assert not search.scores({"unknown": 1.0}).any()


def test_scores_follow_the_formula() -> None:
    score = float(Bm25([["a", "a", "b"], ["b"]]).scores({"a": 1.0})[0])
    norm = BM25_K1 * (0.25 + 0.75 * 3 / 2)
    assert score == pytest.approx(math.log(1 + 1.5 / 1.5) * (BM25_K1 + 1) * 2 / (2 + norm))


def test_a_passage_without_a_term_of_the_question_gets_nothing_for_its_title() -> None:
    passages = _passages()
    texts = [p.text if p.title != "fan" else "Something else." for p in passages]
    assert WordSearch(passages, texts).scores("fan")[2] == 0.0


@pytest.mark.elasticsearch
def test_the_scores_equal_those_of_elasticsearch(
    elasticsearch_server: ElasticsearchServer,
) -> None:
    passages = _passages()
    search = WordSearch(passages, [passage.text for passage in passages])
    with elasticsearch_server.client() as client:
        _index(client, passages)
        for question in QUESTIONS:
            scores = search.scores(question)
            expected = {str(i): float(s) for i, s in enumerate(scores) if s > 0}
            body = word_search(question, search.language(question), 100)
            answer = client.search(index="word-search", body=body)
            found = {hit["_id"]: hit["_score"] for hit in answer["hits"]["hits"]}
            assert found == pytest.approx(expected, rel=1e-3), question
        client.indices.delete(index="word-search")


def _index(client: Elasticsearch, passages: list[Passage]) -> None:
    from rag.analysis import terms
    from rag.index import heading_below

    mapping = mappings(4, {"model_version": "v", "embedding_urls": []})
    client.indices.create(index="word-search", mappings=mapping, settings=dict(SETTINGS))
    for number, passage in enumerate(passages):
        heading = heading_below(passage.title, passage.heading)
        fields = {"terms": passage.text, "title_terms": passage.title, "heading_terms": heading}
        client.index(
            index="word-search",
            id=str(number),
            document={
                name: " ".join(terms(text, passage.language)) for name, text in fields.items()
            },
        )
    client.indices.refresh(index="word-search")
