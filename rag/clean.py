"""Makes a text fit to be written down anywhere: no half surrogate pairs, no control characters.

Owns which characters a text may have. JSON, PDF and file systems hand out lone surrogates, which
no encoder takes: one of them would end a run. Pure; every text from outside (documents, questions,
answers of a language model) passes here once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rag.documents import Document

__all__ = ["PieceCleaner", "clean", "clean_document", "clean_line", "clean_value"]

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WRONG = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """Join surrogate pairs, and replace lone halves (by U+FFFD) and control characters (by spaces).

    Tabs and line breaks stay. Only a joined pair changes the length.
    """
    if not _WRONG.search(text):
        return text
    text = _PAIR.sub(_joined, text)
    return _CONTROL.sub(" ", _LONE.sub(REPLACEMENT, text))


def clean_line(text: str) -> str:
    """Return `text` cleaned, in one line, with single spaces."""
    return " ".join(clean(text).split())


def clean_value(value: Any) -> Any:
    """Return a JSON value with every string in it cleaned, names included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_value(name): clean_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(item) for item in value]
    return value


def clean_document(document: Document, title: str) -> Document:
    """Return a document whose texts are clean; its offsets count in the cleaned text.

    Args:
        document: The document as its reader made it.
        title: The title if the document's own has no characters left.
    """
    moved = _moves(document.text)
    return replace(
        document,
        title=clean_line(document.title) or clean_line(title) or REPLACEMENT,
        text=clean(document.text),
        sections=tuple(
            replace(
                section,
                heading=clean_line(section.heading),
                start=moved(section.start),
                end=moved(section.end),
            )
            for section in document.sections
        ),
        blocks=tuple(
            replace(
                block,
                start=moved(block.start),
                end=moved(block.end),
                header=block.header and (moved(block.header[0]), moved(block.header[1])),
            )
            for block in document.blocks
        ),
        pages=tuple(map(moved, document.pages)),
        missing=tuple(map(clean_line, document.missing)),
        remarks=tuple(map(clean_line, document.remarks)),
    )


class PieceCleaner:
    """Cleans a text that arrives in pieces: a pair may be cut between two of them."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """Return what of the text can be shown now."""
        piece = self._half + piece
        self._half = ""
        if piece and "\ud800" <= piece[-1] <= "\udbff":
            piece, self._half = piece[:-1], piece[-1]
        return clean(piece)

    def end(self) -> str:
        """Return the rest."""
        rest, self._half = self._half, ""
        return clean(rest)


def _joined(pair: re.Match[str]) -> str:
    return pair.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _moves(text: str) -> Callable[[int], int]:
    """Return the function from an offset in `text` to the offset in the cleaned text."""
    # The second half of every pair is gone.
    gone = [pair.start() + 1 for pair in _PAIR.finditer(text)]
    return lambda offset: offset - bisect_left(gone, offset)
