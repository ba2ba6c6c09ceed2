"""Orders the best passages again, by a closer look at each than a search can take.

Owns the interface, the late interaction, and how a reranker's scores and the searches' become one
ranking. Does not own the token vectors (`rag.token_vectors`), the hosted reranker
(`rag.hosted_reranker`), or where the passages come from (`rag.retrieve`). Pure.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rag.errors import RerankError
from rag.fuse import standardise
from rag.hits import Passage
from rag.token_vectors import max_sim, unpack

if TYPE_CHECKING:
    from rag.index_state import IndexMeta

__all__ = [
    "RERANKED",
    "Asked",
    "Candidate",
    "ChooseReranking",
    "LateInteraction",
    "Reranker",
    "Reranking",
    "always",
    "combine",
    "late_interaction",
    "no_reranking",
]

_LOG = logging.getLogger("rag.rerank")

RERANKED = 50
"""Passages that the searches give to the reranker."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question.

    Attributes:
        text: The question.
        tokens: Its token vectors, as `rag.token_vectors.pack` wrote them; empty if the
            reranker does not need them.
    """

    text: str
    tokens: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A passage to score.

    Attributes:
        text: Its title, heading and text.
        tokens: Its token vectors; empty for an index without them.
    """

    text: str
    tokens: bytes = b""


class Reranker(Protocol):
    """Scores passages for a question."""

    @property
    def name(self) -> str:
        """Its name, as an answer shows it."""
        ...

    async def scores(self, question: Asked, passages: Sequence[Candidate]) -> list[float]:
        """Return a score for each passage; higher is better, within one question.

        Raises:
            RerankError: It failed. The searches' ranking stays.
        """
        ...


@dataclass(frozen=True)
class LateInteraction:
    """Compares every token of the question with every token vector of a passage.

    Attributes:
        dimension: Components of a token vector.
    """

    dimension: int
    name: str = "late-interaction"

    async def scores(self, question: Asked, passages: Sequence[Candidate]) -> list[float]:
        """See `Reranker`. A passage without token vectors gets the mean of the others."""
        found = [
            (at, unpack(passage.tokens, self.dimension))
            for at, passage in enumerate(passages)
            if passage.tokens
        ]
        if not question.tokens or not found:
            return [0.0] * len(passages)
        asked = unpack(question.tokens, self.dimension)
        measured = max_sim(asked, [vectors for _, vectors in found])
        scores = [float(measured.mean())] * len(passages)
        for (at, _), score in zip(found, measured, strict=True):
            scores[at] = float(score)
        return scores


@dataclass(frozen=True, kw_only=True)
class Reranking:
    """How the best passages of an index are ordered again.

    Attributes:
        reranker: Scores them.
        weight: Share of its scores in the ranking, 0 to 1.
        token_vectors: Whether it needs token vectors.
    """

    reranker: Reranker
    weight: float
    token_vectors: bool

    async def order(
        self, asked: Asked, ranking: list[tuple[str, float]], found: Mapping[str, Passage]
    ) -> tuple[list[tuple[str, float]], str]:
        """Return the ranking with its beginning ordered again, and the reranker's name.

        If the reranker fails, the ranking stays and the name is empty: an answer is worth more than
        its order.

        Args:
            asked: The question.
            ranking: Ids and scores of the searches, best first.
            found: The passages by id; at least the first `RERANKED` that the index still has.
        """
        first = [item for item, _ in ranking[:RERANKED] if item in found]
        passages = [Candidate(text=found[item].text, tokens=found[item].tokens) for item in first]
        try:
            scores = await self.reranker.scores(asked, passages)
        except RerankError as error:
            _LOG.warning("the ranking of the searches stays: %s", error)
            return ranking, ""
        by_id = dict(zip(first, scores, strict=True))
        return combine(ranking, by_id, self.weight), self.reranker.name


ChooseReranking = Callable[["IndexMeta"], Reranking | None]
"""Chooses by an index's `_meta` how its best passages are ordered again; None: not at all."""


def late_interaction(meta: IndexMeta) -> Reranking | None:
    """Return the late interaction with the weight that training chose for an index.

    None: the index has no token vectors, or training found that they bring nothing.
    """
    if meta.token_form is None or meta.rerank_weight == 0:
        return None
    return Reranking(
        reranker=LateInteraction(meta.token_form.dimension),
        weight=meta.rerank_weight,
        token_vectors=True,
    )


def always(reranker: Reranker, weight: float = 1.0) -> ChooseReranking:
    """Return a choice of `reranker` for every index."""
    reranking = Reranking(reranker=reranker, weight=weight, token_vectors=False)
    return lambda meta: reranking


def no_reranking(meta: IndexMeta) -> None:
    """Choose no reranker: the ranking of the searches stays."""


def combine(
    ranking: Sequence[tuple[str, float]], scores: Mapping[str, float], weight: float
) -> list[tuple[str, float]]:
    """Return the ranking with its beginning ordered again.

    The ids with a score get the weighted sum of two z-scores, the searches' and the reranker's, and
    stay before the others.

    Args:
        ranking: Ids and scores of the searches, best first.
        scores: The reranker's score by id.
        weight: Share of the reranker, 0 to 1.
    """
    searched, _ = standardise({item: score for item, score in ranking if item in scores})
    reranked, _ = standardise(scores)
    order = {item: place for place, (item, _) in enumerate(ranking)}
    first = sorted(
        ((item, (1 - weight) * searched[item] + weight * reranked[item]) for item in searched),
        key=lambda found: (-found[1], order[found[0]]),
    )
    return first + [found for found in ranking if found[0] not in scores]
