"""Measures of retrieval: recall@k, MRR@k, nDCG@k, and which chunks have an answer.

Owns the definitions, so that training, evaluation and benchmarks report the same figures. Pure:
uses only the standard library.

Relevance: a chunk is relevant to a question if it contains the whole answer span. If no chunk does,
the chunk with the largest part of the span is relevant (the first on a tie). recall@k is the share
of questions with at least one relevant chunk among the first k; gains are binary.
Source of nDCG: Järvelin and Kekäläinen, 2002, log base 2.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Sequence

__all__ = ["mrr_at_k", "ndcg_at_k", "recall_at_k", "relevant_chunks", "retrieval_metrics"]


def relevant_chunks(
    spans: Sequence[tuple[int, int]], answer_start: int, answer_end: int
) -> frozenset[int]:
    """Return the positions in `spans` of the chunks that have the answer.

    Args:
        spans: Start and end (exclusive) of each chunk of the answer's document.
        answer_start: Start of the answer in the same text.
        answer_end: Its end, exclusive.
    """
    whole = frozenset(
        i for i, (start, end) in enumerate(spans) if start <= answer_start and answer_end <= end
    )
    if whole:
        return whole
    overlaps = [min(end, answer_end) - max(start, answer_start) for start, end in spans]
    best = max(overlaps, default=0)
    return frozenset({overlaps.index(best)}) if best > 0 else frozenset()


def recall_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return 1.0 if one of the first `k` of `ranked` is relevant, else 0.0."""
    return float(any(item in relevant for item in ranked[:k]))


def mrr_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the reciprocal of the first relevant rank among the first `k`, else 0.0."""
    return next((1.0 / rank for rank, x in enumerate(ranked[:k], 1) if x in relevant), 0.0)


def ndcg_at_k(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the normalised discounted cumulative gain of the first `k`, with binary gains."""
    gain = sum(1.0 / math.log2(rank + 1) for rank, x in enumerate(ranked[:k], 1) if x in relevant)
    ideal = sum(1.0 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gain / ideal if ideal else 0.0


def retrieval_metrics(
    results: Iterable[tuple[Sequence[Hashable], Collection[Hashable]]],
) -> dict[str, float]:
    """Return means over questions, each given as (ranked items, relevant items).

    Returns:
        ``recall@5``, ``recall@10``, ``mrr@10`` and ``ndcg@10``, each in [0, 1].

    Raises:
        ValueError: There are no results.
    """
    rows = [
        (
            recall_at_k(ranked, relevant, 5),
            recall_at_k(ranked, relevant, 10),
            mrr_at_k(ranked, relevant, 10),
            ndcg_at_k(ranked, relevant, 10),
        )
        for ranked, relevant in results
    ]
    if not rows:
        raise ValueError("results is empty. Give the ranking of at least one question.")
    names = ("recall@5", "recall@10", "mrr@10", "ndcg@10")
    return {
        name: sum(column) / len(rows)
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
