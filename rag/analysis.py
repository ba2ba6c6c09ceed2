"""Turns text into the terms that are indexed, searched and compared. Pure.

Owns the analysis, so that a document, a question and an answer are analysed in the same way, and by
every search engine in the same way: the index has the terms on a whitespace analyser. Does not
choose the language (`rag.language`). A change that gives other terms changes
`rag.index.ANALYSER`.

    word        in lower case and without its ending (PyStemmer): ``vessels`` is ``vessel``
    number      ``1,000`` is ``1000``; ``3.5`` stays
    compound    the whole without its hyphens, then the parts: ``AW-047`` is ``aw047 aw 047``
    with a unit ``24V`` is ``24v 24 v``
    Chinese...  every character, and every pair of neighbors

Stop words stay in the index. A question gives them a low weight (`question_terms`): on covid-qa
this finds more than leaving them out, and a list that goes too far does less harm.
"""

from __future__ import annotations

import functools
import itertools
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from rag.language import UNSPACED

__all__ = ["content_weights", "neighbors", "numbers", "question_terms", "terms"]

CHARACTER_WEIGHT = 0.5
PART_WEIGHT = 0.2
STOP_WEIGHT = 0.3
"""Weights in a question of a single character, of a part of a compound, and of a stop word. A word
and a pair of characters weigh 1. Chosen on the train splits of covid-qa and cmrc2018."""
_MOST_NEIGHBORS = 60
"""Pairs of neighboring terms of a question: each is a phrase query."""
_MOST_TERMS = 400
"""Terms of a question. Elasticsearch accepts some thousand clauses, and is slow with them."""

_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}
_NOT_LATIN = frozenset(
    re.findall(
        r"\w+",
        """am ar be bg bn el fa gu he hi hy ja ka kk km kn ko ky lo mk ml mn mr my ne or pa ps ru si
        ta te th ug uk ur zh""",
    )
)
"""Languages in whose documents a word of Latin letters is mostly English."""
_ELIDING = frozenset(("ca", "fr", "ga", "it", "oc"))
"""Languages whose articles end in an apostrophe: ``l'eau`` is ``eau``."""

