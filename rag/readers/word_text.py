"""Walks one story of a Word document: the body, a header, a note.

Owns what of the markup is text as a person reads it, with all tracked changes accepted. Which
stories a document has, and their order, is in `word`; drawn objects are in `word_drawings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from rag.readers.ooxml import MATH, MC, W, alternative, elements, is_on, math_text, private_symbols
from rag.readers.tables import header_rows, nested_table
from rag.readers.word_fields import PAGE_FIELDS, UNREAD_FIELDS, Fields, field_name, form_value
from rag.readers.word_marks import MAX_COLUMNS, continues, is_deleted, is_prompt, mark_is_gone, span
from rag.readers.word_styles import Numbering, Style, Styles, list_number, outline_level

__all__ = ["Item", "Story", "flat_text"]

_WRAPPERS = frozenset(
    f"{W}{name}"
    for name in ("ins", "moveTo", "smartTag", "customXml", "hyperlink", "dir", "bdo", "sdtContent")
)
_SIGNS = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
_DRAWN = frozenset(f"{W}{name}" for name in ("drawing", "pict", "object"))


@dataclass(frozen=True, kw_only=True)
class Item:
    """A part of a story.

    Attributes:
        kind: Heading, paragraph or table.
        text: Of a heading or paragraph.
        level: Of a heading, 1 to 9.
        rows: Of a table.
        header_rows: Rows of the table that name the columns.
        page_field: Whether a page number was left out of the paragraph.
        title: A heading's text without its number.
    """

    kind: Literal["heading", "paragraph", "table"]
    text: str = ""
    level: int = 0
    rows: list[list[str]] = field(default_factory=list)
    header_rows: int = 0
    page_field: bool = False
    title: str = ""


@dataclass(kw_only=True)
class _Line:
    """A paragraph while it is read."""

    texts: list[str] = field(default_factory=list)
    after: list[Item] = field(default_factory=list)
    hidden: bool = False
    page_field: bool = False


def flat_text(items: list[Item]) -> str:
    """Return items as the text of a table's cell."""
    return "\n".join(
        nested_table(item.rows) if item.kind == "table" else item.text for item in items
    )


