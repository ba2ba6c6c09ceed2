"""One text that the embedder refuses costs its document, never the run."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunk import Chunk
from rag.corpus import sha256_of
from rag.documents import Document
from rag.embed import EmbeddingClient
from rag.errors import CorpusError, EmbeddingError, TextsRefusedError
from rag.pipeline import Pipeline, Task
from rag.refusals import embed_accepted
from tests.rag.fakes import FakeEmbedder, read_here

BAD, NAN = "REFUSED", "NOTANUMBER"


class PickyEmbedder(FakeEmbedder):
    """Refuses requests with a bad text; gives no valid vector for another kind."""

    def __init__(self, bad: str = BAD) -> None:
        super().__init__()
        self.bad = bad
        self.requests = 0

    async def embed(self, texts: Sequence[str], input_type: str) -> npt.NDArray[np.float32]:
        self.requests += 1
        if any(self.bad in text for text in texts):
            raise TextsRefusedError("400 a text is not valid")
        vectors = await super().embed(texts, input_type)
        for row, text in enumerate(texts):
            if NAN in text:
                vectors[row] = np.nan
        return vectors


class MemoryWriter:
    """Keeps the ids of written chunks."""

    def __init__(self, *, refuses: str = "\0") -> None:
        self.ids: set[str] = set()
        self.texts = 0
        self.refuses = refuses

    async def write(self, operations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        refused = {}
        for operation in operations:
            if operation["_op_type"] == "delete":
                self.ids.discard(operation["_id"])
            elif self.refuses in operation["text"]:
                refused[operation["_id"]] = "the index refuses a part of it: because"
            else:
                self.ids.add(operation["_id"])
        return refused


def run(
    folder: Path,
    texts: Mapping[str, str],
    embedder: FakeEmbedder | None = None,
    writer: MemoryWriter | None = None,
) -> tuple[Pipeline, MemoryWriter]:
    tasks = []
    for name, text in texts.items():
        path = folder / name
        path.write_text(text)
        sha256 = sha256_of(path)
        tasks.append(Task(key=f"docs/{name}", path=path, sha256=sha256, identity=sha256))
    writer = writer or MemoryWriter()
    pipeline = Pipeline(
        embedder or PickyEmbedder(),
        writer,  # type: ignore[arg-type]  # only its method is used
        read_here,
        uri_prefix="oss://b/",
    )
    asyncio.run(pipeline.run(tasks))
    return pipeline, writer


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.lists(st.sampled_from(["fine", BAD, NAN]), max_size=40))
def test_exactly_the_refused_texts_are_named(texts: list[str]) -> None:
    embedder = PickyEmbedder()
    result = asyncio.run(embed_accepted(embedder, texts, "document"))
    assert result.accepted == tuple(i for i, text in enumerate(texts) if text == "fine")
    assert sorted(result.refused) == [i for i, text in enumerate(texts) if text != "fine"]
    assert len(result.vectors) == len(result.accepted)
    assert np.isfinite(result.vectors).all()


def test_texts_that_are_all_fine_take_one_request() -> None:
    embedder = PickyEmbedder()
    asyncio.run(embed_accepted(embedder, ["fine"] * 32, "document"))
    assert embedder.requests == 1


def test_a_service_that_refuses_every_text_is_an_error() -> None:
    with pytest.raises(TextsRefusedError):
        asyncio.run(embed_accepted(PickyEmbedder(bad=""), ["a", "b"], "document"))


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_service_that_refuses_the_texts_is_not_one_that_fails(status: int) -> None:
    answer = httpx.Response(status, json={"error": {"message": "too long"}})
    transport = httpx.MockTransport(lambda request: answer)

    async def main() -> None:
        client = EmbeddingClient("http://one", transport=transport, retry_seconds=0.01)
        try:
            await client.embed(["a"], "document")
        finally:
            await client.close()

    with pytest.raises(TextsRefusedError, match="too long"):
        asyncio.run(main())
    answer = httpx.Response(500, json={"error": {"message": "broken"}})
    with pytest.raises(EmbeddingError, match="broken") as caught:
        asyncio.run(main())
    assert not isinstance(caught.value, TextsRefusedError)


@pytest.mark.parametrize("kind", [BAD, NAN])
def test_a_document_with_a_refused_text_leaves_nothing_in_the_index(
    tmp_path: Path, kind: str
) -> None:
    # Its first chunks are written before the last one is refused.
    long = "A sentence of the long document. " * 4000
    texts = {"a.txt": long + kind, "b.txt": "Fine.", "c.txt": f"{kind} again."}
    pipeline, writer = run(tmp_path, texts)
    assert set(pipeline.set_aside) == {"docs/a.txt", "docs/c.txt"}
    assert (pipeline.documents, pipeline.refused) == (1, 2)
    assert len(writer.ids) == 1


def test_a_document_that_the_index_refuses_leaves_nothing_in_it(tmp_path: Path) -> None:
    texts = {"a.txt": "A sentence. " * 500 + BAD, "b.txt": "Fine."}
    pipeline, writer = run(tmp_path, texts, FakeEmbedder(), MemoryWriter(refuses=BAD))
    assert pipeline.set_aside == {"docs/a.txt": "the index refuses a part of it: because"}
    assert len(writer.ids) == 1


def test_a_document_that_cannot_be_cut_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rag import pipeline as module

    cut = module.chunk_document

    def fragile(document: Document, *arguments: Any) -> list[Chunk]:
        if document.key.endswith("a.txt"):
            raise RecursionError("maximum recursion depth exceeded")
        if document.key.endswith("c.txt"):
            return []
        return cut(document, *arguments)

    monkeypatch.setattr(module, "chunk_document", fragile)
    pipeline, writer = run(tmp_path, {"a.txt": "One.", "b.txt": "Two.", "c.txt": "Three."})
    assert "cannot be cut into chunks: RecursionError" in pipeline.set_aside["docs/a.txt"]
    assert pipeline.set_aside["docs/c.txt"] == "the file has no text"
    assert len(writer.ids) == 1


def test_a_document_that_changes_while_it_is_read_stops_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Now.")
    task = Task(key="docs/a.txt", path=path, sha256="0" * 64, identity="0" * 64)
    writer: Any = MemoryWriter()
    pipeline = Pipeline(PickyEmbedder(), writer, read_here, uri_prefix="oss://b/")
    with pytest.raises(CorpusError, match="changed while it was read"):
        asyncio.run(pipeline.run([task]))


def test_the_pipelines_memory_does_not_grow_with_the_number_of_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Then the first documents fill the pipeline.
    monkeypatch.setattr("rag.pipeline._WINDOW", 128)

    class Forgetful(MemoryWriter):
        async def write(self, operations: Sequence[Mapping[str, Any]]) -> dict[str, str]:
            return {}

    def peak(documents: int) -> int:
        texts = {f"{n}.txt": f"Sentence {n} of a document. " * 450 for n in range(documents)}
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        pipeline, _ = run(tmp_path, texts, writer=Forgetful())
        assert pipeline.documents == documents
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        few, many = peak(60), peak(180)
    finally:
        tracemalloc.stop()
    # 180 documents have 2.2 MB of text, and as much again in terms.
    assert many < 1.3 * few, (few, many)
