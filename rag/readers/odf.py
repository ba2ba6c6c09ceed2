"""Reads OpenDocument files: ODT, ODS, ODP and their templates.

Owns what of the markup (OASIS OpenDocument 1.3) is text. Deletions that were tracked, comments,
page numbers and tables of contents are left out. Each slide of an ODP is a page, each sheet of an
ODS a section.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.archive import Archive
from rag.readers.builder import TextBuilder
from rag.readers.grid import GridRow, add_grid
from rag.readers.ooxml import elements
from rag.readers.options import ReadOptions
from rag.readers.tables import header_rows, nested_table, without_empty_ends
from rag.readers.text import TITLE_LENGTH, stem

__all__ = ["read_odf"]

_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE, _TEXT = f"{_NAMES}office:1.0}}", f"{_NAMES}text:1.0}}"
_TABLE, _DRAW = f"{_NAMES}table:1.0}}", f"{_NAMES}drawing:1.0}}"
_STYLE, _SVG = f"{_NAMES}style:1.0}}", f"{_NAMES}svg-compatible:1.0}}"
_PRESENTATION = f"{_NAMES}presentation:1.0}}"
_GONE = frozenset(
    {f"{_OFFICE}annotation", f"{_OFFICE}annotation-end", f"{_OFFICE}forms"}
    | {f"{_TEXT}{name}" for name in ("tracked-changes", "table-of-content", "page-number")}
    | {f"{_TEXT}{name}" for name in ("page-count", "hidden-text", "sequence-decls", "note")}
    | {f"{_TEXT}{name}" for name in ("page-continuation", "variable-decls", "user-field-decls")}
)
_SIGNS = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_MAX_REPEATS = 1000
"""Times that one cell or row with text is repeated; sheets repeat empty ones a million times."""

_MAX_CELLS = 1_000_000
"""Most cells of a file that are read, repeated ones included."""
_CELL_LENGTH = 64
"""A longer text counts as several cells, because it can be repeated."""


def read_odf(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read an OpenDocument file.

    Raises:
        ReadError: It is not one, or is encrypted or too large.
    """
    archive = Archive(key, data, "OpenDocument file")
    manifest = "META-INF/manifest.xml"
    root = archive.xml(manifest) if archive.has(manifest) else None
    if root is not None and next(root.iter("{*}encryption-data"), None) is not None:
        raise ReadError(key, "the file is encrypted; save it without a password")
    if not archive.has("content.xml"):
        raise ReadError(key, "the file is a ZIP archive, but not an OpenDocument file")
    content = archive.xml("content.xml")
    body = None if content is None else content.find(f"{_OFFICE}body")
    if body is None:
        reason = archive.damage[0] if archive.damage else "it has no body"
        raise ReadError(key, f"the OpenDocument file cannot be read: {reason.rstrip('.')}")
    reader = _Reader(builder=TextBuilder(), cells_left=_MAX_CELLS)
    for part in elements(body):
        reader.body(part)
    builder = reader.builder
    styles = archive.xml("styles.xml") if archive.has("styles.xml") else None
    if styles is not None:
        reader.headers_and_footers(styles)
    for sentence in archive.damage:
        builder.missing(sentence)
    if comments := sum(1 for _ in body.iter(f"{_OFFICE}annotation")):
        builder.remark(f"Comments by reviewers are not read: {comments:,}.")
    if reader.cells_left <= 0:
        builder.missing(f"Only the first {_MAX_CELLS:,} cells are read. Split the file.")
    if reader.objects:
        builder.missing(f"Embedded objects are not read: {reader.objects:,}.")
    if reader.pictures:
        if builder.empty:
            raise ReadError(key, f"the file has only pictures ({reader.pictures:,}); run OCR on it")
        builder.remark(
            f"Pictures without a description, whose content is not read: {reader.pictures:,}."
        )
    meta = archive.xml("meta.xml") if archive.has("meta.xml") else None
    found = None if meta is None else meta.find(".//{http://purl.org/dc/elements/1.1/}title")
    title = " ".join(((found is not None and found.text) or reader.title or stem(key)).split())
    return builder.document(key, title[:TITLE_LENGTH] or stem(key))


