"""The choice of the weight of the two searches, on tables and scores made by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rag.fuse import CANDIDATES, DEFAULT_WEIGHT
from training.examples import HeldOut
from training.search_weight import GRID, candidates, choose_weight, measure_weights

DEFAULT = GRID.index(DEFAULT_WEIGHT)
Table = npt.NDArray[np.float64]


def _table(curve: Table, queries: int = 200, noise: float = 0.1) -> Table:
    """Return queries that all have the same curve and differ by a noise of their own."""
    rng = np.random.default_rng(1)
    level = rng.normal(0, 0.3, (queries, 1))
    return curve[None, :] + level + rng.normal(0, noise, (queries, len(GRID)))


def _hill(top: float, height: float = 0.2) -> Table:
    return 0.7 - height * (np.array(GRID) - top) ** 2


def test_the_default_stays_where_the_curve_is_flat() -> None:
    choice = choose_weight(_table(np.where(np.isin(GRID, (0.0, 1.0)), 0.65, 0.7)))
    assert choice.weight == DEFAULT_WEIGHT
    assert "default" in choice.reason


def test_a_clearly_better_weight_is_chosen() -> None:
    choice = choose_weight(_table(_hill(0.75, height=1.5), noise=0.02))
    assert 0.65 <= choice.weight <= 0.85
    assert choice.queries == 200
    assert choice.curve[0.75] > choice.curve[DEFAULT_WEIGHT]


def test_a_search_that_brings_nothing_gets_nothing() -> None:
    falling = 0.99 - 0.4 * np.maximum(0, np.array(GRID) - 0.2)
    choice = choose_weight(_table(falling, noise=0.02))
    assert choice.weight == 0.0
    assert "word search alone" in choice.reason


def test_the_vector_search_alone_can_be_chosen() -> None:
    choice = choose_weight(_table((0.99 - 0.4 * np.maximum(0, 0.8 - np.array(GRID))), noise=0.02))
    assert choice.weight == 1.0


def test_a_weight_over_the_highest_is_not_chosen() -> None:
    table = _table(_hill(0.9, height=2), noise=0.02)
    assert choose_weight(table, highest=DEFAULT_WEIGHT).weight == DEFAULT_WEIGHT
    assert choose_weight(table).weight > DEFAULT_WEIGHT


def test_a_search_that_changes_nothing_gets_nothing_if_many_questions_show_it() -> None:
    flat = np.where(np.array(GRID) <= 0.5, 0.98, 0.4)
    assert choose_weight(np.tile(flat, (200, 1))).weight == 0.0
    assert choose_weight(np.tile(flat, (28, 1))).weight == DEFAULT_WEIGHT


@pytest.mark.parametrize("queries", [1, 2, 3])
def test_a_few_queries_that_agree_by_chance_do_not_move_the_default(queries: int) -> None:
    table = np.tile(np.where(np.array(GRID) == 0.0, 0.63, 0.5), (queries, 1))
    assert choose_weight(table).weight == DEFAULT_WEIGHT


def test_each_search_passes_on_its_best_passages_with_both_scores() -> None:
    passages = 3 * CANDIDATES
    rising = np.arange(passages, dtype=np.float32)
    found = candidates(rising, rising[::-1].copy())
    assert found.vector.keys() == found.words.keys()
    assert sorted(found.vector.values()) == [*range(CANDIDATES), *range(2 * CANDIDATES, passages)]
    assert all(found.words[name] == passages - 1 - score for name, score in found.vector.items())


def test_a_word_search_returns_no_passage_without_a_word_of_the_question() -> None:
    vector = np.arange(3 * CANDIDATES, dtype=np.float32)
    words = np.zeros(3 * CANDIDATES, dtype=np.float32)
    words[0] = 2.0
    found = candidates(vector, words)
    assert len(found.words) == CANDIDATES + 1
    assert sorted(found.words.values())[-2:] == [0.0, 2.0]


def test_the_ends_of_the_grid_are_the_two_searches() -> None:
    found = candidates(
        np.array([0.9, 0.5, 0.1], dtype=np.float32), np.array([0.0, 1.0, 3.0], dtype=np.float32)
    )
    queries = [HeldOut(query="a", relevant=frozenset({0})), HeldOut(query="b", relevant={2})]
    table = measure_weights(queries, [found] * 2)
    assert table[1, 0] == table[0, -1] == 1.0
    assert table[0, 0] == table[1, -1] == 0.5
