"""The weight of the two searches, chosen by measurement on questions that nothing was trained on.

Owns the choice. The searches and their fusion are the application's: the best 100 passages of each,
fused by `rag.fuse`. Pure (numpy only); the caller embeds.

The default weight was found on real questions of another corpus, and a few questions measure a
weight badly. So the default stays unless the measurement is against it by more than its own noise,
or shows that one of the searches brings nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.fuse import CANDIDATES, DEFAULT_WEIGHT, fuse
from rag.metrics import ndcg_at_k
from training.examples import HeldOut

__all__ = [
    "GRID",
    "Candidates",
    "WeightChoice",
    "candidates",
    "choose_weight",
    "difference",
    "measure_weights",
    "name_of",
]

GRID = tuple(round(step * 0.05, 2) for step in range(21))
"""Weights to measure: 0 is the word search alone, 1 the vector search alone."""
_DEPTH = 10
_PRECISE = 0.01
"""The standard error of a difference of nDCG@10 below which a second search that shows no gain is
taken to bring none."""
_PRIOR_QUERIES, _PRIOR_DEVIATION = 5, 0.5
"""Queries that are added to the measured ones when the noise is estimated, and their deviation of
nDCG@10. With few queries that happen to agree, the noise would seem to be nothing. Assumed."""


@dataclass(frozen=True, kw_only=True)
class WeightChoice:
    """The chosen weight.

    Attributes:
        weight: Share of the vector search, 0 to 1.
        reason: Why.
        curve: Mean nDCG@10 by weight of the grid.
        queries: How many queries measured it.
    """

    weight: float
    reason: str
    curve: Mapping[float, float]
    queries: int


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What the two searches give to the fusion for one query.

    Attributes:
        vector: Score of the vector search by passage.
        words: Score of the word search by passage.
    """

    vector: Mapping[str, float]
    words: Mapping[str, float]


def candidates(vector: npt.NDArray[np.float32], words: npt.NDArray[np.float32]) -> Candidates:
    """Return the best passages of both searches, each with both scores, as `rag.retrieve` does.

    Args:
        vector: (passages,) float32, the vector search's scores.
        words: (passages,) float32, the word search's; it does not return a passage with 0.0.
    """
    best = {*_best(vector), *(position for position in _best(words) if words[position] > 0)}
    return Candidates(
        vector={name_of(position): float(vector[position]) for position in best},
        words={name_of(position): float(words[position]) for position in best},
    )


def _best(scores: npt.NDArray[np.float32]) -> list[int]:
    depth = min(CANDIDATES, len(scores))
    return [int(position) for position in np.argpartition(-scores, depth - 1)[:depth]]


def name_of(position: int) -> str:
    """Return the id of a passage for the fusion."""
    return f"{position:09d}"


def measure_weights(
    queries: Sequence[HeldOut], found: Sequence[Candidates]
) -> npt.NDArray[np.float64]:
    """Return the nDCG@10 of every query with every weight: (queries, grid) float64.

    Args:
        queries: The queries.
        found: The candidates of each.
    """
    table = np.zeros((len(queries), len(GRID)))
    for row, (query, both) in enumerate(zip(queries, found, strict=True)):
        relevant = {name_of(position) for position in query.relevant}
        for column, weight in enumerate(GRID):
            ranking = [item for item, _ in fuse(both.vector, both.words, weight=weight)[:_DEPTH]]
            table[row, column] = ndcg_at_k(ranking, relevant, _DEPTH)
    return table


def choose_weight(table: npt.NDArray[np.float64], *, highest: float = 1.0) -> WeightChoice:
    """Choose the weight.

    The better search alone gets all the weight if the best fusion is not better than it by more
    than the standard error of the difference, and there are enough queries to see a difference of
    `_PRECISE`: the other search brings nothing. Otherwise the default stays unless the best weight
    is better by more than the standard error.

    The best weight is the maximum of the curve, smoothed over neighbors.

    Args:
        table: As from `measure_weights`; at least one query.
        highest: The largest weight that may be chosen.
    """
    means = table.mean(axis=0)
    allowed = [column for column, weight in enumerate(GRID) if weight <= highest]
    default = GRID.index(DEFAULT_WEIGHT)
    smooth = [float(means[max(0, c - 1) : c + 2].mean()) for c in range(len(GRID))]
    fused = [column for column in allowed if 0.0 < GRID[column] < 1.0]
    best = max(fused, key=lambda c: (smooth[c], -abs(c - default)))
    alone = max((c for c in allowed if c not in fused), key=lambda c: means[c])
    gain, error = difference(table, best, alone)
    if gain < error < _PRECISE or gain < -error:
        choice = alone
        reason = f"the {'word' if GRID[alone] == 0.0 else 'vector'} search alone is as good"
    else:
        gain, error = difference(table, best, default)
        better = gain > error
        choice = best if better else default
        reason = (
            "better than the default by more than the noise"
            if better
            else "nothing was better than the default by more than the noise"
        )
    return WeightChoice(
        weight=GRID[choice],
        reason=reason,
        curve={weight: round(float(mean), 4) for weight, mean in zip(GRID, means, strict=True)},
        queries=len(table),
    )


def difference(table: npt.NDArray[np.float64], column: int, other: int) -> tuple[float, float]:
    """Return by how much one weight is better than another, and the standard error of that."""
    gain = table[:, column] - table[:, other]
    queries = len(gain)
    spread = float(((gain - gain.mean()) ** 2).sum())
    variance = (spread + _PRIOR_QUERIES * _PRIOR_DEVIATION**2) / (queries - 1 + _PRIOR_QUERIES)
    return float(gain.mean()), math.sqrt(variance / queries)
