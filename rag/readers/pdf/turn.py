"""Turns the coordinates of a PDF into those of a reader.

Pure. A page may be rotated, and text on it may run in any of four directions, or downwards.
"""

from __future__ import annotations

from rag.readers.pdf.parts import Rule

__all__ = ["Turn"]


class Turn:
    """Turns coordinates of the file into those of a reader, for one direction of text.

    Args:
        box: The page's visible box, in the file's coordinates.
        quarter: Quarter turns, counter-clockwise, of the text in the file's coordinates.
        vertical: For columns of Chinese or Japanese characters, top to bottom, right to left.
    """

    def __init__(self, box: Rule, quarter: int, *, vertical: bool = False) -> None:
        self.box = box
        self.quarter = quarter % 4
        self.vertical = vertical
        sides = (box.right - box.left, box.top - box.bottom)
        turned = vertical or self.quarter % 2
        self.width, self.height = (sides[1], sides[0]) if turned else sides

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the file is for the reader."""
        box = self.box
        if self.vertical:
            return box.top - y, x - box.left
        if self.quarter == 0:
            return x - box.left, y - box.bottom
        if self.quarter == 1:
            return y - box.bottom, box.right - x
        if self.quarter == 2:
            return box.right - x, box.top - y
        return box.top - y, x - box.left

    def rule(self, left: float, bottom: float, right: float, top: float) -> Rule:
        """Return where a rectangle of the file is for the reader."""
        (a, b), (c, d) = self.point(left, bottom), self.point(right, top)
        return Rule(min(a, c), min(b, d), max(a, c), max(b, d))
