"""Reads records: JSON and JSON Lines.

Owns how a record becomes text: its title is its heading, its text field a paragraph, every other
field a line with its name, in the order of the file. No field is left out except empty ones. Broken
JSON is read as far as it is valid, and `Document.missing` says what is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.builder import TextBuilder
from rag.readers.encoding import Decoded, decode
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_json", "read_jsonl"]

_TEXT_FIELDS = ("text", "content", "body", "passage", "abstract")
_TITLE_FIELDS = ("title", "name", "headline", "subject")
_BETWEEN = re.compile(r"[\s,]*")
_END = re.compile(r"\]\s*\Z")
_DEEPEST_RECORDS = 3
"""Heading level of the innermost records that are sections; deeper ones are lines."""
_LISTED_LINES = 10


class _Object(list[tuple[str, Any]]):
    """A JSON object: its fields in order. A dict would drop fields of the same name."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object,
    # Numbers stay as the file writes them: 1.10, or more digits than Python reads.
    parse_float=str,
    parse_int=str,
    parse_constant=str,
)


def read_json(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read one JSON value; also several in one file, and the valid beginning of a broken one."""
    decoded = decode(key, data, options)
    try:
        value = _parse(decoded.text)
    except ValueError as error:
        return _read_values(key, decoded, error)
    records = value if isinstance(value, list) and not isinstance(value, _Object) else [value]
    return _document(key, decoded, records)


def read_jsonl(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read JSON Lines: a broken line costs that line; also one JSON value over several lines."""
    decoded = decode(key, data, options)
    records, broken = _lines(decoded.text)
    if broken or len(records) == 1:
        return read_json(key, data, options)
    return _document(key, decoded, records)


def _read_values(key: str, decoded: Decoded, error: ValueError) -> Document:
    """Read a file that is not one JSON value: JSON Lines, several values, or cut off."""
    in_lines, broken = _lines(decoded.text)
    in_sequence, end = _sequence(decoded.text)
    if any(isinstance(record, _Object) for record in in_lines) and (
        len(in_lines) > len(broken) or end is not None
    ):
        return _document(key, decoded, in_lines, missing=_broken_lines(broken, len(in_lines)))
    if not in_sequence:
        raise ReadError(key, f"the file is not valid JSON: {error}") from error
    missing = ""
    if end is not None:
        missing = (
            f"from character {end:,} of {len(decoded.text):,} on the file is not valid JSON; the "
            f"{len(in_sequence):,} records before it were read"
        )
    return _document(key, decoded, in_sequence, missing=missing)


def _parse(text: str) -> Any:
    """Return a JSON value.

    Raises:
        ValueError: `text` is not one JSON value, or is nested too deep to be read.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _lines(text: str) -> tuple[list[Any], list[int]]:
    """Return the values of the lines, and the numbers of the lines that are not valid."""
    records, broken = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        # Some programs write an array with one record per line under this name.
        line = line.strip().removesuffix(",")
        if not line or line in ("[", "]"):
            continue
        try:
            records.append(_parse(line))
        except ValueError:
            broken.append(number)
    return records, broken


def _broken_lines(broken: Sequence[int], records: int) -> str:
    if not broken:
        return ""
    listed = ", ".join(f"{number:,}" for number in broken[:_LISTED_LINES])
    more = f" and {len(broken) - _LISTED_LINES:,} more" if len(broken) > _LISTED_LINES else ""
    return (
        f"{len(broken):,} of {len(broken) + records:,} lines are not valid JSON and were left out: "
        f"{listed}{more}"
    )


def _sequence(text: str) -> tuple[list[Any], int | None]:
    """Return the values that follow each other in `text`, or in the array that it begins.

    The second result is the offset from which on nothing is valid; None if the text is complete.
    """
    records: list[Any] = []
    at = len(text) - len(text.lstrip())
    in_array = text.startswith("[", at)
    at += in_array
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr] # matches nothing, too
        if at == len(text):
            return records, at if in_array else None
        if in_array and _END.match(text, at):
            return records, None
        try:
            record, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return records, at
        records.append(record)


def _document(key: str, decoded: Decoded, records: Sequence[Any], *, missing: str = "") -> Document:
    builder = TextBuilder()
    for sentence in filter(None, (*decoded.missing, missing)):
        builder.missing(sentence)
    for sentence in decoded.remarks:
        builder.remark(sentence)
    if len(records) == 1 and isinstance(records[0], _Object):
        title = _title(records[0])
        _add_record(builder, records[0], _shortened(title), 1)
        return builder.document(key, _shortened(title) or stem(key))
    for number, record in enumerate(records, start=1):
        _add_record(builder, record, _shortened(_title(record)) or f"Record {number}", 1)
    return builder.document(key, stem(key))


def _add_record(builder: TextBuilder, record: Any, heading: str, level: int) -> None:
    """Add a record under its heading, which may be empty; nothing for an empty record."""
    if next(_flatten(record), None) is None:
        return
    builder.heading(heading, level)
    if not isinstance(record, _Object):
        builder.paragraph("\n".join(_flatten(record)))
        return
    text_field = _field(record, _TEXT_FIELDS)
    title_field = _field(record, _TITLE_FIELDS)
    lines: list[str] = []
    inner: list[tuple[str, list[Any]]] = []
    for name, value in record:
        if name == title_field and value == heading:
            title_field = None  # the heading has all of it; a second field of that name stays
        elif name == text_field and isinstance(value, str):
            builder.paragraph("\n".join(lines))
            builder.paragraph(value)
            lines, text_field = [], None
        elif level < _DEEPEST_RECORDS and _are_records(value):
            inner.append((name, value))
        else:
            lines += _flatten(value, name)
    builder.paragraph("\n".join(lines))
    for name, records in inner:
        builder.heading(name, level + 1)
        for number, one in enumerate(records, start=1):
            _add_record(builder, one, _shortened(_title(one)) or f"Record {number}", level + 2)


def _are_records(value: Any) -> bool:
    """Return whether a value is a list of records with titles or texts of their own."""
    return (
        isinstance(value, list)
        and not isinstance(value, _Object)
        and len(value) > 0
        and all(isinstance(item, _Object) for item in value)
        and any(_title(item) or _field(item, _TEXT_FIELDS) for item in value)
    )


def _field(record: _Object, names: Sequence[str]) -> str | None:
    """Return the record's own name of the first of `names` that has a value."""
    for wanted in names:
        for name, value in record:
            if name.casefold() == wanted and next(_flatten(value), ""):
                return name
    return None


def _title(record: Any) -> str:
    """Return a record's title, in one line; empty if it has no title."""
    name = _field(record, _TITLE_FIELDS) if isinstance(record, _Object) else None
    if name is None:
        return ""
    value = next(value for own, value in record if own == name and next(_flatten(value), ""))
    return " ".join(_leaves(value)[0].split()) if _leaves(value) else ""


def _shortened(title: str) -> str:
    """Return a title that is not too long; the record's lines have the whole of a longer one."""
    return title if len(title) <= TITLE_LENGTH else f"{title[: TITLE_LENGTH - 1].rstrip()}…"


def _leaves(value: Any) -> list[str]:
    return [text for _, text in _walk(value, "")]


def _flatten(value: Any, name: str = "") -> Iterator[str]:
    """Yield a line for each text, number and flag in a value, with the names that lead to it."""
    for path, text in _walk(value, name):
        yield f"{path}: {text}" if path else text


def _walk(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of everything in a value, in order; without recursion."""
    stack: list[tuple[str, Any]] = [(name, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, _Object):
            stack += ((f"{path}.{own}" if path else own, item) for own, item in reversed(value))
        elif isinstance(value, list):
            stack += ((path, item) for item in reversed(value))
        elif isinstance(value, bool):
            yield path, json.dumps(value)
        elif isinstance(value, str) and value.strip():
            yield path, value
