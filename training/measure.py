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
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch

from providers.clients.elasticsearch import async_client
from rag.corpus import load_corpus, sha256_of
from rag.embed import Embedder, InputType, Vectors
from rag.encoder import LocalEncoder
from rag.errors import SearchIndexError
from rag.fuse import CANDIDATES, Fusion
from rag.index import SETTINGS, chunk_id, mappings
from rag.index_state import index_languages
from rag.ingest import ingest
from rag.language import detect
from rag.limits import TokenMeasure
from rag.metrics import retrieval_metrics
from rag.models import model_info
from rag.reader_process import DocumentReader
from rag.readers.options import ReadOptions
from rag.retrieve import Retriever, knn_search, word_search
from training.data import TrainingData

__all__ = ["COLUMNS", "INDEX_PREFIX", "Borrowed", "Cluster", "Measured", "measure"]

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

    def client(self) -> AsyncElasticsearch:
        """Return a client, which the caller closes."""
        return async_client(self.url, self.username, self.password, http_compress=False)

    async def check(self, client: AsyncElasticsearch) -> None:
        """Check that the cluster answers and accepts the password.

        Raises:
            SearchIndexError: It does not.
        """
        try:
            await client.options(max_retries=0, request_timeout=10).cluster.health()
        except (ApiError, TransportError) as error:
            raise SearchIndexError(
                f"Elasticsearch at {self.url} does not serve {self.username!r}: {error}. Check "
                f"that it is up (`make up`) and CUSTOMRAG_ELASTICSEARCH_PASSWORD is its password."
            ) from error


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
    search_weight: float,
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
        search_weight: Share of the vector search, as the training of that model chose it.
        report: Receives progress lines.

    Raises:
        SearchIndexError, IngestError: The cluster failed.
    """
    client = cluster.client()
    try:
        await _remove_abandoned(client)
        identifiers = await asyncio.to_thread(_identifiers, corpus_dir, data)
        info = model_info(base_model)
        meta = {
            "search_weight": search_weight,
            "model_languages": list(info.languages) if info is not None else [],
        }
        given = (data.read_options, meta, report)
        async with _indexed(client, corpus_dir, base_model, tokens, "base", *given) as base:
            rows = {"BM25": await base.words(data, identifiers)}
            rows[base_model[-24:]] = await base.vectors(data, identifiers)
        async with _indexed(client, corpus_dir, tuned_model, tokens, "tuned", *given) as tuned:
            rows["tuned"] = await tuned.vectors(data, identifiers)
            for label, fusion in (
                ("tuned + BM25, RRF", Fusion.RRF),
                (f"tuned + BM25, weighted {search_weight:g}", Fusion.WEIGHTED),
            ):
                rows[label] = await tuned.fused(data, identifiers, fusion)
        return Measured(rows=rows, encode_rates={"base": base.rate, "tuned": tuned.rate})
    except (ApiError, TransportError) as error:
        raise SearchIndexError(f"Elasticsearch at {cluster.url}: {error}") from error
    finally:
        await client.close()


class _Encoder:
    """A `LocalEncoder` that caches questions and measures its rate on documents."""

    def __init__(self, name: str, measure: TokenMeasure) -> None:
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self._encoder = LocalEncoder(name)
        # Not its own: the chunks of both models must be those of the questions' answers.
        self._measure = measure
        self.dimension = self._encoder.dimension
        self._asked: dict[str, Vectors] = {}
        self._texts = 0
        self._first = self._last = 0.0

    @property
    def rate(self) -> float:
        """Texts of documents per second."""
        return self._texts / max(self._last - self._first, 1e-9)

    async def embed(self, texts: Sequence[str], input_type: InputType) -> Vectors:
        """See `rag.embed.Embedder`."""
        if input_type == "query":
            missing = [text for text in texts if text not in self._asked]
            if missing:
                rows = await self._encoder.embed(missing, "query")
                self._asked.update(zip(missing, rows, strict=True))
            return np.stack([self._asked[text] for text in texts])
        self._first = self._first or time.monotonic()
        vectors = await self._encoder.embed(texts, input_type)
        self._texts += len(texts)
        self._last = time.monotonic()
        return vectors

    async def token_measure(self) -> TokenMeasure:
        """See `rag.embed.Embedder`."""
        return self._measure

    async def close(self) -> None:
        """End its threads."""
        self._encoder.close()


@dataclass(frozen=True, kw_only=True)
class _Index:
    """A temporary index, and the encoder that filled it."""

    client: AsyncElasticsearch
    name: str
    encoder: _Encoder

    @property
    def rate(self) -> float:
        return self.encoder.rate

    async def words(self, data: TrainingData, identifiers: Sequence[str]) -> dict[str, float]:
        """Measure the word search alone."""
        found = await index_languages(self.client, self.name)
        languages = [detect(query.query, found) for query in data.held_out]
        rankings = [
            await self._ranking(word_search(query.query, language, CANDIDATES))
            for query, language in zip(data.held_out, languages, strict=True)
        ]
        return _metrics(data, identifiers, rankings)

    async def vectors(self, data: TrainingData, identifiers: Sequence[str]) -> dict[str, float]:
        """Measure the vector search alone."""
        embedded = await self.encoder.embed([query.query for query in data.held_out], "query")
        rankings = [
            await self._ranking(knn_search(vector.tolist(), CANDIDATES)) for vector in embedded
        ]
        return _metrics(data, identifiers, rankings)

    async def fused(
        self, data: TrainingData, identifiers: Sequence[str], fusion: Fusion
    ) -> dict[str, float]:
        """Measure both searches, fused as in the application."""
        retriever = Retriever(
            self.client, self.name, fusion=fusion, embedder=lambda meta: Borrowed(self.encoder)
        )
        rankings = []
        for query in data.held_out:
            found = await retriever.retrieve(query.query, _DEPTH)
            rankings.append([hit.chunk_id for hit in found.hits])
        await retriever.close()
        return _metrics(data, identifiers, rankings)

    async def _ranking(self, body: dict[str, object]) -> list[str]:
        answer = await self.client.search(index=self.name, body=body)
        return [hit["_id"] for hit in answer["hits"]["hits"][:_DEPTH]]


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

    async def token_measure(self) -> TokenMeasure:
        """Return its measure."""
        return await self.encoder.token_measure()

    async def close(self) -> None:
        """Leave it open."""


@contextlib.asynccontextmanager
async def _indexed(
    client: AsyncElasticsearch,
    corpus_dir: Path,
    model: str,
    tokens: TokenMeasure,
    role: str,
    options: ReadOptions,
    meta: Mapping[str, object],
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
        await client.indices.create(
            index=name, mappings=mappings(encoder.dimension, described), settings=dict(SETTINGS)
        )
        with DocumentReader(options=options) as reader:
            await ingest(
                client,
                encoder,
                reader,
                load_corpus(corpus_dir, set_aside=[]),
                index=name,
                corpus_uri="oss://evaluation/corpus/",
                report=lambda line: report(f"{role}: {line}"),
            )
        report(f"{role}: asking the questions")
        yield _Index(client=client, name=name, encoder=encoder)
    finally:
        await client.indices.delete(index=name, ignore_unavailable=True)
        await encoder.close()


async def _remove_abandoned(client: AsyncElasticsearch) -> None:
    """Remove the indices of a run that was killed."""
    found = await client.indices.get_settings(
        index=f"{INDEX_PREFIX}*", name="index.creation_date", expand_wildcards="all"
    )
    for name, body in found.body.items():
        made = int(body["settings"]["index"]["creation_date"]) / 1000
        if time.time() - made > _ABANDONED_SECONDS:
            await client.indices.delete(index=name, ignore_unavailable=True)


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
