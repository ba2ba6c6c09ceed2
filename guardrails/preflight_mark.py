"""The word of `make up` to the program that it starts: a preflight of this stack was just made.

Owns that one environment variable, so that the account is asked once and not again by the preview
and the update behind it. It speaks for a quarter of an hour: an update whose question was answered
later asks anew. A plain `pulumi up` has no such word, and asks. `ops.stack.update` writes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["HOLDS_FOR", "VARIABLE", "holds", "mark"]

VARIABLE = "CUSTOMRAG_PREFLIGHT_MADE"
HOLDS_FOR = timedelta(minutes=15)


def mark(stack: str, made_at: datetime) -> str:
    """The variable's value: which stack, and when, an aware time."""
    return f"{stack} {made_at.isoformat(timespec='seconds')}"


def holds(text: str, stack: str, now: datetime) -> bool:
    """Whether a value says that this stack's preflight was made a moment ago."""
    name, _, moment = text.partition(" ")
    try:
        age = now - datetime.fromisoformat(moment)
    except (ValueError, TypeError):  # TypeError: a time without a zone.
        return False
    return name == stack and timedelta() <= age <= HOLDS_FOR
