"""The interface of what turns texts into embeddings, and scores them for a question.

`rag.embed` has the client of the embedding service, and `rag.encoder` a model in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from rag.limits import TokenMeasure

__all__ = ["Embedder", "Encoded", "InputType", "Vectors"]

InputType = Literal["query", "document"]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """Embeddings, and the token vectors of the same texts.

    Attributes:
        vectors: ``(texts, dimension) float32``, L2-normalised.
        tokens: Of each text, what `rag.token_vectors.pack` wrote.
    """

    vectors: Vectors
    tokens: tuple[bytes, ...]


class Embedder(Protocol):
    """Turns texts into embeddings, and scores them for a question."""

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Return embeddings of `texts` in order: ``(texts, dimension) float32``, L2-normalised.

        Raises:
            TextsRefusedError: The embedder refuses these texts.
            EmbeddingError: It failed in another way.
        """
        ...

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Return embeddings and token vectors of `texts` in order.

        Raises:
            TextsRefusedError: The embedder refuses these texts.
            EmbeddingError: It failed in another way, or its model has no token vectors.
        """
        ...

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the cross-encoder's score of each text; higher is better, within one question.

        Raises:
            RerankError: It failed, or there is no cross-encoder.
        """
        ...

    async def token_measure(self) -> TokenMeasure:
        """Return the measure of a chunk in the model's tokens."""
        ...
