"""Reads web pages for tests."""

from __future__ import annotations

from rag.documents import Document
from rag.readers import read_bytes

PROSE = "The weir of the lower mill is opened in spring. " * 8


def read(html: str | bytes, key: str = "docs/a.html") -> Document:
    """Read a page; the suffix of the key is its format."""
    return read_bytes(key, html.encode() if isinstance(html, str) else html)


def text(html: str) -> str:
    """Return the text that `read` gives."""
    return read(html).text
