"""Embeds the texts that an embedder takes, and names the others.

Owns how one text that an embedder refuses is found among many, so that it costs its document and
not the run. Does not retry (`rag.embed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.embed import Embedder, InputType, Vectors
from rag.errors import TextsRefusedError

__all__ = ["Embedded", "embed_accepted"]

_PROBE = "text"
"""A service that refuses this refuses everything."""
_NO_DIRECTION = "the model gives no valid embedding for a part of it"


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The embeddings of the texts that were accepted.

    Attributes:
        accepted: Positions of the accepted texts, in order.
        vectors: Their embeddings: ``(accepted, dimension) float32``, L2-normalised.
        refused: Reason by position of the other texts.
    """

    accepted: tuple[int, ...]
    vectors: Vectors
    refused: dict[int, str]


async def embed_accepted(
    embedder: Embedder, texts: Sequence[str], input_type: InputType
) -> Embedded:
    """Embed `texts`, except for those that the embedder refuses.

    Raises:
        TextsRefusedError: The embedder refuses ordinary texts, too.
        EmbeddingError: The embedder failed in another way.
    """
    rows: dict[int, Vectors] = {}
    refused: dict[int, str] = {}
    parts = [range(len(texts))] if texts else []
    while parts:
        part = parts.pop()
        try:
            vectors = await embedder.embed([texts[at] for at in part], input_type)
        except TextsRefusedError as error:
            if len(part) > 1:
                middle = part.start + len(part) // 2
                parts += [range(part.start, middle), range(middle, part.stop)]
                continue
            await embedder.embed([_PROBE], input_type)
            refused[part.start] = f"the embedding service refuses a part of it: {error}"
            continue
        for at, vector in zip(part, vectors, strict=True):
            # The index refuses a vector without a direction.
            if np.isfinite(vector).all() and vector.any():
                rows[at] = vector
            else:
                refused[at] = _NO_DIRECTION
    accepted = tuple(sorted(rows))
    vectors = np.stack([rows[at] for at in accepted]) if accepted else np.empty((0, 0), np.float32)
    return Embedded(accepted=accepted, vectors=vectors, refused=refused)
