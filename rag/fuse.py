"""Fuses a vector search and a word search into one ranking. Pure.

Three methods: reciprocal rank fusion, and weighted sums of z-scores or of scores between 0 and 1.
The sum of z-scores is the default: on covid-qa it found more (see docs/explanation/data-plane.md).
All run here and not in the cluster: Elasticsearch's own methods need a paid licence. OpenSearch
2.19 has the other two and not the z-scores.

Source of reciprocal rank fusion and its constant 60: Cormack, Clarke and Büttcher, SIGIR 2009.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

__all__ = [
    "CANDIDATES",
    "DEFAULT_WEIGHT",
    "RRF_CONSTANT",
    "Fusion",
    "fuse",
    "min_max",
    "rrf",
    "standardise",
    "weighted_z",
]

CANDIDATES = 100
"""Passages that each search gives to the fusion."""
RRF_CONSTANT = 60
_LAST_SCORE = 0.001
"""What OpenSearch gives the last of a search's results instead of 0 (2.19,
MinMaxScoreNormalizationTechnique)."""
DEFAULT_WEIGHT = 0.5
"""Share of the vector search in the weighted sum, over the best 100 of each search.

Among those the cosines lie closer together, and the word scores further apart, than over the whole
corpus, so that an equal share favors the vector search. Chosen with the tuned model on 137
questions held out of covid-qa's train split (see docs/explanation/data-plane.md)."""


class Fusion(StrEnum):
    """How two rankings become one."""

    WEIGHTED = "weighted"
    MIN_MAX = "min-max"
    RRF = "rrf"


def rrf(rankings: Sequence[Sequence[str]], constant: int = RRF_CONSTANT) -> dict[str, float]:
    """Return the score of each id: the sum over rankings of ``1 / (constant + rank)``."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (constant + rank)
    return scores


def weighted_z(
    vector: Mapping[str, float], words: Mapping[str, float], weight: float = DEFAULT_WEIGHT
) -> dict[str, float]:
    """Return the weighted sum of the two searches' z-scores.

    Each search's scores are scaled to mean 0 and standard deviation 1. The caller gives both scores
    of every id. Where it does not know one, the id gets the lowest score that this search returned,
    an upper bound of its true score.

    Args:
        vector: Score by id of the vector search.
        words: Score by id of the word search.
        weight: Share of the vector search, 0 to 1.

    Raises:
        ValueError: `weight` out of bounds.
    """
    _check(weight)
    left, left_floor = standardise(vector)
    right, right_floor = standardise(words)
    return {
        item: weight * left.get(item, left_floor) + (1 - weight) * right.get(item, right_floor)
        for item in {**vector, **words}
    }


def min_max(
    vector: Mapping[str, float], words: Mapping[str, float], weight: float = DEFAULT_WEIGHT
) -> dict[str, float]:
    """Return the weighted sum of the two searches' scores, each scaled to lie between 0 and 1.

    It is what OpenSearch's `normalization-processor` does with ``min_max`` and
    ``arithmetic_mean``: an id that a search did not return gets 0 from it, and the last that it
    returned a little more.

    Args:
        vector: Score by id of the vector search.
        words: Score by id of the word search.
        weight: Share of the vector search, 0 to 1.

    Raises:
        ValueError: `weight` out of bounds.
    """
    _check(weight)
    left, right = _between_0_and_1(vector), _between_0_and_1(words)
    return {
        item: weight * left.get(item, 0.0) + (1 - weight) * right.get(item, 0.0)
        for item in {**vector, **words}
    }


def _check(weight: float) -> None:
    if not 0.0 <= weight <= 1.0:
        raise ValueError(f"weight is {weight}. It must be between 0 and 1.")


def _between_0_and_1(scores: Mapping[str, float]) -> dict[str, float]:
    if not scores:
        return {}
    lowest, highest = min(scores.values()), max(scores.values())
    if lowest == highest:
        return dict.fromkeys(scores, 1.0)
    return {
        item: (score - lowest) / (highest - lowest) or _LAST_SCORE for item, score in scores.items()
    }


def fuse(
    vector: Mapping[str, float],
    words: Mapping[str, float],
    *,
    method: Fusion = Fusion.WEIGHTED,
    weight: float = DEFAULT_WEIGHT,
) -> list[tuple[str, float]]:
    """Return the ids of both searches with their fused score, best first.

    Of equal scores, an id that the search with the larger share returned comes first, then the id
    with the higher score in the other search. So with a weight of 0 or 1 the ranking is that
    search's own, followed by what the other one found besides.
    """
    if method is Fusion.RRF:
        scores = rrf([_ranked(vector), _ranked(words)])
    elif method is Fusion.MIN_MAX:
        scores = min_max(vector, words, weight)
    else:
        scores = weighted_z(vector, words, weight)
    main, other = (vector, words) if weight > 0.5 else (words, vector)
    return sorted(
        scores.items(),
        key=lambda item: (
            -item[1],
            item[0] not in main,
            -other.get(item[0], -math.inf),
            item[0],
        ),
    )


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda item: (-scores[item], item))


def standardise(scores: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """Return the z-scores and the lowest of them; all are 0.0 if the scores are equal."""
    if not scores:
        return {}, 0.0
    mean = math.fsum(scores.values()) / len(scores)
    deviation = math.sqrt(math.fsum((x - mean) ** 2 for x in scores.values()) / len(scores))
    if deviation == 0.0:
        return dict.fromkeys(scores, 0.0), 0.0
    result = {item: (score - mean) / deviation for item, score in scores.items()}
    return result, min(result.values())
