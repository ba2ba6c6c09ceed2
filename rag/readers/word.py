"""Reads Word documents (DOCX, DOCM, DOTX, DOTM).

Owns which stories of a document are read and in which order: the body, each footnote and endnote
after the paragraph that refers to it, then headers and footers, each once. Tracked changes count
as accepted. Comments are not text of the document; a remark counts them.

We walk the XML ourselves (`word_text`), because every library that was compared leaves text out or
reads what is not text (docs/adr/0016).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from rag.documents import Document
from rag.errors import ReadError
from rag.readers.archive import Archive
from rag.readers.builder import TextBuilder
from rag.readers.ooxml import R, W, core_title, is_on
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, stem
from rag.readers.word_drawings import Drawings
from rag.readers.word_styles import Numbering, Styles
from rag.readers.word_text import Item, Story

__all__ = ["read_docx"]

_CHANGES = tuple(f"{W}{name}" for name in ("ins", "del", "moveFrom", "moveTo"))
_PAGE_WORDS = re.compile(
    r"(?i)\b(page|of|seite|von|página|pagina|de|di|страница|из)\b|第|页|頁|共|总|ページ|[\W\d_]"
)
"""What is left of "Page 3 of 10" and the like once the numbers are left out."""


def read_docx(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read a Word document.

    Raises:
        ReadError: It is not a DOCX, is encrypted or too large, has only pictures, or nothing of
            its text can be read.
    """
    return _Word(Archive(key, data, "DOCX")).document()


class _Word:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._main = archive.main_part("word/document.xml")
        self._root = archive.xml(self._main)
        if self._root is None or self._root.tag != f"{W}document":
            reason = archive.damage[0] if archive.damage else "it has no Word document in it"
            raise ReadError(archive.key, f"the DOCX cannot be read: {reason.rstrip('.')}")
        self._relationships = archive.relationships(self._main)
        self._styles = Styles(self._related("styles"))
        self._numbering = Numbering(self._related("numbering"))
        self._notes: dict[str, dict[str, Any]] = {}
        self._note_stories: dict[str, Story] = {}
        self._lost: Counter[str] = Counter()
        self._remarks: dict[str, None] = {}
        self._undescribed = 0
        self._builder = TextBuilder()
        self._title = ""

    def document(self) -> Document:
        """Return the document."""
        body = self._root.find(f"{W}body")
        if body is not None:
            for item in self._story(self._main, self._root).items(body):
                self._add(item)
        self._headers_and_footers()
        key = self._archive.key
        if self._builder.empty:
            raise ReadError(key, self._why_empty())
        core = next(
            (r.target for r in self._archive.relationships().values() if "core-prop" in r.kind), ""
        )
        title = core_title(self._archive.xml(core)) if core and self._archive.has(core) else ""
        self._report()
        title = " ".join((title or self._title or stem(key)).split())
        return self._builder.document(key, title[:TITLE_LENGTH])

    def _why_empty(self) -> str:
        if self._archive.damage:
            return f"the DOCX has no text that can be read: {self._archive.damage[0].rstrip('.')}"
        if self._undescribed:
            return (
                f"the document has only pictures ({self._undescribed:,}) and no text; run OCR on "
                "it, or describe the pictures in Word (alternative text)"
            )
        return "the file has no text"

    def _report(self) -> None:
        for sentence in self._archive.damage:
            self._builder.missing(sentence)
        for sentence, count in self._lost.items():
            self._builder.missing(sentence if count == 1 else f"{sentence[:-1]} ({count:,} times).")
        changes = sum(1 for _ in self._root.iter(*_CHANGES))
        if changes:
            self._builder.remark(
                "The document has tracked changes. The text is read as if all were accepted."
            )
        for sentence in self._remarks:
            self._builder.remark(sentence)
        comments = self._related("comments")
        number = 0 if comments is None else sum(1 for _ in comments.iterchildren(f"{W}comment"))
        if number:
            self._builder.remark(f"Comments by reviewers are not read: {number:,}.")
        if self._undescribed:
            self._builder.remark(
                f"Pictures without a description, whose content is not read: {self._undescribed:,}."
            )

    def _add(self, item: Item) -> None:
        if item.kind == "heading":
            self._title = self._title or item.title
            self._builder.heading(item.text, item.level)
        elif item.kind == "table":
            self._builder.table(item.rows, header_rows=item.header_rows)
        else:
            self._builder.paragraph(item.text)

    def _related(self, kind: str) -> Any:
        for relationship in self._relationships.values():
            if relationship.kind == kind and not relationship.external:
                return self._archive.xml(relationship.target)
        return None

    def _story(self, name: str, root: Any) -> Story:
        drawings = Drawings(
            archive=self._archive,
            relationships=self._archive.relationships(name),
            lost=self._lose,
            undescribed=self._count_picture,
        )
        return Story(
            root,
            styles=self._styles,
            numbering=self._numbering,
            drawn=drawings.items,
            note=self._note,
            lost=self._lose,
            remark=lambda sentence: self._remarks.setdefault(sentence),
        )

    def _lose(self, sentence: str) -> None:
        self._lost[sentence] += 1

    def _count_picture(self) -> None:
        self._undescribed += 1

    def _note(self, kind: str, note_id: str) -> list[Item]:
        """Return a footnote or endnote, once."""
        if kind not in self._notes:
            root = self._related(kind)
            self._notes[kind] = {}
            if root is not None:
                name = next(r.target for r in self._relationships.values() if r.kind == kind)
                self._note_stories[kind] = self._story(name, root)
                for note in root.iterchildren(f"{W}{kind[:-1]}"):
                    self._notes[kind][note.get(f"{W}id", "")] = note
        note = self._notes[kind].pop(note_id, None)
        return [] if note is None else list(self._note_stories[kind].items(note))

    def _headers_and_footers(self) -> None:
        """Add the headers and footers that pages show, each text once."""
        settings = self._related("settings")
        even = settings is not None and is_on(settings.find(f"{W}evenAndOddHeaders"))
        names: dict[str, None] = {}
        for section in self._root.iter(f"{W}sectPr"):
            if section.getparent().tag == f"{W}sectPrChange":
                continue
            shown = {"default", "even" if even else "", "first" if _has_first(section) else ""}
            for tag in ("headerReference", "footerReference"):
                for reference in section.iterchildren(f"{W}{tag}"):
                    relationship = self._relationships.get(reference.get(f"{R}id", ""))
                    if relationship is not None and reference.get(f"{W}type") in shown:
                        names[relationship.target] = None
        items: dict[str, Item] = {}
        for name in names:
            root = self._archive.xml(name)
            for item in () if root is None else self._story(name, root).items(root):
                if not (item.page_field and not _PAGE_WORDS.sub("", item.text)):
                    items.setdefault(" ".join(item.text.split()) or str(item.rows), item)
        if items:
            self._builder.heading("Headers and footers", 1, shown=False)
        for item in items.values():
            text = item.text if item.kind != "table" else ""
            if text:
                self._builder.paragraph(text)
            else:
                self._builder.table(item.rows)


def _has_first(section: Any) -> bool:
    return is_on(section.find(f"{W}titlePg"))
