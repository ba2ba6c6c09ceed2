"""Reranking: late interaction, cross-encoder, hosted reranker, and the combined ranking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from rag.app.services import _reranker
from rag.errors import RerankError
from rag.hits import Passage
from rag.hosted_reranker import HostedReranker
from rag.index_state import IndexMeta
from rag.rerank import (
    CROSS_ENCODED,
    RERANKED,
    WINDOWS_READ,
    Asked,
    ChooseReranking,
    LateInteraction,
    always,
    best_of_each,
    combine,
    cross_encoder,
    late_interaction,
    no_reranking,
    order_again,
)
from rag.retrieve import _passage
from rag.secret import HeldSecret
from rag.settings import AppSettings
from rag.token_form import TokenForm
from rag.token_vectors import pack
from rag.windows import windows_of
from tests.rag.fakes import META, FakeEmbedder

RANKING = [("a", 3.0), ("b", 2.0), ("c", 1.0), ("d", 0.5)]


def tokens(*rows: list[float]) -> bytes:
    return pack(np.array(rows, np.float32))


def test_a_weight_of_zero_keeps_the_ranking_and_one_takes_the_rerankers() -> None:
    scores = {"a": 0.1, "b": 0.9, "c": 0.5}
    assert [item for item, _ in combine(RANKING, scores, 0.0)] == ["a", "b", "c", "d"]
    assert [item for item, _ in combine(RANKING, scores, 1.0)] == ["b", "c", "a", "d"]


def test_passages_without_a_score_stay_behind_the_others_in_their_order() -> None:
    ranking = [*RANKING, ("e", 0.4)]
    order = [item for item, _ in combine(ranking, {"c": 1.0, "d": 2.0}, 1.0)]
    assert order == ["d", "c", "a", "b", "e"]


def test_equal_scores_keep_the_order_of_the_searches() -> None:
    assert [item for item, _ in combine(RANKING, dict.fromkeys("abcd", 0.5), 1.0)] == list("abcd")


def test_late_interaction_prefers_the_passage_with_every_word_of_the_question() -> None:
    asked = Asked(text="?", tokens=tokens([1, 0, 0], [0, 1, 0]))
    passages = [
        Passage({"text": "one"}, tokens([1, 0, 0], [0, 0, 1])),
        Passage({"text": "both"}, tokens([0, 1, 0], [1, 0, 0])),
        Passage({"text": "without token vectors"}),
    ]
    scores = asyncio.run(LateInteraction(3).scores(asked, passages))
    assert scores == pytest.approx([0.5, 1.0, 0.75])


def test_late_interaction_without_token_vectors_prefers_no_passage() -> None:
    scores = asyncio.run(LateInteraction(3).scores(Asked(text="?"), [Passage({"text": "x"})] * 2))
    assert scores == [0.0, 0.0]


@pytest.mark.parametrize(
    ("form", "weight", "used"),
    [
        (TokenForm(dimension=8, pooling=1), 0.4, True),
        (TokenForm(dimension=8, pooling=1), 0.0, False),
        (None, 0.4, False),
    ],
)
def test_an_index_is_reranked_if_it_has_token_vectors_that_are_worth_it(
    form: TokenForm | None, weight: float, used: bool
) -> None:
    meta = IndexMeta(**{**vars(META), "token_form": form, "rerank_weight": weight})
    rerankings = late_interaction(meta, FakeEmbedder())
    assert [(one.weight, one.token_vectors) for one in rerankings] == [(0.4, True)] * used
    assert cross_encoder(meta, FakeEmbedder()) == rerankings
    assert not no_reranking(meta, FakeEmbedder())


def test_the_cross_encoder_orders_what_the_late_interaction_ordered() -> None:
    meta = IndexMeta(
        **{
            **vars(META),
            "token_form": TokenForm(dimension=3, pooling=1),
            "rerank_weight": 1.0,
            "cross_encoder_weight": 1.0,
        }
    )
    rerankings = cross_encoder(meta, FakeEmbedder())
    assert [one.depth for one in rerankings] == [RERANKED, CROSS_ENCODED]
    assert [one.windows for one in rerankings] == [0, WINDOWS_READ]
    asked = Asked(text="pump seal", tokens=tokens([1, 0, 0]))
    passages = {
        "a": Passage({"text": "pump"}, tokens([0, 1, 0])),
        "b": Passage({"text": "pump seal"}, tokens([0, 0, 1])),
        "c": Passage({"text": "pump"}, tokens([1, 0, 0])),
        "d": Passage({"text": ""}, tokens([0, 1, 0])),
    }
    ranking, name = asyncio.run(order_again(rerankings, asked, RANKING, passages))
    # Of the two that it scores alike, the late interaction prefers the second.
    assert [item for item, _ in ranking] == ["b", "c", "a", "d"]
    assert name == "late-interaction + cross-encoder"


def test_the_cross_encoder_scores_the_first_20_passages() -> None:
    class Counting(FakeEmbedder):
        async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
            assert list(texts) == [f"text {at}" for at in range(20)]
            return [float(at) for at in range(20)]

    ranking = [(str(at), 100.0 - at) for at in range(40)]
    passages = {str(at): Passage({"text": f"text {at}"}) for at in range(40)}
    rerankings = cross_encoder(replace(META, cross_encoder_weight=1.0), Counting())
    ordered, name = asyncio.run(order_again(rerankings, Asked(text="?"), ranking, passages))
    assert [item for item, _ in ordered] == [str(at) for at in [*range(19, -1, -1), *range(20, 40)]]
    assert name == "cross-encoder"


def test_the_ranking_before_a_cross_encoder_that_fails_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(FakeEmbedder):
        async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
            raise RerankError("embedding service http://one: 404 no cross-encoder")

    rerankings = cross_encoder(replace(META, cross_encoder_weight=0.5), Failing())
    texts = {item: Passage({"text": item}) for item, _ in RANKING}
    after = asyncio.run(order_again(rerankings, Asked(text="?"), RANKING, texts))
    assert after == (RANKING, "")
    assert "the ranking before the cross-encoder stays: embedding service http" in caplog.text


def test_a_passage_has_the_windows_that_are_nearest_to_the_question() -> None:
    text = " ".join(f"Sentence number {n} is about the pump and its seal." for n in range(30))
    windows = windows_of(f"a | b\n{text}")
    source = {"title": "T", "table_header": "a | b", "text": text}
    assert len(windows) > 3
    assert Passage(source, windows_at=(2, 0)).windows == [windows[2], windows[0]]
    assert Passage(source).windows == [f"a | b\n{text}"]
    assert Passage(source, windows_at=(len(windows), 1)).windows == [windows[1]]
    assert Passage(source, windows_at=(len(windows),)).windows == [f"a | b\n{text}"]


def test_a_passage_has_the_score_of_its_best_window() -> None:
    assert best_of_each([0.25, -1.0, 3.0, -2.0], [1, 2, 1]) == [0.25, 3.0, -2.0]


def test_a_passage_that_the_ingest_did_not_cut_is_read_whole() -> None:
    meta = replace(META, model_languages=("en",))
    nearest = {"hits": {"hits": [{"_nested": {"field": "windows", "offset": 1}}]}}
    places = [
        _passage({"_source": {"language": language}, "inner_hits": {"windows": nearest}}, meta)
        for language in ("en", "zh")
    ]
    assert [passage.windows_at for passage in places] == [(1,), ()]
    assert _passage({"_source": {"language": "en"}}, meta).windows_at == ()


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        ("none", no_reranking),
        ("lateInteraction", late_interaction),
        ("crossEncoder", cross_encoder),
    ],
)
def test_the_settings_name_what_orders_the_passages(kind: Any, choice: ChooseReranking) -> None:
    settings = AppSettings(
        search_url="http://search",
        index_alias="alias",
        llm_base_url="http://models/v1",
        llm_model="model",
        reranker=kind,
    )
    assert _reranker(settings, HeldSecret(lambda: SecretStr("k"))) == (choice, ())


def hosted(answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> HostedReranker:
    transport = httpx.MockTransport(answer)
    return HostedReranker("https://models/v1/", "qwen3-rerank", "k", transport=transport, **options)


PASSAGES = [Passage({"text": "first"}), Passage({"text": "x" * 5000})]


def test_the_hosted_reranker_returns_scores_in_the_order_of_the_passages() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://models/v1/reranks"
        assert request.headers["authorization"] == "Bearer k"
        body = json.loads(request.content)
        assert (body["model"], body["query"], body["top_n"]) == ("qwen3-rerank", "why?", 2)
        assert [len(document) for document in body["documents"]] == [5, 4000]
        found = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.2}]
        return httpx.Response(200, json={"object": "list", "results": found})

    reranker = hosted(answer)
    assert asyncio.run(reranker.scores(Asked(text="why?"), PASSAGES)) == [0.2, 0.9]
    (choice,) = always(reranker)(META, FakeEmbedder())
    assert (choice.weight, choice.depth, choice.token_vectors) == (1.0, 50, False)


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            httpx.Response(429, json={"code": "Throttling", "message": "Requests throttling"}),
            "answered 429: Requests throttling",
        ),
        (
            httpx.Response(404, json={"error": {"message": "Model can not be found."}}),
            "answered 404: Model can not be found.",
        ),
        (httpx.Response(200, text="<html>"), "did not return valid JSON"),
        (httpx.Response(200, json=[1]), "did not return a JSON object"),
        (
            httpx.Response(200, json={"results": [{"index": 0, "relevance_score": 1}]}),
            "did not return a score for each of 2 passages",
        ),
    ],
)
def test_an_answer_without_scores_says_what_is_wrong(
    response: httpx.Response, message: str
) -> None:
    with pytest.raises(RerankError, match=message):
        asyncio.run(hosted(lambda request: response).scores(Asked(text="?"), PASSAGES))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ReadTimeout("slow"), "did not answer in time"),
        (httpx.ConnectError("refused"), "cannot be reached"),
    ],
)
def test_a_reranker_that_does_not_answer_is_named(error: Exception, message: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(RerankError, match=f"'qwen3-rerank' at https://models/v1/reranks {message}"):
        asyncio.run(hosted(answer).scores(Asked(text="?"), PASSAGES))


def test_a_refused_key_is_read_again_once() -> None:
    shown: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers["authorization"])
        if len(shown) == 1:
            return httpx.Response(401, json={"message": "Invalid API-key provided."})
        found = [{"index": at, "relevance_score": at} for at in range(2)]
        return httpx.Response(200, json={"results": found})

    async def renew(refused: str) -> str | None:
        assert refused == "k"
        return "other"

    reranker = hosted(answer, renew=renew)
    assert asyncio.run(reranker.scores(Asked(text="?"), PASSAGES)) == [0.0, 1.0]
    assert shown == ["Bearer k", "Bearer other"]
