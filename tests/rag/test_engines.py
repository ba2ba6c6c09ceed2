"""The same data plane on real engines of both kinds: index, write, search, fuse, alias, delete.

Embeddings come from hashing, so that the expected scores are exact.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import pytest

from rag.bulk import BulkWriter, delete_operation, index_operation
from rag.corpus import load_corpus
from rag.cross_encoder import text_to_read
from rag.engines.base import SearchEngine
from rag.engines.kinds import EngineKind
from rag.engines.opensearch import hybrid_search, normalization
from rag.errors import IngestError, PassageNotFoundError, SearchEngineError, SearchIndexError
from rag.fuse import RRF_CONSTANT, Fusion, fuse, min_max, rrf
from rag.index import mappings, settings
from rag.index_state import index_meta
from rag.ingest import IngestResult, ingest
from rag.query import blended_search, word_search
from rag.reader_process import DocumentReader
from rag.rerank import (
    CROSS_ENCODED,
    WINDOWS_READ,
    cross_encoder,
    late_interaction,
    no_reranking,
)
from rag.retrieve import Retriever
from rag.token_form import TokenForm
from rag.vector_index import VectorIndex, VectorIndexKind
from rag.windows import windows_of
from tests.rag.fakes import DIMENSION, META, FakeEmbedder, vector_of
from tests.support.engines import Lent

T = TypeVar("T")
Ask = Callable[[SearchEngine, str], Awaitable[T]]

SUBJECTS = ("pump", "valve", "heater", "filter", "sensor", "motor", "hose", "gauge", "fan", "tank")
PARTS = ("seal", "screw", "cable", "cover")
QUESTIONS = [
    *(
        f"How is the {part} of the {subject} replaced?"
        for subject in SUBJECTS
        for part in PARTS[:1]
    ),
    *(
        f"Which {part} does the {subject} need, and when?"
        for subject in SUBJECTS
        for part in PARTS[2:3]
    ),
]
EXACT = VectorIndex(kind=VectorIndexKind.HNSW)


@dataclass(frozen=True)
class Filled:
    """An index with the corpus.

    Attributes:
        lent: Its engine.
        index: Its name.
        result: Of the ingest.
    """

    lent: Lent
    index: str
    result: IngestResult

    def run(self, ask: Ask[T]) -> T:
        """Ask the engine."""
        return run(self.lent, lambda engine: ask(engine, self.index))


def run(lent: Lent, ask: Callable[[SearchEngine], Awaitable[T]], **options: Any) -> T:
    async def main() -> T:
        engine = lent.connect(**options)
        try:
            return await ask(engine)
        finally:
            await engine.close()

    return asyncio.run(main())


def mapping_of(kind: EngineKind, vector_index: VectorIndex = EXACT) -> dict[str, Any]:
    meta = {
        "model_version": META.model_version,
        "embedding_urls": ["http://embedder"],
        "token_vectors": TokenForm(dimension=DIMENSION, pooling=1).described(),
        "rerank_weight": 0.5,
        "cross_encoder_weight": 0.5,
    }
    return mappings(DIMENSION, meta, vector_index, kind)


def fill(lent: Lent, folder: Path) -> Filled:
    """Create an index, and ingest the corpus into it."""
    index = f"engines-{time.monotonic_ns()}"

    async def main(engine: SearchEngine) -> IngestResult:
        await engine.create_index(index, mapping_of(lent.kind), settings(lent.kind))
        with DocumentReader() as reader:
            return await ingest(
                engine,
                FakeEmbedder(),
                reader,
                load_corpus(folder),
                index=index,
                corpus_uri="oss://bucket/corpus/",
                report=lambda line: None,
            )

    return Filled(lent, index, run(lent, main))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "docs").mkdir()
    for at, subject in enumerate(SUBJECTS):
        other = SUBJECTS[(at + 3) % len(SUBJECTS)]
        steps = [
            f"Replace the {part} of the {subject} every {at + 2} months, then check the {other}. "
            * (at % 4 + number + 1)
            for number, part in enumerate(PARTS)
        ]
        text = f"# The {subject}\n\n" + "\n\n".join(
            f"## {part}\n\n{step}" for part, step in zip(PARTS, steps, strict=True)
        )
        (folder / "docs" / f"{subject}.md").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def filled(lent: Lent, corpus: Path) -> Iterator[Filled]:
    made = fill(lent, corpus)
    yield made
    run(lent, lambda engine: engine.delete_index(made.index))


@pytest.fixture(scope="module")
def both_filled(
    both_engines: dict[EngineKind, Lent], corpus: Path
) -> Iterator[dict[EngineKind, Filled]]:
    made = {kind: fill(lent, corpus) for kind, lent in both_engines.items()}
    yield made
    for one in made.values():
        one.run(lambda engine, index: engine.delete_index(index))


@pytest.fixture
def empty(lent: Lent) -> Iterator[str]:
    index = f"engines-empty-{time.monotonic_ns()}"

    async def create(engine: SearchEngine) -> None:
        await engine.create_index(index, mapping_of(lent.kind), settings(lent.kind))

    run(lent, create)
    yield index
    run(lent, lambda engine: engine.delete_index(index))


def test_an_ingest_indexes_every_document(filled: Filled) -> None:
    assert filled.result.documents == len(SUBJECTS)
    assert filled.result.read_whole == len(SUBJECTS)
    assert filled.run(lambda engine, index: engine.count(index)) == filled.result.chunks
    meta = filled.run(index_meta)
    assert (meta.index, meta.dimension, meta.rerank_weight) == (filled.index, DIMENSION, 0.5)
    assert meta.cross_encoder_weight == 0.5


def test_a_second_ingest_changes_nothing(filled: Filled, corpus: Path) -> None:
    async def again(engine: SearchEngine, index: str) -> IngestResult:
        with DocumentReader() as reader:
            return await ingest(
                engine,
                FakeEmbedder(),
                reader,
                load_corpus(corpus),
                index=index,
                corpus_uri="oss://bucket/corpus/",
                report=lambda line: None,
            )

    result = filled.run(again)
    assert (result.unchanged_documents, result.embedded_documents) == (len(SUBJECTS), 0)


def test_a_vector_search_scores_half_of_one_plus_the_cosine(filled: Filled) -> None:
    vector = vector_of("a question")

    async def ask(engine: SearchEngine, index: str) -> dict[str, float]:
        everything = engine.vector_search(vector.tolist(), 500, 500)
        among = list(await engine.scores(index, everything))[-3:]
        limited = await engine.scores(index, engine.vector_search(vector.tolist(), 9, 100, among))
        assert set(limited) == set(among)
        return await engine.scores(index, everything)

    found = filled.run(ask)
    assert len(found) == filled.result.chunks
    cosines = filled.run(lambda engine, index: cosines_of(engine, index, vector, found))
    assert found == pytest.approx({item: (1 + cosines[item]) / 2 for item in found}, abs=1e-6)


async def cosines_of(
    engine: SearchEngine, index: str, vector: npt.NDArray[np.float32], identifiers: Iterable[str]
) -> dict[str, float]:
    """Return the cosine of each chunk's best window, computed here."""
    sources = await engine.passages(index, list(identifiers), ["text"])
    return {
        item: max(float(vector @ vector_of(window)) for window in windows_of(source["text"]))
        for item, source in sources.items()
    }


