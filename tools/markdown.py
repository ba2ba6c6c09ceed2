"""Markdown for generated pages: list items that wrap where tables could not."""

from __future__ import annotations

import textwrap

__all__ = ["COLUMNS", "item", "paragraph"]

COLUMNS = 120


def item(text: str, *, indent: int = 0) -> str:
    """Return a list item, wrapped at `COLUMNS`; long code spans and URLs stay whole."""
    return _filled(text, " " * indent + "- ", " " * (indent + 2))


def paragraph(text: str) -> str:
    """Return a paragraph, wrapped at `COLUMNS`."""
    return _filled(text, "", "")


def _filled(text: str, first: str, further: str) -> str:
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
