"""Groups the lines of a column into paragraphs, and says which paragraphs go on elsewhere.

Pure. A paragraph ends where space, indentation, the font or a list item says so, or where a line is
so short that the next word would have fitted.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import statistics
from collections.abc import Iterator, Sequence

from rag.readers.pdf.characters import is_cjk
from rag.readers.pdf.parts import Line, Paragraph, TableRows
from rag.readers.pdf.tables import header_rows_of

__all__ = ["continues", "paragraphs_of"]

_TABLE_ROWS = 3
"""Fewest rows of a table without ruled lines."""
_TERMINAL = re.compile("[.!?:;。！？：；…][\"'”’»」』）)\\]]*$")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Figs|Eq|Sec|Ch|vol|pp?|cf|approx|vs|bzw|ca|z\.\s?B"
    r"|e\.g|i\.e|al)|\b[A-Z])\.$"
)
_BULLET = re.compile("^(?:[•▪◦●○■□–—*·➢✓‣]|-)\\s*\\S")
_ENTRY = re.compile(r"… ?\S{0,6}$")
"""A line of a table of contents, as `layout` writes its dots."""
_NUMBERED = re.compile(
    r"^(?:\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivx]{1,5})[.)]|\d{1,2}(?:\.\d{1,3})+)\s+\S"
    "|^(?:第[一二三四五六七八九十百\\d]+[章节節条條款]|[一二三四五六七八九十]{1,3}、"
    "|[（(][一二三四五六七八九十\\d]{1,3}[）)])"
)


def paragraphs_of(lines: Sequence[Line], page: int, width: float) -> Iterator[Paragraph | Line]:
    """Group the lines of a column into paragraphs.

    Args:
        lines: The column's lines from top to bottom.
        page: Index of the page.
        width: Width of the page, in points.

    Yields:
        Paragraphs, and lines that hold a table.
    """
    if not lines:
        return
    column = _Column(lines, width)
    group: list[Line] = []
    for line in lines:
        if group and (line.table or column.breaks(group, line)):
            yield _aligned(group) or column.paragraph(group, page)
            group = []
        if line.table:
            yield line
        elif line.text:
            group.append(line)
    if group:
        yield _aligned(group) or column.paragraph(group, page)


def _aligned(group: Sequence[Line]) -> Line | None:
    """Return a line with the table that some rows without ruled lines are; None if they are not.

    All rows must have the same number of cells, and the cells of a column the same left edge or
    the same right one.
    """
    count = len(group[0].cells)
    if (
        group[0].form
        or count < 2
        or len(group) < _TABLE_ROWS
        or any(len(line.cells) != count for line in group)
    ):
        return None
    for column in range(count):
        lefts = [line.starts[column] for line in group]
        rights = [line.ends[column] for line in group]
        if min(max(lefts) - min(lefts), max(rights) - min(rights)) > 3:
            return None
    rows = [list(line.cells) for line in group]
    table = TableRows(rows, header_rows_of(rows), group[0].starts)
    return dataclasses.replace(group[0], table=table)


class _Column:
    """The measures of one column, and where its paragraphs end."""

    def __init__(self, lines: Sequence[Line], page_width: float) -> None:
        usual = statistics.median(line.size for line in lines)
        # A heading may be wider than the column.
        body = [line for line in lines if line.size <= 1.1 * usual] or lines
        self._left = min(line.left for line in body)
        self._right = max(line.right for line in body)
        self._page_width = page_width
        # Distances in font sizes, because a column may have text in several sizes.
        pitches = [
            (above.bottom - below.bottom) / max(above.size, below.size, 0.1)
            for above, below in itertools.pairwise(lines)
            if above.table is None and below.table is None
        ]
        limit = 2.2 if len(pitches) > 2 else 1.6
        # Most distances may be those between paragraphs of one line: the smaller ones count.
        plausible = sorted(pitch for pitch in pitches if pitch > 0.9)
        self._pitch = min(plausible[len(plausible) // 5], limit) if plausible else limit

    def breaks(self, group: Sequence[Line], line: Line) -> bool:
        """Whether a paragraph ends before `line`."""
        above, size = group[-1], max(line.size, group[-1].size)
        pitch = above.bottom - line.bottom
        usual = self._pitch * size
        if pitch < -0.5 * size or pitch > max(1.25 * usual, usual + 2):
            return True
        if min(line.size, above.size) < 0.9 * size or line.bold != above.bold:
            return not _half_word(above.text)
        if _is_row(line) or _is_row(above):
            return _is_row(line) != _is_row(above) or line.form != above.form
        return self._breaks_by_text(group, line, size)

    def _breaks_by_text(self, group: Sequence[Line], line: Line, size: float) -> bool:
        above, listed = group[-1], _starts_item(group[0].text)
        if _BULLET.match(line.text) or _ENTRY.search(above.text):
            return True
        ended = _ended(above.text)
        slack = self._right - above.right
        share = slack / max(self._right - self._left, 1.0)
        if _NUMBERED.match(line.text) and (ended or share > 0.1 or listed):
            return True
        if line.text[0].islower() or _half_word(above.text):
            return False
        if listed and line.left < group[0].left + 0.3 * size and len(group) > 1 and ended:
            return group[1].left > group[0].left + 0.3 * size
        indented = line.left > self._left + 0.8 * size and above.left < self._left + 0.3 * size
        if indented and not listed:
            return True
        if slack < self._word_width(line, size):
            return False
        return share > (0.1 if ended else 0.25)

    def _word_width(self, line: Line, size: float) -> float:
        """Return the room that the line's first word would have needed on the line above."""
        if is_cjk(line.text[0]):
            return 1.5 * size
        letters = max(len(line.text), 1)
        return (len(line.text.split(" ", 1)[0]) + 1) * (line.right - line.left) / letters

    def paragraph(self, group: Sequence[Line], page: int) -> Paragraph:
        """Return the paragraph of some lines."""
        first, last = group[0], group[-1]
        rows = _is_row(first)
        wide = len(group) > 1 or last.right - last.left > 0.45 * self._page_width
        lone_left = self._left + 0.8 * first.size
        return Paragraph(
            lines=[line.text for line in group],
            size=max(group, key=lambda line: len(line.text)).size,
            bold=all(line.bold for line in group),
            page=page,
            open_end=not rows and not _ended(last.text) and (wide or last.text[-1] in ",，、-"),
            full_end=not rows
            and len(group) > 1
            and self._right - last.right < 0.03 * (self._right - self._left),
            open_start=not rows and (first.left < lone_left or first.text[0].islower()),
            top=first.bottom + first.size,
            rows=rows,
        )


