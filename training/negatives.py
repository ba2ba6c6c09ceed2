"""Hard negatives: passages that look like an answer but do not have it.

Owns their choice: the passages that the base model and the word search rank highest for a query,
without those that may have the answer. Pure (numpy only); the caller embeds. The small BM25 here
exists because a training job has no Elasticsearch. It only proposes negatives and measures nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.examples import Pair, Passage

__all__ = ["Bm25", "mine_negatives"]

_WORD = re.compile(r"\w+")
_DEPTH = 60
"""Passages to consider per query and ranking."""
_TOO_CLOSE = 0.98
"""From this cosine to a relevant passage on, a passage counts as a copy of it."""


class Bm25:
    """BM25 over passages in memory, with Lucene's defaults (k1 1.2, b 0.75).

    Source: Robertson and Zaragoza, 2009, with Lucene's idf, log(1 + (N - n + 0.5) / (n + 0.5)).
    """

    def __init__(self, texts: Sequence[str], k1: float = 1.2, b: float = 0.75) -> None:
        counts = [Counter(_words(text)) for text in texts]
        lengths = np.array([sum(c.values()) for c in counts], dtype=np.float32)
        self._size = len(texts)
        norm = k1 * (1 - b + b * lengths / max(float(lengths.mean()) if self._size else 1.0, 1.0))
        postings: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for word, n in count.items():
                postings.setdefault(word, []).append((position, n))
        self._postings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]] = {}
        for word, rows in postings.items():
            at = np.array([p for p, _ in rows], dtype=np.int64)
            tf = np.array([n for _, n in rows], dtype=np.float32)
            idf = math.log(1 + (self._size - len(rows) + 0.5) / (len(rows) + 0.5))
            self._postings[word] = (at, (idf * tf * (k1 + 1) / (tf + norm[at])).astype(np.float32))

    def scores(self, query: str) -> npt.NDArray[np.float32]:
        """Return the score of every passage: (passages,) float32."""
        scores = np.zeros(self._size, dtype=np.float32)
        for word in _words(query):
            if word in self._postings:
                at, weights = self._postings[word]
                scores[at] += weights
        return scores


def mine_negatives(
    pairs: Sequence[Pair],
    passages: Sequence[Passage],
    query_embeddings: npt.NDArray[np.float32],
    passage_embeddings: npt.NDArray[np.float32],
    *,
    count: int,
    skip: int,
) -> list[list[int]]:
    """Return positions of hard negatives for every pair, hardest first.

    The result alternates between the rankings of the base model and of BM25. It never has a
    relevant passage, its neighbors in the document (they repeat its edges), a passage with the
    answer's text, or a near copy of a relevant passage.

    Args:
        pairs: The pairs.
        passages: Every passage.
        query_embeddings: (pairs, dimension) float32, L2-normalised.
        passage_embeddings: (passages, dimension) float32, L2-normalised.
        count: The most negatives per pair.
        skip: How many of the hardest to skip, because they may be unmarked answers.
    """
    words = Bm25([passage.text for passage in passages])
    folded = [_fold(passage.text) for passage in passages]
    mined: list[list[int]] = []
    for pair, query in zip(pairs, query_embeddings, strict=True):
        dense = _top(passage_embeddings @ query)
        sparse = _top(words.scores(pair.query))
        excluded = _excluded(pair, passages)
        copies = passage_embeddings[sorted(pair.relevant)]
        answer = _fold(pair.answer)
        chosen: list[int] = []
        for position in _alternate(dense, sparse):
            if position in excluded or (answer and answer in folded[position]):
                continue
            if float((copies @ passage_embeddings[position]).max()) >= _TOO_CLOSE:
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


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _fold(text: str) -> str:
    return " ".join(text.lower().split())
