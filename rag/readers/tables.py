"""What tables of every format share: which rows name the columns, and a table inside a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["header_rows", "nested_table", "without_empty_ends"]

_FIGURE = re.compile(r"[-+(]?[^\w\s]?\s?\d[\d\s.,:/'%-]*\)?\s?[^\W\d]{0,3}[%°]?\.?")
_MAX_TITLE_ROWS = 3
_SAMPLE_ROWS = 20


def header_rows(rows: Sequence[Sequence[str]]) -> int:
    """Return how many of the first rows name the columns; 0 if none seems to.

    A row over the whole width is a title and counts with the header row below it. The header row
    itself has at least two cells with words, no cell with a figure, and rows below it.
    """
    for number, row in enumerate(rows[: _MAX_TITLE_ROWS + 1]):
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(cells) < 2:
            continue
        if len(rows) <= number + 1 or any(_FIGURE.fullmatch(cell) for cell in cells):
            return 0
        width = max(sum(bool(c.strip()) for c in r) for r in rows[number:][:_SAMPLE_ROWS])
        return number + 1 if 2 * len(cells) >= width else 0
    return 0


def nested_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table as running text, for a table that is inside the cell of another one."""
    texts = ([" ".join(cell.split()) for cell in row] for row in rows)
    filled = ([cell for cell in row if cell] for row in texts)
    return "; ".join((": " if len(row) == 2 else ", ").join(row) for row in filled if row)


def without_empty_ends(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the rows without the empty cells at their ends."""
    out = []
    for row in rows:
        cells = list(row)
        while cells and not cells[-1].strip():
            cells.pop()
        out.append(cells)
    return out
