"""Cuts a document into chunks along its structure, with exact offsets.

Owns where chunks begin and end: `document.text[chunk.start:chunk.end] == chunk.text`, always. A
chunk ends, in this order of preference, where a section ends, where a paragraph ends, where a
sentence ends; tables and code blocks stay whole when they fit. The next chunk repeats the end of
the one before (whole sentences where they fit into the overlap, else whole words), but never
across a heading. Pure and deterministic; any change here that moves a boundary changes
`rag.index.CHUNKER`.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.documents import Document

__all__ = [
    "DEFAULT_OVERLAP",
    "DEFAULT_SIZE",
    "Chunk",
    "TokenMeasure",
    "chunk_document",
    "embedding_text",
    "sentence_spans",
]

DEFAULT_SIZE = 1000
"""The most characters of a chunk. The project's figures are for 1,000 with an overlap of 150."""
DEFAULT_OVERLAP = 150
"""The most characters that a chunk repeats of the chunk before it."""

_SENTENCE, _PARAGRAPH, _SECTION = 1, 2, 3
_FILL = {_SECTION: 0.5, _PARAGRAPH: 0.9, _SENTENCE: 0.0}
"""Share of the size that must be filled before a chunk ends at a boundary of that rank although
the next piece would still fit."""

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*|\f\s*")
_SENTENCE_BREAK = re.compile(
    r"""(?<=[.!?])["')\]”’]*\s+(?=["'(\[“‘]?[A-Z0-9])"""
    r"""|(?<=[。！？；])\s*"""
    r"""|\n(?=\s*(?:[-*+•]|\d{1,3}[.)])\s)"""
)
_LINE_BREAK = re.compile(r"\n")
_WORD = re.compile(r"\S+")


class TokenMeasure(Protocol):
    """Measures texts in the tokens of an embedding model."""

    @property
    def max_tokens(self) -> int:
        """The most tokens of a text that the model reads whole, its own additions left out."""
        ...

    def starts(self, text: str) -> Sequence[int]:
        """Return the offset in `text` at which each of its tokens starts, in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A piece of a document.

    Attributes:
        number: 0 to count - 1, in the document's order.
        count: How many chunks the document has.
        start: Offset of its first character in the document's text.
        end: Offset after its last character.
        text: ``document.text[start:end]``; neither starts nor ends with white space.
        heading: The section it starts in, ``""`` outside of any.
        table_header: Header rows of the table that it continues, ``""`` if it continues none or
            has the header itself. A header that leaves too little room is cut.
        first_page: Page that it starts on, counted from 1; None for formats without pages.
        last_page: Page that it ends on.
    """

    number: int
    count: int
    start: int
    end: int
    text: str
    heading: str
    table_header: str = ""
    first_page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True, slots=True)
class _Atom:
    """A piece that is not cut: `rank` is the kind of boundary before it."""

    start: int
    end: int
    rank: int


def embedding_text(title: str, chunk: Chunk) -> str:
    """Return the text that stands for a chunk in both searches.

    It is the chunk's own text, after the header rows of a table that the chunk continues. Training,
    ingest and evaluation all use it. The title is left to the word search, because in front of
    every chunk of a long document it makes the chunks alike.
    """
    del title
    return f"{chunk.table_header}\n{chunk.text}" if chunk.table_header else chunk.text


def chunk_document(
    document: Document,
    measure: TokenMeasure | None = None,
    *,
    size: int = DEFAULT_SIZE,
    overlap: int = DEFAULT_OVERLAP,
) -> list[Chunk]:
    """Cut a document.

    Args:
        document: What to cut.
        measure: Limits the tokens of a chunk's `embedding_text` also. Default: no such limit.
        size: Longest chunk, in characters, at least 1.
        overlap: Longest repetition, in characters, at least 0 and less than `size`.

    Returns:
        Chunks in order, none longer than `size`; together they hold every character of the text
        that is not white space. Empty for a text of white space.

    Raises:
        ValueError: `size` or `overlap` out of bounds.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(
            f"size is {size} and overlap {overlap}; size must be at least 1, "
            f"overlap at least 0 and less than size"
        )
    atoms = list(_atoms(document, size))
    spans = list(_pack(document.text, atoms, size, overlap))
    starts = [section.start for section in document.sections]
    chunks = []
    for number, (start, end, fresh) in enumerate(spans):
        at = bisect.bisect_right(starts, fresh) - 1
        chunks.append(
            Chunk(
                number=number,
                count=len(spans),
                start=start,
                end=end,
                text=document.text[start:end],
                heading=document.sections[at].heading if at >= 0 else "",
                first_page=_page(document, start),
                last_page=_page(document, end - 1),
            )
        )
    return chunks


def _page(document: Document, offset: int) -> int | None:
    """Return the page that holds the character at `offset`."""
    if not document.pages:
        return None
    return max(1, bisect.bisect_right(document.pages, offset))


def _pack(
    text: str, atoms: Sequence[_Atom], size: int, overlap: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, start of the new text) of each chunk."""
    first, start = 0, atoms[0].start if atoms else 0
    while first < len(atoms):
        stop = _stop(atoms, first, start, size)
        end = atoms[stop - 1].end
        yield start, end, atoms[first].start
        if stop == len(atoms):
            return
        start = _overlap_start(text, atoms, first, stop, overlap)
        if atoms[stop].end - start > size:
            start = atoms[stop].start
        first = stop


