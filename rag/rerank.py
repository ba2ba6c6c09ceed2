"""Orders the best passages again, by a closer look at each than a search can take.

Owns the interface, the late interaction, which rerankers an index has, and how the scores of one
and those before become one ranking. Does not own the token vectors (`rag.token_vectors`), the
cross-encoder (`rag.cross_encoder`), the hosted reranker (`rag.hosted_reranker`), or where the
passages come from (`rag.retrieve`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol

from rag.cross_encoder import text_to_read
from rag.embedder import Embedder
from rag.errors import RerankError
from rag.fuse import standardise
from rag.hits import Passage
from rag.token_vectors import max_sim, unpack

if TYPE_CHECKING:
    from rag.index_state import IndexMeta

__all__ = [
    "CROSS_ENCODED",
    "RERANKED",
    "WINDOWS_READ",
    "Asked",
    "ChooseReranking",
    "CrossEncoder",
    "LateInteraction",
    "Reranker",
    "Reranking",
    "always",
    "best_of_each",
    "combine",
    "cross_encoder",
    "late_interaction",
    "no_reranking",
    "order_again",
]

_LOG = logging.getLogger("rag.rerank")

RERANKED = 50
"""Passages that the searches give to the reranker."""
CROSS_ENCODED = 20
"""Passages that the cross-encoder reads for a question. As many as 50 were not better."""
WINDOWS_READ = 2
"""Windows of each that it reads: the one with the answer is not always the nearest."""


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


class Reranker(Protocol):
    """Scores passages for a question."""

    @property
    def name(self) -> str:
        """Its name, as an answer shows it."""
        ...

    async def scores(self, question: Asked, passages: Sequence[Passage]) -> list[float]:
        """Return a score for each passage; higher is better, within one question.

        Raises:
            RerankError: It failed. The ranking before it stays.
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

    async def scores(self, question: Asked, passages: Sequence[Passage]) -> list[float]:
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


@dataclass(frozen=True)
class CrossEncoder:
    """Reads the question together with windows of a passage, and where it stands.

    A passage has the score of its best window.

    Attributes:
        embedder: Has the model.
    """

    embedder: Embedder
    name: str = "cross-encoder"

    async def scores(self, question: Asked, passages: Sequence[Passage]) -> list[float]:
        """See `Reranker`."""
        texts = [
            [
                text_to_read(
                    passage.source.get("title", ""), passage.source.get("heading", ""), one
                )
                for one in passage.windows
            ]
            for passage in passages
        ]
        scores = await self.embedder.relevance(question.text, list(chain.from_iterable(texts)))
        return best_of_each(scores, [len(windows) for windows in texts])


@dataclass(frozen=True, kw_only=True)
class Reranking:
    """How the best passages of an index are ordered again.

    Attributes:
        reranker: Scores them.
        weight: Share of its scores in the ranking, 0 to 1.
        depth: How many passages it scores.
        token_vectors: Whether it needs their token vectors.
        windows: How many of the windows of each, nearest to the question, it needs.
    """

    reranker: Reranker
    weight: float
    depth: int = RERANKED
    token_vectors: bool = False
    windows: int = 0

    async def order(
        self, asked: Asked, ranking: list[tuple[str, float]], found: Mapping[str, Passage]
    ) -> tuple[list[tuple[str, float]], str]:
        """Return the ranking with its beginning ordered again, and the reranker's name.

        If the reranker fails, the ranking stays and the name is empty: an answer is worth more than
        its order.

        Args:
            asked: The question.
            ranking: Ids and scores, best first.
            found: The passages by id; at least the first `depth` that the index still has.
        """
        first = [item for item, _ in ranking[: self.depth] if item in found]
        try:
            scores = await self.reranker.scores(asked, [found[item] for item in first])
        except RerankError as error:
            _LOG.warning("the ranking before the %s stays: %s", self.reranker.name, error)
            return ranking, ""
        by_id = dict(zip(first, scores, strict=True))
        return combine(ranking, by_id, self.weight), self.reranker.name


async def order_again(
    rerankings: Sequence[Reranking],
    asked: Asked,
    ranking: list[tuple[str, float]],
    found: Mapping[str, Passage],
) -> tuple[list[tuple[str, float]], str]:
    """Return the ranking after one reranking after the other, and the names of those that worked.

    Args:
        rerankings: In their order.
        asked: The question.
        ranking: Ids and scores of the searches, best first.
        found: As for `Reranking.order`.
    """
    names = []
    for reranking in rerankings:
        ranking, name = await reranking.order(asked, ranking, found)
        names.append(name)
    return ranking, " + ".join(filter(None, names))


ChooseReranking = Callable[["IndexMeta", Embedder], Sequence[Reranking]]
"""Chooses by an index's `_meta` how its best passages are ordered again, one step after the other.

The embedder is the index's own."""


def late_interaction(meta: IndexMeta, embedder: Embedder) -> Sequence[Reranking]:
    """Return the late interaction with the weight that training chose for an index.

    Empty: the index has no token vectors, or training found that they bring nothing.
    """
    del embedder
    if meta.token_form is None or meta.rerank_weight == 0:
        return ()
    reranker = LateInteraction(meta.token_form.dimension)
    return (Reranking(reranker=reranker, weight=meta.rerank_weight, token_vectors=True),)


def cross_encoder(meta: IndexMeta, embedder: Embedder) -> Sequence[Reranking]:
    """Return the late interaction, and after it the cross-encoder with the weight from training.

    Without a cross-encoder, or if training found that it brings nothing, it is the late interaction
    alone.
    """
    before = late_interaction(meta, embedder)
    if meta.cross_encoder_weight == 0:
        return before
    reading = Reranking(
        reranker=CrossEncoder(embedder),
        weight=meta.cross_encoder_weight,
        depth=CROSS_ENCODED,
        windows=WINDOWS_READ,
    )
    return (*before, reading)


def best_of_each(scores: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Return the best of each passage's scores, of which there are so many, one passage's first."""
    found = iter(scores)
    return [max(islice(found, count)) for count in counts]


def always(reranker: Reranker, weight: float = 1.0) -> ChooseReranking:
    """Return a choice of `reranker` for every index."""
    reranking = Reranking(reranker=reranker, weight=weight)
    return lambda meta, embedder: (reranking,)


def no_reranking(meta: IndexMeta, embedder: Embedder) -> Sequence[Reranking]:
    """Choose no reranker: the ranking of the searches stays."""
    del meta, embedder
    return ()


def combine(
    ranking: Sequence[tuple[str, float]], scores: Mapping[str, float], weight: float
) -> list[tuple[str, float]]:
    """Return the ranking with its beginning ordered again.

    The ids with a score get the weighted sum of two z-scores, the ranking's and the reranker's, and
    stay before the others.

    Args:
        ranking: Ids and scores, best first.
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
