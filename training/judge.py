"""What a model achieves on the queries of a corpus, and how much its vectors should weigh.

Owns which queries report and which ones choose. Does not embed (the caller does), and does not own
the searches (`training.word_search`), the measures (`training.outcome`) or the rules for the
weights (`training.search_weight`, `training.rerank_weight`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rag.cross_encoder import text_to_read
from rag.embedder import Encoded, InputType
from rag.fuse import DEFAULT_WEIGHT
from rag.rerank import CROSS_ENCODED, WINDOWS_READ, best_of_each, combine
from training.data import TrainingData
from training.outcome import rank_metrics
from training.passage_vectors import PassageVectors
from training.rerank_weight import (
    CROSS_ENCODER_WEIGHT,
    LATE_INTERACTION_WEIGHT,
    Ranking,
    best_passages,
    choose_rerank_weight,
    late_interaction_scores,
    measure_rerank_weights,
)
from training.search_weight import (
    Candidates,
    WeightChoice,
    candidates,
    choose_weight,
    measure_weights,
)
from training.word_search import WordSearch

__all__ = ["Judge", "Measured", "Reranked"]

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measures of one model.

    Attributes:
        held_out: On the held-out queries, to report.
        chosen_by: On the queries that choose (`TrainingData.chooser`).
        candidates: What both searches give to the fusion for each of those queries.
        asked: (queries, dimension) float32, the embeddings of those queries.
    """

    held_out: dict[str, float]
    chosen_by: dict[str, float]
    candidates: Sequence[Candidates]
    asked: Embeddings


@dataclass(frozen=True, kw_only=True)
class Reranked:
    """The choice of a reranker's weight, and the rankings with it for the queries that choose."""

    choice: WeightChoice
    rankings: Sequence[Ranking]


class Judge:
    """Measures models on one corpus.

    Args:
        data: The corpus.
    """

    def __init__(self, data: TrainingData) -> None:
        self._data = data

    @cached_property
    def words(self) -> WordSearch:
        """The word search over the passages."""
        return WordSearch(self._data.passages, self._data.texts())

    def measure(
        self, passages: PassageVectors, embed: Callable[[Sequence[str]], Embeddings]
    ) -> Measured | None:
        """Measure a model; None without held-out queries.

        Args:
            passages: The embeddings of the passages.
            embed: Embeds queries with the model.
        """
        data = self._data
        if not data.held_out:
            return None
        vectors = embed([query.query for query in data.held_out])
        held_out = chosen_by = rank_metrics(data.held_out, vectors, passages)
        if data.validation:
            vectors = embed([query.query for query in data.validation])
            chosen_by = rank_metrics(data.validation, vectors, passages)
        found = [
            # The search engine's score of a cosine.
            candidates(
                np.asarray((1 + passages.scores(vector)) / 2, np.float32),
                self.words.scores(query.query),
            )
            for query, vector in zip(data.chooser, vectors, strict=True)
        ]
        return Measured(held_out=held_out, chosen_by=chosen_by, candidates=found, asked=vectors)

    def weight(self, measured: Measured | None) -> WeightChoice:
        """Choose the weight of the two searches for a model."""
        if measured is None:
            return WeightChoice(
                weight=DEFAULT_WEIGHT, reason="there are no queries", curve={}, queries=0
            )
        table = measure_weights(self._data.chooser, measured.candidates)
        # A sentence that was cut out of its passage has fewer words in common with it than a
        # question has with its answer. So it may show that the vectors bring little, not more.
        cloze = self._data.source == "documents"
        return choose_weight(table, highest=DEFAULT_WEIGHT if cloze else 1.0)

    def searched(self, measured: Measured, search_weight: float) -> list[Ranking]:
        """Return the best passages of the searches for each query that chooses."""
        return [best_passages(found, search_weight) for found in measured.candidates]

    def late_interaction(
        self,
        rankings: Sequence[Ranking],
        dimension: int,
        encode: Callable[[Sequence[str], InputType], Encoded],
    ) -> Reranked:
        """Choose the weight of the late interaction for a model.

        Args:
            rankings: As from `searched`.
            dimension: Components of a token vector.
            encode: Computes token vectors with the model. Only the passages that the searches rank
                high for some query need them.
        """
        queries, windows = self._data.chooser, self._data.windows()
        names = sorted({item for ranking in rankings for item, _ in ranking})
        found = iter(encode([x for name in names for x in windows[int(name)]], "document").tokens)
        by_name = {
            name: b"".join(itertools.islice(found, len(windows[int(name)]))) for name in names
        }
        asked = encode([query.query for query in queries], "query").tokens
        scored = late_interaction_scores(rankings, asked, by_name, dimension)
        return self._reranked(rankings, scored, LATE_INTERACTION_WEIGHT)

    def cross_encoder(
        self,
        rankings: Sequence[Ranking],
        measured: Measured,
        passages: PassageVectors,
        score: Callable[[str, Sequence[str]], Sequence[float]],
    ) -> Reranked:
        """Choose the weight of a cross-encoder.

        Args:
            rankings: Those that it orders again.
            measured: The embedding model's measures.
            passages: The embeddings of the passages.
            score: Scores windows for a question.
        """
        windows, scored = self._data.windows(), []
        for query, vector, ranking in zip(
            self._data.chooser, measured.asked, rankings, strict=True
        ):
            first = [item for item, _ in ranking[:CROSS_ENCODED]]
            read = [
                [
                    text_to_read(
                        self._data.passages[i].title, self._data.passages[i].heading, windows[i][at]
                    )
                    for at in passages.best_windows(vector, i, WINDOWS_READ)
                ]
                for i in map(int, first)
            ]
            scores = score(query.query, list(itertools.chain.from_iterable(read)))
            best = best_of_each(scores, [len(texts) for texts in read])
            scored.append(dict(zip(first, best, strict=True)))
        return self._reranked(rankings, scored, CROSS_ENCODER_WEIGHT)

    def _reranked(
        self,
        rankings: Sequence[Ranking],
        scored: Sequence[Mapping[str, float]],
        usual: float,
    ) -> Reranked:
        table = measure_rerank_weights(self._data.chooser, rankings, scored)
        choice = choose_rerank_weight(table, usual)
        return Reranked(
            choice=choice,
            rankings=[
                combine(ranking, scores, choice.weight)
                for ranking, scores in zip(rankings, scored, strict=True)
            ],
        )
