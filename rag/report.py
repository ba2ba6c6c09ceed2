"""Reports what became of every document: ``documents.jsonl``, and the counts in ``result.json``.

Owns the report of an ingest. The index is the source for the documents in it, so that the report
is complete after a run that had to read only a few of them. It is written while it is read, because
a corpus can have 100,000 documents.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.engines.base import SearchEngine
from rag.index_state import first_chunks
from rag.outcomes import DOCUMENTS_NAME, DocumentOutcome, LeftOut, Outcome

__all__ = ["Record", "Report", "first_reasons", "outcomes", "report_file"]

_FIRST_WORDS = 160
"""Characters of a document's text in the report."""
_MOST_NAMED = 50
"""Documents that a result names for each outcome; ``documents.jsonl`` has all."""

Record = Callable[[DocumentOutcome], None]


@dataclass
class Report:
    """Counts the outcomes, and names the first documents that were not read whole.

    Attributes:
        counts: How many files have each outcome.
        languages: How many documents in the index have each language.
        in_part: ``{"document", "missing"}`` of the first documents that were read in part.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    in_part: list[dict[str, str]] = field(default_factory=list)

    def add(self, outcome: DocumentOutcome) -> None:
        """Count one document."""
        self.counts[outcome.outcome] += 1
        if outcome.language:
            self.languages[outcome.language] += 1
        if outcome.outcome is Outcome.PART and len(self.in_part) < _MOST_NAMED:
            self.in_part.append(
                {"document": outcome.document, "missing": " ".join(outcome.missing)}
            )


def first_reasons(unread: Mapping[str, str]) -> list[dict[str, str]]:
    """Return ``{"document", "reason"}`` of the first documents that could not be read."""
    return [
        {"document": key, "reason": reason} for key, reason in sorted(unread.items())[:_MOST_NAMED]
    ]


async def outcomes(
    engine: SearchEngine,
    index: str,
    unread: Mapping[str, str],
    left_out: Sequence[LeftOut],
) -> AsyncIterator[DocumentOutcome]:
    """Yield what became of every document, sorted by name.

    Args:
        engine: The cluster.
        index: The index, refreshed.
        unread: Reason by key of the documents that could not be read.
        left_out: The files that were not uploaded.
    """
    others = [
        DocumentOutcome(document=key, outcome=Outcome.UNREAD, reason=reason)
        for key, reason in unread.items()
    ]
    others += map(DocumentOutcome.of_left_out, left_out)
    others.sort(key=lambda other: other.document, reverse=True)
    async for chunk in first_chunks(engine, index):
        while others and others[-1].document < chunk.document_key:
            yield others.pop()
        yield DocumentOutcome(
            document=chunk.document_key,
            outcome=Outcome.PART if chunk.missing else Outcome.WHOLE,
            chunks=chunk.chunk_count,
            missing=chunk.missing,
            remarks=chunk.remarks,
            title=chunk.title,
            language=chunk.language,
            first_words=_first_words(chunk.text),
        )
    while others:
        yield others.pop()


def _first_words(text: str) -> str:
    # A long word of a damaged text must not fill the report.
    return " ".join(text[: 4 * _FIRST_WORDS].split())[:_FIRST_WORDS]


@contextlib.contextmanager
def report_file(folder: Path) -> Iterator[Record]:
    """Open ``documents.jsonl`` in `folder` for writing; it appears complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{DOCUMENTS_NAME}.{os.getpid()}"
    try:
        with partial.open("w", encoding="utf-8") as lines:
            yield lambda outcome: print(outcome.line(), file=lines)
        partial.replace(folder / DOCUMENTS_NAME)
    finally:
        partial.unlink(missing_ok=True)
