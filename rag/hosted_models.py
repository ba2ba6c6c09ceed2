"""Names of hosted models that the vendor's pages listed on a given day.

Owns that table, for checks that cannot ask the vendor's endpoint. `rag.models.RETIRED` has the
retired models. A name that is in neither is unknown, not wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ON_SALE", "Sighting"]


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """When and where a model was seen.

    Attributes:
        read: The day on which the page was read, e.g. `2026-11-21`.
        source: The page.
    """

    read: str
    source: str


_MODELS = Sighting(
    read="2026-11-21", source="https://www.alibabacloud.com/help/en/model-studio/models"
)
_EMBEDDING = Sighting(
    read="2026-11-21", source="https://www.alibabacloud.com/help/en/model-studio/embedding"
)
_RERANK = Sighting(
    read="2026-11-21",
    source="https://www.alibabacloud.com/help/en/model-studio/text-rerank-api",
)

ON_SALE: Mapping[str, Sighting] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "qwen-flash",
                "qwen-plus",
                "qwen3.5-flash",
                "qwen3.5-plus",
                "qwen3.6-flash",
                "qwen3.6-max",
                "qwen3.6-plus",
                "qwen3.7-max",
                "qwen3.7-plus",
                "qwen3-8b",
                "qwen3-14b",
                "qwen3-32b",
            ),
            _MODELS,
        ),
        **dict.fromkeys(("text-embedding-v3", "text-embedding-v4"), _EMBEDDING),
        **dict.fromkeys(("gte-rerank-v2", "qwen3-rerank"), _RERANK),
    }
)
"""Model name to where it was last seen."""