def _stop(atoms: Sequence[_Atom], first: int, start: int, size: int) -> int:
    """Return one past the last atom of the chunk that begins at `start` with atom `first`."""
    limit = first + 1
    while limit < len(atoms) and atoms[limit].end - start <= size:
        limit += 1
    if limit == len(atoms):
        best_rank, best = _SENTENCE, limit
        lowest = _SECTION
    else:
        best_rank, best = atoms[limit].rank, limit
        lowest = _PARAGRAPH
    for stop in range(limit - 1, first, -1):
        filled = atoms[stop - 1].end - start
        rank = atoms[stop].rank
        if filled < _FILL[_SECTION] * size:
            break
        if rank >= lowest and rank > best_rank and filled >= _FILL[rank] * size:
            best_rank, best = rank, stop
    return best


def _overlap_start(text: str, atoms: Sequence[_Atom], first: int, stop: int, overlap: int) -> int:
    """Return where the chunk after `atoms[first:stop]` begins."""
    fresh, end = atoms[stop].start, atoms[stop - 1].end
    if atoms[stop].rank == _SECTION or overlap == 0:
        return fresh
    start = fresh
    for index in range(stop - 1, first, -1):
        if end - atoms[index].start > overlap or atoms[index].rank == _SECTION:
            break
        start = atoms[index].start
    if start < fresh:
        return start
    tail = max(end - overlap, atoms[stop - 1].start)
    for word in _WORD.finditer(text, max(tail - 1, 0), end):
        if word.start() >= tail:
            return word.start()
    return fresh


def _atoms(document: Document, size: int) -> Iterator[_Atom]:
    text = document.text
    cuts = sorted({0, len(text), *(s.start for s in document.sections)})
    for start, end in itertools.pairwise(cuts):
        rank = _SECTION if start else _PARAGRAPH
        for atom in _section_atoms(document, start, end, size):
            yield _Atom(atom.start, atom.end, max(rank, atom.rank))
            rank = _SENTENCE


def _section_atoms(document: Document, start: int, end: int, size: int) -> Iterator[_Atom]:
    at = start
    for block in document.blocks:
        if block.end <= at or block.start >= end:
            continue
        yield from _prose_atoms(document.text, at, max(at, block.start), size)
        yield from _block_atoms(document.text, max(at, block.start), min(end, block.end), size)
        at = min(end, block.end)
    yield from _prose_atoms(document.text, at, end, size)


def _prose_atoms(text: str, start: int, end: int, size: int) -> Iterator[_Atom]:
    for left, right in _split(text, start, end, _PARAGRAPH_BREAK):
        rank = _PARAGRAPH
        for first, last in _split(text, left, right, _SENTENCE_BREAK):
            for piece in _fit(text, first, last, size):
                yield _Atom(*piece, rank)
                rank = _SENTENCE


def _block_atoms(text: str, start: int, end: int, size: int) -> Iterator[_Atom]:
    span = _trim(text, start, end)
    if span is None:
        return
    if span[1] - span[0] <= size:
        yield _Atom(*span, _PARAGRAPH)
        return
    rank = _PARAGRAPH
    for left, right in _split(text, *span, _LINE_BREAK):
        for piece in _fit(text, left, right, size):
            yield _Atom(*piece, rank)
            rank = _SENTENCE


def _split(text: str, start: int, end: int, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield the trimmed, non-empty spans between the matches of `pattern`."""
    at = start
    for match in pattern.finditer(text, start, end):
        span = _trim(text, at, match.end())
        if span is not None:
            yield span
        at = match.end()
    span = _trim(text, at, end)
    if span is not None:
        yield span


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return (start, end) if start < end else None


def _fit(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut a span longer than `size` between words; cut a word longer than `size` anywhere."""
    while end - start > size:
        cut = start + size
        if not text[cut].isspace():
            at = cut
            while at > start and not text[at - 1].isspace():
                at -= 1
            cut = at if at > start else cut
        span = _trim(text, start, cut)
        if span is not None:
            yield span
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield start, end


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each sentence or list line of `text`, without white space around."""
    return [
        span
        for left, right in _split(text, 0, len(text), _PARAGRAPH_BREAK)
        for span in _split(text, left, right, _SENTENCE_BREAK)
    ]
