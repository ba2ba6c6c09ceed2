"""Which runs merge the segments of an index, without an engine."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from rag.engines.base import SearchEngine
from rag.errors import SearchEngineError
from rag.index_changes import merge_segments


class Merging:
    """Takes the place of a cluster, and keeps what it is asked to merge."""

    def __init__(self, error: SearchEngineError | None = None) -> None:
        self.merged: list[str] = []
        self._error = error

    async def merge_segments(self, index: str, timeout_seconds: float) -> None:
        """See `SearchEngine`."""
        assert timeout_seconds > 0
        self.merged.append(index)
        if self._error is not None:
            raise self._error


def merge(engine: Merging, *, written: int, chunks: int) -> list[str]:
    lines: list[str] = []
    given = cast(SearchEngine, engine)
    asyncio.run(merge_segments(given, "index", written=written, chunks=chunks, report=lines.append))
    return lines


@pytest.mark.parametrize(
    ("written", "chunks", "merges"),
    [(8, 8, True), (4, 8, True), (3, 8, False), (0, 0, False), (100_001, 100_001, False)],
    ids=["all is new", "half is new", "little is new", "empty", "large"],
)
def test_an_index_that_a_run_has_filled_is_merged(
    written: int, chunks: int, *, merges: bool
) -> None:
    engine = Merging()
    assert merge(engine, written=written, chunks=chunks) == []
    assert engine.merged == (["index"] if merges else [])


def test_a_merge_that_does_not_succeed_is_reported_and_does_no_harm() -> None:
    engine = Merging(SearchEngineError("no answer"))
    (line,) = merge(engine, written=1, chunks=1)
    assert line.endswith("not merged yet, so searches take longer: no answer")
