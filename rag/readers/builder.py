"""Assembles an extracted text and records the offsets of headings, tables and code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rag.documents import Block, Document, Section

__all__ = ["TextBuilder", "sections_of"]


def sections_of(headings: Sequence[tuple[int, str, int]], length: int) -> tuple[Section, ...]:
    """Return sections from (level, heading, offset) in order; each ends where the next begins."""
    path: list[tuple[int, str]] = []
    sections = []
    for number, (level, heading, start) in enumerate(headings):
        while path and path[-1][0] >= level:
            path.pop()
        path.append((level, heading))
        end = headings[number + 1][2] if number + 1 < len(headings) else length
        joined = " > ".join(text for _, text in path if text)
        sections.append(Section(heading=joined, start=start, end=end))
    return tuple(sections)


class TextBuilder:
    """Collects the parts of a text in order, with an empty line between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, str, int]] = []
        self._blocks: list[Block] = []
        self._pages: list[int] = []
        self._missing: list[str] = []
        self._remarks: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether the text is still empty; headings that are not shown do not count."""
        return not self._parts

    def heading(self, text: str, level: int, *, shown: bool = True) -> None:
        """Begin a section. The text leaves out a heading that is not `shown` (a page number)."""
        text = " ".join(text.split())
        if not text:
            return
        self._headings.append((level, text, self._start()))
        if shown:
            self._add(text)

    def paragraph(self, text: str) -> None:
        """Add running text; blank text is ignored."""
        if text.strip():
            self._add(text.strip("\n"))

    def code(self, text: str) -> None:
        """Add a code block; blank text is ignored."""
        if text.strip():
            self._block("code", text.strip("\n"))

    def table(
        self,
        rows: Iterable[Sequence[str]],
        *,
        header_rows: int = 0,
        page_rows: Sequence[int] = (),
    ) -> None:
        """Add a table, one line per row, with ``|`` between the cells.

        Args:
            rows: The cells of each row; an empty row is left out.
            header_rows: How many of the first rows name the columns.
            page_rows: Numbers of the rows with which a page begins, in order.
        """
        lines = [" | ".join(" ".join(cell.split()) for cell in row) for row in rows]
        shown = [line for line in lines if line.strip(" |")]
        if not shown:
            return
        header = "\n".join(line for line in lines[:header_rows] if line.strip(" |"))
        for row in page_rows:
            self.page(after=sum(len(line) + 1 for line in lines[:row] if line.strip(" |")))
        self._block("table", "\n".join(shown), len(header))

    def page(self, *, after: int = 0) -> None:
        """Begin a page, `after` so many characters of the part that is added next."""
        self._pages.append(self._start() + after)

    def include(self, document: Document, *, below: int = 0) -> None:
        """Add another document's text with its headings and blocks, such as an attachment's.

        Its pages, remarks and missing parts are left to the caller.

        Args:
            document: The document.
            below: The level of the heading that it is under; 0 without any.
        """
        if not document.text.strip():
            return
        start = self._start()
        for section in document.sections:
            path = section.heading.split(" > ")
            self._headings.append((below + len(path), path[-1], start + section.start))
        for block in document.blocks:
            header = block.header and (start + block.header[0], start + block.header[1])
            self._blocks.append(
                Block(
                    kind=block.kind,
                    start=start + block.start,
                    end=start + block.end,
                    header=header,
                )
            )
        self._add(document.text)

    def missing(self, sentence: str) -> None:
        """Record a part that could not be read; see `Document.missing`."""
        self._missing.append(sentence)

    def remark(self, sentence: str) -> None:
        """Record a remark; see `Document.remarks`."""
        self._remarks.append(sentence)

    def document(self, key: str, title: str) -> Document:
        """Return the document with all parts."""
        text = "".join(self._parts)
        return Document(
            key=key,
            title=title,
            text=text,
            sections=sections_of(
                [(level, name, min(at, len(text))) for level, name, at in self._headings],
                len(text),
            ),
            blocks=tuple(self._blocks),
            pages=tuple(min(at, len(text)) for at in self._pages),
            missing=tuple(self._missing),
            remarks=tuple(self._remarks),
        )

    def _start(self) -> int:
        return self._length + 2 if self._parts else 0

    def _block(self, kind: Literal["table", "code"], text: str, header_length: int = 0) -> None:
        start = self._start()
        self._add(text)
        header = (start, start + header_length) if header_length else None
        self._blocks.append(Block(kind=kind, start=start, end=start + len(text), header=header))

    def _add(self, text: str) -> None:
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        self._parts.append(text)
        self._length += len(text)
