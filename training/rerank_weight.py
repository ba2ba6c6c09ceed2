"""The share of a reranker in the ranking, chosen on questions that nothing trained on.

Owns the measurement and the choice. The ranking is the application's: the best passages of the
fused searches (`rag.fuse`), ordered again by `rag.rerank`. The caller computes the scores.

Token vectors are most of an index's size, and a cross-encoder takes most of a search's time.
Without a gain on enough questions the share is 0, and the application does without.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.fuse import fuse
from rag.metrics import ndcg_at_k
from rag.rerank import RERANKED, combine
from rag.token_vectors import max_sim, unpack
from training.examples import HeldOut
from training.search_weight import GRID, Candidates, WeightChoice, difference, name_of

__all__ = [
    "CROSS_ENCODER_WEIGHT",
    "LATE_INTERACTION_WEIGHT",
    "NO_CROSS_ENCODER",
    "NO_TOKEN_VECTORS",
    "Ranking",
    "best_passages",
    "choose_rerank_weight",
    "late_interaction_scores",
    "measure_rerank_weights",
]

NO_TOKEN_VECTORS = WeightChoice(
    weight=0.0, reason="the model has no token vectors", curve={}, queries=0
)
NO_CROSS_ENCODER = WeightChoice(
    weight=0.0, reason="no cross-encoder was trained", curve={}, queries=0
)
_DEPTH = 10
LATE_INTERACTION_WEIGHT = 0.4
"""The share that stays unless another one is better by more than the noise. On covid-qa's 137
held-out questions, the curves of two tuned models are flat around it (0.3 to 0.6, 0.35 to 0.4)."""
_SEEN = 0.02
"""The standard error of the gain in nDCG@10 below which a loss would show. The gain itself need not
be larger than the noise, because each of three models had one: 0.008 to 0.015 on the held-out
questions, 0.007 to 0.016 on the test questions."""

CROSS_ENCODER_WEIGHT = 0.5
"""The same for the cross-encoder, beside the searches and the late interaction. On covid-qa's 137
held-out questions, nDCG@10 is 0.780 with 0.2, and from 0.794 to 0.807 with shares of 0.35 to 0.8
(one model)."""

Ranking = list[tuple[str, float]]


def best_passages(found: Candidates, search_weight: float) -> Ranking:
    """Return the passages that the searches give to the reranker, with their scores."""
    return fuse(found.vector, found.words, weight=search_weight)[:RERANKED]


def late_interaction_scores(
    rankings: Sequence[Ranking],
    asked: Sequence[bytes],
    passages: Mapping[str, bytes],
    dimension: int,
) -> list[dict[str, float]]:
    """Return the score of every passage in a ranking, by id, for each ranking.

    Args:
        rankings: The best passages of each query.
        asked: The token vectors of each query, as `rag.token_vectors.pack` wrote them.
        passages: The token vectors of every passage in `rankings`, by id.
        dimension: Components of a token vector.
    """
    found = []
    for ranking, tokens in zip(rankings, asked, strict=True):
        vectors = [unpack(passages[item], dimension) for item, _ in ranking]
        measured = max_sim(unpack(tokens, dimension), vectors)
        found.append({item: float(x) for (item, _), x in zip(ranking, measured, strict=True)})
    return found


def measure_rerank_weights(
    queries: Sequence[HeldOut],
    rankings: Sequence[Ranking],
    scored: Sequence[Mapping[str, float]],
) -> npt.NDArray[np.float64]:
    """Return the nDCG@10 of every query with every weight: (queries, grid) float64.

    Args:
        queries: The queries.
        rankings: The best passages of each.
        scored: The reranker's scores of the first of them, by id.
    """
    table = np.zeros((len(queries), len(GRID)))
    for row, (query, ranking, scores) in enumerate(zip(queries, rankings, scored, strict=True)):
        relevant = {name_of(position) for position in query.relevant}
        for column, weight in enumerate(GRID):
            order = [item for item, _ in combine(ranking, scores, weight)[:_DEPTH]]
            table[row, column] = ndcg_at_k(order, relevant, _DEPTH)
    return table


def choose_rerank_weight(table: npt.NDArray[np.float64], usual: float) -> WeightChoice:
    """Choose the weight: the usual, the best of the smoothed curve if it is clearly better, or 0.

    Args:
        table: As from `measure_rerank_weights`; at least one query.
        usual: One of the grid.
    """
    means = table.mean(axis=0)
    smooth = [float(means[max(0, c - 1) : c + 2].mean()) for c in range(len(GRID))]
    best, default = max(range(1, len(GRID)), key=lambda c: smooth[c]), GRID.index(usual)
    gain, error = difference(table, best, default)
    column = best if gain > error else default
    gain, error = difference(table, column, 0)
    better = gain > 0 and error < _SEEN
    if better:
        reason = f"nDCG@10 {means[0]:.3f} -> {means[column]:.3f}"
    elif gain > 0:
        reason = f"{len(table)} questions are too few to tell whether it is better"
    else:
        reason = "it was not better than the ranking before it"
    return WeightChoice(
        weight=GRID[column] if better else 0.0,
        reason=reason,
        curve={weight: round(float(mean), 4) for weight, mean in zip(GRID, means, strict=True)},
        queries=len(table),
    )
