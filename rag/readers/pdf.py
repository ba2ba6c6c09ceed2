"""Reads PDF."""

from __future__ import annotations

import io

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_pdf"]


def read_pdf(key: str, data: bytes, options: ReadOptions) -> Document:
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise ReadError(key, "the PDF is encrypted; save it without a password")
    builder = TextBuilder()
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text().replace("\x00", "")
        if text.strip():
            builder.heading(f"Page {number}", 1, shown=False)
            builder.paragraph(text)
    if builder.empty:
        raise ReadError(key, f"the {len(reader.pages)} pages have no text; run OCR on the file")
    title = str((reader.metadata and reader.metadata.title) or "").strip()
    return builder.document(key, " ".join(title.split())[:TITLE_LENGTH] or stem(key))
