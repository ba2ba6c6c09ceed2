"""Finds running heads, running feet and page numbers, so that they do not cut sentences.

Pure. A row at the top or bottom of a page is a running one if a page nearby has the same row at
the same height, or one that differs only in numbers that count the pages.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.readers.pdf.characters import clean
from rag.readers.pdf.layout import Row

__all__ = ["REACH", "Edge", "edges_of", "running_rows"]

REACH = 2
"""How many pages before and after are compared; two, because left and right pages may differ."""
_ZONE = 0.14
"""Share of a page's height, at its top and at its bottom, where running rows stand."""
_OUTER = 0.08
"""Share of a page's height where text seldom stands: an inch of a page of eleven, and less."""
_MOST_ROWS = 4
"""Most running rows at one edge; when more rows repeat, the pages are copies of each other."""
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
_ALONE = re.compile(r"(?:\d{1,5}|[ivxlc]{1,8})$")
_COUNTED = re.compile(
    r"(?:chapter|section|step|part|lesson|appendix|article|figure|table|question|exercise|rule"
    r"|kapitel|teil|schritt|chapitre)[\s.:]*$"
)
"""A number right after one of these words counts the content, not the pages."""
_PAGE_BEFORE = re.compile(r"(?:\b(?:page|p|pg|seite|s|página|pagina)|第|共)[\s.:]*$")
_PAGE_AFTER = re.compile(r"\s*(?:(?:of|von|de|sur)\s*#|/\s*#|页|頁)")
_ONLY_NUMBER = re.compile(
    r"^[\W_]*(?:page|p|pg|seite|s|página|pagina|第)?[\W_]*#(?:[\W_]*(?:of|von|de|sur|页|頁|共|/)*"
    r"[\W_]*#?)[\W_]*(?:页|頁|pages?)?[\W_]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Edge:
    """A row near the edge of a page.

    Attributes:
        row: Its index in the rows of the page.
        height: Of its lower edge above the bottom of the page, in points.
        text: As it reads, without a page number that stands alone.
        pattern: The text with ``#`` for each number.
        numbers: The numbers.
        large: Whether it is larger than the rest of the page, as a heading is.
        outer: Whether it is so near the edge of the page that text seldom stands there.
        page_number: The number that stands alone at one place of the row, None without any.
    """

    row: int
    height: float
    text: str
    pattern: str
    numbers: tuple[int, ...]
    large: bool
    outer: bool
    page_number: int | None

    @property
    def name(self) -> str:
        """What it is called on every page: its text with ``#`` for each number."""
        return _NUMBER.sub("#", self.text.casefold())

    @property
    def only_number(self) -> bool:
        """Whether it holds a page number and nothing else."""
        return _ONLY_NUMBER.match(self.pattern) is not None


def edges_of(rows: Sequence[Row], height: float) -> tuple[list[Edge], list[Edge]]:
    """Return the rows at the top, from the top, and those at the bottom, from the bottom."""
    sizes = sorted(run.size for row in rows for run in row for _ in range(min(len(run.words), 50)))
    usual = sizes[len(sizes) // 2] if sizes else 0.0
    plain = [not any(run.table for run in row) for row in rows]
    from_top = range(min(len(rows), _MOST_ROWS + 1))
    from_bottom = range(len(rows) - 1, max(len(rows) - _MOST_ROWS - 2, -1), -1)
    top = [
        _edge(rows, index, usual, height)
        for index in itertools.takewhile(plain.__getitem__, from_top)
        if min(run.bottom for run in rows[index]) > (1 - _ZONE) * height
    ]
    bottom = [
        _edge(rows, index, usual, height)
        for index in itertools.takewhile(plain.__getitem__, from_bottom)
        if max(run.bottom for run in rows[index]) < _ZONE * height
    ]
    return top, bottom


def running_rows(page: int, edges: Mapping[int, tuple[list[Edge], list[Edge]]]) -> list[Edge]:
    """Return the running rows of a page.

    Args:
        page: Its index.
        edges: `edges_of` the page and its neighbours, by index of the page.
    """
    running = []
    for side in (0, 1):
        found = []
        for edge in edges[page][side]:
            if not _repeats(edge, page, side, edges):
                break
            found.append(edge)
        if len(found) <= _MOST_ROWS:
            running.extend(found)
    return running


def _repeats(
    edge: Edge, page: int, side: int, edges: Mapping[int, tuple[list[Edge], list[Edge]]]
) -> bool:
    """Whether pages nearby have the same row, or one that differs in the page's number only."""
    others = [
        (other, number - page)
        for number in range(page - REACH, page + REACH + 1)
        if number != page and number in edges
        for other in edges[number][side]
        if abs(edge.height - other.height) <= 3
    ]
    if any(_same(edge, other, distance, page) for other, distance in others):
        return True
    if edge.page_number is None:
        return False
    # The rest of the row may differ, as the heads of left and right pages do. In the body of a
    # page a number like this is a cell of a table.
    counted = [(o.page_number, distance) for o, distance in others if o.page_number is not None]
    agree = all(number == edge.page_number + distance for number, distance in counted)
    return agree and (len(counted) > 1 or (edge.outer and len(counted) == 1))


def _same(edge: Edge, other: Edge, distance: int, page: int) -> bool:
    """Whether two rows differ in nothing but numbers that count the pages."""
    if edge.pattern != other.pattern:
        return False
    if edge.numbers == other.numbers:
        return True
    if edge.large:
        return False
    texts = edge.pattern.split("#")
    pairs = zip(edge.numbers, other.numbers, strict=True)
    for number, (mine, theirs) in enumerate(pairs):
        if mine == theirs:
            continue
        before, after = texts[number], texts[number + 1]
        if theirs - mine != distance or _COUNTED.search(before):
            return False
        # "Invoice 17" is followed by "Invoice 18", too: what counts the pages says so.
        says_page = _PAGE_BEFORE.search(before) or _PAGE_AFTER.match(after) or edge.only_number
        if not says_page and not (edge.outer and mine == page + 1):
            return False
    return True


def _edge(rows: Sequence[Row], index: int, usual: float, page_height: float) -> Edge:
    row = rows[index]
    height = min(run.bottom for run in row)
    texts = [clean(run.text) for run in row]
    whole = " ".join(texts).casefold()
    alone = [text for text in texts if _ALONE.match(text.casefold())]
    return Edge(
        row=index,
        height=height,
        text=" ".join(text for text in texts if text not in alone) or whole,
        pattern=_NUMBER.sub("#", whole),
        numbers=tuple(_value(number) for number in _NUMBER.findall(whole)),
        large=max(run.size for run in row) > 1.15 * usual,
        outer=not _OUTER * page_height
        < min(run.bottom for run in row)
        < (1 - _OUTER) * page_height,
        page_number=_value(alone[-1].casefold()) if alone else None,
    )


def _value(text: str) -> int:
    if text.isdecimal():
        return int(text[-9:])
    total, values = 0, {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
    for here, after in zip(text, [*text[1:], ""], strict=True):
        value = values[here]
        total += -value if after and values[after] > value else value
    return total
