"""Text for a terminal: blocks with a heading, and times of day-to-day length.

Does not measure or shorten a text (`rag.terminal`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rag.terminal import beginning, columns

__all__ = ["WIDTH", "block", "clock"]

WIDTH = 80
"""Columns of a line."""


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


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
            part = beginning(line, width)
            yield part.rstrip()
            line = line[len(part) :].lstrip()
    if line:
        yield line
