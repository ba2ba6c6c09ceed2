"""Fields of a Word document: which of their parts are text.

A field has a code (``PAGE``) and a result (``7``), between three ``w:fldChar``. It may run over
many paragraphs and hold other fields. Its code is not text. Its result is, except for page numbers
and the table of contents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag.readers.ooxml import W, is_on

__all__ = ["GONE", "PAGE_FIELDS", "UNREAD_FIELDS", "Fields", "field_name", "form_value"]

GONE = frozenset(f"{W}{name}" for name in ("del", "moveFrom"))
"""Elements whose content is no longer part of the document once changes are accepted."""
PAGE_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTIONPAGES", "SECTION", "PAGEREF"})
UNREAD_FIELDS = PAGE_FIELDS | {"TOC"}
"""Fields whose result is not text of the document: page numbers and the table of contents."""


@dataclass(kw_only=True)
class _Field:
    """A field that is open: its code is not text, and its result may not be."""

    begin: Any
    name: str
    suppressed: bool = True


class Fields:
    """Follows the fields of one story while it is read in order."""

    def __init__(self, root: Any) -> None:
        self._names, self._ends = _complete(root)
        self._open: list[_Field] = []

    @property
    def suppressed(self) -> bool:
        """Whether what is read now is not text."""
        return any(opened.suppressed for opened in self._open)

    def follow(self, character: Any) -> bool:
        """Follow a begin, separator or end; return whether it begins a page number."""
        kind = character.get(f"{W}fldCharType")
        if kind == "begin" and character in self._names:
            name = self._names[character]
            self._open.append(_Field(begin=character, name=name))
            return name in PAGE_FIELDS
        if kind == "separate" and self._open:
            self._open[-1].suppressed = self._open[-1].name in UNREAD_FIELDS
        elif kind == "end" and character in self._ends:
            begin = self._ends[character]
            self._open = [opened for opened in self._open if opened.begin is not begin]
        return False


def _complete(root: Any) -> tuple[dict[Any, str], dict[Any, Any]]:
    """Return each complete field's name by its begin, and its begin by its end.

    A field without an end must not hide the rest of the document.
    """
    names: dict[Any, str] = {}
    ends: dict[Any, Any] = {}
    stack: list[tuple[Any, list[str]]] = []
    for element in root.iter(f"{W}fldChar", f"{W}instrText"):
        if next(element.iterancestors(*GONE), None) is not None:
            continue
        kind = element.get(f"{W}fldCharType")
        if element.tag == f"{W}instrText":
            if stack:
                stack[-1][1].append(element.text or "")
        elif kind == "begin":
            stack.append((element, []))
        elif kind == "end" and stack:
            begin, instruction = stack.pop()
            names[begin] = field_name("".join(instruction))
            ends[element] = begin
    return names, ends


def field_name(instruction: str) -> str:
    return (instruction.split() or [""])[0].upper()


def form_value(begin: Any) -> str:
    """Return the state of an old form's check box or list."""
    box = begin.find(f"{W}ffData/{W}checkBox")
    if box is not None:
        checked = box.find(f"{W}checked")
        return "☒" if is_on(box.find(f"{W}default") if checked is None else checked) else "☐"
    choices = begin.find(f"{W}ffData/{W}ddList")
    if choices is not None:
        entries = [e.get(f"{W}val", "") for e in choices.iterchildren(f"{W}listEntry")]
        chosen = choices.find(f"{W}result")
        number = "0" if chosen is None else chosen.get(f"{W}val", "0")
        if number.isdecimal() and len(number) < 5 and int(number) < len(entries):
            return str(entries[int(number)])
    return ""
