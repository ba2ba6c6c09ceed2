"""Indices whose engine embeds the documents: an ingest pipeline of the cluster runs the model.

Owns the field that the pipeline reads. Does not own the pipeline (`components.engine_model`). A
chunk is sent without the embeddings of its windows, and with their texts, which the index does not
keep. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.index import WINDOW_EMBEDDING, WINDOW_TEXT, WINDOWS_FIELD

__all__ = ["FIELD_MAP", "embedded_in_engine", "embeds_itself"]

FIELD_MAP: Mapping[str, Any] = {WINDOWS_FIELD: {WINDOW_TEXT: WINDOW_EMBEDDING}}
"""Field by field that the processor `text_embedding` makes of it, within each window."""


def embedded_in_engine(mappings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping of `rag.index.mappings` for an index whose engine embeds."""
    windows = mappings["properties"][WINDOWS_FIELD]
    text = {WINDOW_TEXT: {"type": "text", "index": False}}
    texts = {**windows, "properties": {**windows["properties"], **text}}
    return {**mappings, "properties": {**mappings["properties"], WINDOWS_FIELD: texts}}


def embeds_itself(mappings: Mapping[str, Any]) -> bool:
    """Return whether an index with this mapping gets its embeddings from its engine."""
    windows = mappings.get("properties", {}).get(WINDOWS_FIELD, {})
    return WINDOW_TEXT in windows.get("properties", {})
