"""Indices whose engine embeds the documents: an ingest pipeline of the cluster runs the model.

Owns the field that the pipeline reads. Does not own the pipeline (`components.engine_model`). A
chunk is sent without its embedding and with the text that is to be embedded, which the index does
not keep. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EMBEDDED_TEXT", "embedded_in_engine", "embeds_itself"]

EMBEDDED_TEXT = "embedded_text"
"""Field with the text of which the pipeline writes the embedding."""


def embedded_in_engine(mappings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping of `rag.index.mappings` for an index whose engine embeds."""
    field = {EMBEDDED_TEXT: {"type": "text", "index": False}}
    source = mappings["_source"]
    return {
        **mappings,
        "_source": {**source, "excludes": [*source["excludes"], EMBEDDED_TEXT]},
        "properties": {**mappings["properties"], **field},
    }


def embeds_itself(mappings: Mapping[str, Any]) -> bool:
    """Return whether an index with this mapping gets its embeddings from its engine."""
    return EMBEDDED_TEXT in mappings.get("properties", {})
