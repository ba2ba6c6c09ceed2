"""Finds the headings of a PDF: from its bookmarks, else by the size of the font.

Pure. Splits a paragraph where a heading was set without any space around it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rag.readers.pdf.parts import Outline, Paragraph, TableRows, letters_of

__all__ = ["Heading", "headings_by_outline", "headings_by_size"]

_LARGER = 1.15
"""A heading's font is larger than that of most text by this factor at least."""
_LEVELS = 4
_LONGEST = 200
_MOST_LINES = 3
_LARGEST_SHARE = 0.45
"""If more of the text than this is in large fonts, the size says nothing."""
_NUMBER = re.compile(r"^[\W\d_]+")

Items = list[Paragraph | TableRows]


class Heading(NamedTuple):
    """A heading: level from 1, its text, and whether the item at its place holds only it."""

    level: int
    text: str
    shown: bool


def headings_by_size(items: Items) -> dict[int, Heading]:
    """Return the headings by the index of their items; empty if the sizes are of no use."""
    sizes: Counter[float] = Counter()
    for item in items:
        if isinstance(item, Paragraph) and item.size:
            sizes[round(item.size * 2) / 2] += sum(map(len, item.lines))
    if not sizes:
        return {}
    body = sizes.most_common(1)[0][0]
    found = {
        index: item
        for index, item in enumerate(items)
        if isinstance(item, Paragraph) and _is_large(item, body)
    }
    letters = sum(len(line) for item in found.values() for line in item.lines)
    if letters > _LARGEST_SHARE * sizes.total():
        return {}
    ranks = sorted({round(item.size * 2) / 2 for item in found.values()}, reverse=True)
    return {
        index: Heading(
            min(ranks.index(round(item.size * 2) / 2) + 1, _LEVELS), " ".join(item.lines), True
        )
        for index, item in found.items()
    }


def _is_large(item: Paragraph, body: float) -> bool:
    return (
        item.size >= _LARGER * body
        and not item.rows
        and not item.aside
        and len(item.lines) <= _MOST_LINES
        and sum(map(len, item.lines)) <= _LONGEST
        and sum(character.isalpha() for line in item.lines for character in line) >= 2
    )


def headings_by_outline(items: Items, outline: Sequence[Outline]) -> dict[int, Heading]:
    """Return a heading for each bookmark, and split the items where a heading begins.

    A bookmark whose title is not on its page is a section that begins with the first paragraph
    below the place that it points to.
    """
    headings: dict[int, Heading] = {}
    by_page: dict[int, list[Outline]] = {}
    for entry in outline:
        by_page.setdefault(entry.page, []).append(entry)
    index = 0
    for page in sorted(by_page):
        while index < len(items) and _last_page(items[index]) < page:
            index += 1
        at = index
        for entry in by_page[page]:
            place = _find(items, at, page, entry.title)
            if place is not None:
                at = _split(items, *place)
                item = items[at]
                assert isinstance(item, Paragraph)  # noqa: S101 - `_find` looks at paragraphs
                headings[at] = Heading(entry.level, " ".join(item.lines), True)
                at += 1
            elif (below := _below(items, index, page, entry.top, headings)) is not None:
                headings[below] = Heading(entry.level, entry.title, False)
    return headings


def _last_page(item: Paragraph | TableRows) -> int:
    further = item.page_lines if isinstance(item, Paragraph) else item.page_rows
    return further[-1][1] if further else item.page


def _find(items: Items, at: int, page: int, title: str) -> tuple[int, int, int] | None:
    """Return item, first line and end line of a title on a page."""
    wanted = letters_of(_NUMBER.sub("", title)) or letters_of(title)
    if not wanted:
        return None
    for index in range(at, len(items)):
        item = items[index]
        if item.page > page:
            return None
        if not isinstance(item, Paragraph) or item.aside:
            continue
        for first in range(len(item.lines)):
            text = ""
            for end in range(first + 1, min(first + _MOST_LINES, len(item.lines)) + 1):
                text += item.lines[end - 1]
                found = letters_of(_NUMBER.sub("", text)) or letters_of(text)
                if found == wanted:
                    return index, first, end
                if not wanted.startswith(found):
                    break
    return None


def _split(items: Items, index: int, first: int, end: int) -> int:
    """Give the lines ``first:end`` of an item an item of their own; return its index."""
    item = items[index]
    assert isinstance(item, Paragraph)  # noqa: S101 - `_find` looks at paragraphs
    parts = [
        _part(item, start, stop)
        for start, stop in ((0, first), (first, end), (end, len(item.lines)))
        if start < stop
    ]
    items[index : index + 1] = parts
    return index + (1 if first else 0)


def _part(item: Paragraph, start: int, stop: int) -> Paragraph:
    page = item.page
    for line, number in item.page_lines:
        if line <= start:
            page = number
    return Paragraph(
        lines=item.lines[start:stop],
        size=item.size,
        bold=item.bold,
        page=page,
        page_lines=[
            (line - start, number) for line, number in item.page_lines if start < line < stop
        ],
        top=item.top if not start else 0.0,
        rows=item.rows,
    )


def _below(
    items: Items, at: int, page: int, top: float | None, headings: dict[int, Heading]
) -> int | None:
    """Return the first item that starts on a page (or later), below a height."""
    for index in range(at, len(items)):
        item = items[index]
        if item.page < page or index in headings:
            continue
        if item.page > page or top is None or isinstance(item, TableRows) or item.top <= top + 5:
            return index
    return None
