"""Changes of an index around the writes of an ingest: hidden, removals, the check, the merge.

Owns these requests. Does not write chunks (`rag.bulk`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from rag.bulk import BulkWriter, delete_operation
from rag.engines.base import SearchEngine
from rag.errors import IngestError, SearchEngineError
from rag.index_state import IndexMeta, chunk_ids, indexed_documents

__all__ = ["hidden_changes", "merge_segments", "remove_contents", "verify_documents"]

_MERGE_SECONDS = 600.0
# 3 to 6 GB with token vectors and 384 to 1,024 components, estimated from covid-qa: 19 KB a chunk
# with 384 components and no token vectors.
_MOST_MERGED_CHUNKS = 100_000


@contextlib.asynccontextmanager
async def hidden_changes(engine: SearchEngine, index: str) -> AsyncIterator[None]:
    """Hide the run's changes from searches until it ends."""
    await engine.refresh(index)
    await engine.change_settings(index, {"refresh_interval": "-1"})
    try:
        yield
    except BaseException:
        # The next run sets it again. The error of the run says more than one of this request.
        with contextlib.suppress(SearchEngineError):
            await _show(engine, index)
        raise
    await _show(engine, index)


async def _show(engine: SearchEngine, index: str) -> None:
    await engine.change_settings(index, {"refresh_interval": None})
    await engine.refresh(index)


async def remove_contents(
    engine: SearchEngine,
    writer: BulkWriter,
    index: str,
    stale: Sequence[tuple[str, str]],
) -> None:
    """Delete the chunks of contents (key and digest) that the index is not to have any more."""
    for key, sha256 in stale:
        identifiers = [one async for one in chunk_ids(engine, index, key, sha256)]
        await writer.write([delete_operation(identifier) for identifier in identifiers])


async def verify_documents(engine: SearchEngine, meta: IndexMeta, expected: set[str]) -> int:
    """Check the index document by document, and return how many chunks it has."""
    indexed = await indexed_documents(engine, meta.index)
    missing, extra = sorted(expected - set(indexed)), sorted(set(indexed) - expected)
    broken = sorted(
        key for key, contents in indexed.items() if len(contents) != 1 or not contents[0].complete
    )
    if missing or extra or broken:
        raise IngestError(
            f"Index {meta.index!r} differs from the corpus: {len(missing)} documents missing "
            f"{missing[:3]}, {len(extra)} too many {extra[:3]}, {len(broken)} incomplete "
            f"{broken[:3]}. Check that nothing else writes to it, then run the ingest again."
        )
    total = sum(contents[0].chunks for contents in indexed.values())
    counted = await engine.count(meta.index)
    if counted != total:
        raise IngestError(
            f"Index {meta.index!r} has {counted} chunks, but its documents have {total}. "
            f"Check that nothing else writes to it, then run the ingest again."
        )
    return total


async def merge_segments(
    engine: SearchEngine,
    index: str,
    *,
    written: int,
    chunks: int,
    report: Callable[[str], None],
) -> None:
    """Merge the segments of an index that a run has filled: the engine searches each on its own.

    One segment took half the CPU time of six for a question (covid-qa, 1,700 chunks). An index of
    which less than half is new keeps its segments, because a merge writes all of it again. So does
    a large one: the engine never merges a segment of more than 5 GB by itself.

    Args:
        engine: The cluster.
        index: The index, refreshed.
        written: Chunks that the run wrote.
        chunks: Chunks of the index.
        report: Gets a line if the merge does not succeed, which does no harm.
    """
    if not written or 2 * written < chunks or chunks > _MOST_MERGED_CHUNKS:
        return
    try:
        await engine.merge_segments(index, _MERGE_SECONDS)
    except SearchEngineError as error:
        report(f"ingest: the segments are not merged yet, so searches take longer: {error}")