class Story:
    """Reads one part's content with the document's styles and lists.

    `drawn` gives the items of a drawing, with this story for the text inside; `note` gives the
    items of the footnote or endnote that a reference names; `lost` takes a sentence about each
    part that is not read, `remark` one about a choice.
    """

    def __init__(
        self,
        root: Any,
        *,
        styles: Styles,
        numbering: Numbering,
        drawn: Callable[[Any, Story], list[Item]],
        note: Callable[[str, str], list[Item]],
        lost: Callable[[str], None],
        remark: Callable[[str], None],
    ) -> None:
        self._styles = styles
        self._numbering = numbering
        self._drawn = drawn
        self._note = note
        self._lost = lost
        self._remark = remark
        self._fields = Fields(root)

    def items(self, container: Any) -> Iterator[Item]:
        """Yield the items of an element that holds paragraphs and tables."""
        carried: list[str] = []
        for block in self._blocks(container):
            if block.tag == f"{W}tbl":
                yield from _left_over(carried)
                carried = []
                yield from self._table(block)
            elif block.tag == f"{W}altChunk":
                self._lost("A document that is embedded in this one is not read.")
            elif mark_is_gone(block):
                # With the change accepted, the paragraph runs on into the next one.
                line, _ = self._line(block)
                carried += line.texts
                yield from line.after
            else:
                line, item = self._paragraph(block, carried)
                carried = []
                if item is not None:
                    yield item
                yield from line.after
        yield from _left_over(carried)

    def _blocks(self, container: Any) -> Iterator[Any]:
        """Yield paragraphs and tables, also those inside content controls and changes."""
        for child in elements(container):
            if child.tag in (f"{W}p", f"{W}tbl", f"{W}altChunk"):
                yield child
            else:
                yield from self._inside(child, self._blocks)

    def _inside(self, child: Any, walk: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
        """Walk on inside an element that only wraps others."""
        if child.tag in _WRAPPERS:
            yield from walk(child)
        elif child.tag == f"{W}sdt":
            content = child.find(f"{W}sdtContent")
            if content is not None and not is_prompt(child):
                yield from walk(content)
        elif child.tag == f"{MC}AlternateContent" and (branch := alternative(child)) is not None:
            yield from walk(branch)

    def _line(self, element: Any) -> tuple[_Line, Style]:
        named = element.find(f"{W}pPr/{W}pStyle")
        style = self._styles["" if named is None else named.get(f"{W}val", "")]
        line = _Line(hidden=style.hidden)
        self._inline(element, line)
        return line, style

    def _paragraph(self, element: Any, carried: list[str]) -> tuple[_Line, Item | None]:
        line, style = self._line(element)
        properties = element.find(f"{W}pPr")
        mark = ""
        number = list_number(properties) or style.number
        if number is not None:
            list_id, level = number
            if not list_id and style.number is not None:
                list_id = style.number[0]
            mark = self._numbering.mark(list_id, level, style.chain)
        text = "".join([*carried, *line.texts]).strip()
        if not text:
            return line, None
        heading = style.heading
        outline = None if properties is None else properties.find(f"{W}outlineLvl")
        if outline is not None:
            heading = outline_level(outline)
        if not mark and style.is_list and heading is None and number is None:
            mark = "-"
        numbered = f"{mark} {text}" if mark else text
        if heading is not None and len(text) <= 250:
            item = Item(kind="heading", text=numbered, level=heading, title=text)
        else:
            item = Item(kind="paragraph", text=numbered, page_field=line.page_field)
        return line, item

    def _inline(self, element: Any, line: _Line) -> None:
        for child in elements(element):
            tag = child.tag
            if tag == f"{W}r":
                self._run(child, line)
            elif tag in _WRAPPERS:
                self._inline(child, line)
            elif tag == f"{W}fldSimple":
                name = field_name(child.get(f"{W}instr", ""))
                if name in UNREAD_FIELDS:
                    line.page_field = line.page_field or name in PAGE_FIELDS
                else:
                    self._inline(child, line)
            elif tag == f"{W}sdt":
                content = child.find(f"{W}sdtContent")
                if content is not None and not is_prompt(child):
                    self._inline(content, line)
            elif tag == f"{MC}AlternateContent":
                if (branch := alternative(child)) is not None:
                    self._inline(branch, line)
            elif tag.startswith(MATH):
                self._add(line, math_text(child))
            elif tag in _DRAWN:
                line.after += self._drawn(child, self)
            elif tag == f"{W}subDoc":
                self._lost("A document that this one refers to is not read.")

    def _run(self, run: Any, line: _Line) -> None:
        properties = run.find(f"{W}rPr")
        struck = _is_struck(properties)
        if struck and run.find(f"{W}t") is not None:
            self._remark("Struck-out text is left out.")
        if struck or self._is_hidden(properties, line.hidden):
            for character in run.iterchildren(f"{W}fldChar"):
                self._field(character, line)
            return
        self._run_content(run, properties, line)

    def _run_content(self, run: Any, properties: Any, line: _Line) -> None:
        for child in elements(run):
            tag = child.tag
            if tag == f"{W}t":
                self._add(line, self._plain(child.text or "", properties))
            elif tag in _SIGNS:
                self._add(line, _SIGNS[tag])
            elif tag == f"{W}fldChar":
                self._field(child, line)
            elif tag == f"{W}sym":
                self._add(line, self._symbol(child))
            elif tag in _DRAWN:
                if not self._fields.suppressed:
                    line.after += self._drawn(child, self)
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                kind = "footnotes" if tag == f"{W}footnoteReference" else "endnotes"
                line.after += self._note(kind, child.get(f"{W}id", ""))
            elif tag == f"{W}ruby":
                self._ruby(child, line)
            elif tag == f"{MC}AlternateContent":
                if (branch := alternative(child)) is not None:
                    self._run_content(branch, properties, line)
            elif tag.startswith(MATH):
                self._add(line, math_text(child))

    def _ruby(self, element: Any, line: _Line) -> None:
        """Add the base text and its reading: 漢字(かんじ), as Word's own plain text has it."""
        for name, before, after in (("rubyBase", "", ""), ("rt", "(", ")")):
            part = element.find(f"{W}{name}")
            if part is not None:
                self._add(line, before)
                self._inline(part, line)
                self._add(line, after)

    def _add(self, line: _Line, text: str) -> None:
        if text and not self._fields.suppressed:
            line.texts.append(text)

    def _field(self, character: Any, line: _Line) -> None:
        self._add(line, form_value(character))
        line.page_field = self._fields.follow(character) or line.page_field

    def _is_hidden(self, properties: Any, default: bool) -> bool:
        if properties is None:
            return default
        vanish = properties.find(f"{W}vanish")
        if vanish is not None:
            return is_on(vanish)
        named = properties.find(f"{W}rStyle")
        return default or (named is not None and self._styles[named.get(f"{W}val", "")].hidden)

    def _plain(self, text: str, properties: Any) -> str:
        text = text.replace("\u00ad", "").replace("\n", " ")
        if properties is None or not any("\uf020" <= character <= "\uf0ff" for character in text):
            return text
        fonts = properties.find(f"{W}rFonts")
        font = "" if fonts is None else fonts.get(f"{W}ascii") or fonts.get(f"{W}hAnsi") or ""
        return self._signs(text, font)

    def _symbol(self, element: Any) -> str:
        font = element.get(f"{W}font", "")
        try:
            code = int(element.get(f"{W}char", ""), 16)
            own_signs = font.lower().startswith(("symbol", "wingdings", "webdings"))
            character = chr(0xF000 + code if code <= 0xFF and own_signs else code)
        except (ValueError, OverflowError):
            return ""
        return self._signs(character, font)

    def _signs(self, text: str, font: str) -> str:
        text, unknown = private_symbols(text, font)
        if unknown:
            self._lost(f"Signs of the font {font or 'of symbols'} are not read.")
        return text

    def _table(self, table: Any) -> Iterator[Item]:
        rows: list[list[str]] = []
        marked = 0
        found = [row for row in self._rows(table) if not is_deleted(row)]
        for element in found:
            cells = list(self._cells(element))
            if len(found) == len(cells) == 1:  # a frame around text, not a table
                yield from self.items(cells[0])
                return
            properties = element.find(f"{W}trPr")
            if properties is not None and is_on(properties.find(f"{W}tblHeader")):
                marked += marked == len(rows)
            rows.append(self._row(cells, properties))
        look = table.find(f"{W}tblPr/{W}tblLook")
        plain = look is not None and look.get(f"{W}firstRow") in ("0", "false")
        if any(rows):
            header = marked or (0 if plain else header_rows(rows))
            yield Item(kind="table", rows=rows, header_rows=header)

    def _rows(self, container: Any) -> Iterator[Any]:
        for child in elements(container):
            if child.tag == f"{W}tr":
                yield child
            else:
                yield from self._inside(child, self._rows)

    def _cells(self, container: Any) -> Iterator[Any]:
        for child in elements(container):
            if child.tag == f"{W}tc":
                yield child
            else:
                yield from self._inside(child, self._cells)

    def _row(self, cells: list[Any], properties: Any) -> list[str]:
        """Return the texts by column; a merged cell's text is in its first column and row."""
        before = None if properties is None else properties.find(f"{W}gridBefore")
        out = [""] * span(before, 0)
        for cell in cells:
            look = cell.find(f"{W}tcPr")
            width, text = 1, ""
            if look is not None:
                if look.find(f"{W}cellDel") is not None:
                    continue
                width = span(look.find(f"{W}gridSpan"), 1)
            if not continues(look):
                text = flat_text(list(self.items(cell)))
            out += [text, *[""] * (width - 1 if len(out) < MAX_COLUMNS else 0)]
        while out and not out[-1]:
            out.pop()
        return out


def _left_over(texts: list[str]) -> Iterator[Item]:
    text = "".join(texts)
    if text.strip():
        yield Item(kind="paragraph", text=text)


def _is_struck(properties: Any) -> bool:
    """Return whether a run is struck out: an author's own way to delete text."""
    if properties is None:
        return False
    return is_on(properties.find(f"{W}strike")) or is_on(properties.find(f"{W}dstrike"))
