"""Token vectors: one small vector for every few tokens of a text, which late interaction compares.

Owns their form, their bytes and the score of two texts. Does not compute them (`rag.encoder`), keep
them (`rag.index`) or rank with them (`rag.rerank`). Pure (numpy).

Source of the score: Khattab and Zaharia, ColBERT, SIGIR 2020. Source of the pooling: Clavié,
Chaffin and Adams, "Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact
via Token Pooling", arXiv:2409.14683.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FORM_FILE", "TokenForm", "max_sim", "pack", "unpack"]

FORM_FILE = "token_vectors.json"
"""In the folder of a model whose token vectors were trained; see `TokenForm`."""
_CODE = "int8-v1"
_LARGEST = 127

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class TokenForm:
    """The form of token vectors: of a model, and of an index's `_meta`.

    Attributes:
        dimension: Components of a token vector: the first ones of the model's own.
        pooling: How many tokens of a passage share a vector, on average; 1 for none.
    """

    dimension: int
    pooling: int

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.pooling < 1:
            raise ValueError(
                f"dimension is {self.dimension} and pooling {self.pooling}. Both must be 1 or more."
            )

    def described(self) -> dict[str, Any]:
        """Return it as plain data, with the name of the code that `pack` writes."""
        return {**asdict(self), "code": _CODE}

    @classmethod
    def of(cls, described: Mapping[str, Any] | None) -> TokenForm | None:
        """Return the form that `described` gave; None without one, or for another code."""
        if not described or described.get("code") != _CODE:
            return None
        return cls(dimension=int(described["dimension"]), pooling=int(described["pooling"]))

    def save(self, folder: str | Path) -> None:
        """Write it into a model's folder."""
        (Path(folder) / FORM_FILE).write_text(json.dumps(self.described()), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> TokenForm | None:
        """Read it from a model's folder; None for a model without one."""
        path = Path(folder) / FORM_FILE
        return cls.of(json.loads(path.read_bytes())) if path.is_file() else None


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
