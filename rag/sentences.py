"""Finds where sentences and paragraphs end, in every script.

Owns the rules of punctuation. Pure; offsets are exact. Does not own where a text without sentence
ends may be cut (`rag.cuts`), nor the size of chunks (`rag.chunk`).

Sentence ends come from the Unicode property Sentence_Terminal (UAX #44), so that Chinese,
Japanese, Devanagari, Arabic, Ethiopic, Burmese and others count. Thai and Lao have no such mark:
their texts are cut at spaces. The marks ``. ! ?`` and ``…`` need white space after them, except
between Chinese, Japanese or Korean characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["paragraph_spans", "sentence_spans", "sentences_of", "split", "trim"]

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
# Sentence_Terminal of Unicode 15.1 for scripts in use today, except `. ! ?`; also the semicolon of
# Chinese and the Khmer and Tibetan marks. The Burmese comma (U+104A) is left out.
_ENDS_ALONE = (
    r"\u0589\u061d-\u061f\u06d4\u0700-\u0702\u07f9\u0964\u0965\u0f0d\u0f0e\u104b\u1362\u1367\u1368"
    r"\u166e\u17d4\u17d5\u1803\u1809\u1944\u1945\u1aa8-\u1aab\u1b5a\u1b5b\u1b5e\u1b5f\u1c3b\u1c3c"
    r"\u1c7e\u1c7f\u203c\u203d\u2047-\u2049\u2e2e\u3002\ua4ff\ua60e\ua60f\ua6f3\ua6f7\ua8ce\ua8cf"
    r"\ua92f\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb\ufe12\ufe52\ufe56\ufe57\uff01\uff1b\uff1f"
    r"\uff61"
)
_CLOSERS = r"""["'”’»›」』）)\]】》〉〕］｝＂＇*_`]*+"""
# A form feed (the end of a page) does not count if the sentence goes on with a lower-case letter.
_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*|\f\s*+(?![a-zß-öø-ÿа-я])")
# Every quantifier that could meet a long run is possessive or bounded, so the time is linear.
_BREAK = re.compile(
    rf"""
    # Lines that stand alone: headings of Markdown and rows of tables, then what begins one.
    ^[^\S\n]{{0,3}}\#{{1,6}}[ ][^\n]*+\n
  | ^(?:[^\S\n]{{0,9}}\|[^\n]*+ | [^\n]{{0,300}}?[ ]\|[ ][^\n]{{0,300}}?[ ]\|[ ][^\n]*+)(?:\n|\Z)
  | \n(?=[^\S\n]{{0,99}}(?:[-*+•]|\d{{1,3}}[.)]|\#{{1,6}})\s | [^\n]{{0,300}}?[ ]\|[ ])
    # A mark that ends a sentence by itself, with what closes after it. A comma after a closing
    # quote shows that the sentence goes on.
  | (?:[{_ENDS_ALONE}][.!?…]*+ | ．(?!\d) | (?<=[{_CJK}，。、])…{{2,}}+)++{_CLOSERS}
    (?![，、：,])\s*+
  | (?<=[{_CJK}])[.!?]++{_CLOSERS}(?=[{_CJK}])
    # A mark that may end one: `_ends` decides.
  | (?<![.!?…])(?P<mark>[.!?…]++)(?P<closers>{_CLOSERS})\s++
    """,
    re.VERBOSE | re.MULTILINE,
)
_OPENERS = "\"'“‘„«‹([{（「『【*_`#¿¡"
_QUOTES = frozenset("\"'”’»›」』")
_WORD_BEFORE = 24
"""Characters before a full stop that are looked at; no abbreviation is longer."""
_SHORT_NAME = 3
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


# Casefolded, without the full stop. A sentence never ends after one of these.
_NEVER_LAST = _words(
    "dr mr mrs ms messrs prof st vs viz cf approx e.g i.e",
    "bzw vgl evtl ggf inkl exkl zzgl sog bspw hrsg dipl z.b d.h u.a o.ä",
    "mme mlle p.ex sr sra dra sig dott dhr mevr bijv np tzn tzw т.е т.н г ул",
)
# These can be a sentence's last word as well: it goes on before a number or a lower-case word.
_MAYBE_LAST = _words(
    "no nos nr nº num núm fig figs vol p pp pg ed eds al ca est max min temp art abs abb tab sec",
    "ch chap eq ref refs etc usw incl tel jan feb mar apr jun jul aug sep sept oct okt nov dec dez",
    "inc ltd co corp dept jr mio mrd mind str geb pág cap av ud uds т д др пр рис табл стр см",
)
_GERMAN_MONTHS = _words(
    "januar februar märz april mai juni juli august september oktober november dezember"
)
# After initials ("U.S.", "J."), one of these begins a new sentence; any other word is a name.
_FIRST_WORDS = _words(
    "the this these those it its in if a an when for we they he she you i to on at as by there",
    "our your his her but and that with after before no not all each do use see what how",
)


def trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span without white space around it; None if nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def split(text: str, start: int, end: int, breaks: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Yield the trimmed spans between `start`, the offsets in `breaks` and `end`, if not empty."""
    at = start
    for offset in breaks:
        if span := trim(text, at, offset):
            yield span
        at = offset
    if span := trim(text, at, end):
        yield span


def paragraph_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each paragraph between two offsets, without white space around."""
    matches = _PARAGRAPH_BREAK.finditer(text, start, end)
    return split(text, start, end, (match.end() for match in matches))


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each sentence, list item or table row, without white space around."""
    return [
        span
        for paragraph in paragraph_spans(text, 0, len(text))
        for span in sentences_of(text, *paragraph)
    ]


def sentences_of(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence of the paragraph between two offsets."""
    breaks = (
        match.end()
        for match in _BREAK.finditer(text, start, end)
        if not match["mark"] or _ends(text, match, end)
    )
    return split(text, start, end, breaks)


def _ends(text: str, match: re.Match[str], end: int) -> bool:
    """Return whether a sentence ends at a mark with white space after it."""
    at = match.end()
    while at < end and text[at] in _OPENERS:
        at += 1
    if at == end:
        return True
    lower = text[at].islower()
    if text[at] in "–—-,;:=+&/)" and "\n" not in match.group():
        return False
    if match["mark"] != ".":
        # "Stop!" he said. And so on… until the end.
        return not lower or not ("…" in match["mark"] or ".." in match["mark"] or match["closers"])
    if match["closers"] and lower:
        return not _QUOTES.intersection(match["closers"])
    return match["closers"] != "" or _full_stop_ends(text, match.start(), at)


def _full_stop_ends(text: str, stop: int, following: int) -> bool:
    """Return whether the full stop at `stop` ends a sentence; the next word is at `following`."""
    start = stop
    while start > max(0, stop - _WORD_BEFORE) and not text[start - 1].isspace():
        start -= 1
    shown = text[start:stop].lstrip(_OPENERS)
    word = shown.casefold()
    lower, digit = text[following].islower(), text[following].isdigit()
    after = following
    while after < len(text) and text[after].isalpha():
        after += 1
    follower = text[following:after].casefold()
    if word in _NEVER_LAST:
        return False
    if word in _MAYBE_LAST:
        return not lower and not digit
    if word.isdigit():
        # "1. Remove the tray" at the start of a line; "am 3. Mai".
        line = text.rfind("\n", max(0, start - 8), start) + 1
        first = not text[line:start].strip() if line or start < 8 else False
        return not first and not (len(word) <= 2 and (lower or follower in _GERMAN_MONTHS))
    if (len(word) == 1 and word.upper() != word) or _INITIALS.fullmatch(word):
        return follower in _FIRST_WORDS and not lower and text[after : after + 1] != "."
    if lower and len(shown) <= _SHORT_NAME and shown.istitle():
        # "Ae. aegypti": a genus.
        return False
    # "bzw", "kcal": an abbreviation has no vowel, or only capital letters follow it.
    return not lower or not word.isascii() or bool(set(word) & set("aeiouy0123456789)%"))
