"""The environment variable with which `make up` tells the program that a preflight has passed.

Owns that variable. It saves the preview and the update from repeating the preflight, and is valid
for 15 minutes. A plain `pulumi up` does not set it, so its program runs the preflight.
`ops.stack.update` writes it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["HOLDS_FOR", "VARIABLE", "holds", "mark"]

VARIABLE = "CUSTOMRAG_PREFLIGHT_MADE"
HOLDS_FOR = timedelta(minutes=15)


def mark(stack: str, made_at: datetime) -> str:
    """Return the variable's value: the stack and the time, which has a time zone."""
    return f"{stack} {made_at.isoformat(timespec='seconds')}"


def holds(text: str, stack: str, now: datetime) -> bool:
    """Return whether a value says that this stack's preflight passed recently."""
    name, _, moment = text.partition(" ")
    try:
        age = now - datetime.fromisoformat(moment)
    except (ValueError, TypeError):  # TypeError: a time without a zone.
        return False
    return name == stack and timedelta() <= age <= HOLDS_FOR
