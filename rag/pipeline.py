"""Reads, cuts, embeds and writes documents: four stages of an ingest that run at the same time.

Owns the stages and the bounded queues between them. Memory does not grow with the corpus, and the
encoder always has its next batches ready while the cluster writes the last ones. A document that
cannot be read, cut, embedded or written is left out of the index with the reason; the others go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.analysis import terms
from rag.bulk import BulkWriter, delete_operation, index_operation
from rag.chunk import Chunk, chunk_document, embedding_text
from rag.clean import clean_line
from rag.corpus import sha256_of
from rag.documents import Document
from rag.embedder import Embedder, Vectors
from rag.errors import CorpusError, ReadError
from rag.index import chunk_id, heading_below
from rag.language import detect, knows
from rag.limits import TokenMeasure, measure_for
from rag.reader_process import File
from rag.refusals import embed_accepted
from rag.windows import windows_of

__all__ = ["Pipeline", "Task"]

_FIRST_WINDOW = 128
_WINDOW = 1024
"""Chunks sorted by length before they are embedded, because texts of similar length need little
padding. The first windows are smaller, so that the encoder starts at once."""
_BATCH_CHUNKS = 16
"""Chunks of a request to the embedder; each has about four windows."""
_EMBEDDING_REQUESTS = 8
_BULK_CHUNKS = 256
# An engine that embeds answers when it has embedded all of them: about 20 a second on two cores.
_EMBEDDED_BULK_CHUNKS = 64
_BULK_REQUESTS = 2
_MOST_SENTENCES = 20
_LONGEST_SENTENCE = 300


@dataclass(frozen=True, kw_only=True)
class Task:
    """A document to embed.

    Attributes:
        key: ``docs/...``.
        path: Its file.
        sha256: Of its content.
        identity: Names its content in the index: `ReadOptions.identity`.
    """

    key: str
    path: Path
    sha256: str
    identity: str


@dataclass(eq=False)
class _Progress:
    """A document in the pipeline; done when no chunk is left."""

    task: Task
    chunks: int
    left: int
    refused: bool = False


@dataclass(frozen=True, eq=False)
class _Piece:
    """A chunk in the pipeline."""

    owner: _Progress
    identifier: str
    windows: list[str]
    source: dict[str, Any]


_Embedded = tuple[_Piece, Vectors | list[str], bytes]
"""A chunk, the embeddings of its windows, (windows, dimension) float32, or their texts if the
engine embeds, and its token vectors, empty for an index without them."""


@dataclass
class Pipeline:
    """The stages of one run.

    Args:
        embedder: Embeds the chunks.
        writer: Writes them.
        read: Yields each file's document in order, or why it is unread, and reads at most a few
            ahead: `DocumentReader.read`.
        uri_prefix: Comes before a document's key in its `uri`.
        languages: Languages that the model knows; empty for many.
        token_vectors: Whether the chunks get token vectors.
        engine_embeds: Whether the engine embeds the chunks: `rag.engine_embedding`.

    Attributes:
        documents: Documents of which every chunk is written.
        chunks: Chunks written.
        set_aside: Reason by key of the documents that could not be read or indexed.
        refused: How many of them the embedder or the cluster refused.
    """

    embedder: Embedder
    writer: BulkWriter
    read: Callable[[Iterable[File]], Iterator[Document | ReadError]]
    uri_prefix: str
    languages: tuple[str, ...] = ()
    token_vectors: bool = False
    engine_embeds: bool = False
    documents: int = 0
    chunks: int = 0
    set_aside: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    _taken_back: list[_Progress] = field(default_factory=list)
    _started: float | None = None
    _ended: float | None = None

    @property
    def chunks_per_second(self) -> float:
        """Chunks written per second since the first was ready to be embedded; 0.0 before."""
        if self._started is None or not self.chunks:
            return 0.0
        return self.chunks / max((self._ended or time.monotonic()) - self._started, 1e-9)

    async def run(self, tasks: Sequence[Task]) -> None:
        """Embed and write `tasks`; return once the cluster has every chunk.

        Raises:
            IngestError, EmbeddingError: A stage failed; the others stop.
        """
        if not tasks:
            return
        measure = await self.embedder.token_measure()
        batches: asyncio.Queue[list[_Piece] | None] = asyncio.Queue(_EMBEDDING_REQUESTS)
        embedded: asyncio.Queue[list[_Embedded] | None] = asyncio.Queue(
            2 * _BULK_CHUNKS // _BATCH_CHUNKS
        )

        async def embed_all() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(_EMBEDDING_REQUESTS):
                    group.create_task(self._embed(batches, embedded))
            for _ in range(_BULK_REQUESTS):
                await embedded.put(None)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(tasks, measure, batches))
                group.create_task(embed_all())
                for _ in range(_BULK_REQUESTS):
                    group.create_task(self._write(embedded))
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors
        await self._withdraw()
        self._ended = time.monotonic()

    async def _read(
        self,
        tasks: Sequence[Task],
        measure: TokenMeasure,
        batches: asyncio.Queue[list[_Piece] | None],
    ) -> None:
        window: list[_Piece] = []
        limit = _FIRST_WINDOW
        documents = self.read((task.key, task.path) for task in tasks)
        for task in tasks:
            try:
                sources = await asyncio.to_thread(self._cut, task, documents, measure)
            except ReadError as error:
                self.set_aside[task.key] = error.reason
                continue
            owner = _Progress(task, len(sources), len(sources))
            for windows, source in sources:
                identifier = chunk_id(task.key, task.identity, source["chunk_number"])
                window.append(_Piece(owner, identifier, windows, source))
                if len(window) >= limit:
                    await self._hand_over(window, batches)
                    window, limit = [], min(2 * limit, _WINDOW)
        await self._hand_over(window, batches)
        for _ in range(_EMBEDDING_REQUESTS):
            await batches.put(None)

    def _cut(
        self, task: Task, documents: Iterator[Document | ReadError], measure: TokenMeasure
    ) -> list[tuple[list[str], dict[str, Any]]]:
        """Return the windows and the fields of every chunk of the next document."""
        document = next(documents)
        if isinstance(document, ReadError):
            raise document
        if sha256_of(task.path) != task.sha256:
            raise CorpusError(
                f"{task.key} changed while it was read. Wait until the whole corpus is uploaded, "
                f"then run again."
            )
        try:
            pieces = list(self._pieces(task, document, measure))
        except ImportError:
            raise  # Every document would fail.
        except Exception as error:
            reason = clean_line(f"{type(error).__name__}: {error}")[:_LONGEST_SENTENCE]
            raise ReadError(task.key, f"it cannot be cut into chunks: {reason}") from error
        if not pieces:
            raise ReadError(task.key, "the file has no text")
        return pieces

    def _pieces(
        self, task: Task, document: Document, measure: TokenMeasure
    ) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """Yield the windows and the index fields of each chunk."""
        language = detect(document.text)
        for chunk in chunk_document(document, measure_for(measure, language, self.languages)):
            text = embedding_text(document.title, chunk)
            source = _fields(document, chunk, text, language)
            source |= {
                "document_key": task.key,
                "document_sha256": task.identity,
                "uri": self.uri_prefix + task.key,
            }
            yield windows_of(text) if knows(self.languages, language) else [text], source

    async def _hand_over(
        self, window: list[_Piece], batches: asyncio.Queue[list[_Piece] | None]
    ) -> None:
        window.sort(key=lambda piece: max(map(len, piece.windows)), reverse=True)
        for start in range(0, len(window), _BATCH_CHUNKS):
            if self._started is None:
                self._started = time.monotonic()
            await batches.put(window[start : start + _BATCH_CHUNKS])

    async def _embed(
        self,
        batches: asyncio.Queue[list[_Piece] | None],
        embedded: asyncio.Queue[list[_Embedded] | None],
    ) -> None:
        while (batch := await batches.get()) is not None:
            batch = [piece for piece in batch if not piece.owner.refused]
            if self.engine_embeds and not self.token_vectors:
                await embedded.put([(piece, piece.windows, b"") for piece in batch])
                continue
            owners = [piece for piece in batch for _ in piece.windows]
            result = await embed_accepted(
                self.embedder,
                [text for piece in batch for text in piece.windows],
                "document",
                token_vectors=self.token_vectors,
            )
            for at, reason in result.refused.items():
                self._refuse(owners[at].owner, reason)
            rows: dict[_Piece, list[int]] = {}
            for row, at in enumerate(result.accepted):
                rows.setdefault(owners[at], []).append(row)
            whole: list[_Embedded] = [
                (
                    piece,
                    piece.windows if self.engine_embeds else result.vectors[found],
                    b"".join(result.tokens[row] for row in found) if self.token_vectors else b"",
                )
                for piece, found in rows.items()
                if len(found) == len(piece.windows)
            ]
            if whole:
                await embedded.put(whole)

    async def _write(self, embedded: asyncio.Queue[list[_Embedded] | None]) -> None:
        ended = False
        while not ended:
            rows = await embedded.get()
            if rows is None:
                return
            most = _EMBEDDED_BULK_CHUNKS if self.engine_embeds else _BULK_CHUNKS
            while len(rows) < most and not embedded.empty():
                more = embedded.get_nowait()
                if more is None:
                    ended = True
                    break
                rows = rows + more
            refused = await self.writer.write(
                [
                    index_operation(piece.identifier, piece.source, windows, tokens)
                    for piece, windows, tokens in rows
                ]
            )
            self.chunks += len(rows) - len(refused)
            for piece, _, _ in rows:
                if piece.identifier in refused:
                    self._refuse(piece.owner, refused[piece.identifier])
                    continue
                piece.owner.left -= 1
                self.documents += piece.owner.left == 0

    def _refuse(self, owner: _Progress, reason: str) -> None:
        if not owner.refused:
            owner.refused = True
            self.refused += 1
            self._taken_back.append(owner)
            self.set_aside[owner.task.key] = clean_line(reason)[:_LONGEST_SENTENCE]

    async def _withdraw(self) -> None:
        """Delete the chunks that were written of documents that were refused later."""
        for owner in self._taken_back:
            task = owner.task
            for first in range(0, owner.chunks, _BULK_CHUNKS):
                numbers = range(first, min(first + _BULK_CHUNKS, owner.chunks))
                await self.writer.write(
                    [delete_operation(chunk_id(task.key, task.identity, n)) for n in numbers]
                )


def _bounded(sentences: Sequence[str]) -> list[str]:
    """Return sentences for the index: clean, not too long, not too many."""
    shown = [clean_line(sentence)[:_LONGEST_SENTENCE] for sentence in sentences[:_MOST_SENTENCES]]
    more = len(sentences) - len(shown)
    return shown + ([f"{more:,} more like these."] if more else [])


def _fields(document: Document, chunk: Chunk, text: str, language: str) -> dict[str, Any]:
    """Return the fields of the index that come from the chunk; `text` is what is searched."""
    heading = heading_below(document.title, chunk.heading)
    fields = {
        "chunk_number": chunk.number,
        "chunk_count": chunk.count,
        "start_offset": chunk.start,
        "end_offset": chunk.end,
        "title": document.title,
        "heading": heading,
        "text": chunk.text,
        "table_header": chunk.table_header,
        "language": language,
        "terms": " ".join(terms(text, language)),
        "title_terms": " ".join(terms(document.title, language)),
        "heading_terms": " ".join(terms(heading, language)),
    }
    if chunk.first_page is not None:
        fields |= {"first_page": chunk.first_page, "last_page": chunk.last_page}
    if chunk.number == 0:
        fields["document_missing"] = _bounded(document.missing)
        fields["document_remarks"] = _bounded(document.remarks)
    return fields


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that stopped the run: the first that is not a group."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
