"""Small questions about a Word element's properties."""

from __future__ import annotations

from typing import Any

from rag.readers.ooxml import W, is_on

__all__ = ["MAX_COLUMNS", "continues", "is_deleted", "is_prompt", "mark_is_gone", "span"]

MAX_COLUMNS = 63
"""Columns of a table, as Word limits them."""


def is_deleted(row: Any) -> bool:
    properties = row.find(f"{W}trPr")
    return properties is not None and properties.find(f"{W}del") is not None


def continues(look: Any) -> bool:
    """Return whether a cell only continues the merged one above it or to its left."""
    for name in () if look is None else ("vMerge", "hMerge"):
        merge = look.find(f"{W}{name}")
        if merge is not None and merge.get(f"{W}val", "continue") == "continue":
            return True
    return False


def span(element: Any, default: int) -> int:
    value = "" if element is None else element.get(f"{W}val", "")
    return min(int(value), MAX_COLUMNS) if value.isdecimal() and len(value) < 5 else default


def mark_is_gone(paragraph: Any) -> bool:
    """Return whether the paragraph's end was deleted, moved away or hidden."""
    look = paragraph.find(f"{W}pPr/{W}rPr")
    if look is None:
        return False
    if look.find(f"{W}del") is not None or look.find(f"{W}moveFrom") is not None:
        return True
    return is_on(look.find(f"{W}vanish")) and look.find(f"{W}specVanish") is None


def is_prompt(control: Any) -> bool:
    """Return whether a content control shows its prompt, or holds the table of contents."""
    look = control.find(f"{W}sdtPr")
    if look is None:
        return False
    if is_on(look.find(f"{W}showingPlcHdr")):
        return True
    gallery = look.find(f"{W}docPartObj/{W}docPartGallery")
    return gallery is not None and gallery.get(f"{W}val") == "Table of Contents"
