"""Reads PowerPoint presentations (PPTX, PPTM, PPSX, POTX): each slide is a page.

Owns the order of slides and what of them is text: title, shapes, tables, charts, SmartArt,
descriptions of pictures, notes. Slide numbers and dates are left out, a footer is read once. A
hidden slide is read, and named in a remark. We walk the XML ourselves, because python-pptx reads
neither SmartArt nor formulas and gives up on one damaged slide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.archive import Archive, Relationship
from rag.readers.builder import TextBuilder
from rag.readers.ooxml import (
    MATH,
    MC,
    A,
    P,
    R,
    alternative,
    alternative_text,
    chart_rows,
    core_title,
    diagram_lines,
    elements,
    math_text,
    private_symbols,
)
from rag.readers.options import ReadOptions
from rag.readers.tables import header_rows, without_empty_ends
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_pptx"]

_TITLES = frozenset({"title", "ctrTitle"})
_LEFT_OUT = frozenset({"sldNum", "dt"})
_NUMBER_FIELDS = frozenset({"slidenum"})


def read_pptx(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a presentation.

    Raises:
        ReadError: It is not a PPTX, is encrypted or too large, or has only pictures.
    """
    return _Presentation(Archive(key, data, "PPTX")).document()


class _Presentation:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._builder = TextBuilder()
        self._relationships: Mapping[str, Relationship] = {}
        self._footers: dict[str, None] = {}
        self._hidden: list[str] = []
        self._lost: Counter[str] = Counter()
        self._undescribed = 0
        self._comments = 0
        self._struck = False
        self._title = ""

    def document(self) -> Document:
        archive, builder = self._archive, self._builder
        main = archive.main_part("ppt/presentation.xml")
        root = archive.xml(main)
        if root is None or root.tag != f"{P}presentation":
            reason = archive.damage[0] if archive.damage else "it has no presentation in it"
            raise ReadError(archive.key, f"the PPTX cannot be read: {reason.rstrip('.')}")
        relationships = archive.relationships(main)
        for number, reference in enumerate(root.iterfind(f"{P}sldIdLst/{P}sldId"), start=1):
            builder.page()
            slide = relationships.get(reference.get(f"{R}id", ""))
            if slide is None or slide.external:
                builder.missing(f"Slide {number} is not in the file.")
            elif archive.first_time(slide.target):
                self._slide(number, slide.target)
        if builder.empty:
            raise ReadError(archive.key, self._why_empty())
        if self._footers:
            builder.heading("Footers", 1, shown=False)
            for footer in self._footers:
                builder.paragraph(footer)
        self._report()
        core = "docProps/core.xml"
        title = core_title(archive.xml(core)) if archive.has(core) else ""
        if title.lower() in ("", "powerpoint presentation", "slide 1"):
            title = self._title or stem(archive.key)
        return builder.document(archive.key, title[:TITLE_LENGTH])

    def _why_empty(self) -> str:
        if self._archive.damage:
            return f"the PPTX has no text that can be read: {self._archive.damage[0].rstrip('.')}"
        if self._undescribed:
            return (
                f"the slides have only pictures ({self._undescribed:,}) and no text; run OCR on "
                "it, or describe the pictures in PowerPoint (alternative text)"
            )
        return "the file has no text"

    def _report(self) -> None:
        builder = self._builder
        for sentence in self._archive.damage:
            builder.missing(sentence)
        for sentence, count in self._lost.items():
            builder.missing(sentence if count == 1 else f"{sentence[:-1]} ({count:,} times).")
        if self._hidden:
            builder.remark(
                f"Slides that the presentation hides are read: {', '.join(self._hidden)}."
            )
        if self._struck:
            builder.remark("Struck-out text is left out.")
        if self._comments:
            builder.remark(f"Comments by reviewers are not read: {self._comments:,}.")
        if self._undescribed:
            builder.remark(
                f"Pictures without a description, whose content is not read: {self._undescribed:,}."
            )

    def _slide(self, number: int, name: str) -> None:
        root = self._archive.xml(name)
        self._relationships = self._archive.relationships(name)
        tree = None if root is None else root.find(f"{P}cSld/{P}spTree")
        if tree is None:
            return
        if root.get("show") in ("0", "false"):
            self._hidden.append(str(number))
        title = next((s for s in tree.iter(f"{P}sp") if _placeholder(s) in _TITLES), None)
        heading = "" if title is None else " ".join(" ".join(self._lines(title)).split())
        if heading and len(heading) <= TITLE_LENGTH:
            self._title = self._title or heading
            self._builder.heading(heading, 1)
        else:
            self._builder.heading(f"Slide {number}", 1, shown=False)
            title = None
        self._shapes(tree, title)
        for relationship in self._relationships.values():
            if relationship.kind not in ("notesSlide", "comments") or relationship.external:
                continue
            if not self._archive.first_time(relationship.target):
                continue
            if relationship.kind == "notesSlide":
                self._notes(relationship.target)
            else:
                comments = self._archive.xml(relationship.target)
                self._comments += 0 if comments is None else len(comments)

    def _notes(self, name: str) -> None:
        root = self._archive.xml(name)
        for shape in () if root is None else root.iter(f"{P}sp"):
            if _placeholder(shape) == "body":
                lines = self._lines(shape)
                if any(lines):
                    self._builder.paragraph("\n".join(lines))

    def _shapes(self, container: Any, title: Any) -> None:
        """Add the shapes of a slide or a group, in their order."""
        for shape in elements(container):
            if shape.tag == f"{P}sp" and shape is not title:
                self._shape(shape)
            elif shape.tag == f"{P}grpSp":
                self._shapes(shape, title)
            elif shape.tag == f"{P}pic":
                self._picture(shape, f"{P}nvPicPr/{P}cNvPr")
            elif shape.tag == f"{P}graphicFrame":
                self._frame(shape)
            elif shape.tag == f"{MC}AlternateContent":
                branch = alternative(shape)
                if branch is not None:
                    self._shapes(branch, title)

    def _shape(self, shape: Any) -> None:
        kind = _placeholder(shape)
        if kind in _LEFT_OUT:
            return
        text = "\n".join(self._lines(shape))
        if kind == "ftr":
            if text.strip():
                self._footers[text] = None
        else:
            self._builder.paragraph(text)

    def _picture(self, shape: Any, properties: str) -> None:
        found = shape.find(properties)
        text = "" if found is None else alternative_text(found)
        self._undescribed += not text
        self._builder.paragraph(text)

    def _lines(self, shape: Any) -> list[str]:
        body = shape.find(f"{P}txBody")
        return [] if body is None else self._paragraphs(body)

    def _paragraphs(self, body: Any) -> list[str]:
        """Return a text body's paragraphs, with the numbers of automatic lists."""
        lines, counts = [], [0] * 9
        for paragraph in body.iterchildren(f"{A}p"):
            text = self._inline(paragraph).strip()
            if not text:
                continue
            look = paragraph.find(f"{A}pPr")
            depth = "0" if look is None else look.get("lvl", "0")
            level = int(depth) if depth in set("012345678") else 0
            automatic = None if look is None else look.find(f"{A}buAutoNum")
            counts[level + 1 :] = [0] * (8 - level)
            if automatic is None:
                counts[level] = 0
            else:
                start = automatic.get("startAt", "1")
                first = int(start) if start.isdecimal() and len(start) < 6 else 1
                counts[level] = counts[level] + 1 if counts[level] else first
                text = f"{_numbered(counts[level], automatic.get('type', ''))} {text}"
            lines.append(text)
        return lines

    def _inline(self, node: Any) -> str:
        out = []
        for child in elements(node):
            if child.tag in (f"{A}r", f"{A}fld") and child.get("type") not in _NUMBER_FIELDS:
                out.append(self._run(child))
            elif child.tag == f"{A}br":
                out.append("\n")
            elif child.tag.startswith(MATH):
                out.append(math_text(child))
            elif child.tag == f"{MC}AlternateContent":
                branch = alternative(child)
                out.append("" if branch is None else self._inline(branch))
            elif child.tag.endswith("}m"):  # a14:m wraps a formula
                out.append(self._inline(child))
        return "".join(out).replace("\x0b", "\n")

    def _run(self, run: Any) -> str:
        look = run.find(f"{A}rPr")
        if look is not None and look.get("strike", "noStrike") != "noStrike":
            self._struck = True
            return ""
        text = "".join(part.text or "" for part in run.iterchildren(f"{A}t")).replace("\u00ad", "")
        if not any("\uf020" <= character <= "\uf0ff" for character in text):
            return text
        font = run.find(f"{A}rPr/{A}sym")
        if font is None:
            font = run.find(f"{A}rPr/{A}latin")
        name = "" if font is None else font.get("typeface", "")
        text, unknown = private_symbols(text, name)
        if unknown:
            self._lost[f"Signs of the font {name or 'of symbols'} are not read."] += 1
        return text

    def _frame(self, frame: Any) -> None:
        """Add a table, a chart or a SmartArt graphic."""
        data = frame.find(f"{A}graphic/{A}graphicData")
        for child in () if data is None else elements(data):
            name = child.tag.rsplit("}", 1)[-1]
            if child.tag == f"{A}tbl":
                self._table(child)
            elif name == "chart":
                self._chart(child.get(f"{R}id", ""))
            elif name == "relIds":
                root = self._part(child.get(f"{R}dm", ""))
                self._builder.paragraph("" if root is None else "\n".join(diagram_lines(root)))
            elif name in ("oleObj", "AlternateContent"):
                self._picture(frame, f"{P}nvGraphicFramePr/{P}cNvPr")
                self._lost["An embedded object is not read."] += 1

    def _part(self, relationship_id: str) -> Any:
        relationship = self._relationships.get(relationship_id)
        if relationship is None or relationship.external:
            return None
        if not self._archive.first_time(relationship.target):
            return None
        return self._archive.xml(relationship.target)

    def _chart(self, relationship_id: str) -> None:
        root = self._part(relationship_id)
        if root is not None:
            title, rows = chart_rows(root)
            self._builder.paragraph(title)
            self._builder.table(rows, header_rows=1)

    def _table(self, table: Any) -> None:
        rows = []
        for row in table.iterchildren(f"{A}tr"):
            cells = []
            for cell in row.iterchildren(f"{A}tc"):
                body = cell.find(f"{A}txBody")
                merged = "1" in (cell.get("hMerge"), cell.get("vMerge"))
                cells.append("" if merged or body is None else "\n".join(self._paragraphs(body)))
            rows.append(cells)
        rows = without_empty_ends(rows)
        look = table.find(f"{A}tblPr")
        marked = look is not None and look.get("firstRow") in ("1", "true") and len(rows) > 1
        self._builder.table(rows, header_rows=header_rows(rows) or int(marked))


def _placeholder(shape: Any) -> str:
    """Return the kind of a placeholder: ``title``, ``body``, ``sldNum``; "" for other shapes."""
    found = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return "" if found is None else str(found.get("type", "body"))


def _numbered(number: int, kind: str) -> str:
    """Return a list number such as ``2.``, ``b)``, ``(3)``."""
    sign = str(number)
    if kind.startswith("alpha") and number <= 26:
        sign = chr(ord("a") + number - 1)
        sign = sign.upper() if kind.startswith("alphaUc") else sign
    if kind.endswith("ParenBoth"):
        return f"({sign})"
    return f"{sign})" if kind.endswith("ParenR") else f"{sign}."
