"""Characters and words of a PDF's text: ligatures, soft hyphens, and words broken at line ends.

Pure. `join_lines` is the one rule for line ends: a space, nothing between Chinese or Japanese
characters, and a decision for each hyphen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["Vocabulary", "clean", "is_cjk", "join_lines"]

_PRESENTATION = re.compile(
    "[\u2e80-\u2fd5\uf900-\ufaff\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdff\ufe70-\ufefc]+"
)
"""Ligatures, Hebrew and Arabic presentation forms, and radicals that fonts map ideographs to."""
_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓"})
"""Private characters of Symbol and Wingdings, as Word writes them for bullets."""
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\x00-\x08\x0e-\x1f]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u3000\\s]+")
_SOFT_END = re.compile("\\w\u00ad\\s*$")
_BROKEN_END = re.compile(r"(\w[\w'’]*)([-\u2010\u00ad])$")
_GLUED = re.compile(r"\w_$|\bhttps?://\S*/$")
"""A name or an address that a line end breaks goes on without a space."""
_FIRST_WORD = re.compile(r"[\"'“‘(\[]?(\w[\w'’]*)")
_HYPHENATED = re.compile(r"\w[\w'’]*(?:[-\u2010]\w[\w'’]*)*")
_CONJUNCTIONS = frozenset(["and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e"])
"""After a hanging hyphen ("pre- and post-war") the hyphen and the space stay."""
_COMPOUND_FIRST = frozenset(
    [
        "well",
        "self",
        "non",
        "half",
        "ill",
        "all",
        "cross",
        "high",
        "low",
        "long",
        "short",
        "full",
        "ex",
        "quasi",
        "hard",
        "soft",
        "fast",
        "slow",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "one",
        "first",
        "second",
        "third",
        "open",
        "close",
        "single",
        "double",
        "multi",
        "left",
        "right",
        "up",
        "down",
        "so",
        "state",
        "in",
        "on",
        "off",
        "end",
        "real",
        "wide",
    ]
)
_COMPOUND_LAST = frozenset(
    [
        "based",
        "known",
        "free",
        "term",
        "level",
        "time",
        "off",
        "out",
        "up",
        "down",
        "in",
        "on",
        "like",
        "wide",
        "made",
        "proof",
        "driven",
        "related",
        "specific",
        "aware",
        "ready",
        "only",
        "called",
        "defined",
        "size",
        "sized",
        "scale",
        "grade",
        "year",
        "day",
        "hour",
        "phase",
        "way",
        "art",
        "to",
        "end",
        "style",
        "type",
        "friendly",
        "order",
        "class",
        "law",
        "effective",
        "efficient",
        "resistant",
        "tight",
    ]
)


def is_cjk(character: str) -> bool:
    """Whether no space stands at a line's end beside this character (Chinese, Japanese)."""
    return (
        "\u2e80" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\ufe30" <= character <= "\ufe4f"
        or "\uff00" <= character <= "\uffef"
        or "\U00020000" <= character <= "\U0003ffff"
    )


def clean(text: str) -> str:
    """Return a line with plain letters for ligatures, single spaces and no invisible characters.

    A soft hyphen at the line's end stays, because `join_lines` needs it.
    """
    if text.isascii():
        return " ".join(text.replace("\x00", "").split())
    soft_end = _SOFT_END.search(text) is not None
    text = _PRESENTATION.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _INVISIBLE.sub("", text.translate(_BULLETS))
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _SPACES.sub(" ", text).strip()
    return text + "\u00ad" if soft_end else text


class Vocabulary:
    """The words of a document, to decide which hyphens at line ends belong to their words."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def add(self, lines: Iterable[str]) -> None:
        """Add the words of a paragraph's lines, except for those that a line end breaks."""
        broken = False
        for line in lines:
            words = [match[0].casefold() for match in _HYPHENATED.finditer(line)]
            if broken and words:
                words = words[1:]
            broken = _BROKEN_END.search(line) is not None
            self._words.update(words[:-1] if broken else words)

    def __contains__(self, word: str) -> bool:
        return word.casefold() in self._words


def join_lines(lines: Sequence[str], vocabulary: Vocabulary) -> tuple[str, list[int]]:
    """Join the lines of a paragraph.

    Args:
        lines: Lines as `clean` returns them.
        vocabulary: The words of the document.

    Returns:
        The text, and where in it each line starts. A line whose first half word was joined to
        the line before starts at that word's beginning.
    """
    text = ""
    starts: list[int] = []
    for line in lines:
        start = len(text)
        if text and line:
            kept, between = _seam(text, line, vocabulary)
            half = _broken_end(text) if not between and not is_cjk(line[0]) else None
            start = half.start() if half else len(kept) + len(between)
            text = kept + between
        text += line
        starts.append(max(start, starts[-1] if starts else 0))
    return text.removesuffix("\u00ad"), starts


def _broken_end(text: str) -> re.Match[str] | None:
    """Return the match of a half word at the end; only the last characters are searched."""
    return _BROKEN_END.search(text, max(0, len(text) - 80))


def _seam(text: str, line: str, vocabulary: Vocabulary) -> tuple[str, str]:
    """Return the text without a hyphen that goes, and what stands between it and the line."""
    end, first = _broken_end(text), _FIRST_WORD.match(line)
    if end is None or first is None:
        text = text.removesuffix("\u00ad")
        glued = is_cjk(text[-1:]) or is_cjk(line[0]) or _GLUED.search(text, max(0, len(text) - 200))
        return text, "" if glued else " "
    head, hyphen, tail = end[1], end[2], first[1]
    if hyphen == "\u00ad":
        return text[:-1], ""
    if tail.casefold() in _CONJUNCTIONS and head + tail not in vocabulary:
        return text, " "
    return (text if _is_compound(head, tail, text[: end.start()], vocabulary) else text[:-1]), ""


def _is_compound(head: str, tail: str, before: str, vocabulary: Vocabulary) -> bool:
    """Whether the hyphen between two parts is one that the word has in the middle of a line."""
    if before.endswith(("-", "\u2010", "/", ".", "@", "_")) or before[-1:].isdigit():
        return True
    if head + tail in vocabulary:
        return False
    if f"{head}-{tail}" in vocabulary or len(head) == 1 or not head[-1].isalpha():
        return True
    if not tail[0].islower() or head.isupper():
        return True
    if head.casefold() in _COMPOUND_FIRST or tail.casefold() in _COMPOUND_LAST:
        return True
    return len(head) > 3 and len(tail) > 3 and head in vocabulary and tail in vocabulary
