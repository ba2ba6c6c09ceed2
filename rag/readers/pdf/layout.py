"""Puts the words of a page in reading order: rows, columns, lines.

Pure. A page is cut into bands of rows. A band has columns if the same gap runs through all its
rows and the text on both sides of it is prose; a table without ruled lines has short cells and
stays in the order of its rows.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterator, Sequence

from rag.readers.pdf.characters import clean, is_cjk
from rag.readers.pdf.parts import Line, Run

__all__ = ["Row", "columns_of", "rows_of"]

Row = list[Run]

_COLUMN_GAP = 0.8
"""Narrowest space between two columns, in font sizes."""
_COLUMN_ROWS = 4
"""Fewest rows on each side of a gap between columns."""
_PROSE_WIDTH = 16
"""Mean number of letters in the rows of a column; an ideograph counts as two."""
_ONE_SIDED_ROWS = 6
"""How many rows of one column may stand above the first row of the column beside it."""
_MOST_ROWS = 400
"""On a page with more rows no columns are searched, which bounds the time."""
_CELL_GAP = 1.0
"""A gap this wide, in font sizes, separates two cells of a row."""

_SENTENCE_MARKS = ".!?,;-\u2010，。；！？、"
_MARKER = re.compile(r"^(?:[•▪◦●○■□–—*·➢✓‣-]|\(?(?:\d{1,3}(?:\.\d{1,3}){0,4}|[A-Za-z])[.)]?)$")
"""What stands before a list item or a heading, with a gap between."""
_LEADERS = re.compile(r"(?:\s?\.){5,}")
"""Dots between a heading and its page number in a table of contents."""
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufefc]")


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Group the runs that stand side by side, from top to bottom."""
    rows: list[tuple[float, float, Row]] = []
    for run in sorted(runs, key=lambda run: -(run.top + run.bottom)):
        for number in range(len(rows) - 1, max(len(rows) - 4, -1), -1):
            bottom, top, row = rows[number]
            if run.table is not None or row[0].table is not None:
                continue  # a table has a row of its own, or what stands beside it would be lost
            overlap = min(top, run.top) - max(bottom, run.bottom)
            if overlap >= 0.5 * min(top - bottom, run.top - run.bottom):
                row.append(run)
                break
        else:
            rows.append((run.bottom, run.top, [run]))
    return [_in_order(row) for _, _, row in rows]


def columns_of(rows: Sequence[Row]) -> Iterator[list[Line]]:
    """Yield the lines of each column, in reading order."""
    for band, gaps in _bands(rows):
        if not gaps:
            yield [_line(row) for row in band]
            continue
        edges = [float("-inf"), *((left + right) / 2 for left, right in gaps), float("inf")]
        for left, right in itertools.pairwise(edges):
            runs = [run for row in band for run in row if left <= run.left < right]
            if runs:
                yield [_line(row) for row in rows_of(runs)]


def _bands(rows: Sequence[Row]) -> Iterator[tuple[list[Row], list[tuple[float, float]]]]:
    """Yield bands of rows, each with the gaps between its columns; plain rows are joined."""
    plain: list[Row] = []
    at = 0
    sizes = [run.size for row in rows for run in row]
    narrowest = _COLUMN_GAP * statistics.median(sizes) if sizes else 0.0
    while at < len(rows):
        end, gaps = _longest_band(rows, at, narrowest)
        if gaps:
            if plain:
                yield plain, []
            yield list(rows[at:end]), gaps
            plain, at = [], end
        else:
            plain.append(rows[at])
            at += 1
    if plain:
        yield plain, []


def _longest_band(
    rows: Sequence[Row], at: int, narrowest: float
) -> tuple[int, list[tuple[float, float]]]:
    """Return the end of the band of columns that begins at `rows[at]`, and its gaps."""
    if len(rows) > _MOST_ROWS:
        return at + 1, []
    free = [(float("-inf"), float("inf"))]
    gaps = list[tuple[float, float]]()
    end = at
    for row in rows[at:]:
        cut = _intersect(free, _free(row), narrowest)
        inner = [gap for gap in cut if gap[0] > float("-inf") and gap[1] < float("inf")]
        if not inner and (gaps or end - at >= _ONE_SIDED_ROWS):
            break
        free, gaps, end = cut, inner, end + 1
    return end, _prose_gaps(rows[at:end], gaps)


def _free(row: Row) -> list[tuple[float, float]]:
    """Return the intervals of x that no run of a row covers."""
    gaps, at = [], float("-inf")
    for run in sorted(row, key=lambda run: run.left):
        if run.left > at:
            gaps.append((at, run.left))
        at = max(at, run.right)
    return [*gaps, (at, float("inf"))]


