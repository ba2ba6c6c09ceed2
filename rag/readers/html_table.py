"""Reads the grid of an HTML table: its rows, its header, and whether it is a table at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from rag.readers.html_element import Element, descendants

__all__ = ["cells", "header_rows", "is_layout", "rows"]

_MAX_SPAN = 50
"""Most columns that one cell takes: HTML allows 1,000, and pages have been made to abuse it."""
_LONG_CELL = 1_000
"""Characters of a cell that holds a page's content rather than a value."""
_STRUCTURE = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "pre"})


def table_rows(table: Element) -> list[tuple[str, Element]]:
    """Return the rows with the tag of their section (``thead``, ``tbody``, ``tfoot``) in order.

    Rows of tables inside of the table do not count; those of the ``tfoot`` come last.
    """
    found: list[tuple[str, Element]] = []
    for section in table.elements():
        if section.tag in ("thead", "tbody", "tfoot"):
            found += ((section.tag, row) for row in section.elements() if row.tag == "tr")
        elif section.tag == "tr":
            found.append(("tbody", section))
    return sorted(found, key=lambda pair: pair[0] == "tfoot")


def cells(row: Element) -> list[Element]:
    """Return the cells of a row."""
    return [cell for cell in row.elements() if cell.tag in ("td", "th")]


def rows(table: Element) -> Iterator[list[Element | None]]:
    """Yield the cells of each row; None where a cell of the same or an earlier row goes on.

    So the text of a merged cell stands once, and the columns stay aligned.
    """
    taken: dict[int, int] = {}
    for _, row in table_rows(table):
        line: list[Element | None] = []
        for cell in cells(row):
            while taken.get(len(line), 0):
                taken[len(line)] -= 1
                line.append(None)
            start = len(line)
            line.append(cell)
            line += [None] * (_span(cell, "colspan", _MAX_SPAN) - 1)
            below = _span(cell, "rowspan", 65_534) - 1
            taken.update((column, below) for column in range(start, len(line)) if below)
        while taken.get(len(line), 0):
            taken[len(line)] -= 1
            line.append(None)
        yield line


def header_rows(table: Element) -> int:
    """Return how many of the first rows name the columns.

    They are the rows of the ``thead``; else the first rows that consist of ``th``, or a first row
    whose cells are all bold while those of the second are not.
    """
    found = table_rows(table)
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == "thead", found))
    if not head:
        head = sum(1 for _ in takewhile(lambda pair: _all(cells(pair[1]), _is_th), found))
    if not head and len(found) > 1 and _all(cells(found[0][1]), _is_bold):
        head = int(not _all(cells(found[1][1]), _is_bold))
    return head if head < len(found) else min(1, len(found))


def is_layout(table: Element) -> bool:
    """Return whether a table only arranges content on the page: its cells are read in order."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    found = table_rows(table)
    if max((len(cells(row)) for _, row in found), default=0) < 2:
        return True
    for _, row in found:
        for cell in cells(row):
            if any(item.tag in _STRUCTURE for item in descendants(cell)):
                return True
    if any(section.tag in ("caption", "thead") for section in table.elements()):
        return False
    every = [cell for _, row in found for cell in cells(row)]
    if any(cell.tag == "th" for cell in every):
        return False
    return any(cell.length > _LONG_CELL for cell in every)


def _span(cell: Element, name: str, most: int) -> int:
    value = cell.attributes.get(name, "").strip()
    # rowspan="0" goes on to the end of the section.
    return min(int(value[:6]) or most, most) if value.isdecimal() and value.isascii() else 1


def _all(found: Sequence[Element], test: Callable[[Element], bool]) -> bool:
    return bool(found) and all(map(test, found))


def _is_th(cell: Element) -> bool:
    return cell.tag == "th"


def _is_bold(cell: Element) -> bool:
    inside = [item for item in cell.children if not isinstance(item, str) or item.strip()]
    return bool(inside) and all(
        isinstance(item, Element) and item.tag in ("b", "strong") for item in inside
    )
