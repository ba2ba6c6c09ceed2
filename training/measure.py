"""Asks a real search engine the test questions, in temporary indices.

Owns the temporary indices and the measures. The application's own code indexes, searches and fuses
(`rag.ingest`, `rag.retrieve`), so that the figures apply to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from providers.clients.elasticsearch import async_client
from rag.corpus import load_corpus, sha256_of
from rag.embedder import Embedder, Encoded, InputType, Vectors
from rag.encoder import LocalEncoder
from rag.engines.base import SearchEngine
from rag.engines.elasticsearch import ElasticsearchEngine
from rag.errors import SearchEngineError, SearchIndexError
from rag.fuse import CANDIDATES, DEFAULT_WEIGHT, Fusion
from rag.index import SETTINGS, chunk_id, mappings
from rag.index_state import index_languages
from rag.ingest import ingest
from rag.language import detect
from rag.limits import TokenMeasure
from rag.metrics import retrieval_metrics
from rag.models import model_info
from rag.query import near_candidates, word_search
from rag.reader_process import DocumentReader
from rag.readers.options import ReadOptions
from rag.rerank import ChooseReranking, late_interaction, no_reranking
from rag.retrieve import Retriever
from rag.token_form import TokenForm
from training.checkpoints import read_json
from training.data import TrainingData

__all__ = ["COLUMNS", "INDEX_PREFIX", "Borrowed", "Chosen", "Cluster", "Measured", "measure"]

COLUMNS = {
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
}
"""Measures in the order of the table, with their headings."""

INDEX_PREFIX = "customrag-eval-"
_ABANDONED_SECONDS = 24 * 3600
"""A killed run left an index that is this old."""
_DEPTH = 10


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The address of the search engine.

    Attributes:
        url: ``http[s]://host:port``.
        username: The user that indexes and searches.
        password: The user's password.
    """

    url: str
    username: str
    password: str = field(repr=False)

    def engine(self) -> SearchEngine:
        """Return the engine, which the caller closes."""
        client = async_client(self.url, self.username, self.password, http_compress=False)
        return ElasticsearchEngine(client)

    async def check(self, engine: SearchEngine) -> None:
        """Check that the cluster answers and accepts the password.

        Raises:
            SearchIndexError: It does not.
        """
        try:
            await engine.check(timeout_seconds=10)
        except SearchEngineError as error:
            raise SearchIndexError(
                f"Elasticsearch at {self.url} does not serve {self.username!r}: {error}. Check "
                f"that it is up (`make up`) and CUSTOMRAG_ELASTICSEARCH_PASSWORD is its password."
            ) from error


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the training of a model chose for the ranking.

    Attributes:
        search_weight: Share of the vector search.
        rerank_weight: Share of the late interaction among the best passages.
        token_form: Form of the model's token vectors; None for none.
    """

    search_weight: float = DEFAULT_WEIGHT
    rerank_weight: float = 0.0
    token_form: TokenForm | None = None

    @classmethod
    def of(cls, model: Path) -> Chosen:
        """Return what the training of the model in a folder chose; the defaults without one."""
        result = read_json(model.parent / "result.json") or {}
        return cls(
            search_weight=float(result.get("search_weight", DEFAULT_WEIGHT)),
            rerank_weight=float(result.get("rerank_weight", 0.0)),
            token_form=TokenForm.load(model),
        )

    @property
    def meta(self) -> dict[str, object]:
        """Its part of an index's `_meta`."""
        form = self.token_form
        return {
            "search_weight": self.search_weight,
            "rerank_weight": self.rerank_weight,
            **({"token_vectors": form.described()} if form is not None else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Measures by row label, and chunks per second by model."""

    rows: dict[str, dict[str, float]]
    encode_rates: dict[str, float]


async def measure(
    corpus_dir: Path,
    data: TrainingData,
    tokens: TokenMeasure,
    cluster: Cluster,
    base_model: str,
    tuned_model: str,
    chosen: Chosen,
    report: Callable[[str], None],
) -> Measured:
    """Index with both models, and ask every held-out question.

    Args:
        corpus_dir: The folder of `data`.
        data: Its chunks and questions.
        tokens: The measure that the chunks were cut with.
        cluster: The cluster for the temporary indices, which are always removed.
        base_model: Name of the base model.
        tuned_model: Name or folder of the tuned model.
        chosen: What the training of that model chose.
        report: Receives progress lines.

    Raises:
        SearchIndexError, IngestError: The cluster failed.
    """
    engine = cluster.engine()
    try:
        await _remove_abandoned(engine)
        identifiers = await asyncio.to_thread(_identifiers, corpus_dir, data)
        info = model_info(base_model)
        meta = {"model_languages": list(info.languages) if info is not None else []}
        given = (engine, corpus_dir, data.read_options, tokens, report)
        async with _indexed(base_model, "base", meta, *given) as base:
            rows = {"BM25": await base.words(data, identifiers)}
            rows[base_model[-24:]] = await base.vectors(data, identifiers)
        async with _indexed(tuned_model, "tuned", {**meta, **chosen.meta}, *given) as tuned:
            rows["tuned"] = await tuned.vectors(data, identifiers)
            for label, fusion, rerank in _rankings(chosen):
                rows[label] = await tuned.fused(data, identifiers, fusion, rerank)
        return Measured(rows=rows, encode_rates={"base": base.rate, "tuned": tuned.rate})
    except SearchEngineError as error:
        raise SearchIndexError(f"Elasticsearch at {cluster.url}: {error}") from error
    finally:
        await engine.close()


def _rankings(chosen: Chosen) -> Iterator[tuple[str, Fusion, ChooseReranking]]:
    """Yield the label, the fusion and the reranking of each row."""
    weighted = f"tuned + BM25, weighted {chosen.search_weight:g}"
    yield "tuned + BM25, RRF", Fusion.RRF, no_reranking
    yield weighted, Fusion.WEIGHTED, no_reranking
    if chosen.token_form is not None:
        label = f"... late interaction {chosen.rerank_weight:g}"
        yield label, Fusion.WEIGHTED, late_interaction


class _Encoder:
    """A `LocalEncoder` that caches questions and measures its rate on documents."""

    def __init__(self, name: str, measure: TokenMeasure) -> None:
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._encoder = LocalEncoder(name)
        # Not its own: the chunks of both models must be those of the questions' answers.
        self._measure = measure
        self.dimension = self._encoder.dimension
        self._asked: dict[str, tuple[Vectors, bytes]] = {}
        self._texts = 0
        self._first = self._last = 0.0

    @property
    def rate(self) -> float:
        """Texts of documents per second."""
        return self._texts / max(self._last - self._first, 1e-9)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """See `rag.embedder.Embedder`."""
        return (await self.embed_tokens(texts, input_type)).vectors

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """See `rag.embedder.Embedder`. A model without token vectors gives empty ones."""
        if input_type == "query":
            missing = list(dict.fromkeys(text for text in texts if text not in self._asked))
            if missing:
                found = await self._encode(missing, "query")
                rows = zip(found.vectors, found.tokens, strict=True)
                self._asked.update(zip(missing, rows, strict=True))
            known = [self._asked[text] for text in texts]
            return Encoded(
                vectors=np.stack([vector for vector, _ in known]),
                tokens=tuple(tokens for _, tokens in known),
            )
        self._first = self._first or time.monotonic()
        encoded = await self._encode(texts, input_type)
        self._texts += len(texts)
        self._last = time.monotonic()
        return encoded

    async def _encode(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        encoded = await asyncio.to_thread(self._encoder.encode, texts, input_type)
        return replace(encoded, tokens=encoded.tokens or (b"",) * len(texts))

    async def token_measure(self) -> TokenMeasure:
        """See `rag.embedder.Embedder`."""
        return self._measure

    async def close(self) -> None:
        """End its threads."""
        self._encoder.close()


@dataclass(frozen=True, kw_only=True)
class _Index:
    """A temporary index, and the encoder that filled it."""

    engine: SearchEngine
    name: str
    encoder: _Encoder

    @property
    def rate(self) -> float:
        return self.encoder.rate

    async def words(self, data: TrainingData, identifiers: Sequence[str]) -> dict[str, float]:
        """Measure the word search alone."""
        found = await index_languages(self.engine, self.name)
        languages = [detect(query.query, found) for query in data.held_out]
        rankings = [
            await self._ranking(word_search(query.query, language, CANDIDATES))
            for query, language in zip(data.held_out, languages, strict=True)
        ]
        return _metrics(data, identifiers, rankings)

    async def vectors(self, data: TrainingData, identifiers: Sequence[str]) -> dict[str, float]:
        """Measure the vector search alone."""
        embedded = await self.encoder.embed([query.query for query in data.held_out], "query")
        candidates = near_candidates(CANDIDATES)
        rankings = [
            await self._ranking(self.engine.vector_search(row.tolist(), CANDIDATES, candidates))
            for row in embedded
        ]
        return _metrics(data, identifiers, rankings)

    async def fused(
        self,
        data: TrainingData,
        identifiers: Sequence[str],
        fusion: Fusion,
        rerank: ChooseReranking,
    ) -> dict[str, float]:
        """Measure both searches, fused and reranked as in the application."""
        retriever = Retriever(
            self.engine,
            self.name,
            fusion=fusion,
            embedder=lambda meta: Borrowed(self.encoder),
            rerank=rerank,
        )
        rankings = []
        for query in data.held_out:
            found = await retriever.retrieve(query.query, _DEPTH)
            rankings.append([hit.chunk_id for hit in found.hits])
        await retriever.close()
        return _metrics(data, identifiers, rankings)

    async def _ranking(self, body: dict[str, object]) -> list[str]:
        return list(await self.engine.scores(self.name, body))[:_DEPTH]


@dataclass(frozen=True)
class Borrowed:
    """An encoder that the retriever does not close, because it serves several.

    Attributes:
        encoder: The encoder.
    """

    encoder: Embedder

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """Embed with it."""
        return await self.encoder.embed(texts, input_type)

    async def embed_tokens(self, texts: Sequence[str], input_type: InputType) -> Encoded:
        """Embed with it, with token vectors."""
        return await self.encoder.embed_tokens(texts, input_type)

    async def token_measure(self) -> TokenMeasure:
        """Return its measure."""
        return await self.encoder.token_measure()

    async def close(self) -> None:
        """Leave it open."""


@contextlib.asynccontextmanager
async def _indexed(
    model: str,
    role: str,
    meta: Mapping[str, object],
    engine: SearchEngine,
    corpus_dir: Path,
    options: ReadOptions,
    tokens: TokenMeasure,
    report: Callable[[str], None],
) -> AsyncIterator[_Index]:
    """Create an index of the corpus with `model`, and remove it at the end."""
    report(f"{role}: indexing with {model}")
    encoder = await asyncio.to_thread(_Encoder, model, tokens)
    name = f"{INDEX_PREFIX}{role}-{os.getpid()}-{secrets.token_hex(4)}"
    described = {
        **meta,
        "model_version": role,
        "embedding_urls": ["http://in-process.invalid"],
    }
    try:
        await engine.create_index(name, mappings(encoder.dimension, described), SETTINGS)
        with DocumentReader(options=options) as reader:
            await ingest(
                engine,
                encoder,
                reader,
                load_corpus(corpus_dir, set_aside=[]),
                index=name,
                corpus_uri="oss://evaluation/corpus/",
                report=lambda line: report(f"{role}: {line}"),
            )
        report(f"{role}: asking the questions")
        yield _Index(engine=engine, name=name, encoder=encoder)
    finally:
        await engine.delete_index(name)
        await encoder.close()


async def _remove_abandoned(engine: SearchEngine) -> None:
    """Remove the indices of a run that was killed."""
    for name, made in (await engine.creation_times(f"{INDEX_PREFIX}*")).items():
        if time.time() - made > _ABANDONED_SECONDS:
            await engine.delete_index(name)


def _identifiers(corpus_dir: Path, data: TrainingData) -> list[str]:
    """Return the `_id` of every passage in an index of the corpus."""
    digests = {
        file.key: data.read_options.identity(file.key, file.sha256 or sha256_of(file.path))
        for file in load_corpus(corpus_dir, set_aside=[]).files
    }
    return [chunk_id(p.document, digests[p.document], p.number) for p in data.passages]


def _metrics(
    data: TrainingData, identifiers: Sequence[str], rankings: Sequence[Sequence[str]]
) -> dict[str, float]:
    relevant = [{identifiers[i] for i in query.relevant} for query in data.held_out]
    return retrieval_metrics(zip(rankings, relevant, strict=True))
