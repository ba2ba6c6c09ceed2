"""Writes the text of a visible HTML tree into a `TextBuilder`.

Owns white space, lists, tables, code, and characters that only their look makes readable
(superscripts, readings of ruby, formulas). Nothing here recurses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rag.readers import tables
from rag.readers.builder import TextBuilder
from rag.readers.html_element import Element, events
from rag.readers.html_table import header_rows, is_layout, rows
from rag.readers.tables import without_empty_ends

__all__ = ["add_elements", "flat_text"]

_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "center", "details", "dialog"}
    | {"div", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr"}
    | {"legend", "main", "p", "section", "summary", "tbody", "td", "tfoot", "th", "thead", "tr"}
    | {"table", "optgroup", "search", "textarea", "dl", "ul", "ol", "menu", "dir", "noframes"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "menu", "dir", "dl"})
_CODE = frozenset({"pre", "xmp", "listing", "plaintext"})
_BROKEN = _BLOCKS | _CODE | {"br", "li", "dt", "dd"}
_SPACED = frozenset({"select", "label", "button", "option", "output"})
"""Elements that stand apart from the words around them although they are in a line."""
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Soft hyphens and other marks that only say where a line may end."""
_CJK = "\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
_CJK_LINE_END = re.compile(rf"(?<=[{_CJK}])[ \t\r\f]*\n\s*(?=[{_CJK}])")
_SPACE = re.compile("[ \t\r\n\f\u00a0]+")
_SUPERSCRIPT = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPT = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")


