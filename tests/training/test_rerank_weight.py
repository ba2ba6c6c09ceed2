"""The choice of the weight of the late interaction, on rankings and vectors made by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rag.rerank import RERANKED
from rag.token_vectors import pack
from training.examples import HeldOut
from training.rerank_weight import (
    LATE_INTERACTION_WEIGHT,
    best_passages,
    choose_rerank_weight,
    late_interaction_scores,
    measure_rerank_weights,
)
from training.search_weight import GRID, Candidates, WeightChoice, name_of

UP, RIGHT = [0.0, 1.0], [1.0, 0.0]


def tokens(*rows: list[float]) -> bytes:
    return pack(np.array(rows, np.float32))


def choose(table: npt.NDArray[np.float64]) -> WeightChoice:
    return choose_rerank_weight(table, LATE_INTERACTION_WEIGHT)


def test_the_searches_give_their_best_passages_in_the_order_of_the_fusion() -> None:
    scores = {name_of(position): 1.0 - position / 100 for position in range(80)}
    ranking = best_passages(Candidates(vector=scores, words=scores), 0.5)
    assert [item for item, _ in ranking] == [name_of(position) for position in range(RERANKED)]


def test_the_measures_follow_the_weight_from_the_searches_to_the_late_interaction() -> None:
    query = HeldOut(query="?", relevant=frozenset({2}))
    ranking = [(name_of(position), 3.0 - position) for position in range(3)]
    passages = {name_of(0): tokens(RIGHT), name_of(1): tokens(RIGHT), name_of(2): tokens(UP)}
    scored = late_interaction_scores([ranking], [tokens(UP)], passages, 2)
    table = measure_rerank_weights([query], [ranking], scored)
    assert table.shape == (1, len(GRID))
    assert table[0, 0] == pytest.approx(0.5)
    assert table[0, -1] == 1.0
    assert (np.diff(table[0]) >= 0).all()


def test_a_gain_over_the_noise_gives_the_best_weight() -> None:
    hill = 0.7 + 0.1 * (1 - (np.array(GRID) - 0.4) ** 2 / 0.16)
    noise = np.random.default_rng(1).normal(0, 0.02, (200, len(GRID)))
    choice = choose(hill[None, :] + noise)
    assert 0.3 <= choice.weight <= 0.5
    assert choice.reason.startswith("nDCG@10 0.7")
    assert choice.queries == 200


def test_token_vectors_that_bring_nothing_get_no_weight() -> None:
    flat = np.full((200, len(GRID)), 0.7)
    choice = choose(flat)
    assert (choice.weight, choice.reason) == (0.0, "it was not better than the ranking before it")
    worse = flat - 0.2 * np.array(GRID)
    assert choose(worse).weight == 0.0


def test_a_few_queries_do_not_prove_a_gain() -> None:
    table = np.tile(np.where(np.array(GRID) == 0.4, 0.9, 0.7), (3, 1))
    choice = choose(table)
    assert choice.weight == 0.0
    assert choice.reason == "3 questions are too few to tell whether it is better"


def test_a_gain_within_the_noise_gives_the_default() -> None:
    noise = np.random.default_rng(2).normal(0, 0.14, (137, 1)) * np.array(GRID)
    gain = np.where(np.array(GRID) > 0, 0.02, 0.0)
    table = 0.7 + gain + noise - noise.mean(axis=0)
    assert choose(table).weight == LATE_INTERACTION_WEIGHT


def test_a_reranker_orders_only_the_passages_that_it_scored() -> None:
    query = HeldOut(query="?", relevant=frozenset({2}))
    ranking = [(name_of(position), 3.0 - position) for position in range(3)]
    table = measure_rerank_weights([query], [ranking], [{name_of(0): 0.0, name_of(1): 1.0}])
    assert table[0].tolist() == pytest.approx([0.5] * len(GRID))