def _intersect(
    first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]], width: float
) -> list[tuple[float, float]]:
    """Return the parts that two lists of intervals have in common and that are wide enough."""
    return [
        (max(a[0], b[0]), min(a[1], b[1]))
        for a in first
        for b in second
        if min(a[1], b[1]) - max(a[0], b[0]) >= width
    ]


def _prose_gaps(rows: Sequence[Row], gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the gaps if they separate columns of prose, else nothing."""
    if not gaps or len(rows) < _COLUMN_ROWS:
        return []
    edges = [float("-inf"), *((left + right) / 2 for left, right in gaps), float("inf")]
    for left, right in itertools.pairwise(edges):
        parts = [
            [run for run in row if left <= run.left < right and run.table is None] for row in rows
        ]
        if not _is_prose([part for part in parts if part]):
            return []
    return gaps


def _is_prose(rows: Sequence[Row]) -> bool:
    """Whether the rows of a column are lines of running text, rather than cells or labels."""
    texts = [" ".join(run.text for run in row) for row in rows]
    letters = [sum(2 if is_cjk(c) else 1 for c in text) for text in texts]
    if len(texts) < _COLUMN_ROWS or statistics.fmean(letters) < _PROSE_WIDTH:
        return False
    # Sentences go on in the next line, or end; labels do neither. An index has leaders.
    flowing = sum(
        text[0].islower() or text[-1] in _SENTENCE_MARKS or _LEADERS.search(text) is not None
        for text in texts
        if text
    )
    if flowing >= 0.3 * len(texts):
        return True
    # Scripts without capital letters: lines of running text are full.
    if sum(text[:1].isalpha() and text[0].lower() == text[0].upper() for text in texts) * 2 < len(
        texts
    ):
        return False
    widths = [row[-1].right - row[0].left for row in rows]
    return sum(width > 0.85 * max(widths) for width in widths) * 2 >= len(widths)


def _in_order(row: Row) -> Row:
    letters = "".join(run.text for run in row)
    rightwards = len(_RIGHT_TO_LEFT.findall(letters)) * 2 <= len(letters)
    return sorted(row, key=lambda run: run.left if rightwards else -run.right)


def _is_copy(run: Run, previous: Run) -> bool:
    """Whether a run was drawn twice at one place, which makes it look bold."""
    return run.text == previous.text and abs(run.left - previous.left) < 0.2 * run.size


def _widest_space(row: Row) -> float:
    """Return how wide a space within a cell may be, in font sizes: wider in a justified line."""
    words = [word for run in row for word in run.words]
    size = max(row[0].size, 0.1)
    gaps = [(b[1] - a[2]) / size for a, b in itertools.pairwise(words) if b[1] > a[2]]
    if len(gaps) < 3:
        return _CELL_GAP
    return max(_CELL_GAP, min(1.8 * statistics.median(gaps), 2 * _CELL_GAP))


def _line(row: Row) -> Line:
    """Join the runs of a row."""
    first = row[0]
    cells: list[list[str]] = []
    starts: list[float] = []
    ends: list[float] = []
    widest_space = _widest_space(row)
    previous: Run | None = None
    for run in row:
        if previous is not None and _is_copy(run, previous):
            continue
        if previous is None:
            gap = float("inf")
        else:
            gap = max(run.left - previous.right, previous.left - run.right)
        size = max(run.size, previous.size if previous else 0.0)
        if gap >= widest_space * size:
            cells.append([run.text])
            starts.append(run.left)
            ends.append(run.right)
        else:
            ends[-1] = run.right
            cells[-1].append((" " if gap > 0.15 * size else "") + run.text)
        previous = run
    texts = tuple(clean("".join(cell)) for cell in cells)
    if len(texts) == 2 and _MARKER.match(texts[0]):
        texts, starts = (f"{texts[0]} {texts[1]}",), starts[:1]
        ends = ends[1:]
    widest = max(row, key=lambda run: len(run.text))
    texts = tuple(_LEADERS.sub(" …", text) for text in texts)
    return Line(
        text=" ".join(text for text in texts if text),
        left=min(run.left for run in row),
        right=max(run.right for run in row),
        bottom=widest.bottom,
        size=widest.size,
        bold=all(run.bold for run in row),
        cells=texts,
        starts=tuple(starts),
        ends=tuple(ends),
        table=first.table,
        form=any(run.form for run in row),
    )
