"""The form of token vectors: a part of a model, and of an index's `_meta`. Pure.

Source of the pooling: Clavié, Chaffin and Adams, "Reducing the Footprint of Multi-Vector Retrieval
with Minimal Performance Impact via Token Pooling", arXiv:2409.14683.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["FORM_FILE", "TokenForm"]

FORM_FILE = "token_vectors.json"
"""In the folder of a model whose token vectors were trained; see `TokenForm`."""
_CODE = "int8-v1"
"""What `rag.token_vectors.pack` writes. It changes with any change of those bytes."""


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