def test_a_script_adds_the_cosine_to_half_the_word_score(filled: Filled) -> None:
    vector = vector_of("pump seal")
    words = word_search("pump seal", "en", 100)

    async def ask(engine: SearchEngine, index: str) -> None:
        try:
            found = await engine.scores(
                index, blended_search(words, vector.tolist(), engine.vectors_in_scripts)
            )
        except SearchEngineError as error:
            if "[painless]" not in str(error):
                raise
            pytest.skip(f"this cluster has no painless: {error}")
        word_scores = await engine.scores(index, words)
        cosines = await cosines_of(engine, index, vector, found)
        expected = {item: 1 + cosines[item] + 0.5 * word_scores[item] for item in word_scores}
        assert found == pytest.approx(expected, abs=1e-5)

    filled.run(ask)


@pytest.mark.parametrize("fusion", list(Fusion))
def test_the_fusion_has_both_searches_of_the_engine(filled: Filled, fusion: Fusion) -> None:
    question = QUESTIONS[0]

    async def ask(engine: SearchEngine, index: str) -> tuple[list[str], list[str]]:
        everything = engine.vector_search(vector_of(question).tolist(), 500, 500)
        vector = await engine.scores(index, everything)
        words = await engine.scores(index, word_search(question, "en", 500))
        both = {**dict.fromkeys(vector, 0.0), **words} if fusion is Fusion.WEIGHTED else words
        expected = [item for item, _ in fuse(vector, both, method=fusion)[:10]]
        return await retrieved(engine, index, question, fusion=fusion), expected

    found, expected = filled.run(ask)
    assert found == expected


