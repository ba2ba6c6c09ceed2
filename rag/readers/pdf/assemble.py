"""Makes a `Document` of the paragraphs and tables of a PDF.

Pure. `Document.pages[i]` is the offset at which page i + 1 starts: in the middle of a paragraph or
a table if that runs over the page break.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.readers.builder import TextBuilder
from rag.readers.pdf.characters import Vocabulary, clean, join_lines
from rag.readers.pdf.headings import Heading, headings_by_outline, headings_by_size
from rag.readers.pdf.parts import Outline, Paragraph, TableRows

__all__ = ["add_items", "is_title"]

_JUNK_TITLE = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel|office)\b.*|untitled.*|no title|title|none|null|"
    r"(?:new )?document ?\d*|dokument ?\d*|presentation ?\d*|powerpoint presentation|slide ?\d*|"
    r"book ?\d*|print(?:ing)?|scan.{0,12}|doc ?\d*|\(?anonymous\)?|"
    r"(?:新建|无标题|未命名|文档|演示文稿|幻灯片|工作簿).{0,12}|"
    r".*\.(?:docx?|dotx?|rtf|odt|pdf|tex|dvi|indd|qxd|pptx?|xlsx?|html?|txt|ps|pub|wpd|wps))$",
    re.IGNORECASE,
)


def is_title(title: str) -> bool:
    """Whether a title in the metadata names the document, rather than a program or a file."""
    letters = sum(character.isalpha() for character in title)
    return letters >= 2 and "\ufffd" not in title and not _JUNK_TITLE.match(title)


def add_items(
    builder: TextBuilder,
    items: list[Paragraph | TableRows],
    outline: Sequence[Outline],
    page_count: int,
) -> str:
    """Add the text of a document.

    Args:
        builder: Where to add.
        items: Paragraphs and tables in reading order; a heading may split one.
        outline: The bookmarks, in order of their places.
        page_count: Number of pages.

    Returns:
        The first heading on the first page with text, "" without any.
    """
    vocabulary = Vocabulary()
    for item in items:
        if isinstance(item, Paragraph):
            vocabulary.add(item.lines)
    by_size = headings_by_size(items)
    first_page = items[0].page if items else 0
    title = next((h.text for i, h in by_size.items() if items[i].page == first_page), "")
    headings = headings_by_outline(items, outline) if outline else by_size
    if outline and not title:
        title = next((h.text for i, h in headings.items() if items[i].page == first_page), "")
    writer = _Writer(builder, vocabulary)
    for index, item in enumerate(items):
        writer.add(item, headings.get(index))
    writer.pages_to(page_count)
    return clean(title)


class _Writer:
    """Adds items to a builder, and begins each page once."""

    def __init__(self, builder: TextBuilder, vocabulary: Vocabulary) -> None:
        self._builder = builder
        self._vocabulary = vocabulary
        self._pages = 0

    def pages_to(self, count: int, *, after: int = 0) -> None:
        """Begin the pages up to number `count` that have not begun yet."""
        while self._pages < count:
            self._builder.page(after=after)
            self._pages += 1

    def add(self, item: Paragraph | TableRows, heading: Heading | None) -> None:
        """Add one item."""
        self.pages_to(item.page + 1)
        if isinstance(item, TableRows):
            if heading is not None:
                self._builder.heading(heading.text, heading.level, shown=False)
            self._table(item)
            return
        if heading is not None and heading.shown:
            text, _ = join_lines(item.lines, self._vocabulary)
            self._builder.heading(text, heading.level)
            return
        if heading is not None:
            self._builder.heading(heading.text, heading.level, shown=False)
        if item.rows or item.aside:
            self._builder.paragraph("\n".join(item.lines))
            return
        text, starts = join_lines(item.lines, self._vocabulary)
        for line, page in item.page_lines:
            self.pages_to(page + 1, after=starts[line])
        self._builder.paragraph(text)

    def _table(self, item: TableRows) -> None:
        numbers = []
        for row, page in item.page_rows:
            while self._pages < page + 1:
                numbers.append(row)
                self._pages += 1
        self._builder.table(item.rows, header_rows=item.header_rows, page_rows=numbers)
