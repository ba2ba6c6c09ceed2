"""A model in this process that fills several indices and answers for several retrievers.

Owns what it remembers, so that no text is encoded twice, and its rate on documents.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.embedder import Embedder, Encoded, InputType, Vectors
from rag.encoder import LocalEncoder
from rag.limits import TokenMeasure

__all__ = ["Borrowed", "MeasuredEncoder"]


class MeasuredEncoder:
    """A `LocalEncoder` that remembers every text, and measures its rate on documents.

    Args:
        name: As in `rag.models.resolve_model`.
        measure: The measure of a chunk; not the model's own, because the chunks of several models
            must be those of the questions' answers.
    """

    def __init__(self, name: str, measure: TokenMeasure) -> None:
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._encoder = LocalEncoder(name)
        self._measure = measure
        self.dimension = self._encoder.dimension
        self._known: dict[tuple[InputType, str], tuple[Vectors, bytes]] = {}
        self._documents = 0
        self._seconds = 0.0

    @property
    def rate(self) -> float:
        """Windows of documents that it encodes per second."""
        return self._documents / max(self._seconds, 1e-9)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """See `rag.embedder.Embedder`."""
        return (await self.embed_tokens(texts, input_type)).vectors

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """See `rag.embedder.Embedder`. A model without token vectors gives empty ones."""
        known = self._known
        missing = [x for x in dict.fromkeys(texts) if (input_type, x) not in known]
        if missing:
            found = await asyncio.to_thread(self._encode, missing, input_type)
            for text, vector, tokens in zip(missing, found.vectors, found.tokens, strict=True):
                known[input_type, text] = vector, tokens
        rows = [known[input_type, text] for text in texts]
        return Encoded(
            vectors=np.stack([vector for vector, _ in rows]),
            tokens=tuple(tokens for _, tokens in rows),
        )

    def _encode(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        started = time.monotonic()
        encoded = self._encoder.encode(texts, input_type)
        if input_type == "document":
            self._documents += len(texts)
            self._seconds += time.monotonic() - started
        return replace(encoded, tokens=encoded.tokens or (b"",) * len(texts))

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `rag.embedder.Embedder`."""
        return await self._encoder.relevance(question, texts)

    async def token_measure(self) -> TokenMeasure:
        """See `rag.embedder.Embedder`."""
        return self._measure

    async def close(self) -> None:
        """End its threads."""
        self._encoder.close()


@dataclass(frozen=True)
class Borrowed:
    """An encoder that the retriever does not close, because it serves several.

    Attributes:
        encoder: The encoder.
    """

    encoder: Embedder

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Embed with it."""
        return await self.encoder.embed(texts, input_type)

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Embed with it, with token vectors."""
        return await self.encoder.embed_tokens(texts, input_type)

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """Score with it."""
        return await self.encoder.relevance(question, texts)

    async def token_measure(self) -> TokenMeasure:
        """Return its measure."""
        return await self.encoder.token_measure()

    async def close(self) -> None:
        """Leave it open."""
