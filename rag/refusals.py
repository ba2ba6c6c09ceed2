"""Embeds the texts that an embedder takes, and names the others.

Owns how one text that an embedder refuses is found among many, so that it costs its document and
not the run. Does not retry (`rag.embed`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.embedder import Embedder, InputType, Vectors
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
        tokens: Their token vectors, if they were asked for; else empty.
        refused: Reason by position of the other texts.
    """

    accepted: tuple[int, ...]
    vectors: Vectors
    tokens: tuple[bytes, ...]
    refused: dict[int, str]


async def embed_accepted(
    embedder: Embedder,
    texts: Sequence[str],
    input_type: InputType,
    *,
    token_vectors: bool = False,
) -> Embedded:
    """Embed `texts`, except for those that the embedder refuses.

    Args:
        embedder: The embedder.
        texts: The texts.
        input_type: What they are.
        token_vectors: Whether to ask for token vectors, too.

    Raises:
        TextsRefusedError: The embedder refuses ordinary texts, too.
        EmbeddingError: The embedder failed in another way.
    """
    rows: dict[int, tuple[Vectors, bytes]] = {}
    refused: dict[int, str] = {}
    parts = [range(len(texts))] if texts else []
    while parts:
        part = parts.pop()
        try:
            found = await _embed(embedder, [texts[at] for at in part], input_type, token_vectors)
        except TextsRefusedError as error:
            if len(part) > 1:
                middle = part.start + len(part) // 2
                parts += [range(part.start, middle), range(middle, part.stop)]
                continue
            await embedder.embed([_PROBE], input_type)
            refused[part.start] = f"the embedding service refuses a part of it: {error}"
            continue
        for at, (vector, tokens) in zip(part, found, strict=True):
            # The index refuses a vector without a direction.
            if np.isfinite(vector).all() and vector.any():
                rows[at] = vector, tokens
            else:
                refused[at] = _NO_DIRECTION
    accepted = tuple(sorted(rows))
    vectors = (
        np.stack([rows[at][0] for at in accepted]) if accepted else np.empty((0, 0), np.float32)
    )
    return Embedded(
        accepted=accepted,
        vectors=vectors,
        tokens=tuple(rows[at][1] for at in accepted) if token_vectors else (),
        refused=refused,
    )


async def _embed(
    embedder: Embedder, texts: Sequence[str], input_type: InputType, token_vectors: bool
) -> list[tuple[Vectors, bytes]]:
    """Return the embedding of each text, with its token vectors or with empty bytes."""
    if token_vectors:
        encoded = await embedder.embed_tokens(texts, input_type)
        return list(zip(encoded.vectors, encoded.tokens, strict=True))
    return [(vector, b"") for vector in await embedder.embed(texts, input_type)]
