"""Cuts a passage into windows of a few sentences, each of which gets an embedding of its own.

Owns the cuts. A question is about one or two sentences, so a window's vector is nearer to it than
the vector of a whole passage. A passage counts as much as its best window, and the language model
still reads the whole passage. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from rag.cuts import best_cut
from rag.language import content_length
from rag.sentences import sentence_spans, trim

__all__ = ["windows_of"]

_LENGTH = 320.0
"""Longest window of several sentences, as `content_length` measures it."""
_LONGEST_SENTENCE = 480.0
"""A longer sentence is cut."""
_SHORTEST = 96.0
"""A shorter last window joins the one before."""


def windows_of(text: str) -> list[str]:
    """Return the windows of a passage, in order: together they have all of its text.

    Args:
        text: The text that is embedded for the passage.

    Returns:
        At least one window; of an empty text, the text itself.
    """
    spans = list(_packed(text))
    if len(spans) > 1 and content_length(text[slice(*spans[-1])]) < _SHORTEST:
        _, end = spans.pop()
        spans[-1] = (spans[-1][0], end)
    return [text[start:end] for start, end in spans] or [text]


def _packed(text: str) -> Iterator[tuple[int, int]]:
    """Yield as many sentences at a time as fit into a window."""
    held: tuple[int, int] | None = None
    for start, end in _pieces(text):
        if held is not None and content_length(text[held[0] : end]) <= _LENGTH:
            held = (held[0], end)
            continue
        if held is not None:
            yield held
        held = (start, end)
    if held is not None:
        yield held


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield the sentences, the long ones in parts."""
    for start, end in sentence_spans(text):
        at = start
        while content_length(text[at:end]) > _LONGEST_SENTENCE:
            cut = best_cut(text, at, _reach(text, at, end))
            if span := trim(text, at, cut):
                yield span
            at = cut
        if span := trim(text, at, end):
            yield span


def _reach(text: str, start: int, end: int) -> int:
    """Return how far a window that begins at `start` reaches, at least one character."""
    shortest, longest = start + 1, end
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if content_length(text[start:middle]) <= _LENGTH:
            shortest = middle
        else:
            longest = middle - 1
    return shortest
