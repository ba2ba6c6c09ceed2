"""Text for a terminal or a log: how wide it is, and how it fits on one line.

Widths are in columns: a Chinese, Japanese or Korean character takes two, a combining one none. Uses
only the standard library. Does not lay out blocks (`ops.terminal`).
"""

from __future__ import annotations

import unicodedata

__all__ = ["beginning", "columns", "is_wide", "printable", "shortened"]

_JOINERS = "\u200c\u200d"
"""Format characters that belong to words and emoji; others, such as RTL overrides, are shown."""
_NO_WIDTH = ("Mn", "Me", "Cf")


def is_wide(character: str) -> bool:
    """Return whether a character takes two columns."""
    return unicodedata.east_asian_width(character) in ("W", "F")


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if is_wide(character) else 1


def beginning(text: str, width: int) -> str:
    """Return as much of the beginning of a text as fits into `width` columns."""
    taken = 0
    for at, character in enumerate(text):
        taken += _columns(character)
        if taken > width:
            return text[:at]
    return text


def shortened(text: str, width: int) -> str:
    """Return a text in at most `width` columns; the end is replaced by an ellipsis if needed."""
    if columns(text) <= width:
        return text
    return f"{beginning(text, width - 1).rstrip(_JOINERS).rstrip()}…"


def printable(text: str) -> str:
    """Return a text for one line of a terminal or a log: characters without a shape are escaped."""
    return "".join(
        character
        if character.isprintable() or character in _JOINERS
        else character.encode("unicode_escape").decode()
        for character in text
    )
