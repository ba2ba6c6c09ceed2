"""Styles and list numbers of a Word document.

Owns what a paragraph's style says (heading level, list, hidden) and the counting of numbered
lists. The reading of paragraphs is in `word_text`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rag.readers.ooxml import W, is_on

__all__ = ["Numbering", "Style", "Styles"]

_MAX_STYLE_DEPTH = 20
"""Styles that one style may build on; stops circles."""
_MAX_NUMBER = 100_000
_DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True, kw_only=True)
class Style:
    """What a style says, with the styles that it builds on.

    Attributes:
        heading: 1 to 9, or None for running text.
        is_list: Whether its name says that it is a list.
        number: (numId, level) of its list; without a level, the list decides it.
        hidden: Whether its text is hidden.
        chain: Its id, then the ids of the styles that it builds on.
    """

    heading: int | None = None
    is_list: bool = False
    number: tuple[str, int | None] | None = None
    hidden: bool = False
    chain: tuple[str, ...] = ()


class Styles:
    """The styles by id."""

    def __init__(self, root: Any) -> None:
        self._elements = {}
        for element in [] if root is None else root.iterchildren(f"{W}style"):
            self._elements[element.get(f"{W}styleId", "")] = element
        self._cache: dict[str, Style] = {"": Style()}

    def __getitem__(self, style_id: str) -> Style:
        if style_id not in self._cache:
            self._cache[style_id] = self._resolve(style_id)
        return self._cache[style_id]

    def _resolve(self, style_id: str) -> Style:
        chain: list[Any] = []
        while style_id in self._elements and len(chain) < _MAX_STYLE_DEPTH:
            chain.append(self._elements[style_id])
            based_on = chain[-1].find(f"{W}basedOn")
            style_id = "" if based_on is None else based_on.get(f"{W}val", "")
        style = Style(chain=tuple(element.get(f"{W}styleId", "") for element in chain))
        for element in reversed(chain):
            style = _with(style, element)
        return style


def _with(style: Style, element: Any) -> Style:
    """Return the style with what one style element adds."""
    named = element.find(f"{W}name")
    name = "" if named is None else named.get(f"{W}val", "").strip().lower()
    outline = element.find(f"{W}pPr/{W}outlineLvl")
    if name == "title":
        style = replace(style, heading=1)
    elif name.startswith("heading ") and name[8:].strip() in set("123456789"):
        style = replace(style, heading=int(name[8:]))
    elif outline is not None:
        style = replace(style, heading=outline_level(outline))
    if name.startswith("list"):
        style = replace(style, is_list=True)
    number = list_number(element.find(f"{W}pPr"))
    vanish = element.find(f"{W}rPr/{W}vanish")
    return replace(
        style,
        number=style.number if number is None else number,
        hidden=style.hidden if vanish is None else is_on(vanish),
    )


def outline_level(element: Any) -> int | None:
    """Return the heading level of a ``w:outlineLvl``; None for running text."""
    value = element.get(f"{W}val", "")
    return int(value) + 1 if value in set("012345678") else None


def list_number(properties: Any) -> tuple[str, int | None] | None:
    """Return (numId, level) of a ``w:pPr``; None if it says nothing of a list."""
    number = None if properties is None else properties.find(f"{W}numPr")
    if number is None:
        return None
    list_id, level = number.find(f"{W}numId"), number.find(f"{W}ilvl")
    depth = None if level is None else level.get(f"{W}val", "")
    return (
        "" if list_id is None else list_id.get(f"{W}val", ""),
        int(depth) if depth in set("012345678") else None,
    )


@dataclass(frozen=True, kw_only=True)
class _Level:
    kind: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int | None = None
    decimal: bool = False


class Numbering:
    """The lists of a document, and how far each has counted."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._style_levels: dict[str, dict[str, int]] = {}
        self._lists: dict[str, tuple[str, dict[int, int]]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._started: set[tuple[str, int]] = set()
        links: dict[str, str] = {}
        owners: dict[str, str] = {}
        for element in [] if root is None else root.iterchildren(f"{W}abstractNum"):
            abstract = element.get(f"{W}abstractNumId", "")
            self._read_levels(abstract, element)
            link, own = element.find(f"{W}numStyleLink"), element.find(f"{W}styleLink")
            if link is not None:
                links[abstract] = link.get(f"{W}val", "")
            if own is not None:
                owners[own.get(f"{W}val", "")] = abstract
        for element in [] if root is None else root.iterchildren(f"{W}num"):
            link = element.find(f"{W}abstractNumId")
            abstract = "" if link is None else link.get(f"{W}val", "")
            abstract = owners.get(links.get(abstract, ""), abstract)
            starts = {}
            for override in element.iterchildren(f"{W}lvlOverride"):
                start, level = override.find(f"{W}startOverride"), override.get(f"{W}ilvl", "")
                if start is not None and level in set("012345678"):
                    starts[int(level)] = _whole(start.get(f"{W}val"), 1)
            self._lists[element.get(f"{W}numId", "")] = (abstract, starts)

    def mark(self, list_id: str, level: int | None, styles: Sequence[str] = ()) -> str:
        """Count one paragraph and return its mark: ``3.1.``, ``b)``, ``-``; "" without any."""
        if list_id not in self._lists:
            return ""
        abstract, starts = self._lists[list_id]
        levels = self._levels.get(abstract, {})
        if level is None:
            by_style = self._style_levels.get(abstract, {})
            level = next((by_style[style] for style in styles if style in by_style), 0)
        if level not in levels:
            return ""
        counts = self._counts.setdefault(abstract, [None] * 9)
        if level in starts and (list_id, level) not in self._started:
            self._started.add((list_id, level))
            counts[level] = None
            levels = {**levels, level: replace(levels[level], start=starts[level])}
        before = counts[level]
        counts[level] = levels[level].start if before is None else before + 1
        for deeper in range(level + 1, 9):
            restart = levels.get(deeper, _Level()).restart
            if restart is None or level < restart:
                counts[deeper] = None
        if levels[level].kind == "bullet":
            return "-"
        return _filled(levels, counts, level)

    def _read_levels(self, abstract: str, element: Any) -> None:
        levels = self._levels.setdefault(abstract, {})
        for item in element.iterchildren(f"{W}lvl"):
            depth = item.get(f"{W}ilvl", "")
            if depth not in set("012345678"):
                continue
            values = {
                name: None if (child := item.find(f"{W}{name}")) is None else child.get(f"{W}val")
                for name in ("numFmt", "lvlText", "start", "lvlRestart", "pStyle")
            }
            restart = values["lvlRestart"]
            levels[int(depth)] = _Level(
                kind=values["numFmt"] or "decimal",
                text=values["lvlText"] or "",
                start=_whole(values["start"], 1),
                restart=None if restart is None else _whole(restart, 0),
                decimal=is_on(item.find(f"{W}isLgl")),
            )
            if values["pStyle"]:
                self._style_levels.setdefault(abstract, {})[values["pStyle"]] = int(depth)


def _filled(levels: dict[int, _Level], counts: list[int | None], level: int) -> str:
    text = levels[level].text
    for depth in range(9):
        sign = f"%{depth + 1}"
        if sign in text:
            own = levels.get(depth, _Level())
            count = counts[depth]
            kind = "decimal" if levels[level].decimal else own.kind
            text = text.replace(sign, _number(own.start if count is None else count, kind))
    return text.strip()


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else default


def _number(number: int, kind: str) -> str:
    """Return a number in one of Word's formats; in digits in a format that is not known."""
    number = min(max(number, 0), _MAX_NUMBER)
    return _KINDS.get(kind, str)(number)


def _letters(number: int) -> str:
    """Return a, b, ... z, aa, bb, ...: Word repeats the letter."""
    return chr(ord("a") + (number - 1) % 26) * min(-(-number // 26), 30) if number else ""


def _roman(number: int) -> str:
    if not 0 < number < 5000:
        return str(number)
    out = ""
    for value, sign in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i"),
        strict=True,
    ):
        out += sign * (number // value)
        number %= value
    return out


def _chinese(number: int) -> str:
    if not 0 < number < 10_000:
        return str(number)
    out, gap = "", False
    for value, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, value)
        if digit:
            out += ("零" if gap and out else "") + _DIGITS[digit] + sign
        gap = bool(out) and not digit
    return out[1:] if out.startswith("一十") else out


_KINDS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "decimalZero": lambda number: f"{number:02d}",
    "none": lambda number: "",
    "decimalEnclosedCircle": lambda n: chr(0x245F + n) if 0 < n <= 20 else str(n),
    "decimalEnclosedCircleChinese": lambda n: chr(0x245F + n) if 0 < n <= 20 else str(n),
    "ideographDigital": lambda number: "".join(_DIGITS[int(digit)] for digit in str(number)),
    **{f"{name}Counting": _chinese for name in ("chinese", "taiwanese", "japanese")},
    **{f"{name}CountingThousand": _chinese for name in ("chinese", "taiwanese")},
}
