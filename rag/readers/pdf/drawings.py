"""Looks at what is drawn on a page: ruled lines, pictures, and text that PDFium leaves out.

Calls PDFium; the caller holds `rag.readers.pdf.page.LOCK`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.readers.pdf.parts import Rule
from rag.readers.pdf.turn import Turn

__all__ = ["Drawings", "look_at_drawings"]

_MOST_OBJECTS = 20_000
"""On a page with more drawn objects (a map, a plan) none of the lines is taken for a table's."""
_MOST_SEGMENTS = 2_000
"""A path with more pieces than this is a drawing."""


@dataclass(slots=True)
class Drawings:
    """What is drawn on a page.

    Attributes:
        count: Number of all objects, texts included.
        largest_picture: Area of the largest picture, in square points.
        lost_texts: Number of pieces of text that PDFium does not give out.
        rules: Horizontal and vertical lines, as a reader sees them.
    """

    count: int = 0
    largest_picture: float = 0.0
    lost_texts: int = 0
    rules: list[Rule] = field(default_factory=list)


def look_at_drawings(page: pdfium.PdfPage, turn: Turn) -> Drawings:
    """Look at the objects of a page; the caller holds `rag.readers.pdf.page.LOCK`."""
    count = raw.FPDFPage_CountObjects(page)
    found = Drawings(count)
    edges = [ctypes.c_float() for _ in range(4)]
    bounds = [ctypes.byref(edge) for edge in edges]
    for index in range(min(count, _MOST_OBJECTS)):
        item = raw.FPDFPage_GetObject(page, index)
        kind = raw.FPDFPageObj_GetType(item)
        if kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM):
            if not raw.FPDFPageObj_GetBounds(item, *bounds):
                continue
            left, bottom, right, top = (edge.value for edge in edges)
            if kind == raw.FPDF_PAGEOBJ_IMAGE or _holds_picture(item):
                area = (right - left) * (top - bottom)
                found.largest_picture = max(found.largest_picture, area)
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            if count <= _MOST_OBJECTS:
                found.rules.extend(turn.rule(*rule) for rule in _path_rules(item))
        elif kind == raw.FPDF_PAGEOBJ_TEXT:
            found.lost_texts += _is_lost(item, edges, bounds)
    return found


def _is_lost(text: Any, edges: Sequence[ctypes.c_float], bounds: Sequence[Any]) -> bool:
    """Whether PDFium leaves out a piece of text because it does not know its width.

    That happens to a single character, or a vertical line, in a font that neither the file nor
    the machine has.
    """
    if not raw.FPDFPageObj_GetBounds(text, *bounds) or edges[0].value != edges[2].value:
        return False
    return not raw.FPDFFont_GetIsEmbedded(raw.FPDFTextObj_GetFont(text))


def _holds_picture(form: Any) -> bool:
    inner = raw.FPDFFormObj_CountObjects(form)
    return any(
        raw.FPDFPageObj_GetType(raw.FPDFFormObj_GetObject(form, index)) == raw.FPDF_PAGEOBJ_IMAGE
        for index in range(min(inner, 100))
    )


def _path_rules(path: Any) -> Iterator[Rule]:
    """Yield the horizontal and vertical lines of a path: strokes, and filled thin rectangles."""
    count = raw.FPDFPath_CountSegments(path)
    if not 2 <= count <= _MOST_SEGMENTS:
        return
    matrix, x, y = raw.FS_MATRIX(), ctypes.c_float(), ctypes.c_float()
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(path, fill, stroke)
    if not raw.FPDFPageObj_GetMatrix(path, matrix):
        return
    points: list[tuple[float, float]] = []
    lines: list[Rule] = []
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_BEZIERTO:
            return
        if kind == raw.FPDF_SEGMENT_MOVETO:
            points = [point]
            continue
        lines.append(_line(points[-1] if points else point, point))
        points.append(point)
        if raw.FPDFPathSegment_GetClose(segment):
            lines.append(_line(point, points[0]))
    if not stroke.value and fill.value:
        lines = _thin(lines)
    for line in lines:
        width, height = line.right - line.left, line.top - line.bottom
        if min(width, height) < 1.0 and max(width, height) >= 4.0:
            yield line


def _line(a: tuple[float, float], b: tuple[float, float]) -> Rule:
    return Rule(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))


def _thin(lines: list[Rule]) -> list[Rule]:
    """Return the middle line of each filled rectangle (four lines) that is thin enough."""
    middle = []
    for at in range(0, len(lines) - 3, 4):
        four = lines[at : at + 4]
        left, right = min(r.left for r in four), max(r.right for r in four)
        bottom, top = min(r.bottom for r in four), max(r.top for r in four)
        if right - left <= 3:
            middle.append(Rule((left + right) / 2, bottom, (left + right) / 2, top))
        elif top - bottom <= 3:
            middle.append(Rule(left, (bottom + top) / 2, right, (bottom + top) / 2))
    return middle
