"""Reads Excel workbooks (XLSX, XLSM, XLTX): each sheet is a section with its tables.

Owns what of a sheet is text: stored values as their cells show them, tables separated by empty
rows, text boxes. A formula without a stored result is reported, because we do not calculate. A
hidden sheet is read, and named in a remark. We read the XML ourselves, row by row: openpyxl shows
numbers without their format, cannot tell a formula without a result from an empty cell, and gives
up on a workbook with a damaged style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.archive import Archive
from rag.readers.builder import TextBuilder
from rag.readers.grid import GridRow, add_grid
from rag.readers.number_formats import BUILT_IN_FORMATS, shown_number
from rag.readers.ooxml import A, R, alternative_text, core_title, elements, is_on
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_xlsx"]

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_MAX_CELLS = 1_000_000
"""Most cells of a workbook that are read: about 10 MB of text. Larger sheets are data to query,
not documents to search (assumed)."""
_CELL_LENGTH = 64
"""A longer text counts as several cells: many cells can refer to the same long one."""
_MAX_STRINGS = 64 * 2**20
"""Most characters of the texts that cells refer to."""
_MAX_FORMAT_LENGTH = 255
"""Longest number format, as Excel limits it."""
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""A character that XML cannot hold (ECMA-376 part 1, 22.9.2.19)."""
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def read_xlsx(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a workbook.

    Raises:
        ReadError: It is not an XLSX, or is encrypted or too large.
    """
    return _Workbook(Archive(key, data, "XLSX")).document()


@dataclass(kw_only=True)
class _Sheet:
    name: str
    part: str
    unsolved: list[str] = field(default_factory=list)
    has_hidden: bool = False


class _Workbook:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._builder = TextBuilder()
        main = archive.main_part("xl/workbook.xml")
        self._root = archive.xml(main)
        if self._root is None or self._root.tag != f"{_S}workbook":
            reason = archive.damage[0] if archive.damage else "it has no workbook in it"
            raise ReadError(archive.key, f"the XLSX cannot be read: {reason.rstrip('.')}")
        self._relationships = archive.relationships(main)
        properties = self._root.find(f"{_S}workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._struck = False
        self._with_hidden: list[str] = []
        self._formats = self._read_formats()
        self._strings = self._read_strings()
        self._cells_left = _MAX_CELLS
        self._comments = 0
        self._undescribed = 0

    def document(self) -> Document:
        archive, builder = self._archive, self._builder
        hidden, charts = [], []
        for item in self._root.iterfind(f"{_S}sheets/{_S}sheet"):
            name = item.get("name", "")
            relationship = self._relationships.get(item.get(f"{R}id", ""))
            if relationship is None or relationship.external:
                builder.missing(f"Sheet {name} is not in the file.")
            elif relationship.kind != "worksheet":
                charts.append(name)
            elif archive.first_time(relationship.target):
                if item.get("state") in ("hidden", "veryHidden"):
                    hidden.append(name)
                self._sheet(_Sheet(name=name, part=relationship.target))
        if builder.empty and archive.damage:
            raise ReadError(
                archive.key, f"the XLSX cannot be read: {archive.damage[0].rstrip('.')}"
            )
        for sentence in archive.damage:
            builder.missing(sentence)
        if hidden:
            builder.remark(f"Sheets that the workbook hides are read: {', '.join(hidden)}.")
        if self._with_hidden:
            names = ", ".join(self._with_hidden)
            builder.remark(f"Hidden rows or columns are read, in the sheets: {names}.")
        if charts:
            builder.remark(f"Sheets that are only a chart are not read: {', '.join(charts)}.")
        if self._struck:
            builder.remark("Struck-out text is left out.")
        if self._comments:
            builder.remark(f"Comments on cells are not read: {self._comments:,}.")
        if self._undescribed:
            builder.remark(
                f"Pictures without a description, whose content is not read: {self._undescribed:,}."
            )
        core = "docProps/core.xml"
        title = core_title(archive.xml(core)) if archive.has(core) else ""
        return builder.document(archive.key, title[:TITLE_LENGTH] or stem(archive.key))

    def _sheet(self, sheet: _Sheet) -> None:
        relationships = self._archive.relationships(sheet.part)
        headers: set[int] = set()
        drawings: list[str] = []
        for relationship in relationships.values():
            if relationship.kind not in ("table", "drawing", "comments") or relationship.external:
                continue
            if not self._archive.first_time(relationship.target):
                continue
            if relationship.kind == "table":
                headers.add(self._header_row(relationship.target))
            elif relationship.kind == "drawing":
                drawings += self._drawing(relationship.target)
            elif relationship.kind == "comments":
                self._comments += sum(
                    1 for _ in self._archive.stream_xml(relationship.target, f"{_S}comment")
                )
        started = add_grid(self._builder, sheet.name, self._rows(sheet), headers)
        if drawings and not started:
            self._builder.heading(sheet.name, 1)
        for text in drawings:
            self._builder.paragraph(text)
        if sheet.has_hidden:
            self._with_hidden.append(sheet.name)
        if sheet.unsolved:
            count = len(sheet.unsolved)
            self._builder.missing(
                f"Sheet {sheet.name}: {count:,} {'formula has' if count == 1 else 'formulas have'} "
                f"no stored result (first: {sheet.unsolved[0]}). Open the file in Excel or "
                "LibreOffice and save it."
            )

    def _rows(self, sheet: _Sheet) -> Iterator[GridRow]:
        """Yield the rows that have text."""
        number = 0
        for row in self._archive.stream_xml(sheet.part, f"{_S}col", f"{_S}row"):
            sheet.has_hidden = sheet.has_hidden or row.get("hidden") in ("1", "true")
            if row.tag != f"{_S}row":
                continue
            at = row.get("r", "")
            number = int(at) if at.isdecimal() and len(at) < 8 else number + 1
            if self._cells_left <= 0:
                self._cut(sheet, f"up to row {number - 1:,}")
                return
            cells: dict[int, str] = {}
            column = 0
            for cell in row.iterchildren(f"{_S}c"):
                column = _column(cell.get("r", "")) or column + 1
                text = self._text(cell, sheet)
                if text.strip():
                    cells[column] = text
                    self._cells_left -= 1 + len(text) // _CELL_LENGTH
                if self._cells_left <= 0 and cell.getnext() is not None:
                    self._cut(sheet, f"up to cell {cell.get('r', number)}")
                    break
            if cells:
                yield number, cells

    def _cut(self, sheet: _Sheet, end: str) -> None:
        self._builder.missing(
            f"Sheet {sheet.name} is read {end} only, because a workbook is read up to "
            f"{_MAX_CELLS:,} cells. Split it into several files."
        )

    def _text(self, cell: Any, sheet: _Sheet) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find(f"{_S}is")
            return "" if inline is None else self._string(inline)
        found = cell.find(f"{_S}v")
        value = "" if found is None else found.text or ""
        if not value:
            if kind != "str" and cell.find(f"{_S}f") is not None:
                sheet.unsolved.append(cell.get("r", "?"))
            return ""
        if kind == "s":
            return self._strings[int(value)] if _is_index(value, self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n":
            style = cell.get("s", "0")
            code = self._formats[int(style)] if _is_index(style, self._formats) else ""
            return shown_number(value, code, from_1904=self._from_1904)
        return value.removesuffix("T00:00:00") if kind == "d" else value

    def _string(self, item: Any) -> str:
        """Return a string without struck-out text and without pronunciations (``rPh``)."""
        out = []
        for child in elements(item):
            text = child if child.tag == f"{_S}t" else child.find(f"{_S}t")
            if text is None or child.tag not in (f"{_S}t", f"{_S}r"):
                continue
            if is_on(child.find(f"{_S}rPr/{_S}strike")):
                self._struck = True
            else:
                out.append(text.text or "")
        return _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), "".join(out))

    def _related(self, kind: str) -> str:
        return next((r.target for r in self._relationships.values() if r.kind == kind), "")

    def _read_strings(self) -> list[str]:
        part = self._related("sharedStrings")
        strings: list[str] = []
        length = 0
        for item in self._archive.stream_xml(part, f"{_S}si") if part else ():
            strings.append(self._string(item))
            length += len(strings[-1])
            if length > _MAX_STRINGS:
                self._builder.missing(
                    f"Texts after the first {_MAX_STRINGS:,} characters are not read. Split the "
                    "workbook into several files."
                )
                break
        return strings

    def _read_formats(self) -> list[str]:
        """Return the format code of each cell style."""
        part = self._related("styles")
        root = self._archive.xml(part) if part else None
        if root is None:
            return []
        codes = {str(number): code for number, code in BUILT_IN_FORMATS.items()}
        for item in root.iterfind(f"{_S}numFmts/{_S}numFmt"):
            codes[item.get("numFmtId", "")] = item.get("formatCode", "")
        styles = root.iterfind(f"{_S}cellXfs/{_S}xf")
        found = (codes.get(style.get("numFmtId", "0"), "") for style in styles)
        return [code[:_MAX_FORMAT_LENGTH] for code in found]

    def _header_row(self, part: str) -> int:
        """Return the number of the row that names the columns of a table; 0 without any."""
        root = self._archive.xml(part)
        if root is None or root.get("headerRowCount") == "0":
            return 0
        match = _REFERENCE.match(root.get("ref", ""))
        return int(match.group(2)) if match else 0

    def _drawing(self, part: str) -> list[str]:
        """Return the texts of boxes, and the descriptions of pictures."""
        root = self._archive.xml(part)
        texts = []
        for body in () if root is None else root.iter(f"{_DRAWING}txBody"):
            lines = ("".join(t.text or "" for t in p.iter(f"{A}t")) for p in body.iter(f"{A}p"))
            texts.append("\n".join(line for line in lines if line.strip()))
        for picture in () if root is None else root.iter(f"{_DRAWING}pic"):
            properties = picture.find(f"{_DRAWING}nvPicPr/{_DRAWING}cNvPr")
            text = "" if properties is None else alternative_text(properties)
            self._undescribed += not text
            texts.append(text)
        return [text for text in texts if text]


def _is_index(text: str, items: list[str]) -> bool:
    return text.isdecimal() and len(text) < 10 and int(text) < len(items)


def _column(reference: str) -> int:
    """Return the column of a reference such as ``AB12``, from 1 on; 0 if it is not one."""
    match = _REFERENCE.fullmatch(reference)
    number = 0
    for letter in match.group(1) if match else "":
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
