"""A passage: as the index has it, and as a search returns it. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag.language import UNDETERMINED
from rag.windows import windows_of

__all__ = ["Hit", "Passage", "hit_of"]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A retrieved passage.

    Attributes:
        chunk_id: Its `_id` in the index.
        score: Fused score; comparable within one question only.
        cosine: Cosine of its best window and the question; None if no search gave one.
        bm25: Score of the word search; None if no search gave one, as for a passage without a word
            of the question.
        document_key, uri, title, heading, text, language: As indexed.
        table_header: Header rows of the table that the text continues; else empty.
        first_page, last_page: The pages it is on; None for formats without pages.
        start_offset, end_offset: In characters of the document's text.
        chunk_number, chunk_count: Its place in the document.
    """

    chunk_id: str
    score: float
    cosine: float | None
    bm25: float | None
    document_key: str
    uri: str
    title: str
    heading: str
    text: str
    start_offset: int
    end_offset: int
    chunk_number: int
    chunk_count: int
    table_header: str = ""
    first_page: int | None = None
    last_page: int | None = None
    language: str = UNDETERMINED

    @property
    def passage(self) -> str:
        """The text after the header rows of the table that it continues."""
        return f"{self.table_header}\n{self.text}" if self.table_header else self.text


@dataclass(frozen=True)
class Passage:
    """A passage as the index has it.

    Attributes:
        source: Its `_source`.
        tokens: Its token vectors, if they were read.
        windows_at: Which of its windows are nearest to the question, nearest first; none if they
            were not asked for, or if the passage is not cut.
    """

    source: Mapping[str, Any]
    tokens: bytes = b""
    windows_at: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """Its title, heading and text."""
        return self._joined("title", "heading", "table_header", "text")

    @property
    def windows(self) -> list[str]:
        """The texts of the windows nearest to the question, else the text that is embedded."""
        embedded = self._joined("table_header", "text")
        windows = windows_of(embedded) if self.windows_at else []
        # An index of a former chunker may have other windows.
        return [windows[at] for at in self.windows_at if at < len(windows)] or [embedded]

    def _joined(self, *names: str) -> str:
        return "\n".join(part for name in names if (part := self.source.get(name)))


def hit_of(
    identifier: str,
    score: float,
    vector: float | None,
    words: float | None,
    source: Mapping[str, Any],
) -> Hit:
    return Hit(
        chunk_id=identifier,
        score=score,
        # Elasticsearch's cosine similarity is (1 + cosine) / 2.
        cosine=None if vector is None else 2 * vector - 1,
        bm25=words,
        document_key=source["document_key"],
        uri=source["uri"],
        title=source["title"],
        heading=source["heading"],
        text=source["text"],
        start_offset=source["start_offset"],
        end_offset=source["end_offset"],
        chunk_number=source["chunk_number"],
        chunk_count=source["chunk_count"],
        table_header=source.get("table_header", ""),
        first_page=source.get("first_page"),
        last_page=source.get("last_page"),
        language=source.get("language", UNDETERMINED),
    )
