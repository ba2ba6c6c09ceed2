"""The order in which the cross-encoder trains: which question, with which windows, in which step.

Owns the whole plan, drawn once from the seed, so that a resumed run continues with the right step.
The windows of the negatives are the ones that look most like an answer, because the application
shows the cross-encoder exactly these. Pure (numpy only).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag.cross_encoder import text_to_read
from training.batches import BatchPlan, Row, answering_window
from training.examples import Pair, Passage
from training.passage_vectors import PassageVectors

__all__ = ["plan_cross_batches"]


def plan_cross_batches(
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    windows: Sequence[Sequence[str]],
    mined: Sequence[Sequence[int]],
    queries: npt.NDArray[np.float32],
    vectors: PassageVectors,
    *,
    num_train_epochs: float,
    batch_size: int,
    world_size: int,
    negatives_per_pair: int,
    seed: int,
) -> BatchPlan:
    """Plan a training of the cross-encoder.

    Every epoch draws a relevant passage and negatives of each pair again. A row's negatives are its
    own only, so any rows may share a batch.

    Args:
        pairs: To train on.
        passages: Every passage.
        windows: Their windows.
        mined: Negatives of every pair, by position in `passages`; a pair without any is left out.
        queries: (pairs, dimension) float32, L2-normalised.
        vectors: The embeddings of the windows.
        num_train_epochs: How often each pair is used; may be a fraction.
        batch_size: Rows per worker and step.
        world_size: Number of workers.
        negatives_per_pair: Negatives in a row. A pair with fewer repeats some.
        seed: Of every random choice.
    """
    rng = random.Random(seed)  # noqa: S311 - an order of training, not a secret
    used = [at for at, negatives in enumerate(mined) if negatives]
    size = min(batch_size * world_size, len(used)) // world_size * world_size
    if size == 0:
        return BatchPlan(rows=(), batch_size=0, steps=0)
    steps = max(1, round(num_train_epochs * len(used) / size))
    rows: list[Row] = []
    while len(rows) < steps * size:
        for at in rng.sample(used, len(used)):
            pair = pairs[at]
            positive = rng.choice(sorted(pair.relevant))
            window = answering_window(pair, windows[positive], passages[positive].language)
            chosen = list(mined[at])
            rng.shuffle(chosen)
            chosen = (chosen * negatives_per_pair)[:negatives_per_pair]
            rows.append(
                Row(
                    pair=at,
                    query=pair.query,
                    positive=_read(passages[positive], window),
                    negatives=tuple(
                        _read(passages[i], windows[i][vectors.best_windows(queries[at], i, 1)[0]])
                        for i in chosen
                    ),
                )
            )
    return BatchPlan(rows=tuple(rows[: steps * size]), batch_size=size // world_size, steps=steps)


def _read(passage: Passage, window: str) -> str:
    return text_to_read(passage.title, passage.heading, window)
