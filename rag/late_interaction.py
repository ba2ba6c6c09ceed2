"""The late interaction of texts that are in no index: for a service that reranks any texts.

Does not own the token vectors (`rag.token_vectors`), nor how an index's passages are ranked, whose
token vectors are stored (`rag.rerank`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.embedder import Encoded, InputType
from rag.token_vectors import max_sim, unpack

__all__ = ["LocalLateInteraction"]


class LocalLateInteraction:
    """Compares every token of a question with every token vector of a text.

    Args:
        encode: Computes token vectors, in the calling thread.
        dimension: Components of a token vector.
    """

    name = "late-interaction"

    def __init__(
        self, encode: Callable[[Sequence[str], InputType], Encoded], dimension: int
    ) -> None:
        self._encode = encode
        self._dimension = dimension

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text, -1 to 1; higher is better, within one question."""
        (asked,) = self._encode([question], "query").tokens
        found = self._encode(texts, "document").tokens
        vectors = [unpack(tokens, self._dimension) for tokens in found]
        return [float(score) for score in max_sim(unpack(asked, self._dimension), vectors)]
