"""Assembles an extracted text and records the offsets of headings, tables and code."""

from __future__ import annotations

from collections.abc import Sequence
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

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Add a table, one line per row, with ``|`` between the cells."""
        lines = [" | ".join(" ".join(cell.split()) for cell in row) for row in rows]
        text = "\n".join(line for line in lines if line.strip(" |"))
        if text:
            self._block("table", text)

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
        )

    def _start(self) -> int:
        return self._length + 2 if self._parts else 0

    def _block(self, kind: Literal["table", "code"], text: str) -> None:
        start = self._start()
        self._add(text)
        self._blocks.append(Block(kind=kind, start=start, end=start + len(text)))

    def _add(self, text: str) -> None:
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        self._parts.append(text)
        self._length += len(text)