async def retrieved(engine: SearchEngine, index: str, question: str, **options: Any) -> list[str]:
    """Return the ids of the ten best passages as the application finds them."""
    given = {"rerank": no_reranking, "embedder": lambda meta: FakeEmbedder(), **options}
    retriever = Retriever(engine, index, **given)
    try:
        return [hit.chunk_id for hit in (await retriever.retrieve(question, 10)).hits]
    finally:
        await retriever.close()


def test_late_interaction_reads_the_token_vectors(filled: Filled) -> None:
    async def ask(engine: SearchEngine, index: str) -> tuple[list[str], list[str]]:
        plain = await retrieved(engine, index, QUESTIONS[0])
        return plain, await retrieved(engine, index, QUESTIONS[0], rerank=late_interaction)

    plain, reranked = filled.run(ask)
    assert plain != reranked


def test_the_cross_encoder_reads_the_best_windows_of_each_passage(filled: Filled) -> None:
    question = QUESTIONS[0]
    asked = vector_of(question)

    class Reader(FakeEmbedder):
        read: ClassVar[list[str]] = []

        async def relevance(self, question: str, texts: Sequence[str]) -> list[float]:
            self.read += texts
            return await super().relevance(question, texts)

    def best(source: Mapping[str, Any]) -> list[str]:
        windows = sorted(
            windows_of(source["text"]), key=lambda text: -float(asked @ vector_of(text))
        )
        nearest = windows[:WINDOWS_READ]
        return [text_to_read(source["title"], source["heading"], text) for text in nearest]

    async def ask(engine: SearchEngine, index: str) -> tuple[list[str], list[str]]:
        before = await retrieved(engine, index, question, rerank=late_interaction)
        after = await retrieved(
            engine, index, question, rerank=cross_encoder, embedder=lambda meta: Reader()
        )
        everything = engine.vector_search(asked.tolist(), 500, 500)
        fields = ["title", "heading", "text"]
        found = await engine.passages(index, list(await engine.scores(index, everything)), fields)
        assert max(len(windows_of(source["text"])) for source in found.values()) > 1
        windows = [best(source) for source in found.values()]
        read = [texts for texts in windows if texts[0] in Reader.read]
        assert len(read) == min(CROSS_ENCODED, filled.result.chunks)
        assert sorted(Reader.read) == sorted(text for texts in read for text in texts)
        return before, after

    before, after = filled.run(ask)
    assert before != after


def test_a_passage_has_its_neighbors_and_terms_are_counted(filled: Filled) -> None:
    async def ask(engine: SearchEngine, index: str) -> None:
        retriever = Retriever(engine, index, embedder=lambda meta: FakeEmbedder())
        (first, *_) = await engine.scores(index, word_search("heater cable", "en", 1))
        passage, around = await retriever.passage(first)
        assert passage.document_key == "docs/heater.md"
        assert passage.chunk_id in {hit.chunk_id for hit in around}
        total, counts = await retriever.document_counts(["heater", "absent"])
        assert total == filled.result.chunks
        assert total > counts["heater"] > counts["absent"] == 0
        with pytest.raises(PassageNotFoundError, match="has no passage 'nothing'"):
            await retriever.passage("nothing")
        await retriever.close()

    filled.run(ask)


@pytest.mark.elasticsearch
@pytest.mark.opensearch
@pytest.mark.parametrize(
    "method", ["words", "vectors", "weighted", "rrf", "late interaction", "cross-encoder"]
)
def test_both_engines_find_the_same_ten_passages(
    both_filled: dict[EngineKind, Filled], method: str
) -> None:
    async def ask(engine: SearchEngine, index: str) -> list[list[str]]:
        return [await ten_best(engine, index, question, method) for question in QUESTIONS]

    found = {kind: filled.run(ask) for kind, filled in both_filled.items()}
    assert len(found[EngineKind.OPENSEARCH]) == 20
    assert found[EngineKind.OPENSEARCH] == found[EngineKind.ELASTICSEARCH]


