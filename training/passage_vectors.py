"""The embeddings of the passages' windows, and what a question makes of them. Pure (numpy only).

Owns the score of a passage: the cosine of its best window, as in the index (`rag.query`). Does not
own the windows (`rag.windows`) or embed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["PassageVectors"]

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class PassageVectors:
    """The embeddings of every passage's windows.

    Attributes:
        windows: (windows, dimension) float32, L2-normalised, in the order of the passages.
        counts: How many of them each passage has, at least 1.
        seconds: How long it took to compute them; 0.0 if it was not measured.
    """

    windows: Vectors
    counts: Sequence[int]
    seconds: float = 0.0

    @property
    def passages_per_second(self) -> float:
        """Rate at which they were computed; 0.0 if it was not measured."""
        return len(self.counts) / self.seconds if self.seconds > 0 else 0.0

    @cached_property
    def _starts(self) -> npt.NDArray[np.int64]:
        return np.cumsum([0, *self.counts[:-1]], dtype=np.int64)

    def scores(self, question: Vectors) -> Vectors:
        """Return the cosine of each passage's best window: (passages,) float32.

        Args:
            question: (dimension,) float32, L2-normalised.
        """
        return np.asarray(np.maximum.reduceat(self.windows @ question, self._starts), np.float32)

    def best_windows(self, question: Vectors, passage: int, count: int) -> list[int]:
        """Return which windows of a passage are nearest to a question, nearest first.

        Args:
            question: (dimension,) float32, L2-normalised.
            passage: Its position.
            count: The most windows.
        """
        start = int(self._starts[passage])
        cosines = self.windows[start : start + self.counts[passage]] @ question
        return [int(at) for at in np.argsort(-cosines, kind="stable")[:count]]

    @cached_property
    def means(self) -> Vectors:
        """The mean direction of each passage's windows: (passages, dimension), L2-normalised."""
        sums = np.add.reduceat(self.windows, self._starts, axis=0)
        return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))
