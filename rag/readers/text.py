"""Reads plain text, and decodes every format that is text."""

from __future__ import annotations

from pathlib import PurePosixPath

from rag.documents import Document
from rag.errors import ReadError

__all__ = ["TITLE_LENGTH", "decode", "read_text", "stem"]

TITLE_LENGTH = 200
"""Longest title, in characters."""


def decode(key: str, data: bytes) -> str:
    """Decode text, dropping a byte order mark.

    Raises:
        ReadError: The data is binary, or neither UTF-8 nor UTF-16 with a byte order mark.
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ReadError(
            key,
            f"the text is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start:,}); "
            f"convert it, e.g. iconv -f GB18030 -t UTF-8",
        ) from error
    if "\x00" in text:
        raise ReadError(key, "the file is binary data, not text")
    return text


def stem(key: str) -> str:
    """Return a title from the file's name."""
    return PurePosixPath(key).stem.replace("_", " ").replace("-", " ").strip() or key


def read_text(key: str, data: bytes) -> Document:
    text = decode(key, data)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = first if 0 < len(first) <= TITLE_LENGTH else stem(key)
    return Document(key=key, title=title, text=text)
