"""Asks real search engines the test questions, in temporary indices.

Owns the temporary indices and the measures. The application's own code indexes, searches and fuses
(`rag.ingest`, `rag.retrieve`), so that the figures apply to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.corpus import load_corpus, sha256_of
from rag.engines.base import SearchEngine
from rag.engines.kinds import EngineKind
from rag.engines.opensearch import hybrid_search, normalization
from rag.errors import SearchEngineError, SearchIndexError
from rag.fuse import CANDIDATES, DEFAULT_WEIGHT, Fusion
from rag.index import chunk_id, mappings, settings
from rag.index_state import index_languages
from rag.ingest import ingest
from rag.language import detect
from rag.limits import TokenMeasure
from rag.metrics import retrieval_metrics
from rag.models import model_info
from rag.query import blended_search, near_candidates, word_search
from rag.reader_process import DocumentReader
from rag.rerank import ChooseReranking, cross_encoder, late_interaction, no_reranking
from rag.retrieve import Retriever
from rag.token_form import TokenForm
from training.checkpoints import read_json
from training.clusters import Cluster
from training.data import TrainingData
from training.measured_encoder import Borrowed, MeasuredEncoder

__all__ = ["COLUMNS", "INDEX_PREFIX", "Chosen", "Measured", "measure"]

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
class Chosen:
    """What the training of a model chose for the ranking.

    Attributes:
        search_weight: Share of the vector search.
        rerank_weight: Share of the late interaction among the best passages.
        cross_encoder_weight: Share of the cross-encoder among the best of those.
        token_form: Form of the model's token vectors; None for none.
    """

    search_weight: float = DEFAULT_WEIGHT
    rerank_weight: float = 0.0
    cross_encoder_weight: float = 0.0
    token_form: TokenForm | None = None

    @classmethod
    def of(cls, model: Path) -> Chosen:
        """Return what the training of the model in a folder chose; the defaults without one."""
        result = read_json(model.parent / "result.json") or {}
        return cls(
            search_weight=float(result.get("search_weight", DEFAULT_WEIGHT)),
            rerank_weight=float(result.get("rerank_weight", 0.0)),
            cross_encoder_weight=float(result.get("cross_encoder_weight", 0.0)),
            token_form=TokenForm.load(model),
        )

    @property
    def meta(self) -> dict[str, object]:
        """Its part of an index's `_meta`."""
        form = self.token_form
        return {
            "search_weight": self.search_weight,
            "rerank_weight": self.rerank_weight,
            "cross_encoder_weight": self.cross_encoder_weight,
            **({"token_vectors": form.described()} if form is not None else {}),
        }


Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Measures by engine and method, and windows per second by model."""

    rows: dict[str, dict[str, Metrics]]
    encode_rates: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is asked, of every engine in the same way."""

    corpus_dir: Path
    data: TrainingData
    identifiers: Sequence[str]
    tokens: TokenMeasure
    report: Callable[[str], None]

    @property
    def questions(self) -> list[str]:
        return [query.query for query in self.data.held_out]


async def measure(
    corpus_dir: Path,
    data: TrainingData,
    tokens: TokenMeasure,
    clusters: Sequence[Cluster],
    base_model: str,
    tuned_model: str,
    chosen: Chosen,
    report: Callable[[str], None],
) -> Measured:
    """Index with both models in every cluster, and ask every held-out question.

    Args:
        corpus_dir: The folder of `data`.
        data: Its chunks and questions.
        tokens: The measure that the chunks were cut with.
        clusters: The clusters for the temporary indices, which are always removed.
        base_model: Name of the base model.
        tuned_model: Name or folder of the tuned model.
        chosen: What the training of that model chose.
        report: Receives progress lines.

    Raises:
        SearchIndexError, IngestError: A cluster failed.
    """
    identifiers = await asyncio.to_thread(_identifiers, corpus_dir, data)
    asked = _Asked(
        corpus_dir=corpus_dir, data=data, identifiers=identifiers, tokens=tokens, report=report
    )
    info = model_info(base_model)
    meta: dict[str, object] = {"model_languages": list(info.languages) if info is not None else []}
    rows: dict[str, dict[str, Metrics]] = {cluster.name: {} for cluster in clusters}
    rates = {}

    async def ask_all(
        role: str,
        model: str,
        described: Mapping[str, object],
        ask: Callable[[_Index], Awaitable[dict[str, Metrics]]],
    ) -> None:
        encoder = await asyncio.to_thread(MeasuredEncoder, model, tokens)
        try:
            for cluster in clusters:
                report(f"{role}: indexing with {model} in {cluster.name}")
                async with _indexed(cluster, role, encoder, described, asked) as index:
                    rows[cluster.name] |= await ask(index)
            rates[role] = encoder.rate
        finally:
            await encoder.close()

    async def ask_base(index: _Index) -> dict[str, Metrics]:
        return {"BM25": await index.words(), base_model[-24:]: await index.vectors()}

    await ask_all("base", base_model, meta, ask_base)
    await ask_all("tuned", tuned_model, {**meta, **chosen.meta}, lambda index: index.all(chosen))
    return Measured(rows=rows, encode_rates=rates)


