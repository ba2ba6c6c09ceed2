"""What a tuning learns from and is measured on: passages, pairs and held-out queries. Pure data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["HeldOut", "Pair", "Passage", "hash_of"]


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One chunk of the corpus.

    Attributes:
        document: Key of its document.
        number: Its number in that document.
        start: Offset of its first character in the document's text.
        end: Offset after its last.
        heading: The section that it starts in, as the index has it.
        text: The text that is embedded for it.
        title: The document's title.
        language: The document's language, as the index has it.
        headings: The sections that it has a part of, in order. Each is a path: the headings above
            the section, outermost first, and the section's own.
    """

    document: str
    number: int
    start: int
    end: int
    heading: str
    text: str
    title: str = ""
    language: str = "und"
    headings: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A query, and the passages that answer it.

    Attributes:
        query: The question, heading or sentence.
        relevant: Positions of the passages that have the answer; never used as negatives.
        answer: The answer's text; may be empty. A passage that repeats it is never used as a
            negative.
        passage: The text to pair the query with. None: one of the relevant passages, unchanged.
    """

    query: str
    relevant: frozenset[int]
    answer: str = ""
    passage: str | None = None


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """A query to measure on.

    Attributes:
        query: The question, or the sentence.
        relevant: Positions of the passages that answer it.
        answer: The answer's text; empty for a sentence.
    """

    query: str
    relevant: frozenset[int]
    answer: str = ""


def hash_of(key: str) -> int:
    """Return a number that a hash of `key` decides, always the same."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)
