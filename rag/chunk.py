"""Cuts a document into chunks along its structure, with exact offsets.

Owns where chunks begin and end: `document.text[chunk.start:chunk.end] == chunk.text`, always. A
chunk ends, in this order of preference, where a section ends, where a paragraph ends, where a
sentence ends; tables and code blocks stay whole when they fit. The next chunk repeats the end of
the one before (whole sentences where they fit into the overlap, else whole clauses or words, whole
lines of tables and code), but never across a heading. A page's end is not a boundary. Pure and
deterministic; any change here that moves a boundary changes `rag.index.CHUNKER`.

Does not own sentence ends (`rag.sentences`), cuts within a sentence (`rag.cuts`) or the counting
(`rag.limits`).
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.cuts import best_cut, first_break
from rag.documents import Document
from rag.limits import Limits, TokenMeasure
from rag.sentences import paragraph_spans, sentences_of, split, trim

__all__ = [
    "DEFAULT_OVERLAP",
    "DEFAULT_SIZE",
    "Chunk",
    "TokenMeasure",
    "chunk_document",
    "embedding_text",
]

DEFAULT_SIZE = 1000
"""The most characters of a chunk. The project's figures are for 1,000 with an overlap of 150."""
DEFAULT_OVERLAP = 150
"""The most characters that a chunk repeats of the chunk before it."""

_SENTENCE, _PARAGRAPH, _SECTION = 1, 2, 3
_FILL = {_SECTION: 0.5, _PARAGRAPH: 0.9, _SENTENCE: 0.0}
"""Share of the size that must be filled before a chunk ends at a boundary of that rank although
the next piece would still fit."""

_LINE = re.compile(r"\n")
_LINE_START = re.compile(r"(?<=\n)[^\S\n]*\S")


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
    """A piece that is not cut.

    Attributes:
        start: Where it starts.
        end: Where it ends.
        rank: The kind of boundary before it.
        lines: Whether it is a table or code, of which only whole lines are repeated.
    """

    start: int
    end: int
    rank: int
    lines: bool = False


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
        Chunks in order, none over a limit; together they hold every character of the text that is
        not white space. Empty for a text of white space.

    Raises:
        ValueError: `size` or `overlap` out of bounds.
    """
    if size < 1 or not 0 <= overlap < size:
        raise ValueError(
            f"size is {size} and overlap {overlap}; size must be at least 1, "
            f"overlap at least 0 and less than size"
        )
    text = document.text
    limits = Limits(document, measure, size, overlap)
    spans = list(_pack(text, _atoms(document, limits), limits))
    starts = [section.start for section in document.sections]
    chunks = []
    for number, (start, end, fresh) in enumerate(spans):
        at = bisect.bisect_right(starts, fresh) - 1
        header = limits.header(start)
        chunks.append(
            Chunk(
                number=number,
                count=len(spans),
                start=start,
                end=end,
                text=text[start:end],
                heading=document.sections[at].heading if at >= 0 else "",
                table_header=header.text if header and end > header.end else "",
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


def _pack(text: str, atoms: Iterator[_Atom], limits: Limits) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, start of the new text) of each chunk.

    Only the atoms that may still belong to the next chunk are held, because a large document has
    millions.
    """
    held = list(itertools.islice(atoms, 1))
    start = held[0].start if held else 0
    while held:
        reach = limits.reach(start)
        while held[-1].end <= reach and (atom := next(atoms, None)) is not None:
            held.append(atom)
        stop = _stop(held, start, reach, limits)
        end = held[stop - 1].end
        yield start, end, held[0].start
        if stop < len(held):
            start = _overlap_start(text, held, stop, limits)
            if held[stop].end > limits.reach(start):
                start = held[stop].start
        del held[:stop]


