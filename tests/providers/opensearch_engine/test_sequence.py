"""From a zip of the packaged MiniLM to a hybrid search, on a real OpenSearch 2.19.1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from providers import opensearch_bodies as bodies
from rag.engine_embedding import FIELD_MAP
from rag.models import resolve_model
from tests.providers.fakes import Engine, FakeServices
from tests.providers.opensearch_engine.support import engine_for, model_id
from training.torchscript.export import TorchScript, export_torchscript

pytestmark = [pytest.mark.opensearch, pytest.mark.model]

TEXTS = {
    "alarm": "To clear alarm W7, hold the reset button for five seconds.",
    "pump": "The pump of the second line is checked every thirty days.",
    "winter": "Winters in the capital are dry and cold.",
}
OTHER = "The canteen serves soup."
MAPPINGS: dict[str, Any] = {
    "_meta": {"model_version": "minilm"},
    "properties": {
        "text": {"type": "text"},
        "key": {"type": "keyword", "doc_values": True},
        "windows": {
            "type": "nested",
            "properties": {
                "text": {"type": "text", "index": False},
                "embedding": {
                    "type": "knn_vector",
                    "dimension": 384,
                    "method": {"name": "hnsw", "engine": "lucene", "space_type": "innerproduct"},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def torch_model() -> SentenceTransformer:
    return SentenceTransformer(resolve_model("all-MiniLM-L6-v2"), device="cpu")


@pytest.fixture(scope="module")
def exported(
    torch_model: SentenceTransformer, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> TorchScript:
    saved = tmp_path_factory.mktemp("saved")
    torch_model.save_pretrained(str(saved), create_model_card=False)
    found = export_torchscript(saved, folder / "minilm.zip", "1.13.1")
    found.path.chmod(0o644)
    return found


@pytest.fixture
def engines(services: FakeServices, group: str) -> Iterator[dict[str, Engine]]:
    names = ("Model", "IngestPipeline", "Index", "SearchPipeline", "Alias")
    made = {name: engine_for(name, services) for name in names}
    yield made
    for engine in reversed(made.values()):
        engine.destroy()


def test_documents_are_embedded_and_found_by_words_and_vectors(
    engines: dict[str, Engine],
    settings: Engine,
    group: str,
    cluster: dict[str, Any],
    client: Any,
    exported: TorchScript,
    torch_model: SentenceTransformer,
) -> None:
    inputs = declared(cluster, group, exported)
    engines["Model"].up(inputs["Model"])
    model = model_id(engines["Model"])
    texts = bodies.text_embedding(model, FIELD_MAP)
    inputs["IngestPipeline"]["body"] = bodies.ingest_pipeline(texts)
    for name in ("IngestPipeline", "Index", "SearchPipeline"):
        engines[name].up(inputs[name])
    lines: list[dict[str, Any]] = []
    for key, text in TEXTS.items():
        windows = [{"text": text}, {"text": OTHER}]
        lines += [{"index": {"_id": key}}, {"text": text, "key": key, "windows": windows}]
    answer = client.bulk(index="sequence-1", body=lines, params={"refresh": "true"})
    assert not answer["errors"]
    engines["Alias"].up(inputs["Alias"])

    stored = client.get(index="sequence", id="pump")["_source"]["windows"]
    for window, text in zip(stored, (TEXTS["pump"], OTHER), strict=True):
        expected = torch_model.encode(text, normalize_embeddings=True).tolist()
        assert window["embedding"] == pytest.approx(expected, abs=1e-4)
    question = "how do I reset a warning?"
    asked = {"query_text": question, "model_id": model, "k": 3}
    nested = {"path": "windows", "query": {"neural": {"windows.embedding": asked}}}
    neural = {"nested": {**nested, "score_mode": "max"}}
    hybrid = {"hybrid": {"queries": [{"match": {"text": "alarm pump"}}, neural]}}
    queries: list[tuple[dict[str, Any], dict[str, str]]] = [
        (neural, {}),
        (hybrid, {"search_pipeline": "sequence"}),
    ]
    for query, options in queries:
        found = client.search(index="sequence", body={"query": query}, params=options)
        assert found["hits"]["hits"][0]["_id"] == "alarm"
    # Rank 1 of both searches: 2 / (40 + 1).
    assert found["hits"]["max_score"] == pytest.approx(2 / 41)
    for name, engine in engines.items():
        engine.refresh()
        assert engine.up(inputs[name]) == "same", name


def declared(
    cluster: dict[str, Any], group: str, exported: TorchScript
) -> dict[str, dict[str, Any]]:
    """Return the inputs of each resource; the ingest pipeline's lack the model."""
    return {
        "Model": {
            **cluster,
            "modelName": "minilm",
            "modelGroupId": group,
            "modelUri": f"file://{exported.path}",
            "modelContentHashValue": exported.sha256,
            "modelConfig": exported.model_config,
            "timeoutSeconds": 300,
        },
        "IngestPipeline": {**cluster, "pipelineName": "sequence"},
        "Index": {
            **cluster,
            "indexName": "sequence-1",
            "alias": "sequence",
            "mappings": MAPPINGS,
            "settings": {"index": {"knn": True, "default_pipeline": "sequence"}},
        },
        "SearchPipeline": {
            **cluster,
            "pipelineName": "sequence",
            "body": bodies.search_pipeline(phase_results=[bodies.score_ranker(40)]),
        },
        "Alias": {
            **cluster,
            "alias": "sequence",
            "indexName": "sequence-1",
            "expectedChunks": len(TEXTS),
            "keepIndices": 1,
        },
    }
