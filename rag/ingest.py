"""Brings an index up to date with a corpus: ``python -m rag.ingest``.

Owns the run: it compares the corpus with the index, has new and changed documents read, cut,
embedded and written (`rag.pipeline`), deleted ones removed (`rag.index_changes`), and the outcomes
reported (`rag.report`). Does not create the index or move the alias.

    python -m rag.ingest --corpus-dir DIR --corpus-uri oss://bucket/corpus/ --index NAME
        --embedding-url URL --output-dir DIR

CUSTOMRAG_SEARCH_URL and the other settings of `rag.settings.SearchSettings` name the cluster.
A run that was killed can be run again. A chunk's `_id` comes from its document's key, content and
number, a document counts as indexed once all its chunks are, and searches see nothing until
everything is written. A document that cannot be read does not stop the run: the report has the
reason, and its former content leaves the index. ``documents.jsonl`` says what became of each file;
``result.json`` has the counts and is written last.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rag.bulk import BulkWriter, failed_write
from rag.corpus import Corpus, load_corpus, sha256_of
from rag.embed import EmbeddingClient
from rag.embedder import Embedder
from rag.engines.base import SearchEngine
from rag.engines.connect import connect
from rag.errors import ClusterShortageError, IngestError, RagError, SearchEngineError
from rag.index import ANALYSER, CHUNKER
from rag.index_changes import (
    hidden_changes,
    merge_segments,
    remove_contents,
    verify_documents,
)
from rag.index_state import IndexMeta, index_meta, indexed_documents
from rag.outcomes import Outcome
from rag.pipeline import Pipeline, Task
from rag.reader_process import DocumentReader
from rag.readers import DEFAULT_MAX_BYTES
from rag.readers.options import ReadOptions
from rag.report import Record, Report, first_reasons, outcomes, report_file
from rag.settings import SearchSettings, wrong_variables

__all__ = ["MAY_PASS", "IngestResult", "ingest", "main"]

MAY_PASS = 138
"""Exit code of a failure that may pass. With the restart policy ExitCode, PAI restarts a pod whose
exit code is 128 or more. Kubeflow leaves 138 to the program (training operator, job scheduling)."""

_PROGRESS_SECONDS = 2.0
# The nodes of one update start together: a node that takes longer than this does not come.
_OTHER_NODES_SECONDS = 300.0


@dataclass(kw_only=True)
class IngestResult:
    """The content of ``result.json``.

    Attributes:
        documents: Documents in the index.
        chunks: Chunks in the index.
        embedded_documents: Documents that this run embedded.
        unchanged_documents: Documents that the index already had.
        removed_documents: Documents that this run removed from the index.
        read_whole: Documents in the index with all of their text.
        read_in_part: Documents in the index without some part of their text.
        unread: Documents of the corpus that are not in the index.
        left_out: Files below `docs/` that were not uploaded, for reasons that the corpus has.
        set_aside: The first of the `unread` documents, with the reason.
        in_part: The first documents that were read in part, with what is missing.
        unknown_languages: Documents by language, for languages that the embedding model does not
            know.
        seconds: Duration of the run.
        chunks_per_second: Chunks embedded and written per second.
    """

    documents: int = 0
    chunks: int = 0
    embedded_documents: int = 0
    unchanged_documents: int = 0
    removed_documents: int = 0
    read_whole: int = 0
    read_in_part: int = 0
    unread: int = 0
    left_out: int = 0
    set_aside: list[dict[str, str]] = field(default_factory=list)
    in_part: list[dict[str, str]] = field(default_factory=list)
    unknown_languages: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    chunks_per_second: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """The work of a run: files to embed, and contents (key, sha256) to remove from the index."""

    tasks: tuple[Task, ...]
    stale: tuple[tuple[str, str], ...]
    unchanged: frozenset[str]
    removed: frozenset[str]


async def ingest(
    engine: SearchEngine,
    embedder: Embedder,
    reader: DocumentReader,
    corpus: Corpus,
    *,
    index: str,
    corpus_uri: str,
    record: Record = lambda outcome: None,
    report: Callable[[str], None] = print,
) -> IngestResult:
    """Bring `index` up to date with `corpus`.

    Args:
        engine: The cluster.
        embedder: Embeds the chunks; its dimension is the index's.
        reader: Reads the documents. A document that other options apply to than at the last run
            counts as changed.
        corpus: The documents that the index is to have.
        index: The index, or an alias of one.
        corpus_uri: ``oss://bucket/prefix/`` of the corpus: prefix of each chunk's `uri`.
        record: Gets what became of each document, at the end.
        report: Gets a line of progress about every two seconds.

    Raises:
        IngestError: The cluster refuses writes, no document can be indexed, or the counts at the
            end are wrong.
        EmbeddingError: The embedder failed and the retries did not help.
        SearchIndexError: There is no such index.
    """
    started = time.monotonic()
    meta = await index_meta(engine, index)
    if meta.chunker != CHUNKER:
        raise IngestError(
            f"Index {meta.index!r} is for chunks of {meta.chunker!r}, but this version cuts "
            f"{CHUNKER!r}. Run pulumi up, which creates a new index."
        )
    if meta.analyser != ANALYSER:
        raise IngestError(
            f"Index {meta.index!r} is for terms of {meta.analyser!r}, but this version makes "
            f"{ANALYSER!r}. Run pulumi up, which creates a new index."
        )
    writer = BulkWriter(engine, meta.index)
    try:
        async with hidden_changes(engine, meta.index):
            plan = await _plan(engine, meta.index, corpus, reader.options)
            report(_announce(plan))
            pipeline = Pipeline(
                embedder,
                writer,
                reader.read,
                uri_prefix=corpus_uri.rstrip("/") + "/",
                languages=meta.model_languages,
                token_vectors=meta.token_form is not None,
                engine_embeds=meta.embeds_itself,
            )
            async with _progress(pipeline, len(plan.tasks), report):
                await pipeline.run(plan.tasks)
            if pipeline.refused and not (pipeline.documents or plan.unchanged):
                key, reason = next(iter(pipeline.set_aside.items()))
                raise IngestError(f"No document can be indexed; the first is {key}: {reason}")
            await remove_contents(engine, writer, meta.index, plan.stale)
    except SearchEngineError as error:
        raise failed_write(meta.index, error) from error
    expected = {task.key for task in plan.tasks} - set(pipeline.set_aside) | plan.unchanged
    chunks = await verify_documents(engine, meta, expected)
    await merge_segments(engine, meta.index, written=pipeline.chunks, chunks=chunks, report=report)
    made = Report()
    async for outcome in outcomes(engine, meta.index, pipeline.set_aside, corpus.left_out):
        made.add(outcome)
        record(outcome)
    result = IngestResult(
        documents=len(expected),
        chunks=chunks,
        embedded_documents=pipeline.documents,
        unchanged_documents=len(plan.unchanged),
        removed_documents=len(plan.removed),
        read_whole=made.counts[Outcome.WHOLE],
        read_in_part=made.counts[Outcome.PART],
        unread=len(pipeline.set_aside),
        left_out=len(corpus.left_out),
        set_aside=first_reasons(pipeline.set_aside),
        in_part=made.in_part,
        unknown_languages={
            language: count
            for language, count in made.languages.most_common()
            if not meta.knows(language)
        },
        seconds=round(time.monotonic() - started, 3),
        chunks_per_second=round(pipeline.chunks_per_second, 2),
    )
    report(_summary(result))
    return result


async def _plan(engine: SearchEngine, index: str, corpus: Corpus, options: ReadOptions) -> _Plan:
    indexed = await indexed_documents(engine, index)
    tasks, stale, unchanged = [], [], set()
    for file in corpus.files:
        sha256 = file.sha256
        if sha256 is None:
            sha256 = await asyncio.to_thread(sha256_of, file.path)
        identity = options.identity(file.key, sha256)
        contents = indexed.pop(file.key, [])
        done = [x for x in contents if x.sha256 == identity]
        if len(done) == 1 and done[0].complete:
            unchanged.add(file.key)
        else:
            task = Task(key=file.key, path=file.path, sha256=sha256, identity=identity)
            tasks.append(task)
        stale += [(file.key, x.sha256) for x in contents if x.sha256 != identity]
    stale += [(key, x.sha256) for key, contents in indexed.items() for x in contents]
    return _Plan(
        tasks=tuple(tasks),
        stale=tuple(dict.fromkeys(stale)),
        unchanged=frozenset(unchanged),
        removed=frozenset(indexed),
    )


@contextlib.asynccontextmanager
async def _progress(
    pipeline: Pipeline, total: int, report: Callable[[str], None]
) -> AsyncIterator[None]:
    async def report_progress() -> None:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            report(_progress_line(pipeline, total))

    task = asyncio.create_task(report_progress())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _progress_line(pipeline: Pipeline, total: int) -> str:
    done = pipeline.documents + len(pipeline.set_aside)
    line = f"ingest {done:,}/{total:,} documents"
    if pipeline.writer.waits_for:
        return f"{line}, waiting: {pipeline.writer.waits_for}"
    return f"{line}, {pipeline.chunks:,} chunks, {pipeline.chunks_per_second:.0f} chunks/s"


def _announce(plan: _Plan) -> str:
    return (
        f"ingest: {len(plan.tasks):,} documents to embed, {len(plan.unchanged):,} unchanged, "
        f"{len(plan.removed):,} to remove"
    )


def _summary(result: IngestResult) -> str:
    return (
        f"ingest done: {result.documents:,} documents, {result.chunks:,} chunks; "
        f"{result.embedded_documents:,} embedded, {result.unchanged_documents:,} unchanged, "
        f"{result.removed_documents:,} removed; {result.read_whole:,} read whole, "
        f"{result.read_in_part:,} in part, {result.unread:,} not; "
        f"{result.seconds:.1f} s, {result.chunks_per_second:.0f} chunks/s"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rag.ingest", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--corpus-dir", type=Path, required=True, help="folder with docs/")
    parser.add_argument("--corpus-uri", required=True, help="oss://bucket/prefix/ of that folder")
    parser.add_argument("--index", required=True, help="index to bring up to date")
    parser.add_argument(
        "--embedding-url", required=True, help="http://host:port; several nodes with commas"
    )
    parser.add_argument("--output-dir", type=Path, required=True, help="folder for result.json")
    parser.add_argument("--max-document-bytes", type=int, default=DEFAULT_MAX_BYTES)
    ReadOptions.add_arguments(parser)
    parser.add_argument(
        "--embedding-wait-seconds",
        type=float,
        default=900.0,
        help="longest wait for the embedding service to become ready",
    )
    parser.add_argument(
        "--as-it-is",
        action="store_true",
        help="change nothing: wait for the embedding service and count the chunks of the index",
    )
    arguments = parser.parse_args(argv)
    try:
        arguments.options = ReadOptions.from_arguments(arguments)
    except ValueError as error:
        parser.error(str(error))
    return arguments


async def _run(settings: SearchSettings, arguments: argparse.Namespace) -> IngestResult:
    # Here, because its process starts while this one waits for others.
    with DocumentReader(
        options=arguments.options, max_bytes=arguments.max_document_bytes
    ) as reader:
        return await _run_with(reader, settings, arguments)


async def _run_with(
    reader: DocumentReader, settings: SearchSettings, arguments: argparse.Namespace
) -> IngestResult:
    corpus = await asyncio.to_thread(
        load_corpus, arguments.corpus_dir, set_aside=[], max_bytes=arguments.max_document_bytes
    )
    engine = await asyncio.to_thread(connect, settings)
    try:
        meta = await index_meta(engine, arguments.index)
        embedder = EmbeddingClient(
            *arguments.embedding_url.split(","),
            model_version=meta.model_version,
            dimension=meta.dimension,
            patience_seconds=30.0,
            retry_seconds=180.0,
        )
        try:
            await _wait_for_nodes(embedder, meta, arguments.embedding_wait_seconds)
            with report_file(arguments.output_dir) as record:
                if arguments.as_it_is:
                    return await _held(engine, meta, corpus, record)
                return await ingest(
                    engine,
                    embedder,
                    reader,
                    corpus,
                    index=meta.index,
                    corpus_uri=arguments.corpus_uri,
                    record=record,
                    report=lambda line: print(line, flush=True),
                )
        finally:
            await embedder.close()
    finally:
        await engine.close()


async def _held(
    engine: SearchEngine, meta: IndexMeta, corpus: Corpus, record: Record
) -> IngestResult:
    """Count the documents and chunks of an index that a rollback returns to."""
    made = Report()
    async for outcome in outcomes(engine, meta.index, {}, corpus.left_out):
        made.add(outcome)
        record(outcome)
    documents = made.counts[Outcome.WHOLE] + made.counts[Outcome.PART]
    chunks = await engine.count(meta.index)
    print(f"ingest: {meta.index} stays as it is, with {documents:,} documents", flush=True)
    return IngestResult(
        documents=documents,
        chunks=chunks,
        unchanged_documents=documents,
        read_whole=made.counts[Outcome.WHOLE],
        read_in_part=made.counts[Outcome.PART],
        left_out=len(corpus.left_out),
        in_part=made.in_part,
    )


async def _wait_for_nodes(
    embedder: EmbeddingClient, meta: IndexMeta, timeout_seconds: float
) -> None:
    """Wait for all nodes of the embedding service, because the former nodes go after the run.

    Raises:
        EmbeddingError: No node is ready in time.
        IngestError: A node has another model than the index.
    """
    infos = await embedder.wait_ready(timeout_seconds, others_seconds=_OTHER_NODES_SECONDS)
    for url, info in infos.items():
        if (info.model_version, info.dimension) != (meta.model_version, meta.dimension):
            raise IngestError(
                f"Index {meta.index!r} is for model {meta.model_version!r} of dimension "
                f"{meta.dimension}, but {url} serves {info.model_version!r} of dimension "
                f"{info.dimension}. Run pulumi up to bring both to the same model."
            )
    # A zone that is lost must not stop the ingest.
    for url in set(embedder.urls) - infos.keys():
        print(f"ingest: continuing without {url}, which does not answer", flush=True)


def write_result(output_dir: Path, result: dict[str, Any]) -> None:
    """Write ``result.json`` atomically."""
    output_dir.mkdir(parents=True, exist_ok=True)
    partial = output_dir / f".result.json.{os.getpid()}"
    partial.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(output_dir / "result.json")


def main(argv: Sequence[str] | None = None) -> int:
    """Run an ingest; return 0 if the index is up to date with the corpus.

    Else return `MAY_PASS`, after which PAI restarts the pod, or 1 if a restart does not help.
    """
    arguments = _arguments(argv)
    (arguments.output_dir / "result.json").unlink(missing_ok=True)
    try:
        settings = SearchSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        for line in wrong_variables(error):
            print(f"ingest failed: {line}", file=sys.stderr, flush=True)
        return 1
    try:
        result = asyncio.run(_run(settings, arguments))
    except (RagError, OSError) as error:
        print(f"ingest failed: {error}", file=sys.stderr, flush=True)
        return 1 if isinstance(error, ClusterShortageError) else MAY_PASS
    write_result(arguments.output_dir, asdict(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
