"""The order of training: which pair, with which passage and negatives, in which step.

Owns the whole plan, drawn once from the seed before the first step. A resumed run therefore
continues with the right step, with any samplers and workers. Pure.

A row has windows of passages (`rag.windows`), because the index has an embedding of each window. In
a batch every passage is a negative of every other query. Two rows do not share a batch if a
passage of one may answer the other, or if they have the same question. With several workers this
applies to all batches of one step, because the loss gathers negatives across them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.analysis import terms
from training.examples import Pair, Passage

__all__ = ["BatchPlan", "Row", "answering_window", "plan_batches"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training example.

    Attributes:
        pair: Position of its pair.
        query: The question.
        positive: The window of a passage that has most of the answer.
        negatives: Windows of passages that do not answer it; every row of a plan has the same
            number.
    """

    pair: int
    query: str
    positive: str
    negatives: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Rows in the order of training.

    Attributes:
        rows: `steps * world_size * batch_size` rows; worker w of step s takes the batch
            `s * world_size + w`.
        batch_size: Rows per worker and step.
        steps: Number of steps.
    """

    rows: tuple[Row, ...]
    batch_size: int
    steps: int


@dataclass(frozen=True, slots=True)
class _Draw:
    pair: int
    positive: int
    negatives: tuple[int, ...]
    windows: tuple[float, ...]
    """Which window of each negative, as a place from 0 to 1."""


def plan_batches(
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    negatives: Sequence[Sequence[int]],
    *,
    cut: Callable[[str, str], list[str]],
    num_train_epochs: float,
    batch_size: int,
    world_size: int,
    negatives_per_pair: int,
    seed: int,
) -> BatchPlan:
    """Plan a whole training.

    Every epoch draws a relevant passage and negatives of each pair again. All batches are full. If
    too few rows fit together, all batches are smaller.

    Args:
        pairs: To train on.
        passages: Every passage.
        negatives: Mined negatives of every pair, by position in `passages`.
        cut: Returns the windows of a text in a language.
        num_train_epochs: How often each pair is used; may be a fraction.
        batch_size: The most rows per worker and step.
        world_size: Number of workers.
        negatives_per_pair: Negatives in a row. A pair with fewer gets some at random.
        seed: Of every random choice.

    Returns:
        The plan. It has no steps if not even two rows per worker fit together.
    """
    size = min(batch_size * world_size, len(pairs)) // world_size * world_size
    while size >= 2 * world_size:
        steps = max(1, round(num_train_epochs * len(pairs) / size))
        planned = _pack(pairs, passages, negatives, steps, size, negatives_per_pair, seed)
        if planned is not None:
            rows = tuple(_row(draw, pairs, passages, cut) for draw in planned)
            return BatchPlan(rows=rows, batch_size=size // world_size, steps=steps)
        size = size * 7 // 8 // world_size * world_size
    return BatchPlan(rows=(), batch_size=0, steps=0)


def _pack(
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    negatives: Sequence[Sequence[int]],
    steps: int,
    size: int,
    negatives_per_pair: int,
    seed: int,
) -> list[_Draw] | None:
    """Return `steps` batches of `size` rows; None if too few rows fit together."""
    rng = random.Random(seed)  # noqa: S311 - an order of training, not a secret
    planned: list[_Draw] = []
    waiting: list[_Draw] = []
    while len(planned) < steps * size:
        batch, rest = _fill(waiting, pairs, size)
        if len(batch) == size:
            planned += batch
            waiting = rest
            continue
        if len(waiting) > 2 * len(pairs):
            return None
        epoch = [
            _draw(i, pairs, passages, negatives, negatives_per_pair, rng) for i in range(len(pairs))
        ]
        rng.shuffle(epoch)
        waiting += epoch
    return planned


def _draw(
    index: int,
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    negatives: Sequence[Sequence[int]],
    count: int,
    rng: random.Random,
) -> _Draw:
    pair = pairs[index]
    positive = rng.choice(sorted(pair.relevant))
    mined = list(negatives[index]) if count else []
    chosen = rng.sample(mined, min(count, len(mined)))
    if len(chosen) < count:
        others = [i for i in range(len(passages)) if i not in pair.relevant and i not in chosen]
        chosen += rng.sample(others, min(count - len(chosen), len(others)))
    return _Draw(index, positive, tuple(chosen), tuple(rng.random() for _ in chosen))


def _fill(
    waiting: Sequence[_Draw], pairs: Sequence[Pair], size: int
) -> tuple[list[_Draw], list[_Draw]]:
    """Take the first `size` rows that fit together; the others keep their order."""
    batch: list[_Draw] = []
    rest: list[_Draw] = []
    shown: set[int] = set()
    answers: set[int] = set()
    queries: set[str] = set()
    at = 0
    while at < len(waiting) and len(batch) < size:
        draw = waiting[at]
        at += 1
        pair = pairs[draw.pair]
        passages = {draw.positive, *draw.negatives}
        if pair.query in queries or passages & answers or pair.relevant & shown:
            rest.append(draw)
            continue
        batch.append(draw)
        shown |= passages
        answers |= pair.relevant
        queries.add(pair.query)
    rest += waiting[at:]
    return batch, rest


def _row(
    draw: _Draw,
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    cut: Callable[[str, str], list[str]],
) -> Row:
    pair, positive = pairs[draw.pair], passages[draw.positive]
    text = pair.passage if pair.passage is not None else positive.text
    negatives = [cut(passages[i].text, passages[i].language) for i in draw.negatives]
    return Row(
        pair=draw.pair,
        query=pair.query,
        positive=answering_window(pair, cut(text, positive.language), positive.language),
        negatives=tuple(
            windows[int(place * len(windows))]
            for windows, place in zip(negatives, draw.windows, strict=True)
        ),
    )


def answering_window(pair: Pair, windows: Sequence[str], language: str) -> str:
    """Return the window with the answer, else the one that shares most terms with it.

    A sentence that was cut out of the passage is not in any window, so its terms decide.
    """
    answer = " ".join(pair.answer.split())
    for window in windows:
        if answer and answer in " ".join(window.split()):
            return window
    wanted = set(terms(pair.answer or pair.query, language))
    return max(windows, key=lambda window: len(wanted.intersection(terms(window, language))))