async def ten_best(engine: SearchEngine, index: str, question: str, method: str) -> list[str]:
    if method == "words":
        return _best(await engine.scores(index, word_search(question, "en", 100)))
    if method == "vectors":
        body = engine.vector_search(vector_of(question).tolist(), 100, 200)
        return _best(await engine.scores(index, body))
    if method == "late interaction":
        return await retrieved(engine, index, question, rerank=late_interaction)
    if method == "cross-encoder":
        return await retrieved(engine, index, question, rerank=cross_encoder)
    return await retrieved(engine, index, question, fusion=Fusion(method))


def _best(scores: Mapping[str, float]) -> list[str]:
    # Which of two passages with the same score comes first, an engine may choose.
    return sorted(scores, key=lambda item: (-round(scores[item], 5), item))[:10]


@pytest.mark.elasticsearch
@pytest.mark.opensearch
def test_both_engines_give_the_same_word_scores(both_filled: dict[EngineKind, Filled]) -> None:
    async def ask(engine: SearchEngine, index: str) -> list[dict[str, float]]:
        return [await engine.scores(index, word_search(one, "en", 100)) for one in QUESTIONS]

    found = {kind: filled.run(ask) for kind, filled in both_filled.items()}
    pairs = zip(found[EngineKind.OPENSEARCH], found[EngineKind.ELASTICSEARCH], strict=True)
    for opensearch, elasticsearch in pairs:
        assert opensearch == pytest.approx(elasticsearch, rel=1e-5)


def test_an_alias_moves_in_one_step(lent: Lent, empty: str) -> None:
    async def main(engine: SearchEngine) -> None:
        alias, other = f"{empty}-alias", f"{empty}-other"
        assert await engine.indices_of(alias) == []
        await engine.move_alias(alias, empty)
        assert await engine.indices_of(alias) == [empty]
        await engine.create_index(other, mapping_of(lent.kind), settings(lent.kind))
        try:
            await engine.move_alias(alias, other)
            assert await engine.indices_of(alias) == [other]
            assert (await index_meta(engine, alias)).index == other
            await engine.move_alias(alias, other)
            assert await engine.indices_of(alias) == [other]
        finally:
            await engine.delete_index(other)
        with pytest.raises(SearchIndexError, match="no index or alias"):
            await index_meta(engine, alias)

    run(lent, main)


def test_a_deleted_chunk_is_gone(lent: Lent, empty: str) -> None:
    async def main(engine: SearchEngine) -> None:
        writer = BulkWriter(engine, empty)
        chunks = [
            index_operation(item, {"chunk_number": 0}, vector_of(item)[None]) for item in "ab"
        ]
        assert await writer.write(chunks) == {}
        await engine.refresh(empty)
        assert await engine.count(empty) == 2
        await writer.write([delete_operation("a"), delete_operation("missing")])
        await engine.refresh(empty)
        assert list(await engine.scores(empty, {"query": {"match_all": {}}})) == ["b"]

    run(lent, main)


def test_the_segments_of_an_index_become_one(lent: Lent, empty: str) -> None:
    async def count(engine: SearchEngine) -> int:
        found = await engine.request("GET", f"/{empty}/_segments")
        ((primary, *_),) = found["indices"][empty]["shards"].values()
        return sum(segment["search"] for segment in primary["segments"].values())

    async def main(engine: SearchEngine) -> tuple[int, int]:
        writer = BulkWriter(engine, empty)
        for item in "ab":
            await writer.write([index_operation(item, {"chunk_number": 0}, vector_of(item)[None])])
            await engine.refresh(empty)
        before = await count(engine)
        await engine.merge_segments(empty, 60.0)
        return before, await count(engine)

    assert run(lent, main) == (2, 1)


def test_a_chunk_whose_content_is_refused_is_named(lent: Lent, empty: str) -> None:
    async def main(engine: SearchEngine) -> None:
        writer = BulkWriter(engine, empty)
        good = index_operation("good", {"chunk_number": 1}, vector_of("good")[None])
        bad = index_operation("bad", {"chunk_number": "one"}, vector_of("bad")[None])
        assert list(await writer.write([bad, good])) == ["bad"]
        await engine.refresh(empty)
        assert await engine.count(empty) == 1
        with pytest.raises(IngestError, match="refused a chunk: 400 strict_dynamic_mapping"):
            await writer.write([index_operation("x", {"unknown_field": 1}, vector_of("x")[None])])

    run(lent, main)


