"""Joins the columns and pages of a document to one sequence of paragraphs and tables.

Pure. A paragraph goes on in the next column and on the next page if no sentence ends there. What
stands between its two parts (footnotes, comments, a table at the top of the page) is moved, so
that the sentence is whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rag.readers.pdf.paragraphs import continues, paragraphs_of
from rag.readers.pdf.parts import Line, Paragraph, TableRows
from rag.readers.pdf.tables import merge_tables

__all__ = ["Flow"]

_SMALL = 0.92
"""A paragraph at the end of a column is a footnote if its font is smaller by this factor."""


class Flow:
    """The paragraphs and tables of a document, in reading order.

    Attributes:
        items: Paragraphs and tables so far.
    """

    def __init__(self) -> None:
        self.items: list[Paragraph | TableRows] = []

    def add_page(
        self,
        page: int,
        columns: Iterable[Sequence[Line]],
        width: float,
        asides: Sequence[str] = (),
    ) -> None:
        """Add a page.

        Args:
            page: Its index.
            columns: The lines of its columns, in reading order.
            width: Its width, in points.
            asides: Texts beside the running text: comments.
        """
        for lines in columns:
            parts = list(paragraphs_of(lines, page, width))
            self._add_column(page, parts)
        self._aside(page, asides)

    def add_texts(self, page: int, paragraphs: Iterable[Sequence[str]]) -> None:
        """Add a page whose paragraphs are known, each with its lines; they stay as they are."""
        for lines in paragraphs:
            paragraph = Paragraph(list(lines), size=0.0, bold=False, page=page)
            self.items.append(paragraph)

    def _add_column(self, page: int, parts: list[Paragraph | Line]) -> None:
        parts = self._continue(page, parts)
        for number, part in enumerate(parts):
            if isinstance(part, Paragraph):
                self.items.append(part)
                continue
            table = part.table
            assert table is not None  # noqa: S101 - `paragraphs_of` gives lines only for tables
            table.page = page
            above = self.items[-1] if self.items else None
            goes_on = number == 0 and isinstance(above, TableRows) and merge_tables(above, table)
            if not goes_on:
                self.items.append(table)

    def _continue(self, page: int, parts: list[Paragraph | Line]) -> list[Paragraph | Line]:
        """Join the first paragraph of a column to the open one; return the parts that are left."""
        at = self._open()
        if at is None:
            return parts
        for number, part in enumerate(parts[:2]):
            if not isinstance(part, Paragraph):
                continue
            above = self.items[at]
            assert isinstance(above, Paragraph)  # noqa: S101 - `_open` finds a paragraph
            last = above.page_lines[-1][1] if above.page_lines else above.page
            # A page without text between them: what is missing may be a part of the sentence.
            if page > last + 1 or not continues(above, part):
                return parts
            del self.items[at]
            if page != last:
                above.page_lines.append((len(above.lines), page))
            above.lines.extend(part.lines)
            above.open_end, above.full_end = part.open_end, part.full_end
            self.items.append(above)
            return [*parts[:number], *parts[number + 1 :]]
        return parts

    def _open(self) -> int | None:
        """Return the index of the paragraph that may go on: the last one above the footnotes."""
        letters: Counter[float] = Counter()
        for item in self.items[-12:]:
            if isinstance(item, Paragraph) and not item.aside:
                letters[item.size] += sum(map(len, item.lines))
        body = max(letters, key=lambda size: letters[size], default=0.0)
        for at in range(len(self.items) - 1, max(len(self.items) - 12, -1), -1):
            item = self.items[at]
            if not isinstance(item, Paragraph):
                return None
            if not item.aside and (item.size >= _SMALL * body or len(self.items) == 1):
                return at
        return None

    def _aside(self, page: int, texts: Sequence[str]) -> None:
        for text in texts:
            lines = [line for line in text.split("\n") if line.strip()]
            self.items.append(Paragraph(lines, size=0.0, bold=False, page=page, aside=True))
