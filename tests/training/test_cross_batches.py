"""The plan of the cross-encoder's training; no model is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.batches import BatchPlan
from training.cross_batches import plan_cross_batches
from training.examples import Pair, Passage
from training.passage_vectors import PassageVectors

COUNT = 12
WINDOWS = [[f"far {i}", f"near {i}", f"answer {i}"] for i in range(COUNT)]
PASSAGES = [
    Passage(document="d", number=i, start=0, end=1, heading="", text=" ".join(WINDOWS[i]))
    for i in range(COUNT)
]
PAIRS = [
    Pair(query=f"question {i}", relevant=frozenset({i}), answer=f"answer {i}") for i in range(COUNT)
]
MINED = [[(i + k) % COUNT for k in (1, 2, 3)] for i in range(COUNT)]
QUERIES = np.tile(np.array([[1.0, 0.0]], np.float32), (COUNT, 1))
VECTORS = PassageVectors(
    windows=np.array([[0.0, 1.0], [1.0, 0.0], [0.6, 0.8]] * COUNT, np.float32), counts=[3] * COUNT
)


def _plan(mined: list[list[int]] = MINED, **changes: Any) -> BatchPlan:
    arguments = {
        "num_train_epochs": 2.0,
        "batch_size": 4,
        "world_size": 1,
        "negatives_per_pair": 2,
        "seed": 5,
        **changes,
    }
    return plan_cross_batches(PAIRS, PASSAGES, WINDOWS, mined, QUERIES, VECTORS, **arguments)


def test_every_epoch_has_every_question_once() -> None:
    plan = _plan()
    assert (plan.steps, plan.batch_size, len(plan.rows)) == (6, 4, 24)
    for epoch in (plan.rows[:COUNT], plan.rows[COUNT:]):
        assert sorted(row.pair for row in epoch) == list(range(COUNT))


def test_a_question_has_its_answer_and_the_windows_most_like_one() -> None:
    for row in _plan().rows:
        assert row.query == f"question {row.pair}"
        assert row.positive == f"answer {row.pair}"
        allowed = {f"near {at}" for at in MINED[row.pair]}
        assert len(set(row.negatives)) == 2
        assert set(row.negatives) <= allowed


def test_epochs_draw_other_negatives() -> None:
    plan = _plan(num_train_epochs=8.0)
    assert len({row.negatives for row in plan.rows if row.pair == 3}) > 1


def test_a_question_without_negatives_is_left_out_and_few_are_repeated() -> None:
    mined = [[], [5], *MINED[2:]]
    rows = _plan(mined).rows
    assert 0 not in {row.pair for row in rows}
    assert {row.negatives for row in rows if row.pair == 1} == {("near 5", "near 5")}


def test_the_same_seed_gives_the_same_plan_and_workers_share_a_step() -> None:
    assert _plan() == _plan()
    assert _plan() != _plan(seed=6)
    shared = _plan(world_size=2)
    assert (shared.steps, shared.batch_size, len(shared.rows)) == (3, 4, 24)


def test_nothing_to_learn_from_gives_no_step() -> None:
    assert _plan([[] for _ in PAIRS]).steps == 0
