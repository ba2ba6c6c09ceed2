"""Reranking: the late interaction, the hosted reranker, and the combined ranking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from rag.errors import RerankError
from rag.hosted_reranker import HostedReranker
from rag.index_state import IndexMeta
from rag.rerank import (
    Asked,
    Candidate,
    LateInteraction,
    always,
    combine,
    late_interaction,
    no_reranking,
)
from rag.token_form import TokenForm
from rag.token_vectors import pack
from tests.rag.fakes import META

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
        Candidate(text="one", tokens=tokens([1, 0, 0], [0, 0, 1])),
        Candidate(text="both", tokens=tokens([0, 1, 0], [1, 0, 0])),
        Candidate(text="without token vectors"),
    ]
    scores = asyncio.run(LateInteraction(3).scores(asked, passages))
    assert scores == pytest.approx([0.5, 1.0, 0.75])


def test_late_interaction_without_token_vectors_prefers_no_passage() -> None:
    scores = asyncio.run(LateInteraction(3).scores(Asked(text="?"), [Candidate(text="x")] * 2))
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
    reranking = late_interaction(meta)
    assert (reranking is not None) is used
    if reranking is not None:
        assert (reranking.weight, reranking.token_vectors) == (0.4, True)
    assert no_reranking(meta) is None


def hosted(answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> HostedReranker:
    transport = httpx.MockTransport(answer)
    return HostedReranker("https://models/v1/", "qwen3-rerank", "k", transport=transport, **options)


PASSAGES = [Candidate(text="first"), Candidate(text="x" * 5000)]


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
    choice = always(reranker)(META)
    assert choice is not None
    assert (choice.weight, choice.token_vectors) == (1.0, False)


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