def continues(paragraph: Paragraph, following: Paragraph) -> bool:
    """Whether a paragraph at the end of a column or page goes on in the one that begins the next.

    It does if no sentence ends there, and neither part is a heading, a list item or a row.
    """
    first, last = following.lines[0], paragraph.lines[-1]
    if paragraph.rows or following.rows or paragraph.bold != following.bold:
        return False
    if not 0.9 < paragraph.size / max(following.size, 0.1) < 1.1:
        return False
    if _BULLET.match(first):
        return False
    if _ended(last):
        return paragraph.full_end and following.open_start and not _NUMBERED.match(first)
    if first[0].islower() or _half_word(last):
        return True
    if _NUMBERED.match(first) and not last[-1].islower():
        return False
    return following.open_start and (paragraph.open_end or (is_cjk(last[-1]) and len(last) > 12))


def _is_row(line: Line) -> bool:
    """Whether a line is a row of a table or of a form, and no part of a paragraph."""
    return line.form or len(line.cells) > 1


def _ended(text: str) -> bool:
    return _TERMINAL.search(text) is not None and not _ABBREVIATION.search(text)


def _half_word(text: str) -> bool:
    return text[-1:] in "-\u2010\u00ad" and text[-2:-1].isalpha()


def _starts_item(text: str) -> bool:
    return bool(_BULLET.match(text) or _NUMBERED.match(text))
