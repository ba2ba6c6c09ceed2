"""Reads a file into a `Document`: text, Markdown, HTML, JSON, JSONL, PDF, DOCX.

Owns the list of formats, and the reason for each file that cannot be read. Every problem with a
file raises `ReadError`; the caller skips the file and goes on. Does not chunk.

The text of a text or Markdown file stays unchanged except for a byte order mark, so that offsets
stored elsewhere stay valid. Other formats give the extracted text, with headings, tables and code
marked by offsets. Files are UTF-8, or UTF-16 with a byte order mark. Other encodings are not
guessed, because a wrong guess would index nonsense.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.markup import read_html, read_markdown
from rag.textbuilder import TextBuilder

__all__ = ["DEFAULT_MAX_BYTES", "READERS", "read_bytes", "read_document"]

DEFAULT_MAX_BYTES = 64 * 2**20
"""Largest file to read, in bytes; a run skips a larger one."""

_MAX_UNPACKED_BYTES = 512 * 2**20
"""Largest DOCX once unpacked: stops an archive that is made to fill the memory."""

_TEXT_FIELDS = ("text", "content", "body", "passage", "abstract")
_TITLE_FIELDS = ("title", "name", "headline", "subject")
_TITLE_LENGTH = 200


def read_document(key: str, path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES) -> Document:
    """Read a file.

    Args:
        key: The document's key; its suffix decides the format.
        path: The file.
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
    except OSError as error:
        raise ReadError(key, f"cannot be opened: {error.strerror or error}") from error
    return read_bytes(key, data)


def read_bytes(key: str, data: bytes) -> Document:
    """Read a file's content; see `read_document`."""
    suffix = PurePosixPath(key).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        known = " ".join(READERS)
        raise ReadError(key, f"the format {suffix or '(no suffix)'} is not supported; use {known}")
    if not data:
        raise ReadError(key, "the file is empty")
    try:
        document = reader(key, data)
    except ReadError:
        raise
    except Exception as error:  # parsers raise anything for damaged files
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise ReadError(key, f"the {suffix[1:].upper()} is damaged: {reason}") from error
    if not document.text.strip():
        raise ReadError(key, "the file has no text")
    return document


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


def _read_text(key: str, data: bytes) -> Document:
    text = decode(key, data)
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    title = first if 0 < len(first) <= _TITLE_LENGTH else stem(key)
    return Document(key=key, title=title, text=text)


def _read_markdown(key: str, data: bytes) -> Document:
    return read_markdown(key, decode(key, data), stem(key))


def _read_html(key: str, data: bytes) -> Document:
    return read_html(key, data, stem(key))


def _read_json(key: str, data: bytes) -> Document:
    try:
        value = json.loads(decode(key, data))
    except ValueError as error:
        raise ReadError(key, f"the file is not valid JSON: {error}") from error
    builder = TextBuilder()
    if isinstance(value, list):
        for number, record in enumerate(value, start=1):
            _add_record(builder, record, f"Record {number}")
        return builder.document(key, stem(key))
    _add_record(builder, value, None)
    return builder.document(key, _record_title(value) or stem(key))


def _read_jsonl(key: str, data: bytes) -> Document:
    builder = TextBuilder()
    records = 0
    for number, line in enumerate(decode(key, data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ReadError(key, f"line {number} is not valid JSON: {error}") from error
        records += 1
        _add_record(builder, record, f"Record {records}")
    return builder.document(key, stem(key))


def _record_title(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    for field in _TITLE_FIELDS:
        value = record.get(field)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())[:_TITLE_LENGTH]
    return None


def _add_record(builder: TextBuilder, record: Any, heading: str | None) -> None:
    """Add a record: its text field, or one line per value if it has no such field."""
    title = _record_title(record)
    if heading is not None:
        builder.heading(title or heading, 1)
    elif title is not None:
        builder.heading(title, 1)
    if isinstance(record, dict):
        text = next((f for f in _TEXT_FIELDS if isinstance(record.get(f), str)), None)
        if text is not None:
            builder.paragraph(record[text])
            used = {text, *(f for f in _TITLE_FIELDS if f in record)}
            record = {name: value for name, value in record.items() if name not in used}
    lines = "\n".join(f"{path}: {value}" if path else value for path, value in _flatten(record))
    if lines:
        builder.paragraph(lines)


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flatten(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _flatten(item, path)
    elif value is not None and value != "":
        yield path, value if isinstance(value, str) else json.dumps(value)


def _read_pdf(key: str, data: bytes) -> Document:
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
    return builder.document(key, " ".join(title.split())[:_TITLE_LENGTH] or stem(key))


def _read_docx(key: str, data: bytes) -> Document:
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
    return builder.document(key, " ".join((title or stem(key)).split())[:_TITLE_LENGTH])


def _heading_level(style: str) -> int | None:
    if style == "Title":
        return 1
    if style.startswith("Heading "):
        number = style.removeprefix("Heading ").strip()
        return int(number) if number.isdigit() else None
    return None


READERS: Mapping[str, Callable[[str, bytes], Document]] = MappingProxyType(
    {
        ".txt": _read_text,
        ".text": _read_text,
        ".md": _read_markdown,
        ".markdown": _read_markdown,
        ".html": _read_html,
        ".htm": _read_html,
        ".json": _read_json,
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
        ".pdf": _read_pdf,
        ".docx": _read_docx,
    }
)
"""Reader by suffix. Each takes the key and the content, and may raise anything."""
