"""Turns the cells of a sheet into tables: empty rows divide them, empty columns are left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rag.readers.builder import TextBuilder
from rag.readers.tables import header_rows

__all__ = ["GridRow", "add_grid"]

GridRow = tuple[int, dict[int, str]]
"""A row's number from 1 on, and its texts by column from 1 on."""


def add_grid(
    builder: TextBuilder, name: str, rows: Iterator[GridRow], headers: Collection[int] = ()
) -> bool:
    """Add a sheet as a section with its tables; a single cell is a paragraph.

    Args:
        builder: Receives the text.
        name: The sheet's name.
        rows: The rows that have text, in order.
        headers: Numbers of rows that are known to name columns.

    Returns:
        Whether the sheet has any text.
    """
    started = False
    for block in _joined(_blocks(rows), headers):
        if not started:
            builder.heading(name, 1)
            started = True
        columns = sorted({column for _, cells in block for column in cells})
        table = [[cells.get(column, "") for column in columns] for _, cells in block]
        if len(table) == len(columns) == 1:
            builder.paragraph(table[0][0])
            continue
        marked = [at + 1 for at, (number, _) in enumerate(block[:5]) if number in headers]
        builder.table(table, header_rows=marked[0] if marked else header_rows(table))
    return started


def _blocks(rows: Iterator[GridRow]) -> Iterator[list[GridRow]]:
    """Yield the rows between empty rows."""
    block: list[GridRow] = []
    for row in rows:
        if block and row[0] > block[-1][0] + 1:
            yield block
            block = []
        block.append(row)
    if block:
        yield block


def _joined(blocks: Iterator[list[GridRow]], headers: Collection[int]) -> Iterator[list[GridRow]]:
    """Yield the tables: rows after an empty one continue a table if they have no header row.

    Otherwise the rows of a long list with gaps would lose the names of its columns.
    """
    table: list[GridRow] = []
    named = False
    for block in blocks:
        columns = {column for _, cells in block for column in cells}
        rows = [[cells.get(column, "") for column in sorted(columns)] for _, cells in block]
        has_header = header_rows(rows) > 0 or any(number in headers for number, _ in block[:5])
        if named and not has_header and len(columns) > 1 and _within(columns, table):
            table += block
            continue
        if table:
            yield table
        table, named = block, has_header
    if table:
        yield table


def _within(columns: set[int], table: list[GridRow]) -> bool:
    return columns <= {column for _, cells in table[:20] for column in cells}
