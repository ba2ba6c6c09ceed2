"""The plan of a training; no model is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from training.batches import BatchPlan, Row, plan_batches
from training.examples import Pair, Passage

PASSAGES = [
    Passage(document="d", number=i, start=0, end=1, heading="", text=f"passage {i}")
    for i in range(40)
]
PAIRS = [Pair(query=f"query {i}", relevant=frozenset({i, (i + 1) % 40})) for i in range(40)]
NEGATIVES = [[(i + k) % 40 for k in (7, 8, 9)] for i in range(40)]


def whole(text: str, language: str) -> list[str]:
    return [text]


def lines(text: str, language: str) -> list[str]:
    return text.splitlines()


def _plan(pairs: list[Pair] = PAIRS, **changes: Any) -> BatchPlan:
    arguments = {
        "cut": whole,
        "num_train_epochs": 3.0,
        "batch_size": 4,
        "world_size": 1,
        "negatives_per_pair": 1,
        "seed": 5,
        **changes,
    }
    return plan_batches(pairs, PASSAGES, NEGATIVES[: len(pairs)], **arguments)


def _steps(plan: BatchPlan, world_size: int = 1) -> list[tuple[Row, ...]]:
    size = plan.batch_size * world_size
    return [plan.rows[i : i + size] for i in range(0, len(plan.rows), size)]


def _number(text: str) -> int:
    return int(text.split()[1])


def test_every_batch_is_full() -> None:
    plan = _plan()
    assert len(plan.rows) == plan.steps * plan.batch_size == 120


@pytest.mark.parametrize("world_size", [1, 3])
def test_no_passage_of_a_step_answers_the_query_of_another_row(world_size: int) -> None:
    for step in _steps(_plan(world_size=world_size), world_size):
        for row in step:
            for other in step:
                if other is not row:
                    shown = {_number(t) for t in (other.positive, *other.negatives)}
                    assert not shown & PAIRS[row.pair].relevant


def test_a_step_has_each_question_only_once() -> None:
    pairs = [Pair(query=f"query {i % 20}", relevant=frozenset({i})) for i in range(40)]
    for step in _steps(_plan(pairs)):
        assert len({row.query for row in step}) == len(step)


def test_every_pair_is_used_about_once_per_epoch() -> None:
    seen = [row.pair for row in _plan(num_train_epochs=4.0).rows]
    counts = [seen.count(i) for i in range(40)]
    assert min(counts) >= 3
    assert max(counts) <= 5


def test_a_fraction_of_an_epoch_is_planned() -> None:
    assert _plan(num_train_epochs=0.5).steps == 5


def test_the_same_seed_makes_the_same_plan() -> None:
    assert _plan() == _plan()
    assert _plan() != _plan(seed=6)


def test_all_relevant_passages_of_a_pair_are_used() -> None:
    plan = _plan(num_train_epochs=12.0)
    assert {_number(row.positive) for row in plan.rows if row.pair == 3} == {3, 4}


def test_every_row_has_as_many_negatives() -> None:
    pairs = PAIRS[:20]
    few: list[list[int]] = [[25] if i % 2 else [] for i in range(20)]
    plan = plan_batches(
        pairs,
        PASSAGES,
        few,
        cut=whole,
        num_train_epochs=2,
        batch_size=2,
        world_size=1,
        negatives_per_pair=2,
        seed=1,
    )
    assert plan.steps == 20
    assert {len(row.negatives) for row in plan.rows} == {2}
    for row in plan.rows:
        assert not {_number(t) for t in row.negatives} & pairs[row.pair].relevant


def test_batches_shrink_if_few_pairs_fit_together() -> None:
    pairs = [Pair(query=f"query {i}", relevant=frozenset({i % 6})) for i in range(40)]
    plan = _plan(pairs, batch_size=32, negatives_per_pair=0)
    assert 2 <= plan.batch_size <= 6
    assert plan.steps > 0


def test_batches_shrink_if_negatives_are_answers_of_others() -> None:
    pairs = [Pair(query=f"query {i}", relevant=frozenset({i % 10})) for i in range(40)]
    mined = [[(i + 1) % 10, (i + 2) % 10] for i in range(40)]
    plan = plan_batches(
        pairs,
        PASSAGES,
        mined,
        cut=whole,
        num_train_epochs=2,
        batch_size=32,
        world_size=1,
        negatives_per_pair=1,
        seed=1,
    )
    assert 2 <= plan.batch_size < 10
    assert plan.steps == round(2 * 40 / plan.batch_size)


def test_pairs_that_share_one_passage_give_no_plan() -> None:
    pairs = [Pair(query=f"query {i}", relevant=frozenset({0})) for i in range(40)]
    assert _plan(pairs).steps == 0


def test_fewer_pairs_than_workers_give_no_plan() -> None:
    assert _plan(PAIRS[:5], world_size=4).steps == 0


def test_a_pair_with_its_own_passage_uses_it() -> None:
    pairs = [
        Pair(query=f"query {i}", relevant=frozenset({i}), passage=f"rest {i}") for i in range(40)
    ]
    assert all(row.positive == f"rest {row.pair}" for row in _plan(pairs).rows)


def test_a_row_has_the_window_with_the_answer_and_any_window_of_a_negative() -> None:
    passages = [
        Passage(
            document="d",
            number=i,
            start=0,
            end=1,
            heading="",
            text=f"Pump {i} is blue.\nPump {i} weighs {i} kg.\nPump {i} hums.",
            language="en",
        )
        for i in range(40)
    ]
    pairs = [
        Pair(query=f"query {i}", relevant=frozenset({i}), answer=f"weighs {i} kg")
        for i in range(40)
    ]
    rows = plan_batches(
        pairs,
        passages,
        NEGATIVES,
        cut=lines,
        num_train_epochs=3,
        batch_size=4,
        world_size=1,
        negatives_per_pair=1,
        seed=1,
    ).rows
    assert all(row.positive == f"Pump {row.pair} weighs {row.pair} kg." for row in rows)
    assert {row.negatives[0].split(" ", 2)[2].split()[0] for row in rows} == {
        "is",
        "weighs",
        "hums.",
    }


def test_a_sentence_that_was_cut_out_goes_with_the_window_that_shares_its_terms() -> None:
    rest = "The canteen serves soup.\nThe pump hums when its seal leaks."
    pairs = [
        Pair(
            query=f"Replace pump seal {i}",
            relevant=frozenset({i}),
            answer=f"Replace pump seal {i}",
            passage=rest,
        )
        for i in range(40)
    ]
    assert {row.positive for row in _plan(pairs, cut=lines).rows} == {
        "The pump hums when its seal leaks."
    }
