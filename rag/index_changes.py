"""Changes of an index around the writes of an ingest: hidden until its end, removals, the check.

Owns these requests. Does not write chunks (`rag.bulk`).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from rag.bulk import BulkWriter, delete_operation
from rag.engines.base import SearchEngine
from rag.errors import IngestError, SearchEngineError
from rag.index_state import IndexMeta, chunk_ids, indexed_documents

__all__ = ["hidden_changes", "remove_contents", "verify_documents"]


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
