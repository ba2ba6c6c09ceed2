"""Reads records: JSON and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.encoding import decode
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_json", "read_jsonl"]

_TEXT_FIELDS = ("text", "content", "body", "passage", "abstract")
_TITLE_FIELDS = ("title", "name", "headline", "subject")


def read_json(key: str, data: bytes, options: ReadOptions) -> Document:
    try:
        value = json.loads(decode(key, data, options).text)
    except ValueError as error:
        raise ReadError(key, f"the file is not valid JSON: {error}") from error
    builder = TextBuilder()
    if isinstance(value, list):
        for number, record in enumerate(value, start=1):
            _add_record(builder, record, f"Record {number}")
        return builder.document(key, stem(key))
    _add_record(builder, value, None)
    return builder.document(key, _record_title(value) or stem(key))


def read_jsonl(key: str, data: bytes, options: ReadOptions) -> Document:
    builder = TextBuilder()
    records = 0
    for number, line in enumerate(decode(key, data, options).text.split("\n"), start=1):
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
            return " ".join(value.split())[:TITLE_LENGTH]
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
