"""A document after reading, whatever its format was: text, and its structure by offsets.

Pure data; every offset is in characters of `Document.text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "Document", "Section"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a document under one heading; sections are in order and do not overlap.

    Attributes:
        heading: The headings above it, outermost first, joined by ``" > "``.
        start: Where its heading line starts.
        end: Where the next section starts, or the text ends.
    """

    heading: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """A table or a code block: stays whole in a chunk if it fits, else is cut between lines.

    Attributes:
        kind: Table or code.
        start: Where it starts.
        end: Where it ends.
        header: Start and end of the table's header rows; None without any. Every chunk that holds
            later rows of the table repeats their text beside its own.
    """

    kind: Literal["table", "code"]
    start: int
    end: int
    header: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document's text and structure.

    Attributes:
        key: ``docs/...``, relative to the corpus.
        title: Its own title, else its file name; one line, never empty.
        text: The file's own text for text and Markdown; the extracted text for other formats.
        sections: In order; empty when the document has no headings.
        blocks: In order, not overlapping.
        pages: Offset at which each page (PDF) or slide (PPTX) starts, from page 1 on; a page
            without text starts where the next one does. Empty for formats without pages.
        missing: What could not be read, one sentence for each part: the document was read in part.
        remarks: What a reader of the report should know although nothing is missing, for example
            the encoding that was detected.
    """

    key: str
    title: str
    text: str
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = ()
    pages: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
