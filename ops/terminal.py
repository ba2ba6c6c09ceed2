"""Text for a terminal: its width, blocks with a heading, and times of day-to-day length."""

from __future__ import annotations

import textwrap

__all__ = ["WIDTH", "block", "clock"]

WIDTH = 80


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def block(heading: str, text: str, margin: int) -> list[str]:
    """Return a text in lines, to the right of a margin that begins with a heading."""
    return textwrap.wrap(
        text,
        width=WIDTH,
        initial_indent=f"{heading:<{margin}}",
        subsequent_indent=" " * margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
