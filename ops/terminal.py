"""Text for a terminal: its width, blocks with a heading, and times of day-to-day length.

Widths are in columns: a Chinese, Japanese or Korean character takes two, a combining one none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

__all__ = ["WIDTH", "block", "clock", "columns", "shortened"]

WIDTH = 80
_JOINER = "\u200d"
_NO_WIDTH = ("Mn", "Me", "Cf")


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, width: int) -> str:
    """Return a text in at most `width` columns; the end is replaced by an ellipsis if needed."""
    if columns(text) <= width:
        return text
    return f"{_beginning(text, width - 1).rstrip(_JOINER).rstrip()}…"


def _beginning(text: str, width: int) -> str:
    taken = 0
    for at, character in enumerate(text):
        taken += _columns(character)
        if taken > width:
            return text[:at]
    return text


def block(heading: str, text: str, margin: int) -> list[str]:
    """Return a text in lines, to the right of a margin that begins with a heading.

    Lines break at spaces, and inside words of wide characters. Another word that is longer than a
    line stays whole, so that it can be copied.
    """
    lines = list(_lines(text, WIDTH - margin))
    first = f"{heading}{' ' * max(0, margin - columns(heading))}"
    return [f"{' ' * margin if at else first}{line}" for at, line in enumerate(lines)]


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        candidate = f"{line} {word}" if line else word
        if columns(candidate) <= width:
            line = candidate
            continue
        if line and (columns(word) <= width or columns(word) == len(word)):
            yield line
            line = word
            continue
        line = candidate
        while columns(line) > width and columns(line) != len(line):
            part = _beginning(line, width)
            yield part.rstrip()
            line = line[len(part) :].lstrip()
    if line:
        yield line
