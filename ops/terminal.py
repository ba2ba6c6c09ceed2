"""Text for a terminal: its width, and times of day-to-day length."""

from __future__ import annotations

__all__ = ["WIDTH", "clock"]

WIDTH = 80


def clock(seconds: float) -> str:
    """Return minutes and seconds, such as 4:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