_ENGLISH_STOP_WORDS = frozenset(
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
        would you your dont doesnt didnt isnt arent wasnt werent cant couldnt wont im ive youre""",
    )
)
_FUNCTION_CHARACTERS = frozenset(
    "的了是在有和与及或之其这那哪吗呢吧啊呀么什谁何怎为被于而且并也都就还从到把以个位名样如多少几"
    "與這嗎麼誰為於並還從個樣幾"
)
"""Chinese characters of grammar and of questions, simplified and traditional."""
_CHINESE_STOP_WORDS = frozenset(("意思", "意", "思", "出现", "出現", "请问", "請問", "请", "請"))
"""Words of questions ("what does it mean when E9 appears?") that a document rarely has."""
_HIRAGANA = re.compile("[\u3041-\u309f]+")


def _ranges() -> tuple[str, dict[int, str]]:
    """Return the combining marks for a character class, and the digits of all scripts."""
    marks, digits = [], {}
    for code in range(0x80, 0x10000):
        category = unicodedata.category(chr(code))
        if category in ("Mn", "Mc"):
            marks.append(code)
        elif category == "Nd":
            digits[code] = str(unicodedata.decimal(chr(code)))
    parts, start = [], 0
    for index, code in enumerate(marks):
        if index + 1 == len(marks) or marks[index + 1] != code + 1:
            parts.append(f"{chr(marks[start])}-{chr(code)}")
            start = index + 1
    return "".join(parts), digits


_MARKS, _DIGITS = _ranges()
_IGNORED = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])
"""Invisible characters: soft hyphens, joiners, directions."""
_REPLACED: dict[int, str | None] = {
    **_DIGITS,
    **_IGNORED,
    **dict.fromkeys(map(ord, "’‘ʼ`´"), "'"),
    **dict.fromkeys(map(ord, "‐‑"), "-"),
    ord("٫"): ".",
    ord("٬"): ",",
    # What casefold() leaves of the Turkish capital i.
    0x307: None,
}
_LETTER = f"[^\\W_{UNSPACED}{_MARKS}]"
_RUN = f"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*"
_TOKEN = re.compile(
    f"(?P<word>{_RUN}(?:(?:[-._&']|,(?=\\d{{3}}(?!\\d))){_RUN})*)|(?P<unspaced>[{UNSPACED}]"
    f"[{UNSPACED}{_MARKS}]*)"
)
_CLUSTER = re.compile(f"[{UNSPACED}][{_MARKS}]*")
_SEPARATOR = re.compile(r"[-_&]|(?<!\d)\.|\.(?!\d)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_COMPOUND = re.compile(r"[-._&',\d]")
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)*)([^\W\d_]{1,4})")
_NUMBER = re.compile(f"[^\\W{UNSPACED}]*\\d(?:[^\\W{UNSPACED}]|[.,:/-])*")


class _Kind(Enum):
    WORD = 1
    PART = 2
    CHARACTER = 3
    PAIR = 4


_WEIGHTS = {
    _Kind.WORD: 1.0,
    _Kind.PART: PART_WEIGHT,
    _Kind.CHARACTER: CHARACTER_WEIGHT,
    _Kind.PAIR: 1.0,
}


def terms(text: str, language: str) -> list[str]:
    """Return the terms of `text`, in order and with repeats. No term has white space in it.

    Args:
        text: Any text. Unicode's compatible and decomposed forms give the same terms.
        language: An ISO 639-1 code. A language without a stemmer, such as "und", keeps its words
            in lower case.
    """
    tokens = [token for token, _ in _tokens(text, language)]
    return _stemmed(tokens, language)


def question_terms(text: str, language: str) -> dict[str, float]:
    """Return the terms of a question once each, in order, with their weights in a search.

    Args:
        text: The question; of a very long one, the terms of most weight.
        language: As in `terms`.
    """
    tokens = [
        (token, _WEIGHTS[kind] * (STOP_WEIGHT if _is_stop_word(token, language) else 1.0))
        for token, kind in _tokens(text, language)
    ]
    found = _weighted(tokens, language)
    if len(found) > _MOST_TERMS:
        kept = set(sorted(found, key=lambda term: -found[term])[:_MOST_TERMS])
        found = {term: weight for term, weight in found.items() if term in kept}
    return found


def content_weights(text: str, language: str) -> dict[str, float]:
    """Return the terms that carry content, once each, in order, with their weights.

    A word and a pair of characters weigh 1, a single character less. Stop words and the parts of
    compounds are left out.
    """
    tokens = [
        (token, _WEIGHTS[kind])
        for token, kind in _tokens(text, language)
        if kind is not _Kind.PART and not _is_stop_word(token, language)
    ]
    return _weighted(tokens, language)


def _weighted(tokens: Sequence[tuple[str, float]], language: str) -> dict[str, float]:
    """Return the terms of words once each, in order, with the largest weight of each."""
    found: dict[str, float] = {}
    stems = _stemmed([token for token, _ in tokens], language)
    for term, (_, weight) in zip(stems, tokens, strict=True):
        found[term] = max(weight, found.get(term, 0.0))
    return found


def _is_stop_word(token: str, language: str) -> bool:
    """Return whether a word before stemming, or a Chinese pair, says little about a question."""
    if token in _stop_words(language):
        return True
    return not _FUNCTION_CHARACTERS.isdisjoint(token) or bool(_HIRAGANA.fullmatch(token))


@functools.cache
def _stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language, without apostrophes; empty for an unknown one."""
    if language == "en":
        return _ENGLISH_STOP_WORDS
    if language == "zh":
        return _CHINESE_STOP_WORDS
    if language in ("ja", "ko"):
        return frozenset()
    import stopwordsiso

    if not stopwordsiso.has_lang(language):
        return frozenset()
    return frozenset(_normal(word).replace("'", "") for word in stopwordsiso.stopwords(language))


def neighbors(text: str, language: str) -> list[tuple[str, str]]:
    """Return the pairs of neighboring words (or pairs of characters) of a question, in order."""
    words = [term for term, weight in content_weights(text, language).items() if weight == 1.0]
    return list(itertools.pairwise(words))[:_MOST_NEIGHBORS]


def numbers(text: str) -> set[str]:
    """Return numbers and codes in `text`: words with a digit, without closing punctuation."""
    found = _NUMBER.finditer(unicodedata.normalize("NFKC", text))
    return {match.group().rstrip(".,:/-").lower() for match in found}


def _normal(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).translate(_REPLACED)


def _tokens(text: str, language: str) -> Iterator[tuple[str, _Kind]]:
    """Yield the words before stemming, with their kind."""
    eliding = language in _ELIDING
    for match in _TOKEN.finditer(_normal(text)):
        word = match["word"]
        if word is None:
            yield from _unspaced(match["unspaced"])
        elif not _COMPOUND.search(word):
            yield word, _Kind.WORD
        else:
            yield from _compound(word, eliding)


def _unspaced(run: str) -> Iterator[tuple[str, _Kind]]:
    clusters = _CLUSTER.findall(run)
    if len(clusters) == 1:
        yield run, _Kind.WORD
        return
    before = ""
    for cluster in clusters:
        if before:
            yield before + cluster, _Kind.PAIR
        yield cluster, _Kind.CHARACTER
        before = cluster


def _compound(word: str, eliding: bool) -> Iterator[tuple[str, _Kind]]:
    word = _THOUSANDS.sub("", word.removesuffix("'s"))
    if "'" in word:
        if eliding:
            for piece in word.split("'"):
                if len(piece) > 2:
                    yield from _compound(piece, False)
            return
        word = word.replace("'", "")
    parts = [part for part in _SEPARATOR.split(word) if part]
    yield "".join(parts), _Kind.WORD
    if len(parts) > 1:
        for part in parts:
            if len(part) > 1:
                yield part, _Kind.PART
    elif unit := _WITH_UNIT.fullmatch(word):
        yield unit[1], _Kind.PART
        yield unit[2], _Kind.PART


_local = threading.local()


def _stemmed(words: list[str], language: str) -> list[str]:
    stem = _stemmer(language)
    if language not in _NOT_LATIN:
        return stem.stemWords(words) if stem else words
    english = _stemmer("en")
    return [
        english.stemWord(word) if word.isascii() else stem.stemWord(word) if stem else word
        for word in words
    ]


def _stemmer(language: str) -> Any:
    """Return this thread's stemmer of a language, because PyStemmer's have a state."""
    stemmers = _local.__dict__.setdefault("stemmers", {})
    if language not in stemmers:
        import Stemmer

        name = _STEMMERS.get(language)
        stemmers[language] = Stemmer.Stemmer(name) if name else None
    return stemmers[language]
