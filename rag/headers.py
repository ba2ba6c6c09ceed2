"""HTTP headers that the application and its callers agree on. Pure."""

from __future__ import annotations

__all__ = ["EDGE_KEY"]

EDGE_KEY = "X-Customrag-Edge-Key"
"""Carries the edge's key to the application. The worker names it, too (`edge/src/handler.ts`)."""
