"""Reads plain text; the text stays unchanged."""

from __future__ import annotations

from pathlib import PurePosixPath

from rag.documents import Document
from rag.readers.encoding import decode
from rag.readers.options import ReadOptions

__all__ = ["TITLE_LENGTH", "read_text", "stem"]

TITLE_LENGTH = 200
"""Longest title, in characters."""


def stem(key: str) -> str:
    """Return a title from the file's name."""
    return PurePosixPath(key).stem.replace("_", " ").replace("-", " ").strip() or key


def read_text(key: str, data: bytes, options: ReadOptions) -> Document:
    decoded = decode(key, data, options)
    text = decoded.text
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = first if 0 < len(first) <= TITLE_LENGTH else stem(key)
    return Document(
        key=key, title=title, text=text, missing=decoded.missing, remarks=decoded.remarks
    )
