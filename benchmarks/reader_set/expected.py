"""The type of a document in the set: the file, and its right content."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Expected", "Row", "rows_of"]

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A document and what a reader should make of it.

    Attributes:
        name: The file's name; its suffix is the format.
        data: The file.
        facts: Texts that the document says, each once.
        junk: Texts that are not content: menus, hidden text, deleted text, running headers.
        headings: Headings, as headings.
        rows: Pairs of the column names and one row of a table, cell by cell.
    """

    name: str
    data: bytes
    facts: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[Row, Row], ...] = ()


def rows_of(names: Row, *rows: Row) -> tuple[tuple[Row, Row], ...]:
    """Return the rows of a table for `Expected.rows`, each with the column names.

    Args:
        names: The column names.
        rows: The rows that a reader must find; other rows of the table may be left out.
    """
    return tuple((names, row) for row in rows)
