"""The options of the index of the embeddings, and that the engine accepts each kind."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from rag.index import mappings
from rag.vector_index import DEFAULT_VECTOR_INDEX, VectorIndex, VectorIndexKind
from tests.rag.fakes import META, vector_of
from tests.support.elasticsearch import ElasticsearchServer

DIMENSION = 64
DESCRIBED: dict[str, Any] = {
    "model_version": META.model_version,
    "embedding_urls": ["http://embedder"],
}


def test_the_default_is_a_graph_of_the_vectors_themselves() -> None:
    windows = mappings(DIMENSION, DESCRIBED)["properties"]["windows"]
    options = windows["properties"]["embedding"]["index_options"]
    assert options == {"type": "hnsw", "m": 16, "ef_construction": 100}
    assert DEFAULT_VECTOR_INDEX.options() == options


def test_flat_kinds_have_no_graph() -> None:
    assert VectorIndex(kind=VectorIndexKind.INT8_FLAT).options() == {"type": "int8_flat"}


def test_rescoring_is_in_the_mapping_only_if_it_is_set() -> None:
    never = VectorIndex(kind=VectorIndexKind.BBQ_FLAT, oversample=0.0)
    assert never.options()["rescore_vector"] == {"oversample": 0.0}
    assert "rescore_vector" not in VectorIndex(kind=VectorIndexKind.BBQ_FLAT).options()


@pytest.mark.parametrize(
    ("vectors", "dimension", "message"),
    [
        (VectorIndex(kind=VectorIndexKind.BBQ_HNSW), 32, "kind is bbq_hnsw; it needs 64"),
        (VectorIndex(kind=VectorIndexKind.INT4_HNSW), 65, "kind is int4_hnsw; .* even"),
        (
            VectorIndex(kind=VectorIndexKind.INT8_HNSW, oversample=11.0),
            64,
            "oversample is 11.0; it must be 0, or from 1 to 10",
        ),
        (VectorIndex(kind=VectorIndexKind.FLAT, oversample=2.0), 64, "leave it empty"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    vectors: VectorIndex, dimension: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mappings(dimension, DESCRIBED, vectors)


@pytest.mark.elasticsearch
@pytest.mark.parametrize("oversample", [None, 0.0, 2.5])
@pytest.mark.parametrize("kind", VectorIndexKind)
def test_the_engine_accepts_every_kind(
    elasticsearch_server: ElasticsearchServer, kind: VectorIndexKind, oversample: float | None
) -> None:
    if oversample is not None and not kind.is_quantised:
        pytest.skip("it has nothing to rescore")
    vectors = VectorIndex(kind=kind, m=8, ef_construction=50, oversample=oversample)
    vector = [*vector_of("a text").tolist(), *[0.0] * DIMENSION][:DIMENSION]
    name = f"kinds-{uuid.uuid4().hex[:8]}"
    with elasticsearch_server.client() as client:
        try:
            client.indices.create(index=name, mappings=mappings(DIMENSION, DESCRIBED, vectors))
            client.index(
                index=name, id="one", document={"windows": [{"embedding": vector}]}, refresh=True
            )
            knn = {"field": "windows.embedding", "query_vector": vector, "k": 1}
            found = client.search(index=name, knn={**knn, "num_candidates": 10}, source=False)[
                "hits"
            ]["hits"]
        finally:
            client.options(ignore_status=404).indices.delete(index=name)
    assert [hit["_id"] for hit in found] == ["one"]
