"""Finds a copied text in a document that writes it a little differently. Pure.

People copy an answer from a page, and the extracted text has a line break, a ligature or a curly
quote in its place. Owns what counts as the same text, and the offsets in the source: every span is
one of the source, never of a normalised copy. Does not own search terms.

The comparison gets looser in three steps, and a later step counts only if the earlier steps find
nothing:

    exact    character by character;
    loose    runs of white space, and forms that look alike: Unicode NFKC, quotes, dashes;
    joined   also letter case, and neither white space nor hyphens between letters count. A match
             must then begin and end at word boundaries.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Searchable"]

_PIECE = re.compile(r"([!#-&(-,./0-9:-_a-~\u4e00-\u9fff]+)|[\s\S]")
"""A run of characters that stand for themselves, or one other character: white space, quotes, the
grave accent, the hyphen, and most characters beyond ASCII."""
_ALIKE = {
    **dict.fromkeys("'`´‘’‚‛′ʹʻʼ", "'"),
    **dict.fromkeys('"“”„‟″«»〝〞', '"'),
    **dict.fromkeys("-‐‑‒–—―−﹘﹣－⸺⸻", "-"),
    "⁄": "/",
    "∕": "/",
}
_INVISIBLE = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors and the like; the category Cf (soft hyphen, zero width space) also counts."""
_JAMO_REST = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff]"
)
"""Scripts without spaces between words, and Hangul, whose particles follow a word directly."""
_MANY = 10_000
"""Occurrences to compare at most; a text that is repeated more often is not an answer."""


class Searchable:
    """A text to find copies in. Computes its normalised forms once, when they are first needed.

    Args:
        text: The source text; offsets refer to it.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _loose(self) -> _Folded:
        return _fold(self.text)

    @cached_property
    def _joined(self) -> _Folded:
        return _join(self._loose)

    def find(self, wanted: str, near: int | None = None) -> tuple[int, int] | None:
        """Return start and end of `wanted` in the text; None if it is not there.

        Among several occurrences, whole words come before parts of words. Then the occurrence
        nearest to `near` counts, or without `near` the first.

        Args:
            wanted: The text to find; None is found for white space alone.
            near: The offset at which it should be; None if unknown.
        """
        wanted = wanted.strip()
        if not wanted:
            return None
        if near is not None and near >= 0:
            if self.text.startswith(wanted, near):
                return near, near + len(wanted)
            # An inexact match at the offset counts more than an exact one far from it.
            found = self._best(self._exact(wanted) + self._in(self._loose, _fold(wanted)), near)
        else:
            near = 0
            exact = self._exact(wanted)
            found = self._best(exact or self._in(self._loose, _fold(wanted)), near)
        if found is not None:
            return found
        joined = self._in(self._joined, _join(_fold(wanted)))
        return self._best([span for span in joined if self._whole(span)], near)

    def _exact(self, wanted: str) -> list[tuple[int, int]]:
        return [(at, at + len(wanted)) for at in _occurrences(self.text, wanted)]

    def _in(self, folded: _Folded, wanted: _Folded) -> list[tuple[int, int]]:
        text = wanted.text.strip()
        if not text:
            return []
        return [folded.source(at, at + len(text)) for at in _occurrences(folded.text, text)]

    def _best(self, spans: list[tuple[int, int]], near: int) -> tuple[int, int] | None:
        return min(
            spans, key=lambda span: (not self._whole(span), abs(span[0] - near)), default=None
        )

    def _whole(self, span: tuple[int, int]) -> bool:
        """Return whether a span neither begins nor ends inside a word."""
        return not any(
            0 < at < len(self.text) and _in_word(self.text[at - 1]) and _in_word(self.text[at])
            for at in span
        )


@dataclass(frozen=True, slots=True)
class _Folded:
    """A normalised text, and for each of its characters the span of its source."""

    text: str
    starts: array[int]
    ends: array[int]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the source for a non-empty span of the normalised text."""
        return self.starts[start], self.ends[end - 1]


def _occurrences(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0 and len(found) < _MANY:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def _fold(text: str) -> _Folded:
    """Return `text` with one space for white space, and with one form for forms that look alike."""
    parts: list[str] = []
    starts, ends = array("I"), array("I")
    for start, end, plain in _clusters(text):
        if plain:
            parts.append(text[start:end])
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
            continue
        folded = _folded_cluster(text[start:end])
        if folded in (" ", "-") and parts and parts[-1][-1] == folded:
            ends[-1] = end
        elif folded:
            parts.append(folded)
            starts.extend([start] * len(folded))
            ends.extend([end] * len(folded))
    return _Folded("".join(parts), starts, ends)


def _clusters(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield what is normalised together: start, end, and whether it stays unchanged.

    It is a run of characters that stand for themselves, or one other character, with the combining
    marks that follow it.
    """
    start = end = 0
    plain = True
    for match in _PIECE.finditer(text):
        run = match.lastindex is not None
        if not run and end > start and _extends(match.group()):
            if plain and end - start > 1:
                # The mark belongs to the last character of the run alone.
                yield start, end - 1, True
                start = end - 1
            end, plain = match.end(), False
            continue
        if end > start:
            yield start, end, plain
        start, end, plain = match.start(), match.end(), run
    if end > start:
        yield start, end, plain


def _extends(character: str) -> bool:
    if character.isascii():
        return False
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.combining(first) != 0 or _JAMO_REST.match(first) is not None


def _folded_cluster(piece: str) -> str:
    if piece.isspace():
        return " "
    kept = "".join(c for c in piece if unicodedata.category(c) != "Cf" and not _INVISIBLE.match(c))
    if not kept:
        return ""
    alike = _ALIKE.get(kept)
    if alike is not None:
        return alike
    plain = unicodedata.normalize("NFKC", kept)
    return "".join(_ALIKE.get(c, " " if c.isspace() else c) for c in plain)


def _join(folded: _Folded) -> _Folded:
    """Return a folded text in lower case, without white space and hyphens between letters."""
    parts: list[str] = []
    starts, ends = array("I"), array("I")
    for match in re.finditer(r"[^\s-]+|-(?![^\W\d_])(?!\s[^\W\d_])|(?<![^\W\d_])-", folded.text):
        for at in range(*match.span()):
            lower = folded.text[at].casefold()
            parts.append(lower)
            starts.extend([folded.starts[at]] * len(lower))
            ends.extend([folded.ends[at]] * len(lower))
    return _Folded("".join(parts), starts, ends)


def _in_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" and not _UNSPACED.match(character)
