"""Reads PDF.

The text is in reading order: columns one after another, the lines of a paragraph joined to one,
words that a line end breaks joined again, running heads and page numbers left out. A paragraph goes
on over a page break; `Document.pages` has the offset at which each page starts. Sections come from
the bookmarks, else from the size of the font.

PDFium (pypdfium2) does the parsing: it is several times as fast as pdfplumber, tells where each
character stands (pypdf does not, reliably), and reads damaged files as a browser does.
"""

from __future__ import annotations

from rag.documents import Document
from rag.readers.options import ReadOptions

__all__ = ["read_pdf"]


def read_pdf(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a PDF."""
    # Imported here, because most runs meet no PDF, and the library takes a while to load.
    from rag.readers.pdf.document import read

    return read(key, data, options)
