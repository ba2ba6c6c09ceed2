"""Judges by its letters whether a text was decoded rightly.

Owns what a wrong encoding looks like: letters of two scripts in one word, capitals inside words,
symbols between letters, letters that the language does not have. Does not decode (`encoding`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["oddness"]

_JUDGED_CHARACTERS = 20_000
_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC"})
"""Scripts whose words do not mix with another of them."""
_IN_WORDS = frozenset("’‘·–—…\xad")
"""Signs that stand between letters in a right text."""
_SIGNS = frozenset("°©®™")
_NO_TEXT = frozenset({"Co", "Cn", "Cs"})
_C1_CONTROL = re.compile("[\x80-\x84\x86-\x9f]")
"""Typography of Windows that was read as ISO 8859-1."""

_WESTERN = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœßªº"
_CZECH = "áčďéěíĺľňóôŕřšťúůýžäöü"
_CROATIAN = "čćđšžéáöüä"
_LETTERS: Mapping[str, frozenset[str]] = {
    language: frozenset(letters + letters.upper() + "İ" * (language == "tr"))
    for languages, letters in (
        ("en de fr es pt it nl da no nb nn sv fi ca ga gl eu af id ms", _WESTERN),
        ("is", _WESTERN + "ðþ"),
        ("pl", "ąćęłńóśźżéáöüä"),
        ("cs sk", _CZECH),
        ("hu", "áéíóöőúüűä"),
        ("hr sl bs", _CROATIAN),
        ("ro", "ăâîșțşţéáöüä"),
        ("tr", "çğıöşüâîûéä"),
        ("lt", "ąčęėįšųūžéäöü"),
        ("lv", "āčēģīķļņšūžōéäöü"),
        ("et", "äöõüšžé"),
    )
    for language in languages.split()
}
"""Letters beyond ASCII by language (ISO 639-1), with those of frequent foreign names."""


def oddness(text: str, language: str | None) -> float:
    """Return the share of the characters beyond ASCII that a right text would not have there.

    Args:
        text: The decoded text; its first 20,000 characters count.
        language: The language that it seems to be in, ISO 639-1; None if that is not known.
    """
    text = text[:_JUDGED_CHARACTERS]
    beyond = sum(character > "\x7f" for character in text)
    if not beyond:
        return 0.0
    if _C1_CONTROL.search(text):
        return 1.0
    letters = _LETTERS.get(language or "")
    all_letters = sum(c.isalpha() for c in text)
    latin = 2 * sum(c.isalpha() for c in text if c <= "\x7f") > all_letters
    odd = 0
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if character > "\x7f":
            odd += _odd(before, character, after, letters, latin)
    # A long text with few such characters may have one foreign name.
    return odd / max(beyond, all_letters / 100)


def _odd(
    before: str, character: str, after: str, letters: frozenset[str] | None, latin: bool
) -> bool:
    category = unicodedata.category(character)
    if category in _NO_TEXT:
        return True
    if category[0] == "L":
        script = _script(character)
        if script not in _ALPHABETS:
            return False
        return (
            any(_script(c) not in (script, "") for c in (before, after) if _in_alphabet(c))
            or (character.isupper() and before.islower())
            or (script == "LATIN" and letters is not None and character not in letters)
            # One letter of another alphabet alone in a Latin text: "Vim и un editor".
            or (script != "LATIN" and latin and not before.isalpha() and not after.isalpha())
        )
    if category[0] not in "SPN" or character in _IN_WORDS:
        return False
    if _in_alphabet(before) and _in_alphabet(after):
        return True
    return (
        category == "So"
        and character not in _SIGNS
        and (before.isalpha() or after.isalpha() or "─" <= character <= "▟")
    )


def _in_alphabet(character: str) -> bool:
    return character.isalpha() and _script(character) in _ALPHABETS


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    """Return the first word of a character's name, which is its script if it is a letter."""
    return unicodedata.name(character, "").partition(" ")[0]
