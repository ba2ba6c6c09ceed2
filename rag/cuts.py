"""Finds where a text may be cut that is too long for one piece and has no sentence end.

Owns the order of preference: after a clause or a line, between words, between characters. A
character that a reader sees as one (a letter with its accents, an emoji of several parts) is a
grapheme cluster (UAX #29), and is cut only if it is longer than a whole piece. Pure. Does not own
sentence ends (`rag.sentences`).
"""

from __future__ import annotations

import re

import regex

__all__ = ["best_cut", "first_break", "grapheme_start"]

_GRAPHEME = regex.compile(r"\X")
_CLAUSE_END = re.compile(
    r"""[，、；：،؛፣፤፥၊](?!\d)["'”’»」』）)\]】》〉]*+\s*+|[,;:)\]]\s++|[–—…]++\s*+|\n\s*+"""
)
_WORD_START = re.compile(r"(?<=\s)\S")
# Scripts that put no spaces between words: Thai to Burmese, Khmer, Japanese, Chinese.
_UNSPACED = re.compile(
    r"[\u0e00-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff9f"
    r"\U00020000-\U0003ffff]"
)
# Not at the beginning of a line in Chinese and Japanese typesetting.
_CLINGING = frozenset("，。、；：！？…”’」』）】》〉］｝｡､ー々")


def grapheme_start(text: str, at: int, floor: int) -> int:
    """Return the last offset up to `at` that is not within a grapheme cluster; at least `floor`."""
    if at >= len(text) or at <= floor:
        return at
    if text[at].isascii() and text[at - 1].isascii() and text[at] != "\n":
        return at
    start = at - 1
    while start > floor and not (text[start].isascii() or "\u4e00" <= text[start] <= "\u9fff"):
        start -= 1
    for cluster in _GRAPHEME.finditer(text, start):
        if cluster.end() >= at:
            return at if cluster.end() == at else max(floor, int(cluster.start()))
    return at


def best_cut(text: str, start: int, limit: int) -> int:
    """Return where to cut a text that begins at `start` and goes on after `limit`.

    The cut is after a clause or between words in the second half before `limit`; else between
    characters in scripts without spaces; else between words; else between characters.

    Returns:
        An offset greater than `start` and not over `limit`, which must be greater than `start`.
    """
    half = start + (limit - start) // 2
    cut = 0
    for clause in _CLAUSE_END.finditer(text, half, limit):
        cut = clause.end()
    # A clause end that the limit cuts off from its white space.
    if cut > half and (cut < limit or not text[limit].isalnum() or text[limit - 1] in _CLINGING):
        return cut
    space = _last_space(text, start, limit)
    if space > half:
        return space
    at = limit
    while at > half and _clings(text, at):
        at -= 1
    if at > half and (_UNSPACED.match(text[at - 1]) or _UNSPACED.match(text[at])):
        return _grapheme_cut(text, start, at)
    return space if space > start else _grapheme_cut(text, start, limit)


def first_break(text: str, start: int, end: int) -> int:
    """Return the first offset from `start` at which a clause, a word or a character begins.

    It is where a piece that ends at `end` is repeated from; `end` if it is not to be repeated.
    """
    third = start + (end - start) * 2 // 3
    for clause in _CLAUSE_END.finditer(text, max(0, start - 1), third):
        if start <= clause.end() < third:
            return clause.end()
    if word := _WORD_START.search(text, start, end):
        return word.start()
    if start >= end or not _UNSPACED.match(text[start]):
        return end
    while start < end and (_clings(text, start) or grapheme_start(text, start, 0) != start):
        start += 1
    return start


def _last_space(text: str, start: int, limit: int) -> int:
    """Return the last offset in (start, limit] at which white space begins; `start` without any."""
    at = limit
    while at > start and not text[at].isspace():
        at -= 1
    return at


def _grapheme_cut(text: str, start: int, limit: int) -> int:
    at = grapheme_start(text, limit, start)
    return at if at > start else limit


def _clings(text: str, at: int) -> bool:
    """Return whether a cut at `at` is within a Latin word or number, or before a closing mark."""
    if text[at] in _CLINGING:
        return True
    left, right = text[at - 1], text[at]
    return left.isascii() and right.isascii() and left.isalnum() and right.isalnum()
