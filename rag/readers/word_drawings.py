"""Reads what is drawn in a Word document: text boxes, pictures, charts, SmartArt, objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rag.readers.archive import Archive, Relationship
from rag.readers.ooxml import (
    MC,
    R,
    W,
    alternative,
    alternative_text,
    chart_rows,
    diagram_lines,
    elements,
)
from rag.readers.word_text import Item, Story

__all__ = ["Drawings"]

_NAMES = {
    "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr": "properties",
    "{http://schemas.openxmlformats.org/drawingml/2006/picture}pic": "picture",
    "{http://schemas.openxmlformats.org/drawingml/2006/picture}cNvPr": "properties",
    "{http://schemas.microsoft.com/office/word/2010/wordprocessingShape}cNvPr": "properties",
    "{urn:schemas-microsoft-com:vml}imagedata": "picture",
    "{urn:schemas-microsoft-com:vml}shape": "shape",
    "{urn:schemas-microsoft-com:vml}textpath": "textpath",
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart": "chart",
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds": "diagram",
    "{urn:schemas-microsoft-com:office:office}OLEObject": "object",
    f"{MC}AlternateContent": "alternatives",
    f"{W}txbxContent": "text",
}


@dataclass(kw_only=True)
class Drawings:
    """The drawings of one part.

    Attributes:
        archive: The document.
        relationships: Of the part that the drawings are in.
        lost: Takes a sentence about each part that is not read.
        undescribed: Called for each picture without a description.
    """

    archive: Archive
    relationships: Mapping[str, Relationship]
    lost: Callable[[str], None]
    undescribed: Callable[[], None]

    def items(self, element: Any, story: Story) -> list[Item]:
        """Return the text of a drawing; a picture gives its description."""
        found: list[Item] = []
        described: list[str] = []
        pictures = self._walk(element, story, found, described)
        unique = list(dict.fromkeys(text for text in described if text))
        if pictures and not unique:
            self.undescribed()
        return [*(Item(kind="paragraph", text=text) for text in unique), *found]

    def _walk(self, element: Any, story: Story, found: list[Item], described: list[str]) -> int:
        """Collect the items below an element and return the number of pictures."""
        pictures = 0
        for child in elements(element):
            name = _NAMES.get(child.tag)
            if name == "text":
                found += story.items(child)
                continue
            if name == "alternatives":
                branch = alternative(child)
                if branch is not None:
                    pictures += self._walk(branch, story, found, described)
                continue
            if name == "properties":
                described.append(alternative_text(child))
            elif name == "shape" and child.get("alt"):
                described.append(" ".join(child.get("alt").split()))
            elif name == "picture":
                pictures += 1
            elif name == "textpath" and child.get("string"):
                found.append(Item(kind="paragraph", text=child.get("string")))
            elif name == "chart":
                found += self._chart(child.get(f"{R}id", ""))
            elif name == "diagram":
                found += self._diagram(child.get(f"{R}dm", ""))
            elif name == "object":
                program = child.get("ProgID") or "another program"
                self.lost(f"An embedded object ({program}) is not read.")
            pictures += self._walk(child, story, found, described)
        return pictures

    def _part(self, relationship_id: str) -> Any:
        relationship = self.relationships.get(relationship_id)
        if relationship is None or relationship.external:
            return None
        if not self.archive.first_time(relationship.target):
            return None
        return self.archive.xml(relationship.target)

    def _chart(self, relationship_id: str) -> list[Item]:
        root = self._part(relationship_id)
        if root is None:
            return []
        title, rows = chart_rows(root)
        items = [Item(kind="paragraph", text=title)] if title else []
        return [*items, Item(kind="table", rows=rows, header_rows=1)] if rows else items

    def _diagram(self, relationship_id: str) -> list[Item]:
        root = self._part(relationship_id)
        lines = [] if root is None else diagram_lines(root)
        return [Item(kind="paragraph", text="\n".join(lines))] if lines else []
