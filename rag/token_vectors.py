"""Token vectors: one small vector for every few tokens of a text, which late interaction compares.

Owns their bytes and the score of two texts. Does not own their form (`rag.token_form`), compute
them (`rag.encoder`), keep them (`rag.index`) or rank with them (`rag.rerank`). Pure (numpy).

Source of the score: Khattab and Zaharia, ColBERT, SIGIR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["max_sim", "pack", "unpack"]

_LARGEST = 127

Vectors = npt.NDArray[np.float32]


def pack(vectors: Vectors) -> bytes:
    """Return the bytes of a text's token vectors: int8, row by row.

    Only the directions are kept, so each row is scaled to use all of int8.

    Args:
        vectors: (vectors, dimension) float32.
    """
    largest = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12)
    return bytes(np.rint(vectors * (_LARGEST / largest)).astype(np.int8).tobytes())


def unpack(content: bytes, dimension: int) -> Vectors:
    """Return the token vectors that `pack` wrote: (vectors, dimension) float32, L2-normalised.

    Raises:
        ValueError: The bytes are not a whole number of vectors.
    """
    rows = np.frombuffer(content, np.int8).reshape(-1, dimension).astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def max_sim(question: Vectors, passages: Sequence[Vectors]) -> npt.NDArray[np.float32]:
    """Return the late-interaction score of each passage, -1 to 1.

    It is the mean, over the question's vectors, of the highest cosine with a vector of the passage.

    Args:
        question: (vectors, dimension) float32, L2-normalised; at least one.
        passages: The same for each passage; at least one vector each.
    """
    if not passages:
        return np.empty(0, np.float32)
    cosines = np.concatenate(passages) @ question.T
    starts = np.cumsum([0, *(len(passage) for passage in passages[:-1])])
    best = np.maximum.reduceat(cosines, starts, axis=0)
    return np.asarray(best.mean(axis=1), np.float32)
