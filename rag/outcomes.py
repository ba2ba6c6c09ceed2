"""What became of each file below `docs/`: read whole, read in part, unread, or skipped.

Owns the names of the outcomes and the lines of ``documents.jsonl``, one for each file. Pure data.
Does not decide an outcome: `rag.listing` does before a file is read, `rag.pipeline` after that.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

__all__ = ["DOCUMENTS_NAME", "DocumentOutcome", "LeftOut", "Outcome"]

DOCUMENTS_NAME = "documents.jsonl"
"""The report of an ingest, next to its ``result.json``."""


class Outcome(StrEnum):
    """What became of a file.

    The index lacks the content of an `UNREAD` file. A `SKIPPED` file, for example a hidden one, is
    left out on purpose, because it does not belong to the corpus.
    """

    WHOLE = "whole"
    PART = "part"
    UNREAD = "unread"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A file or folder below `docs/` that is not uploaded.

    Attributes:
        name: ``docs/...``; a folder ends in ``/``. Bytes that are not UTF-8 are escaped: ``\\xb1``.
        outcome: `UNREAD` or `SKIPPED`.
        reason: One line; the same for every file of its kind, so that files can be counted by it.
    """

    name: str
    outcome: Outcome
    reason: str

    @property
    def text(self) -> str:
        """Outcome and reason, as the corpus' manifest has them: ``unread: the file is empty``."""
        return f"{self.outcome}: {self.reason}"

    @classmethod
    def of(cls, name: str, text: str) -> LeftOut:
        """Return the file that `text` describes.

        Raises:
            ValueError: The text does not begin with an outcome.
        """
        outcome, _, reason = text.partition(": ")
        return cls(name=name, outcome=Outcome(outcome), reason=reason)


@dataclass(frozen=True, kw_only=True)
class DocumentOutcome:
    """A line of ``documents.jsonl``.

    Attributes:
        document: The document's key, or the name of a file without a key.
        outcome: What became of it.
        reason: Why it is unread or skipped, else empty.
        chunks: How many chunks the index has of it.
        missing: What could not be read, one sentence for each part.
        remarks: Warnings although nothing is missing, for example a detected encoding.
        title: Its title, empty if it is not in the index.
        language: Its main language, as an ISO 639-1 code.
        first_words: The beginning of its text on one line.
    """

    document: str
    outcome: Outcome
    reason: str = ""
    chunks: int = 0
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    title: str = ""
    language: str = ""
    first_words: str = ""

    @classmethod
    def of_left_out(cls, left_out: LeftOut) -> DocumentOutcome:
        """Return the line of a file that was not uploaded."""
        return cls(document=left_out.name, outcome=left_out.outcome, reason=left_out.reason)

    @classmethod
    def from_line(cls, line: str | bytes) -> DocumentOutcome:
        """Read a line of ``documents.jsonl``.

        Raises:
            ValueError: It is not such a line.
        """
        try:
            row = dict(json.loads(line))
            row |= {name: tuple(row.get(name) or ()) for name in ("missing", "remarks")}
            return cls(**{**row, "outcome": Outcome(row["outcome"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a line of documents.jsonl: {error!r}") from error

    def line(self) -> str:
        """Return it as a line of ``documents.jsonl``, without what is empty."""
        row = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(row, ensure_ascii=False)