def _stop(held: Sequence[_Atom], start: int, reach: int, limits: Limits) -> int:
    """Return one past the last atom of the chunk that begins at `start` with the first atom."""
    # Only the last atom can be over the limit.
    limit = max(1, len(held) - (held[-1].end > reach))
    if limit == len(held):
        best_rank, best = _SENTENCE, limit
        lowest = _SECTION
    else:
        best_rank, best = held[limit].rank, limit
        lowest = _PARAGRAPH
    for stop in range(limit - 1, 0, -1):
        filled = limits.share(start, held[stop - 1].end)
        rank = held[stop].rank
        if filled < _FILL[_SECTION]:
            break
        if rank >= lowest and rank > best_rank and filled >= _FILL[rank]:
            best_rank, best = rank, stop
    return best


def _overlap_start(text: str, held: Sequence[_Atom], stop: int, limits: Limits) -> int:
    """Return where the chunk after `held[:stop]` begins."""
    fresh, last = held[stop].start, held[stop - 1]
    earliest = limits.earliest(last.end)
    if held[stop].rank == _SECTION or earliest >= last.end:
        return fresh
    start = fresh
    for atom in reversed(held[1:stop]):
        if atom.start < earliest or atom.rank == _SECTION:
            break
        start = atom.start
    if start < fresh:
        return start
    earliest = max(earliest, last.start)
    if last.lines:
        line = _LINE_START.search(text, earliest, last.end)
        return line.end() - 1 if line else fresh
    start = first_break(text, earliest, last.end)
    return start if start < last.end else fresh


def _atoms(document: Document, limits: Limits) -> Iterator[_Atom]:
    text = document.text
    cuts = sorted({0, len(text), *(s.start for s in document.sections)})
    ends = [block.end for block in document.blocks]
    for start, end in itertools.pairwise(cuts):
        rank = _SECTION if start else _PARAGRAPH
        for atom in _section_atoms(document, ends, start, end, limits):
            yield _Atom(atom.start, atom.end, max(rank, atom.rank), atom.lines)
            rank = _SENTENCE


def _section_atoms(
    document: Document, ends: Sequence[int], start: int, end: int, limits: Limits
) -> Iterator[_Atom]:
    at = start
    for number in range(bisect.bisect_right(ends, start), len(ends)):
        block = document.blocks[number]
        if block.start >= end:
            break
        yield from _prose_atoms(document.text, at, max(at, block.start), limits)
        yield from _block_atoms(document.text, max(at, block.start), min(end, block.end), limits)
        at = min(end, block.end)
    yield from _prose_atoms(document.text, at, end, limits)


def _prose_atoms(text: str, start: int, end: int, limits: Limits) -> Iterator[_Atom]:
    for left, right in paragraph_spans(text, start, end):
        rank = _PARAGRAPH
        for span in sentences_of(text, left, right):
            for piece in _fit(text, *span, limits):
                yield _Atom(*piece, rank)
                rank = _SENTENCE


def _block_atoms(text: str, start: int, end: int, limits: Limits) -> Iterator[_Atom]:
    span = trim(text, start, end)
    if span is None:
        return
    if span[1] <= limits.reach(span[0]):
        yield _Atom(*span, _PARAGRAPH, lines=True)
        return
    rank = _PARAGRAPH
    for left, right in split(text, *span, (m.end() for m in _LINE.finditer(text, *span))):
        for piece in _fit(text, left, right, limits):
            yield _Atom(*piece, rank, lines=True)
            rank = _SENTENCE


def _fit(text: str, start: int, end: int, limits: Limits) -> Iterator[tuple[int, int]]:
    """Cut a span that is too long for a chunk into pieces."""
    reach = limits.reach(start)
    while end > reach:
        cut = best_cut(text, start, reach)
        if span := trim(text, start, cut):
            yield span
        start = cut
        while start < end and text[start].isspace():
            start += 1
        # Each further piece leaves room for the end of the one before.
        reach = max(start + 1, limits.reach(limits.earliest(start)))
    if start < end:
        yield start, end
