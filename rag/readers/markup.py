"""Reads text with light markup: reStructuredText, AsciiDoc, Org, LaTeX. The text stays unchanged.

Owns where their headings are. Tables and code are part of the text and are not marked. Log files
and everything else that is plain text are read by `rag.readers.text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from rag.documents import Document
from rag.readers.builder import sections_of
from rag.readers.options import ReadOptions
from rag.readers.text import TITLE_LENGTH, read_text

__all__ = ["read_markup"]

_Heading = tuple[int, str, int]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")
_ASCIIDOC = re.compile(r"(={1,6}|#{1,6})\s+(\S.*)")
_ASCIIDOC_FENCE = re.compile(r"-{4,}|\.{4,}|\+{4,}|/{4,}|```\w*")
_ORG = re.compile(r"(\*+)\s+(?:(?:TODO|DONE)\s+)?(\S.*)")
_ORG_TITLE = re.compile(r"#\+title:(.*)", re.IGNORECASE)
_ORG_TAGS = re.compile(r"\s:[\w@:]+:$")
_ORG_FENCE = re.compile(r"#\+(begin|end)_(?:src|example)", re.IGNORECASE)
_LATEX_LEVELS = {
    **{"title": 1, "part": 1, "chapter": 1, "section": 2, "subsection": 3},
    **{"subsubsection": 4, "paragraph": 5},
}
_LATEX = re.compile(rf"\\({'|'.join(_LATEX_LEVELS)})\*?(?:\[[^\[\]\n]*\])?\{{([^{{}}\n]*)\}}")


def read_markup(key: str, data: bytes, options: ReadOptions) -> Document:
    """Read text whose suffix says what its headings look like."""
    document = read_text(key, data, options)
    lines = [
        (match.group().rstrip("\r\n"), match.start()) for match in _LINE.finditer(document.text)
    ]
    find = _HEADINGS[PurePosixPath(key).suffix.lower()]
    headings = list(find([(line.rstrip(), start) for line, start in lines]))
    if not headings:
        return document
    title = min(headings, key=lambda heading: heading[0])[1]
    return replace(
        document,
        title=" ".join(title.split())[:TITLE_LENGTH] or document.title,
        sections=sections_of(headings, len(document.text)),
    )


def _restructured(lines: list[tuple[str, int]]) -> Iterator[_Heading]:
    """Yield lines with a row of one character below, and perhaps above, as long as the line.

    The level is the order in which the kinds of rows appear.
    """
    kinds: list[str] = []
    for number, (line, start) in enumerate(lines[:-1]):
        below = lines[number + 1][0]
        if not line.strip() or not _is_row(below, len(line.strip())) or _ADORNMENT.fullmatch(line):
            continue
        above = lines[number - 1] if number else ("", 0)
        overlined = above[0] == below
        if not overlined and (line[0].isspace() or above[0].strip()):
            continue
        kind = below[0] * (1 + overlined)
        if kind not in kinds:
            kinds.append(kind)
        yield kinds.index(kind) + 1, line.strip(), above[1] if overlined else start


def _is_row(line: str, length: int) -> bool:
    # Chinese titles are twice as wide as their number of characters; a row may be too short.
    return len(line) >= min(length, 4) and _ADORNMENT.fullmatch(line) is not None


def _asciidoc(lines: list[tuple[str, int]]) -> Iterator[_Heading]:
    fence = ""
    for line, start in lines:
        if fence:
            fence = "" if line == fence else fence
        elif _ASCIIDOC_FENCE.fullmatch(line):
            fence = "```" if line.startswith("`") else line
        elif match := _ASCIIDOC.fullmatch(line):
            yield len(match.group(1)), match.group(2), start


def _org(lines: list[tuple[str, int]]) -> Iterator[_Heading]:
    code = False
    for line, start in lines:
        if fence := _ORG_FENCE.match(line.lstrip()):
            code = fence.group(1).lower() == "begin"
        elif not code and (match := _ORG.fullmatch(line)):
            yield len(match.group(1)) + 1, _ORG_TAGS.sub("", match.group(2)).rstrip(), start
        elif (title := _ORG_TITLE.fullmatch(line)) and title.group(1).strip():
            yield 1, title.group(1).strip(), start


def _latex(lines: list[tuple[str, int]]) -> Iterator[_Heading]:
    for line, start in lines:
        if (match := _LATEX.match(line.lstrip())) and match.group(2).strip():
            yield _LATEX_LEVELS[match.group(1)], match.group(2).strip(), start


_HEADINGS: dict[str, Callable[[list[tuple[str, int]]], Iterator[_Heading]]] = {
    ".rst": _restructured,
    ".adoc": _asciidoc,
    ".asciidoc": _asciidoc,
    ".org": _org,
    ".tex": _latex,
}
