"""What a model achieves on the queries of a corpus, and how much its vectors should weigh.

Owns which queries report and which ones choose. Does not embed (the caller does), and does not own
the searches (`training.word_search`), the measures (`training.outcome`) or the rules for the
weights (`training.search_weight`, `training.rerank_weight`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rag.embedder import Encoded, InputType
from rag.fuse import DEFAULT_WEIGHT
from training.data import TrainingData
from training.outcome import rank_metrics
from training.passage_vectors import PassageVectors
from training.rerank_weight import (
    best_passages,
    choose_rerank_weight,
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

__all__ = ["Judge", "Measured"]

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The measures of one model.

    Attributes:
        held_out: On the held-out queries, to report.
        chosen_by: On the queries that choose (`TrainingData.chooser`).
        candidates: What both searches give to the fusion for each of those queries.
    """

    held_out: dict[str, float]
    chosen_by: dict[str, float]
    candidates: Sequence[Candidates]


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
        return Measured(held_out=held_out, chosen_by=chosen_by, candidates=found)

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

    def rerank_weight(
        self,
        measured: Measured,
        search_weight: float,
        dimension: int,
        encode: Callable[[Sequence[str], InputType], Encoded],
    ) -> WeightChoice:
        """Choose the weight of the late interaction for a model.

        Args:
            measured: Its measures.
            search_weight: Share of the vector search.
            dimension: Components of a token vector.
            encode: Computes token vectors with the model. Only the passages that the searches rank
                high for some query need them.
        """
        queries, windows = self._data.chooser, self._data.windows()
        rankings = [best_passages(found, search_weight) for found in measured.candidates]
        names = sorted({item for ranking in rankings for item, _ in ranking})
        found = iter(encode([x for name in names for x in windows[int(name)]], "document").tokens)
        by_name = {
            name: b"".join(itertools.islice(found, len(windows[int(name)]))) for name in names
        }
        asked = encode([query.query for query in queries], "query").tokens
        table = measure_rerank_weights(queries, rankings, asked, by_name, dimension)
        return choose_rerank_weight(table)