class _Line:
    """The text of one line: collects pieces, and rewrites those of some elements at their end."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._open: list[tuple[Element, int]] = []
        self._readings: list[str] = []

    def begin(self, element: Element) -> None:
        """Take note of an element that begins."""
        tag = element.tag
        if tag == "img":
            # An emoji or a formula may be part of a word; a longer text stands for itself.
            alternative = element.attributes.get("alt", "").strip()
            self.pieces.append(alternative if len(alternative) < 3 else f" {alternative} ")
        elif tag == "q":
            self.pieces.append("“")
        elif tag in _SPACED:
            self.pieces.append(" ")
        elif tag in ("sup", "sub", "rt", "ruby"):
            self._open.append((element, len(self.pieces)))

    def end(self, element: Element) -> None:
        """Finish an element."""
        tag = element.tag
        if tag == "q":
            self.pieces.append("”")
        elif tag in _SPACED:
            self.pieces.append(" ")
        elif self._open and self._open[-1][0] is element:
            _, start = self._open.pop()
            text = "".join(self.pieces[start:])
            if tag == "sup":
                self.pieces[start:] = [_shifted(text, _SUPERSCRIPT)]
            elif tag == "sub":
                self.pieces[start:] = [_shifted(text, _SUBSCRIPT)]
            elif tag == "rt":
                del self.pieces[start:]
                self._readings.append(text)
            elif self._readings:
                self.pieces.append(f"（{''.join(self._readings)}）")
                self._readings.clear()

    def text(self) -> str:
        """Return the line with white space as a browser shows it."""
        text = _UNSEEN.sub("", "".join(self.pieces))
        return _SPACE.sub(" ", _CJK_LINE_END.sub("", text)).strip()


def _shifted(text: str, table: dict[int, int]) -> str:
    """Return a number as small digits, so that 10⁶ does not read as 106; other text unchanged."""
    bare = text.strip()
    return bare.translate(table) if bare and all(ord(c) in table for c in bare) else text


def flat_text(element: Element) -> str:
    """Return the text of an element in one line: a heading, or a cell of a table.

    Commas and semicolons separate the cells and rows of a table inside of a cell.
    """
    line = _Line()
    separator = ""
    for begins, item in events(element):
        if isinstance(item, str):
            if separator and item.strip():
                while line.pieces and not line.pieces[-1].strip():
                    line.pieces.pop()
                line.pieces.append(separator)
                separator = ""
            line.pieces.append(item)
            continue
        line.begin(item) if begins else line.end(item)
        started = bool(line.pieces)
        if item.tag in ("td", "th") and not begins:
            separator = (separator or ", ") if started else ""
        elif item.tag in ("tr", "li") and not begins:
            separator = "; " if started else ""
        elif item.tag in _BROKEN or item.tag in _HEADINGS:
            line.pieces.append(" ")
    return line.text()


def add_elements(builder: TextBuilder, roots: Iterable[Element]) -> None:
    """Add the text of elements, in order."""
    for root in roots:
        writer = _Writer(builder)
        # The element itself may be a block or a heading.
        writer.write(Element("body", {}, [root]))


class _Writer:
    """Adds paragraphs, headings, lists, tables and code to a builder."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lines: list[str] = []
        self._line = _Line()
        self._prefix = ""
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._term = False
        self._glued_at = -1
        self._skipped: Element | None = None

    def write(self, root: Element) -> None:
        """Add everything below an element."""
        for begins, item in events(root):
            if self._skipped is not None:
                if item is self._skipped:
                    self._skipped = None
            elif isinstance(item, str):
                self._line.pieces.append(item)
            elif begins:
                self._begin(item)
            else:
                self._end(item)
        self._flush()

    def _begin(self, element: Element) -> None:
        tag = element.tag
        if (level := _level(element)) is not None:
            self._flush()
            self._builder.heading(flat_text(element), level)
            self._skipped = element
        elif tag in _CODE:
            self._flush()
            self._builder.code(_code(element))
            self._skipped = element
        elif tag == "table" and not is_layout(element):
            self._flush()
            self._table(element)
            self._skipped = element
        elif tag == "li":
            self._break(self._marker(element))
        elif tag in ("dt", "dd"):
            self._definition(tag)
        elif tag in _LISTS:
            self._list(element)
        elif tag == "br":
            # Two of them are a paragraph's end in old pages.
            self._flush() if not self._lists and not self._line.text() else self._break()
        elif tag in _BLOCKS:
            self._end_block()
        else:
            self._line.begin(element)

    def _end(self, element: Element) -> None:
        tag = element.tag
        if tag in _LISTS:
            self._lists.pop()
        if tag in _BLOCKS or tag in ("li", "dd"):
            self._end_block()
        elif tag not in ("br", "dt"):
            self._line.end(element)

    def _end_block(self) -> None:
        """End a block: within a list that is a line, elsewhere a paragraph."""
        if self._lists:
            self._break()
        else:
            self._flush()

    def _list(self, element: Element) -> None:
        self._end_block()
        start = _number(element.attributes.get("start"))
        self._lists.append((1 if start is None else start) if element.tag == "ol" else None)

    def _marker(self, item: Element) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        value = _number(item.attributes.get("value"))
        number = number if value is None else value
        self._lists[-1] = number + 1
        return f"{number}. "

    def _definition(self, tag: str) -> None:
        """Begin a term, or put what it means behind it, so that one line has both."""
        term = self._line.text() if self._term else ""
        self._term = tag == "dt"
        if tag == "dt":
            self._break("- ")
        elif term:
            end = term[-1]
            colon = " " if end in ".:;?!。：；？！" else "：" if end >= "\u2e80" else ": "
            self._line.pieces = [term, colon]
            self._glued_at = 2
        else:
            self._break()

    def _break(self, marker: str = "") -> None:
        """Begin a line. A line without text gives its place, and its marker, to the next."""
        if not marker and self._glued_at == len(self._line.pieces):
            return
        text = self._line.text()
        depth = len(self._lists)
        if text:
            self._lines.append(self._prefix + text)
        if marker:
            self._prefix = "  " * (depth - 1) + marker
        elif text or not self._prefix.strip():
            self._prefix = "  " * depth
        self._line = _Line()
        self._glued_at = -1

    def _flush(self) -> None:
        """End the paragraph."""
        self._glued_at = -1
        self._break()
        self._prefix = ""
        self._builder.paragraph("\n".join(self._lines))
        self._lines.clear()

    def _table(self, table: Element) -> None:
        for caption in table.elements():
            if caption.tag == "caption":
                self._builder.paragraph(flat_text(caption))
        grid = without_empty_ends(
            [["" if cell is None else flat_text(cell) for cell in row] for row in rows(table)]
        )
        named = header_rows(table) or tables.header_rows(grid)
        self._builder.table(grid, header_rows=named)


def _level(element: Element) -> int | None:
    if element.tag in _HEADINGS:
        return _HEADINGS[element.tag]
    if element.attributes.get("role") == "heading":
        return min(_number(element.attributes.get("aria-level")) or 2, 6)
    return None


def _number(value: str | None) -> int | None:
    value = (value or "").strip()[:9]
    return int(value) if value.isascii() and value.isdecimal() else None


def _code(element: Element) -> str:
    """Return code as it stands; empty if it is only the numbers of the lines beside it."""
    pieces = []
    for begins, item in events(element):
        if isinstance(item, str):
            pieces.append(item)
        elif begins and item.tag == "br":
            pieces.append("\n")
    text = "".join(pieces).replace("\r\n", "\n").replace("\r", "\n")
    numbers = text.split()
    if len(numbers) > 1 and all(
        number == str(at) for at, number in enumerate(numbers, start=_number(numbers[0]) or 0)
    ):
        return ""
    return text
