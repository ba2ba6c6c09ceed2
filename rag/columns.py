"""Finds the columns' names of a table row in a passage.

Owns the reading of tables from a passage's text, where a row has ``|`` between its cells. Pure.
Does not own `table_header`, which the ingest writes (`rag.limits`).
"""

from __future__ import annotations

import itertools

__all__ = ["columns_of", "is_rule"]

_BETWEEN = " | "


def is_rule(line: str) -> bool:
    """Return whether a line is the line of hyphens under a header of Markdown."""
    return "-" in line and not line.strip("|-: \t")


def columns_of(text: str, start: int, end: int, table_header: str) -> str:
    """Return the header of the table whose row is `text[start:end]`, in one line.

    Args:
        text: A passage.
        start: Where the row starts.
        end: Where it ends.
        table_header: The header of the table that the passage continues; else empty.

    Returns:
        The header; empty for a text that is not a row, for the header itself, and for a table
        whose header is not certain: the line above a line of hyphens, or a first row without
        digits above a row with digits.
    """
    row = text[start:end]
    if _BETWEEN not in row or is_rule(row):
        return ""
    above = text[:start].splitlines()
    rows = list(
        itertools.takewhile(lambda line: _BETWEEN in line or is_rule(line), reversed(above))
    )[::-1]
    if len(rows) == len(above) and table_header:
        return " ".join(table_header.split("\n"))
    for header, rule in itertools.pairwise(rows):
        if is_rule(rule):
            return header.strip()
    if not rows or rows[0].count(_BETWEEN) != row.count(_BETWEEN) or is_rule(rows[0]):
        return ""
    certain = not _has_digit(rows[0]) and _has_digit(row)
    # A row directly above a line of hyphens is the header itself.
    return rows[0].strip() if certain else ""


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)
