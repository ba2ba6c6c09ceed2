"""Reads tables of text: CSV and TSV.

Owns how a delimiter and a header row are recognised. The table is one block; its header row is
marked, so that every chunk of a long table repeats it. Rows are read one at a time: besides the
file's text, only the lines of the table are in memory.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from rag.documents import Document
from rag.readers.builder import TextBuilder
from rag.readers.encoding import decode
from rag.readers.options import ReadOptions
from rag.readers.text import stem

__all__ = ["read_delimited"]

_DELIMITERS = "\t;|,"
_SAMPLE_ROWS = 100
_LONGEST_ROW_LINES = 100
"""A quoted cell over more lines than this is taken for a quotation mark that was never closed."""
_DECLARED = re.compile(r"sep=(.)\r?\n")
"""The first line that Excel reads the delimiter from."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n|[\r\n])?")
_NUMBER = re.compile(r"[-+(]?[\d.,:/%\s€$£¥-]*\d[\d.,:/%\s€$£¥)-]*")


def read_delimited(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read CSV or TSV with any usual delimiter."""
    decoded = decode(key, data, options)
    builder = TextBuilder()
    for sentence in decoded.missing:
        builder.missing(sentence)
    for sentence in decoded.remarks:
        builder.remark(sentence)
    text = decoded.text
    declared = _DECLARED.match(text)
    if declared is not None:
        text, delimiter = text[declared.end() :], declared.group(1)
    else:
        delimiter = _delimiter(text, "\t" if key.lower().endswith(".tsv") else ",")
    sample = list(islice(_rows(text, delimiter, []), _SAMPLE_ROWS))
    width = _width(sample)
    title_rows = _title_rows(sample, width)
    for row in sample[:title_rows]:
        builder.paragraph(" ".join(row).strip())
    header = _is_header(sample[title_rows:])
    unclosed: list[int] = []
    ragged = 0

    def rows() -> Iterator[Sequence[str]]:
        nonlocal ragged
        for row in islice(_rows(text, delimiter, unclosed), title_rows, None):
            ragged += any(row) and len(row) != width
            while row and not row[-1].strip():
                row.pop()
            yield row

    builder.table(rows(), header_rows=int(header))
    if ragged:
        builder.remark(f"{ragged:,} rows do not have {width:,} cells, as most rows have")
    if unclosed:
        lines = ", ".join(f"{line:,}" for line in unclosed[:10])
        builder.remark(f"quotation marks are not closed from these lines on: {lines}")
    return builder.document(key, stem(key))


def _rows(text: str, delimiter: str, unclosed: list[int]) -> Iterator[list[str]]:
    """Yield the rows; `unclosed` receives the numbers of lines with an unclosed quotation mark."""
    csv.field_size_limit(sys.maxsize)
    lines: Iterator[tuple[int, str]] = enumerate(_physical_lines(text), start=1)
    taken: list[tuple[int, str]] = []
    ended = False

    def feed() -> Iterator[str]:
        nonlocal ended
        for line in lines:
            taken.append(line)
            yield line[1]
            if len(taken) > _LONGEST_ROW_LINES:
                return
        ended = True

    while not ended or taken:
        for row in csv.reader(feed(), delimiter=delimiter):
            at_end = ended and sum(line.count('"') for _, line in taken) % 2 == 1
            at_end = at_end and (len(taken) > 1 or taken[0][1].count(delimiter) >= len(row))
            if len(taken) > _LONGEST_ROW_LINES or at_end:
                break
            yield row
            taken.clear()
        if taken:
            # The first line alone, without quotation; the others again as they are.
            (number, line), rest = taken[0], taken[1:]
            unclosed.append(number)
            yield from csv.reader([line], delimiter=delimiter, quoting=csv.QUOTE_NONE)
            lines, taken, ended = chain(rest, lines), [], False


def _physical_lines(text: str) -> Iterator[str]:
    return (line.group() for line in _LINE.finditer(text) if line.group())


def _delimiter(text: str, default: str) -> str:
    """Return the delimiter that gives most rows the same number of cells."""

    def regularity(delimiter: str) -> tuple[bool, float, int, bool]:
        rows = [row for row in islice(_rows(text, delimiter, []), _SAMPLE_ROWS) if row]
        width = _width(rows)
        share = sum(len(row) == width for row in rows) / max(len(rows), 1)
        return width > 1, round(share, 1), width, delimiter == default

    return max(_DELIMITERS, key=regularity)


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Return how many cells most rows have."""
    return Counter(len(row) for row in rows if row).most_common(1)[0][0] if any(rows) else 0


def _title_rows(rows: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows before the table have one cell at most, such as its title."""
    if width < 2:
        return 0
    for number, row in enumerate(rows):
        if sum(bool(cell.strip()) for cell in row) > 1:
            return number
    return 0


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names the columns: different texts, no numbers, rows below."""
    names = [cell.strip() for cell in rows[0] if cell.strip()] if rows else []
    return (
        len(rows) > 1
        and bool(names)
        and len(set(names)) == len(names)
        and not any(_NUMBER.fullmatch(name) for name in names)
    )
