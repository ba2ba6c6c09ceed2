"""Reads a file into a `Document`; `READERS` lists the formats.

Owns the list of formats, and the reason for each file that cannot be read. Every problem with a
file raises `ReadError`; the caller skips the file and goes on. Does not chunk.

The text of a text or Markdown file stays unchanged except for a byte order mark, half characters
and control characters (`rag.clean`), so that offsets stored elsewhere stay valid. Other formats
give the extracted text, with headings, tables and code marked by offsets. `encoding` finds the
encoding of a text; `options` has what a user can choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from rag.clean import clean_document, clean_line
from rag.documents import Document
from rag.errors import ReadError
from rag.readers.delimited import read_delimited
from rag.readers.epub import read_epub
from rag.readers.html import read_html, read_mhtml, read_xhtml
from rag.readers.mail import read_mail
from rag.readers.markdown import read_markdown
from rag.readers.markup import read_markup
from rag.readers.odf import read_odf
from rag.readers.options import DEFAULT_OPTIONS, ReadOptions
from rag.readers.pdf import read_pdf
from rag.readers.records import read_json, read_jsonl
from rag.readers.refused import unsupported
from rag.readers.sheets import read_xlsx
from rag.readers.slides import read_pptx
from rag.readers.text import read_text, stem
from rag.readers.word import read_docx

__all__ = ["DEFAULT_MAX_BYTES", "READERS", "ReadOptions", "read_bytes", "read_document"]

DEFAULT_MAX_BYTES = 64 * 2**20
"""Largest file to read, in bytes; a run skips a larger one."""


def read_document(
    key: str,
    path: Path,
    *,
    options: ReadOptions = DEFAULT_OPTIONS,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Document:
    """Read a file.

    Args:
        key: The document's key; its suffix decides the format.
        path: The file.
        options: How to read, where a choice exists.
        max_bytes: Largest file to read.

    Raises:
        ReadError: The file cannot be opened, is too large, empty, damaged or encrypted, or its
            format or encoding is not known.
    """
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ReadError(key, f"the file has {size:,} bytes; the limit is {max_bytes:,}")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise ReadError(key, f"cannot be opened: {reason}") from error
    return read_bytes(key, data, options=options)


def read_bytes(key: str, data: bytes, *, options: ReadOptions = DEFAULT_OPTIONS) -> Document:
    """Read a file's content; see `read_document`."""
    suffix = PurePosixPath(key).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        raise ReadError(key, unsupported(suffix, " ".join(READERS)))
    if not data:
        raise ReadError(key, "the file is empty")
    try:
        document = clean_document(reader(key, data, options), stem(key))
    except ReadError as error:
        raise ReadError(key, clean_line(error.reason)) from error
    except MemoryError as error:
        raise ReadError(key, "reading it needs too much memory; split it") from error
    except Exception as error:  # parsers raise anything for damaged files
        reason = clean_line(f"{type(error).__name__}: {error}")[:200]
        raise ReadError(key, f"the {suffix[1:].upper()} is damaged: {reason}") from error
    if not document.text.strip():
        raise ReadError(key, "the file has no text")
    return document


def _read_mail(key: str, data: bytes, options: ReadOptions) -> Document:
    return read_mail(key, data, options, _read_attachment)


def _read_attachment(key: str, data: bytes, options: ReadOptions) -> Document | None:
    """Read an attachment. The attachments of one that is an email are only named."""
    suffix = PurePosixPath(key).suffix.lower()
    if suffix == ".eml":
        return read_mail(key, data, options, None)
    return read_bytes(key, data, options=options) if suffix in READERS else None


READERS: Mapping[str, Callable[[str, bytes, ReadOptions], Document]] = MappingProxyType(
    {
        ".txt": read_text,
        ".text": read_text,
        ".log": read_text,
        **dict.fromkeys((".rst", ".adoc", ".asciidoc", ".org", ".tex"), read_markup),
        **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd"), read_markdown),
        ".html": read_html,
        ".htm": read_html,
        ".xhtml": read_xhtml,
        ".mhtml": read_mhtml,
        ".mht": read_mhtml,
        ".json": read_json,
        ".jsonl": read_jsonl,
        ".ndjson": read_jsonl,
        ".csv": read_delimited,
        ".tsv": read_delimited,
        ".pdf": read_pdf,
        **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), read_docx),
        **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), read_pptx),
        **dict.fromkeys((".odt", ".ott", ".ods", ".ots", ".odp", ".otp"), read_odf),
        ".epub": read_epub,
        ".eml": _read_mail,
        **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm"), read_xlsx),
    }
)
"""Reader by suffix. Each takes the key, the content and the options, and may raise anything."""
