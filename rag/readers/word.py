"""Reads Word documents (DOCX)."""

from __future__ import annotations

import io
import zipfile

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_docx"]

_MAX_UNPACKED_BYTES = 512 * 2**20
"""Largest DOCX once unpacked: stops an archive that is made to fill the memory."""


def read_docx(key: str, data: bytes, options: ReadOptions) -> Document:
    import docx
    from docx.table import Table

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise ReadError(
            key, "the file is not a DOCX; if it is an old .doc or encrypted, save it as DOCX"
        ) from (error)
    if unpacked > _MAX_UNPACKED_BYTES:
        raise ReadError(
            key, f"the file has {unpacked:,} bytes unpacked; the limit is {_MAX_UNPACKED_BYTES:,}"
        )
    source = docx.Document(io.BytesIO(data))
    builder = TextBuilder()
    first = None
    for item in source.iter_inner_content():
        if isinstance(item, Table):
            builder.table([[cell.text for cell in row.cells] for row in item.rows])
            continue
        text, style = item.text.strip(), str(getattr(item.style, "name", "") or "")
        if text and (level := _heading_level(style)) is not None:
            first = first or text
            builder.heading(text, level)
        elif text:
            builder.paragraph(f"- {text}" if style.startswith("List") else text)
    title = str(source.core_properties.title or "").strip() or first
    return builder.document(key, " ".join((title or stem(key)).split())[:TITLE_LENGTH])


def _heading_level(style: str) -> int | None:
    if style == "Title":
        return 1
    if style.startswith("Heading "):
        number = style.removeprefix("Heading ").strip()
        return int(number) if number.isdigit() else None
    return None
