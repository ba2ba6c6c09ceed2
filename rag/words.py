"""Words and sentences of a text, for judging questions, passages and answers. Pure.

Stems have no English endings; words of other languages stay unchanged.
"""

from __future__ import annotations

import re

from rag.chunk import sentence_spans

__all__ = ["content_terms", "numbers", "sentence_spans", "stem"]

_WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_NUMBER = re.compile(r"\w*\d[\w.,:/-]*")
_STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after again all also am an and any are as at be because been before being
        between both but by can cannot could did do does doing down during each few for from
        further get gets give gives given got had happen happens has have having he her here hers
        him his how i if in into is it its itself just kind know let lets long many may me might
        mean more most much must my need needs no nor not of off often on once one only or other
        our out over own please same say says shall she should so some such tell than that the
        their them then there these they this those through to too under until up us use used very
        want wants was we were what when where which while who whom whose why will with within
        would you your""",
    )
)
_SUFFIXES = ("ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ied", "es", "ed", "ly", "s")
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")


def stem(word: str) -> str:
    """Return a word in lower case without common English endings; at least 3 letters stay."""
    word = word.lower().removesuffix("'s").removesuffix("’s")
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = _DOUBLED.sub(r"\1", word[: -len(suffix)])
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def content_terms(text: str) -> list[str]:
    """Return the stems of the content words of `text`, each once, in order."""
    words = (match.group().lower() for match in _WORD.finditer(text))
    return list(dict.fromkeys(stem(word) for word in words if word not in _STOPWORDS))


def numbers(text: str) -> set[str]:
    """Return numbers and codes in `text`: words with a digit, without closing punctuation."""
    return {match.group().rstrip(".,:/-").lower() for match in _NUMBER.finditer(text)}
