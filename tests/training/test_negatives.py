"""Which passages may be hard negatives, on vectors made by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.examples import Pair, Passage
from training.negatives import mine_negatives
from training.passage_vectors import PassageVectors
from training.word_search import WordSearch

TEXTS = (
    "The pump is checked every ten days.",
    "The pump is painted blue.",
    "A pump needs oil.",
    "Valves are checked every ten days.",
    "The canteen serves soup.",
    "Pumps hum.",
)


def _passages(documents: str = "aabbcd") -> list[Passage]:
    return [
        Passage(document=document, number=i, start=0, end=1, heading="", text=text)
        for i, (document, text) in enumerate(zip(documents, TEXTS, strict=True))
    ]


def _embeddings() -> npt.NDArray[np.float32]:
    vectors = np.eye(len(TEXTS), dtype=np.float32) + 0.1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _mine(pair: Pair, passages: list[Passage], count: int = 6, skip: int = 0) -> list[int]:
    return _mine_among(_embeddings(), pair, passages, count, skip)


def _mine_among(
    vectors: npt.NDArray[np.float32],
    pair: Pair,
    passages: list[Passage],
    count: int = 6,
    skip: int = 0,
) -> list[int]:
    (mined,) = mine_negatives(
        [pair],
        passages,
        WordSearch(passages, TEXTS),
        vectors[:1],
        PassageVectors(windows=vectors, counts=[1] * len(vectors)),
        count=count,
        skip=skip,
    )
    return mined


def test_a_relevant_passage_is_never_a_negative() -> None:
    assert 0 not in _mine(Pair(query="pump checked", relevant=frozenset({0})), _passages())


def test_a_passage_that_repeats_the_answer_is_never_a_negative() -> None:
    pair = Pair(query="pump checked", relevant=frozenset({0}), answer="Every  ten days")
    assert 3 not in _mine(pair, _passages())


def test_neighbors_in_the_document_are_never_negatives() -> None:
    assert 1 not in _mine(Pair(query="pump", relevant=frozenset({0})), _passages())


def test_the_next_passage_of_another_document_may_be_a_negative() -> None:
    assert 1 in _mine(Pair(query="pump", relevant=frozenset({0})), _passages("abbbcd"))


def test_a_copy_of_a_relevant_passage_is_never_a_negative() -> None:
    vectors = _embeddings()
    vectors[5] = vectors[0]
    pair = Pair(query="pump", relevant=frozenset({0}))
    assert 5 not in _mine_among(vectors, pair, _passages())


def test_the_hardest_negatives_are_skipped() -> None:
    pair = Pair(query="pump checked", relevant=frozenset({0}))
    whole = _mine(pair, _passages())
    assert _mine(pair, _passages(), skip=1) == whole[1:]