@dataclass(kw_only=True)
class _Reader:
    builder: TextBuilder
    title: str = ""
    pictures: int = 0
    objects: int = 0
    cells_left: int = 0
    _after: list[Any] = field(default_factory=list)

    def body(self, part: Any) -> None:
        """Add the body of a text, a workbook or a presentation."""
        if part.tag == f"{_OFFICE}spreadsheet":
            for table in part.iterchildren(f"{_TABLE}table"):
                add_grid(self.builder, table.get(f"{_TABLE}name", ""), self._grid(table))
        elif part.tag == f"{_OFFICE}presentation":
            for number, page in enumerate(part.iterchildren(f"{_DRAW}page"), start=1):
                self.builder.page()
                self._page(page, number)
        else:
            self._blocks(part)

    def headers_and_footers(self, styles: Any) -> None:
        """Add the paragraphs of headers and footers, each once."""
        texts: dict[str, None] = {}
        for master in styles.iter(f"{_STYLE}master-page"):
            for area in elements(master):
                if area.tag in (f"{_STYLE}header", f"{_STYLE}footer"):
                    for paragraph in area.iter(f"{_TEXT}p"):
                        text = self._line(paragraph).strip()
                        if any(character.isalpha() for character in text):
                            texts[text] = None
        if texts and not self.builder.empty:
            self.builder.heading("Headers and footers", 1, shown=False)
            for text in texts:
                self.builder.paragraph(text)

    def _page(self, page: Any, number: int) -> None:
        frames = [f for f in elements(page) if f.tag != f"{_PRESENTATION}notes"]
        title = next((f for f in frames if f.get(f"{_PRESENTATION}class") == "title"), None)
        text = "" if title is None else " ".join(self._flat(title).split())
        if text and len(text) <= TITLE_LENGTH:
            self._heading(text, 1)
            frames.remove(title)
        else:
            self.builder.heading(f"Slide {number}", 1, shown=False)
        for frame in (*frames, *page.iterchildren(f"{_PRESENTATION}notes")):
            self._block(frame, "")

    def _heading(self, text: str, level: int) -> None:
        self.title = self.title or text
        self.builder.heading(text, level)

    def _blocks(self, container: Any, mark: str = "") -> None:
        for child in elements(container):
            self._block(child, mark)

    def _block(self, child: Any, mark: str) -> None:
        """Add a block; `mark` goes before the first paragraph of a list's item."""
        if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            text = self._line(child).strip()
            if child.tag == f"{_TEXT}h" and text and len(text) <= 250:
                level = child.get(f"{_TEXT}outline-level", "1")
                self._heading(text, int(level) if level in set("123456789") else 1)
            elif text:
                self.builder.paragraph(f"{mark}{text}")
            self._add_after()
        elif child.tag == f"{_TABLE}table":
            rows = without_empty_ends([list(self._cells(row)) for row in _rows(child)])
            marked = len(list(_rows(child.find(f"{_TABLE}table-header-rows"))))
            self.builder.table(rows, header_rows=marked or header_rows(rows))
            self._add_after()
        elif child.tag == f"{_TEXT}list":
            for item in elements(child):
                self._blocks(item, "- ")
        elif child.tag == f"{_DRAW}frame":
            self._frame(child)
        elif child.tag not in _GONE:
            self._blocks(child, mark)

    def _frame(self, frame: Any) -> None:
        described = [frame.find(f"{_SVG}{name}") for name in ("desc", "title")]
        text = next((" ".join(d.text.split()) for d in described if d is not None and d.text), "")
        self.builder.paragraph(text)
        kinds = {child.tag for child in elements(frame)}
        if f"{_DRAW}object" in kinds or f"{_DRAW}object-ole" in kinds:
            self.objects += 1
        elif f"{_DRAW}image" in kinds and not text:
            self.pictures += 1
        for child in frame.iterchildren(f"{_DRAW}text-box", f"{_TABLE}table"):
            self._block(child, "")

    def _add_after(self) -> None:
        """Add what is anchored in a paragraph: text boxes, pictures and notes."""
        after, self._after = self._after, []
        for element in after:
            self._block(element, "")

    def _line(self, node: Any) -> str:
        out = [node.text or ""]
        for child in node.iterchildren():
            name = child.tag
            if name == f"{_TEXT}s":
                count = child.get(f"{_TEXT}c", "1")
                out.append(" " * (int(count) if count.isdecimal() and len(count) < 5 else 1))
            elif name in _SIGNS:
                out.append(_SIGNS[name])
            elif name == f"{_TEXT}note":
                self._after += child.iterchildren(f"{_TEXT}note-body")
            elif name == f"{_TEXT}ruby":
                base, ruby = child.find(f"{_TEXT}ruby-base"), child.find(f"{_TEXT}ruby-text")
                out.append("" if base is None else self._line(base))
                out.append("" if ruby is None else f"({self._line(ruby)})")
            elif isinstance(name, str) and name.startswith(_DRAW) and name != f"{_DRAW}a":
                self._after.append(child)
            elif isinstance(name, str) and name not in _GONE:
                out.append(self._line(child))
            out.append(child.tail or "")
        return "".join(out).replace("\u00ad", "")

    def _flat(self, cell: Any) -> str:
        """Return the text of a cell or a box."""
        texts = []
        for child in elements(cell):
            if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                texts.append(self._line(child))
            elif child.tag == f"{_TABLE}table":
                texts.append(nested_table([list(self._cells(row)) for row in _rows(child)]))
            elif child.tag not in _GONE:
                texts.append(self._flat(child))
        return "\n".join(text for text in texts if text.strip())

    def _cells(self, row: Any) -> Iterator[str]:
        for cell in elements(row):
            if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                covered = cell.tag == f"{_TABLE}covered-table-cell"
                text = "" if covered else self._flat(cell)
                repeats = _whole(cell.get(f"{_TABLE}number-columns-repeated"))
                repeats = min(repeats, _MAX_REPEATS)
                if text.strip():
                    cost = 1 + len(text) // _CELL_LENGTH
                    possible = max(self.cells_left, 0) // cost
                    self.cells_left -= repeats * cost
                    repeats = min(repeats, possible)
                yield from [text] * repeats

    def _grid(self, table: Any) -> Iterator[GridRow]:
        number = 1
        for row in _rows(table):
            repeats = _whole(row.get(f"{_TABLE}number-rows-repeated"))
            texts = enumerate(self._cells(row), start=1)
            cells = {column: text for column, text in texts if text.strip()}
            cost = sum(1 + len(text) // _CELL_LENGTH for text in cells.values())
            for offset in range(min(repeats, _MAX_REPEATS) if cells else 0):
                if offset and self.cells_left <= 0:
                    break
                yield number + offset, cells
                self.cells_left -= cost if offset else 0
            number += repeats


def _rows(table: Any) -> Iterator[Any]:
    """Yield the rows of a table, also those in groups."""
    for child in () if table is None else elements(table):
        if child.tag == f"{_TABLE}table-row":
            yield child
        elif child.tag.startswith(f"{_TABLE}table-") and "column" not in child.tag:
            yield from _rows(child)


def _whole(text: str | None) -> int:
    return max(int(text), 1) if text and text.isdecimal() and len(text) < 8 else 1
