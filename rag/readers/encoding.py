"""Decodes the bytes of every format that is text.

Owns which encoding a file is in.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag.errors import ReadError
from rag.readers.options import ReadOptions

__all__ = ["Decoded", "decode"]


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A file's text.

    Attributes:
        text: The text without a byte order mark.
        encoding: The encoding, as Python names it.
        remarks: For `Document.remarks`: how the encoding was found, unless the file says it.
    """

    text: str
    encoding: str
    remarks: tuple[str, ...] = ()


def decode(key: str, data: bytes, options: ReadOptions, *, declared: str | None = None) -> Decoded:
    """Decode text, dropping a byte order mark.

    Args:
        key: The document's key.
        data: The file, or a part of it.
        options: Has the encodings that are set by folder.
        declared: The encoding that the file itself names, if its format can do that (HTML, a part
            of an email). It counts after a byte order mark and what `options` set for the file.

    Raises:
        ReadError: The data is binary, or its encoding is not known.
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
    return Decoded(text=text, encoding=encoding)
