"""Stand-ins injected into the data plane: a reader, an embedder, a model, a search."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rag.documents import Document
from rag.embedder import Encoded
from rag.errors import GenerationError, PassageNotFoundError, ReadError, SearchIndexError
from rag.hits import Hit
from rag.index_state import IndexMeta
from rag.language import detect
from rag.reader_process import File
from rag.readers import read_document
from rag.retrieve import Retrieval
from rag.token_vectors import pack

DIMENSION = 16
META = IndexMeta(
    index="kestrel-v1",
    model_version="v1",
    dimension=DIMENSION,
    embedding_urls=("http://embedder",),
    chunker="test",
    analyser="test",
)


def read_here(files: Iterable[File]) -> Iterator[Document | ReadError]:
    """Read as `DocumentReader.read` does, but in this process."""
    for key, path in files:
        try:
            yield read_document(key, path)
        except ReadError as error:
            yield error


def vector_of(text: str) -> npt.NDArray[np.float32]:
    """Return a unit vector, always the same for the same text."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def tokens_of(text: str) -> bytes:
    """Return a token vector of `DIMENSION` for each word, always the same for the same word."""
    words = text.lower().replace(".", "").replace("?", "").split()
    return pack(np.stack([vector_of(word) for word in words]))


class CharacterTokens:
    """Counts every character as a token."""

    def __init__(self, max_tokens: int = 10**6) -> None:
        self.max_tokens = max_tokens

    def starts(self, text: str) -> Sequence[int]:
        return range(len(text))


class FakeEmbedder:
    """Embeds by hashing, and counts."""

    def __init__(self) -> None:
        self.texts = 0

    async def embed(self, texts: Sequence[str], input_type: str) -> npt.NDArray[np.float32]:
        self.texts += len(texts)
        return np.stack([vector_of(text) for text in texts])

    async def embed_tokens(self, texts: Sequence[str], input_type: str) -> Encoded:
        """Embed by hashing, with a token vector for each word."""
        vectors = await self.embed(texts, input_type)
        return Encoded(vectors=vectors, tokens=tuple(map(tokens_of, texts)))

    async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
        """Count the words of the question in each text."""
        words = set(question.lower().split())
        return [float(len(words & set(text.lower().split()))) for text in texts]

    async def token_measure(self) -> CharacterTokens:
        return CharacterTokens()

    async def close(self) -> None:
        pass


def hit(number: int, text: str, **changes: object) -> Hit:
    """Return a hit of document ``docs/<number>.md``."""
    fields: dict[str, object] = {
        "chunk_id": f"chunk-{number}",
        "score": 2.0 - number,
        "cosine": 0.5,
        "bm25": 3.0,
        "document_key": f"docs/{number}.md",
        "uri": f"oss://bucket/corpus/docs/{number}.md",
        "title": f"Title {number}",
        "heading": "",
        "text": text,
        "start_offset": 0,
        "end_offset": len(text),
        "chunk_number": 0,
        "chunk_count": 1,
        "language": "en",
    }
    return Hit(**{**fields, **changes})  # type: ignore[arg-type]


class FakeRetriever:
    """Finds what it was given."""

    def __init__(self, hits: Sequence[Hit], *, failing: bool = False) -> None:
        self.hits = tuple(hits)
        self.failing = failing
        self.embedder = FakeEmbedder()

    async def resolve(self, *, again: bool = False) -> tuple[IndexMeta, FakeEmbedder]:
        if self.failing:
            raise SearchIndexError("the search cluster does not answer")
        return META, self.embedder

    async def retrieve(self, question: str, top_k: int) -> Retrieval:
        meta, _ = await self.resolve()
        return Retrieval(
            question=question,
            language=await self.language_of(question),
            meta=meta,
            hits=self.hits[:top_k],
            seconds=0.01,
        )

    async def language_of(self, question: str) -> str:
        return detect(question, ("en", "zh"))

    async def document_counts(self, terms: Sequence[str]) -> tuple[int, dict[str, int]]:
        await self.resolve()
        texts = [hit.text.lower() for hit in self.hits]
        return 100, {term: sum(term in text for text in texts) for term in terms}

    async def passage(self, chunk_id: str) -> tuple[Hit, list[Hit]]:
        for found in self.hits:
            if found.chunk_id == chunk_id:
                return found, [found]
        raise PassageNotFoundError(f"index 'i' has no passage {chunk_id!r}")


class FakeModel:
    """Answers with `pieces`; fails after `fails_after` of them."""

    name = "fake-model"

    def __init__(self, pieces: Sequence[str], *, fails_after: int | None = None) -> None:
        self.pieces = list(pieces)
        self.fails_after = fails_after
        self.asked: list[list[dict[str, str]]] = []

    async def stream(
        self, messages: Sequence[dict[str, str]], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        self.asked.append(list(messages))
        for number, piece in enumerate(self.pieces):
            if number == self.fails_after:
                raise GenerationError("the language model cannot be reached")
            yield piece
        if self.fails_after is not None and self.fails_after >= len(self.pieces):
            raise GenerationError("the language model cannot be reached")

    async def check(self) -> None:
        if self.fails_after is not None:
            raise GenerationError("the language model cannot be reached")