def test_a_missing_index_and_a_wrong_password_have_their_status(lent: Lent) -> None:
    async def search(engine: SearchEngine) -> None:
        await engine.count("engines-nowhere")

    with pytest.raises(SearchEngineError) as missing:
        run(lent, search)
    assert missing.value.status == 404
    with pytest.raises(SearchEngineError) as refused:
        run(lent, search, password="wrong")
    assert refused.value.status == 401
    run(lent, lambda engine: engine.delete_index("engines-nowhere"))


def test_an_index_knows_when_it_was_created(lent: Lent, empty: str) -> None:
    made = run(lent, lambda engine: engine.creation_times(f"{empty}*"))
    assert list(made) == [empty]
    assert abs(time.time() - made[empty]) < 600


@pytest.mark.opensearch
def test_quantised_vectors_are_searched_in_opensearch(both_engines: dict[EngineKind, Lent]) -> None:
    lent = both_engines[EngineKind.OPENSEARCH]
    index = f"engines-int8-{time.monotonic_ns()}"
    int8 = VectorIndex(kind=VectorIndexKind.INT8_HNSW)

    async def main(engine: SearchEngine) -> dict[str, float]:
        await engine.create_index(index, mapping_of(lent.kind, int8), settings(lent.kind))
        try:
            chunks = [index_operation(item, {}, vector_of(item)[None]) for item in "abcdef"]
            await BulkWriter(engine, index).write(chunks)
            await engine.refresh(index)
            return await engine.scores(index, engine.vector_search(vector_of("c").tolist(), 3, 10))
        finally:
            await engine.delete_index(index)

    found = run(lent, main)
    assert next(iter(found)) == "c"
    assert found["c"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.opensearch
def test_opensearch_scales_the_scores_as_the_client_does(
    both_filled: dict[EngineKind, Filled],
) -> None:
    async def ask(engine: SearchEngine, index: str) -> None:
        words = word_search(QUESTIONS[0], "en", 100)
        vectors = engine.vector_search(vector_of(QUESTIONS[0]).tolist(), 100, 200)
        expected = min_max(
            await engine.scores(index, vectors), await engine.scores(index, words), 0.3
        )
        body = {**hybrid_search(words, vectors), "search_pipeline": normalization(0.3)}
        found = await engine.scores(index, body)
        assert found == pytest.approx({item: expected[item] for item in found}, abs=1e-4)
        assert min(found.values()) >= sorted(expected.values())[-len(found)] - 1e-4

    both_filled[EngineKind.OPENSEARCH].run(ask)


@pytest.mark.opensearch
def test_opensearch_fuses_both_searches_by_itself(both_filled: dict[EngineKind, Filled]) -> None:
    filled = both_filled[EngineKind.OPENSEARCH]
    pipeline = f"{filled.index}-rrf"
    # The place of the constant in 2.19; from 3.1 it is beside `technique`.
    combination = {"technique": "rrf", "parameters": {"rank_constant": RRF_CONSTANT}}
    processor = {"score-ranker-processor": {"combination": combination}}

    async def ask(engine: SearchEngine, index: str) -> None:
        words = word_search(QUESTIONS[0], "en", 100)
        vectors = engine.vector_search(vector_of(QUESTIONS[0]).tolist(), 100, 200)
        legs = [list(await engine.scores(index, body)) for body in (words, vectors)]
        await engine.request(
            "PUT", f"/_search/pipeline/{pipeline}", {"phase_results_processors": [processor]}
        )
        try:
            answer = await engine.search(
                index, hybrid_search(words, vectors), {"search_pipeline": pipeline}
            )
        finally:
            await engine.request("DELETE", f"/_search/pipeline/{pipeline}")
        found = {hit["_id"]: hit["_score"] for hit in answer["hits"]["hits"]}
        expected = rrf(legs)
        assert found == pytest.approx({item: expected[item] for item in found}, abs=1e-4)
        assert sorted(found.values())[0] >= sorted(expected.values())[-len(found)] - 1e-4

    filled.run(ask)
