"""Hard negatives: passages that look like an answer but do not have it.

Owns their choice: the passages that the base model and the word search rank highest for a query,
without those that may have the answer. Pure (numpy only); the caller embeds. The word search is
`training.word_search`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.examples import Pair, Passage
from training.passage_vectors import PassageVectors
from training.word_search import WordSearch

__all__ = ["mine_negatives"]

_DEPTH = 60
"""Passages to consider per query and ranking."""
_TOO_CLOSE = 0.98
"""From this cosine to a relevant passage on, a passage counts as a copy of it."""


def mine_negatives(
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    words: WordSearch,
    query_embeddings: npt.NDArray[np.float32],
    vectors: PassageVectors,
    *,
    count: int,
    skip: int,
) -> list[list[int]]:
    """Return positions of hard negatives for every pair, hardest first.

    The result alternates between the rankings of the base model and of the word search. It never
    has a relevant passage, its neighbors in the document (they repeat its edges), a passage with
    the answer's text, or a near copy of a relevant passage.

    Args:
        pairs: The pairs.
        passages: Every passage.
        words: The word search over them.
        query_embeddings: (pairs, dimension) float32, L2-normalised.
        vectors: The embeddings of the passages.
        count: The most negatives per pair.
        skip: How many of the hardest to skip, because they may be unmarked answers.
    """
    folded = [_fold(passage.text) for passage in passages]
    mined: list[list[int]] = []
    for pair, query in zip(pairs, query_embeddings, strict=True):
        dense = _top(vectors.scores(query))
        sparse = _top(words.scores(pair.query))
        excluded = _excluded(pair, passages)
        copies = vectors.means[sorted(pair.relevant)]
        answer = _fold(pair.answer)
        chosen: list[int] = []
        for position in _alternate(dense, sparse):
            if position in excluded or (answer and answer in folded[position]):
                continue
            if float((copies @ vectors.means[position]).max()) >= _TOO_CLOSE:
                continue
            excluded.add(position)
            chosen.append(position)
            if len(chosen) == count + skip:
                break
        mined.append(chosen[skip:] if len(chosen) > skip else chosen[-1:])
    return mined


def _excluded(pair: Pair, passages: Sequence[Passage]) -> set[int]:
    excluded = set(pair.relevant)
    for position in pair.relevant:
        for neighbour in (position - 1, position + 1):
            if (
                0 <= neighbour < len(passages)
                and passages[neighbour].document == passages[position].document
            ):
                excluded.add(neighbour)
    return excluded


def _top(scores: npt.NDArray[np.float32]) -> list[int]:
    depth = min(_DEPTH, len(scores))
    best = np.argpartition(-scores, depth - 1)[:depth]
    return [int(i) for i in best[np.lexsort((best, -scores[best]))]]


def _alternate(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [i for both in zip(first, second, strict=True) for i in both]


def _fold(text: str) -> str:
    return " ".join(text.lower().split())
