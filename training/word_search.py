"""The application's word search, in this process: BM25 over the terms that the index has.

Owns the scores. A training job has no search engine, and it chooses the weight of the two searches
and proposes hard negatives; both need the ranking that the application has. Terms and their weights
come from `rag.analysis`, and the boosts from `rag.index`. Pure.

Source of the formula: Elasticsearch 8.19, which uses Lucene's `LegacyBM25Similarity` and stores a
field's length with four significant bits (`SmallFloat.intToByte4`). Robertson and Zaragoza, 2009. A
test compares the scores with those of a real Elasticsearch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rag.analysis import neighbors, question_terms, terms
from rag.index import BM25_B, BM25_K1, NEAR_BOOST, NEAR_SLOP, TITLE_BOOST, heading_below
from rag.language import detect
from training.examples import Passage

__all__ = ["Bm25", "WordSearch"]

_EXACT_LENGTHS = 24
_SIGNIFICANT_BITS = 4
_NEAR_DEPTH = 500


class Bm25:
    """BM25 over one field in memory.

    Args:
        documents: The terms of each document, with repeats; a document without terms does not have
            the field.
    """

    def __init__(self, documents: Iterable[Sequence[str]]) -> None:
        self._ids: dict[str, int] = {}
        self._sequences: list[npt.NDArray[np.int32]] = []
        counts: list[Counter[str]] = []
        for document in documents:
            counts.append(Counter(document))
            ids = [self._ids.setdefault(term, len(self._ids)) for term in document]
            self._sequences.append(np.array(ids, dtype=np.int32))
        self._size = len(counts)
        exact = [sum(count.values()) for count in counts]
        with_field = max(1, sum(length > 0 for length in exact))
        average = max(sum(exact) / with_field, 1e-9)
        lengths = np.array([_stored(length) for length in exact], dtype=np.float32)
        self._norm = norm = BM25_K1 * (1 - BM25_B + BM25_B * lengths / average)
        rows: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for term, n in count.items():
                rows.setdefault(term, []).append((position, n))
        self._idf: dict[str, float] = {}
        self._postings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]] = {}
        for term, found in rows.items():
            at = np.array([position for position, _ in found], dtype=np.int64)
            tf = np.array([n for _, n in found], dtype=np.float32)
            idf = math.log(1 + (with_field - len(found) + 0.5) / (len(found) + 0.5))
            self._idf[term] = idf
            self._postings[term] = (
                at,
                (idf * (BM25_K1 + 1) * tf / (tf + norm[at])).astype(np.float32),
            )

    def scores(self, weights: Mapping[str, float]) -> npt.NDArray[np.float32]:
        """Return the score of every document for weighted terms: (documents,) float32."""
        scores = np.zeros(self._size, dtype=np.float32)
        for term, weight in weights.items():
            if term in self._postings:
                at, values = self._postings[term]
                scores[at] += np.float32(weight) * values
        return scores

    def near(
        self, pairs: Iterable[tuple[str, str]], documents: npt.NDArray[np.int64], slop: int
    ) -> npt.NDArray[np.float32]:
        """Return the score of some documents for pairs of terms that are near each other.

        Args:
            pairs: The terms; the first should come first.
            documents: Their positions.
            slop: The most places that a pair may be apart; terms in the other order count 2.

        Returns:
            (documents given,) float32.
        """
        scores = np.zeros(len(documents), dtype=np.float32)
        for one, two in pairs:
            if one == two or one not in self._postings or two not in self._postings:
                continue
            both = np.intersect1d(self._postings[one][0], self._postings[two][0])
            first, second, idf = self._ids[one], self._ids[two], self._idf[one] + self._idf[two]
            for at in np.flatnonzero(np.isin(documents, both)):
                places = self._sequences[documents[at]]
                found = _near_frequency(
                    np.flatnonzero(places == first).tolist(),
                    np.flatnonzero(places == second).tolist(),
                    slop,
                )
                scores[at] += idf * (BM25_K1 + 1) * found / (found + self._norm[documents[at]])
        return scores


class WordSearch:
    """The word search over passages.

    Args:
        passages: Every passage of the corpus.
        texts: The text of each passage that is searched.
    """

    def __init__(self, passages: Sequence[Passage], texts: Sequence[str]) -> None:
        self._languages = frozenset(passage.language for passage in passages)
        both = list(zip(passages, texts, strict=True))
        self._text = Bm25(terms(text, passage.language) for passage, text in both)
        self._title = Bm25(terms(p.title, p.language) for p in passages)
        self._heading = Bm25(terms(heading_below(p.title, p.heading), p.language) for p in passages)

    def language(self, question: str) -> str:
        """Return a question's language, of those that the passages have."""
        return detect(question, self._languages)

    def scores(self, question: str) -> npt.NDArray[np.float32]:
        """Return the score of every passage, 0.0 for one without a term of the question.

        Returns:
            (passages,) float32.
        """
        language = self.language(question)
        weights = question_terms(question, language)
        scores = self._text.scores(weights)
        above = self._title.scores(weights) + self._heading.scores(weights)
        scores = np.where(scores > 0, scores + np.float32(TITLE_BOOST) * above, scores)
        # Terms that are near each other add little, so only the best passages can gain by them.
        depth = min(_NEAR_DEPTH, len(scores))
        best = np.argpartition(-scores, depth - 1)[:depth]
        best = best[scores[best] > 0]
        near = self._text.near(neighbors(question, language), best, NEAR_SLOP)
        scores[best] += np.float32(NEAR_BOOST) * near
        return scores


def _stored(length: int) -> int:
    """Return a field's length as Lucene stores it."""
    rest = length - _EXACT_LENGTHS
    if rest < 0:
        return length
    dropped = max(0, rest.bit_length() - _SIGNIFICANT_BITS)
    return _EXACT_LENGTHS + ((rest >> dropped) << dropped)


def _near_frequency(first: Sequence[int], second: Sequence[int], slop: int) -> float:
    """Return how often two terms are near each other; a pair counts less the further it is apart.

    Source: Lucene 9, `SloppyPhraseMatcher`, for two terms; a match counts 1 / (1 + distance).

    Args:
        first: The places of the first term, in order; at least one.
        second: The places of the second term.
        slop: The longest distance that counts.
    """
    places = (list(first), [place - 1 for place in second])
    at = [0, 0]
    end = max(places[0][0], places[1][0])
    frequency = 0.0
    while True:
        low = 0 if (places[0][at[0]], 0) <= (places[1][at[1]], 1) else 1
        distance, following = end - places[low][at[low]], places[1 - low][at[1 - low]]
        while True:
            at[low] += 1
            if at[low] == len(places[low]):
                return frequency + (1 / (1 + distance) if distance <= slop else 0.0)
            place = places[low][at[low]]
            end = max(end, place)
            if place > following:
                break
            distance = min(distance, end - place)
        if distance <= slop:
            frequency += 1 / (1 + distance)