@dataclass(frozen=True, kw_only=True)
class _Index:
    """A temporary index, and the encoder that filled it."""

    cluster: Cluster
    engine: SearchEngine
    name: str
    encoder: MeasuredEncoder
    asked: _Asked

    async def all(self, chosen: Chosen) -> dict[str, Metrics]:
        """Measure every method with the tuned model; a script only where the cluster has one."""
        weight = chosen.search_weight
        rows = {"tuned": await self.vectors()}
        if (script := await self.script()) is not None:
            rows["tuned + BM25, script_score"] = script
        rows[f"tuned + BM25, min-max {weight:g}"] = await self.hybrid(weight)
        rows["tuned + BM25, RRF"] = await self.fused(Fusion.RRF, no_reranking)
        rows[f"tuned + BM25, z-scores {weight:g}"] = await self.fused(Fusion.WEIGHTED, no_reranking)
        if chosen.token_form is not None:
            label = f"... late interaction {chosen.rerank_weight:g}"
            rows[label] = await self.fused(Fusion.WEIGHTED, late_interaction)
        if chosen.cross_encoder_weight:
            label = f"... cross-encoder {chosen.cross_encoder_weight:g}"
            rows[label] = await self.fused(Fusion.WEIGHTED, cross_encoder)
        return rows

    async def words(self) -> Metrics:
        """Measure the word search alone."""
        return await self._measured([words for words, _ in await self._searches()])

    async def vectors(self) -> Metrics:
        """Measure the vector search alone."""
        return await self._measured([vectors for _, vectors in await self._searches()])

    async def script(self) -> Metrics | None:
        """Measure the sum of cosine and word score in a script; None without that language."""
        named = self.engine.vectors_in_scripts
        bodies = [
            blended_search(words, vector, named)
            for (words, _), vector in zip(
                await self._searches(), await self._embedded(), strict=True
            )
        ]
        try:
            return await self._measured(bodies)
        except SearchEngineError as error:
            if "script_lang not supported" not in str(error):
                raise
            self.asked.report(f"{self.cluster.name} has no painless, so script_score has no row")
            return None

    async def hybrid(self, weight: float) -> Metrics:
        """Measure the fusion of scaled scores: by OpenSearch itself, else here."""
        if self.cluster.kind is not EngineKind.OPENSEARCH:
            return await self.fused(Fusion.MIN_MAX, no_reranking)
        pipeline = normalization(weight)
        return await self._measured(
            [
                {**hybrid_search(words, vectors), "search_pipeline": pipeline}
                for words, vectors in await self._searches()
            ]
        )

    async def fused(self, fusion: Fusion, rerank: ChooseReranking) -> Metrics:
        """Measure both searches, fused and reranked as in the application."""
        retriever = Retriever(
            self.engine,
            self.name,
            fusion=fusion,
            embedder=lambda meta: Borrowed(self.encoder),
            rerank=rerank,
        )
        rankings = []
        for question in self.asked.questions:
            found = await retriever.retrieve(question, _DEPTH)
            rankings.append([hit.chunk_id for hit in found.hits])
        await retriever.close()
        return self._metrics(rankings)

    async def _searches(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return the bodies of the word search and of the vector search of each question."""
        languages = await index_languages(self.engine, self.name)
        near = near_candidates(CANDIDATES)
        return [
            (
                word_search(question, detect(question, languages), CANDIDATES),
                self.engine.vector_search(vector, CANDIDATES, near),
            )
            for question, vector in zip(self.asked.questions, await self._embedded(), strict=True)
        ]

    async def _embedded(self) -> list[list[float]]:
        return [row.tolist() for row in await self.encoder.embed(self.asked.questions, "query")]

    async def _measured(self, bodies: Sequence[Mapping[str, Any]]) -> Metrics:
        return self._metrics(
            [list(await self.engine.scores(self.name, body))[:_DEPTH] for body in bodies]
        )

    def _metrics(self, rankings: Sequence[Sequence[str]]) -> Metrics:
        identifiers = self.asked.identifiers
        relevant = [{identifiers[i] for i in query.relevant} for query in self.asked.data.held_out]
        return retrieval_metrics(zip(rankings, relevant, strict=True))


@contextlib.asynccontextmanager
async def _indexed(
    cluster: Cluster,
    role: str,
    encoder: MeasuredEncoder,
    described: Mapping[str, object],
    asked: _Asked,
) -> AsyncIterator[_Index]:
    """Create an index of the corpus, and remove it at the end."""
    engine = cluster.engine()
    name = f"{INDEX_PREFIX}{role}-{os.getpid()}-{secrets.token_hex(4)}"
    meta = {**described, "model_version": role, "embedding_urls": ["http://in-process.invalid"]}
    try:
        await _remove_abandoned(engine)
        mapping = mappings(encoder.dimension, meta, engine=cluster.kind)
        await engine.create_index(name, mapping, settings(cluster.kind))
        try:
            with DocumentReader(options=asked.data.read_options) as reader:
                await ingest(
                    engine,
                    encoder,
                    reader,
                    load_corpus(asked.corpus_dir, set_aside=[]),
                    index=name,
                    corpus_uri="oss://evaluation/corpus/",
                    report=lambda line: asked.report(f"{role}: {line}"),
                )
            asked.report(f"{role}: asking the questions")
            yield _Index(cluster=cluster, engine=engine, name=name, encoder=encoder, asked=asked)
        finally:
            await engine.delete_index(name)
    except SearchEngineError as error:
        raise SearchIndexError(f"{cluster.name} at {cluster.url}: {error}") from error
    finally:
        await engine.close()


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
