"""The kinds of search engine. Pure."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["EngineKind"]


class EngineKind(StrEnum):
    """A kind of search engine."""

    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "opensearch"
