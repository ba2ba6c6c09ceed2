"""Finds tables with ruled lines, and their cells.

Pure. A table is a grid of horizontal and vertical lines that touch, with at least two rows and two
columns. Text without ruled lines stays in the order of its rows, because its columns are a guess.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from rag.readers.pdf.characters import Vocabulary, clean, join_lines
from rag.readers.pdf.parts import Rule, Run, TableRows

__all__ = ["extract_tables", "header_rows_of", "merge_tables"]

_NEAR = 3.0
"""Lines closer than this, in points, are one line."""
_MOST_RULES = 1_000
"""More lines than this on a page are a drawing."""
_LONGEST_CELL = 400
"""Mean length of the filled cells, in characters; above it the lines only frame running text."""
_NUMBER = re.compile(r"\d")
_YEAR = re.compile(r"^(?:19|20)\d\d$")


def extract_tables(runs: Sequence[Run], rules: Sequence[Rule]) -> list[Run]:
    """Replace the words inside ruled tables by the tables.

    Args:
        runs: The text of a page.
        rules: Its ruled lines.

    Returns:
        The runs outside of tables, and one run for each table, where the table begins.
    """
    left_over = list(runs)
    for grid in _grids(rules):
        inside = [run for run in left_over if grid.holds(run)]
        table = grid.table(inside)
        if table is None:
            continue
        left_over = [run for run in left_over if not grid.holds(run)]
        size = inside[0].size
        left_over.append(
            Run(
                words=[],
                bottom=grid.top - size,
                top=grid.top,
                size=size,
                table=table,
                left=grid.xs[0],
                right=grid.xs[-1],
            )
        )
    return left_over


def merge_tables(above: TableRows, below: TableRows) -> bool:
    """Append `below` to `above` if it goes on with it on the next page; say if it does.

    It does if the columns are in the same places. A header that the new page repeats is left out.
    """
    if len(above.edges) != len(below.edges) or any(
        abs(a - b) > 2 * _NEAR for a, b in zip(above.edges, below.edges, strict=True)
    ):
        return False
    header = above.rows[: above.header_rows]
    rows = below.rows
    if header and rows[: len(header)] == header:
        rows = rows[len(header) :]
    elif below.header_rows and below.rows[0] != above.rows[0] and _unlike(above, below):
        return False
    if rows:
        above.page_rows.append((len(above.rows), below.page))
    above.rows.extend(rows)
    return True


def _unlike(above: TableRows, below: TableRows) -> bool:
    """Whether the first row of `below` names other columns, rather than holding data."""
    return bool(above.header_rows) and any(
        _NUMBER.search(cell) for row in below.rows[1:] for cell in row
    )


class _Grid:
    """The lines of one table: positions of columns and rows, and which edges are drawn."""

    def __init__(self, across: Sequence[Rule], down: Sequence[Rule]) -> None:
        # A table may be open at its sides: the ends of the lines are its edges, too.
        sides = [min(r.left for r in across), max(r.right for r in across)] if across else []
        ends = [min(r.bottom for r in down), max(r.top for r in down)] if down else []
        self.xs = _positions([*sides, *(rule.left for rule in down)])
        self.ys = _positions([*ends, *(rule.bottom for rule in across)])
        self.top = self.ys[-1] if self.ys else 0.0
        self._across, self._down = across, down

    @property
    def regular(self) -> bool:
        """Whether it has two columns and two rows at least."""
        drawn = bool(self._across) and bool(self._down)
        return drawn and len(self.xs) >= 3 and len(self.ys) >= 3

    def holds(self, run: Run) -> bool:
        """Whether a run is inside."""
        x, y = (run.left + run.right) / 2, (run.bottom + run.top) / 2
        return self.xs[0] <= x <= self.xs[-1] and self.ys[0] <= y <= self.ys[-1]

    def table(self, runs: Sequence[Run]) -> TableRows | None:
        """Return the table of the words inside; None if they are running text in a frame."""
        columns, count = len(self.xs) - 1, len(self.ys) - 1
        owner = self._owners(columns, count)
        cells: dict[tuple[int, int], list[Run]] = {}
        for run in runs:
            row = _slot(self.ys, (run.bottom + run.top) / 2)
            for column, words in itertools.groupby(
                run.words, key=lambda word: _slot(self.xs, (word[1] + word[2]) / 2)
            ):
                piece = Run(list(words), run.bottom, run.top, run.size, run.bold)
                cells.setdefault(owner[row, column], []).append(piece)
        rows = [
            [_cell_text(cells.get((row, column), [])) for column in range(columns)]
            for row in range(count - 1, -1, -1)
        ]
        filled = [cell for row in rows for cell in row if cell]
        if len(filled) < 2 or sum(map(len, filled)) > _LONGEST_CELL * len(filled):
            return None
        rows = [row for row in rows if any(row)]
        if len(rows) < 2:
            return None
        bold = [
            all(run.bold for column in range(columns) for run in cells.get((row, column), []))
            for row in range(count - 1, -1, -1)
            if any(cells.get((row, column)) for column in range(columns))
        ]
        merged = len({owner[count - 1, column] for column in range(columns)}) < columns
        header = header_rows_of(rows, merged=merged)
        if not header and bold[:1] == [True] and not all(bold):
            header = 1
        return TableRows(rows, header, tuple(self.xs[:-1]))

    def _owners(self, columns: int, count: int) -> dict[tuple[int, int], tuple[int, int]]:
        """Return for each place (row from below, column) the first place of its merged cell."""
        owner: dict[tuple[int, int], tuple[int, int]] = {}
        for row in range(count - 1, -1, -1):
            middle = (self.ys[row] + self.ys[row + 1]) / 2
            for column in range(columns):
                x = (self.xs[column] + self.xs[column + 1]) / 2
                place = (row, column)
                owner[place] = place
                if column and not self._drawn_down(self.xs[column], middle):
                    owner[place] = owner[row, column - 1]
                elif row < count - 1 and not self._drawn_across(self.ys[row + 1], x):
                    owner[place] = owner[row + 1, column]
        return owner

    def _drawn_down(self, x: float, y: float) -> bool:
        return any(
            abs(rule.left - x) <= _NEAR and rule.bottom - _NEAR <= y <= rule.top + _NEAR
            for rule in self._down
        )

    def _drawn_across(self, y: float, x: float) -> bool:
        return any(
            abs(rule.bottom - y) <= _NEAR and rule.left - _NEAR <= x <= rule.right + _NEAR
            for rule in self._across
        )


def _grids(rules: Sequence[Rule]) -> list[_Grid]:
    """Return the grids: groups of lines that touch, from top to bottom."""
    unique = _merged(rules)
    if not 3 <= len(unique) <= _MOST_RULES:
        return []
    groups: list[tuple[Rule, list[Rule]]] = []
    for rule in unique:
        box, members, others = rule, [rule], []
        for other_box, other in groups:
            if _touch(box, other_box) and any(_touch(a, b) for a in members for b in other):
                box = _union(box, other_box)
                members.extend(other)
            else:
                others.append((other_box, other))
        groups = [*others, (box, members)]
    grids = []
    for _, members in groups:
        across = [rule for rule in members if _is_across(rule)]
        grid = _Grid(across, [rule for rule in members if not _is_across(rule)])
        if grid.regular:
            grids.append(grid)
    return sorted(grids, key=lambda grid: -grid.top)


def _is_across(rule: Rule) -> bool:
    return rule.right - rule.left > rule.top - rule.bottom


def _merged(rules: Sequence[Rule]) -> list[Rule]:
    """Join the pieces of lines that go on in each other, as the borders of cells do."""
    merged: list[Rule] = []
    across = sorted(
        {rule for rule in rules if _is_across(rule)}, key=lambda r: (round(r.bottom), r.left)
    )
    down = sorted(
        {rule for rule in rules if not _is_across(rule)}, key=lambda r: (round(r.left), r.bottom)
    )
    for rule in [*across, *down]:
        last = merged[-1] if merged else None
        if last is not None and _is_across(last) == _is_across(rule) and _goes_on(last, rule):
            merged[-1] = _union(last, rule)
        else:
            merged.append(rule)
    return merged


def _goes_on(a: Rule, b: Rule) -> bool:
    """Whether `b` is on the same line as `a` and touches it."""
    if _is_across(a):
        return abs(a.bottom - b.bottom) <= 1 and b.left - a.right <= _NEAR
    return abs(a.left - b.left) <= 1 and b.bottom - a.top <= _NEAR


def _touch(a: Rule, b: Rule) -> bool:
    return (
        a.left - _NEAR <= b.right
        and b.left - _NEAR <= a.right
        and a.bottom - _NEAR <= b.top
        and b.bottom - _NEAR <= a.top
    )


def _union(a: Rule, b: Rule) -> Rule:
    return Rule(
        min(a.left, b.left), min(a.bottom, b.bottom), max(a.right, b.right), max(a.top, b.top)
    )


def _positions(values: Sequence[float]) -> list[float]:
    """Return the distinct positions; those that are near each other count once."""
    positions: list[float] = []
    for value in sorted(values):
        if not positions or value - positions[-1] > _NEAR:
            positions.append(value)
    return positions


def _slot(edges: Sequence[float], value: float) -> int:
    """Return between which two edges a value is."""
    number = sum(1 for edge in edges[1:-1] if edge <= value)
    return max(0, min(number, len(edges) - 2))


def _cell_text(runs: Sequence[Run]) -> str:
    """Return the text of a cell, its lines joined."""
    lines: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: -run.bottom):
        if lines and abs(lines[-1][0].bottom - run.bottom) < 0.5 * run.size:
            lines[-1].append(run)
        else:
            lines.append([run])
    texts = [clean(" ".join(r.text for r in sorted(line, key=lambda r: r.left))) for line in lines]
    return join_lines([text for text in texts if text], Vocabulary())[0]


def header_rows_of(rows: Sequence[Sequence[str]], *, merged: bool = False) -> int:
    """Return how many of the first rows name columns: their cells are filled and not numbers.

    Args:
        rows: The cells.
        merged: Whether the first row has a cell over several columns; the second row belongs to
            the header then.
    """
    if len(rows) < 2 or _has_numbers(rows[0]):
        return 0
    if merged:
        return 2 if len(rows) > 2 and not _has_numbers(rows[1]) else 1
    return int(all(rows[0][1:]))


def _has_numbers(row: Sequence[str]) -> bool:
    return any(_NUMBER.search(cell) and not _YEAR.match(cell) for cell in row)
