"""Indices and aliases of OpenSearch: Elasticsearch's life cycles on the other client.

Run against a cluster in memory; a real one is in ``opensearch_engine``.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from pluginhost import UNKNOWN, ProviderError, decode_map, encode_map
from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

ADDRESS: dict[str, Any] = {
    "endpoint": "https://cluster:9200",
    "username": "deployer",
    "password": "secret",
    "caCertificate": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
}
VECTOR = {"type": "knn_vector", "dimension": 384}
INDEX: dict[str, Any] = {
    **ADDRESS,
    "indexName": "chunks-1",
    "mappings": {"_meta": {"model_version": "m1"}, "properties": {"embedding": VECTOR}},
    "settings": {"index": {"knn": True, "default_pipeline": "embed"}},
    "alias": "chunks",
}
ALIAS: dict[str, Any] = {
    **ADDRESS,
    "alias": "chunks",
    "indexName": "chunks-1",
    "expectedChunks": 7,
    "keepIndices": 1,
}


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def services(cluster: Cluster) -> FakeServices:
    clusters = {"https://elsewhere:9200": Cluster()}
    return FakeServices(
        FakeOss("artifacts"), FakeDlc(), lambda at: clusters.get(at, cluster).opensearch_client()
    )


@pytest.fixture
def index(services: FakeServices) -> Engine:
    return Engine("customrag:opensearch:Index", services)


@pytest.fixture
def alias(services: FakeServices) -> Engine:
    return Engine("customrag:opensearch:Alias", services)


def test_an_index_is_created_adopted_refreshed_and_deleted(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    assert cluster.indexes["chunks-1"]["settings"]["index.knn"] == "true"
    index.state = None
    index.up(INDEX)
    assert "adopted" in index.log
    index.refresh()
    assert index.up(INDEX) == "same"
    index.destroy()
    assert cluster.indexes == {}


def test_meta_and_pipelines_change_in_place(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    settings = {"index": {"knn": True, "default_pipeline": "embed-2"}}
    meta = {"model_version": "m1", "search_weight": 0.5}
    changed = {**INDEX, "settings": settings, "mappings": {**INDEX["mappings"], "_meta": meta}}
    assert index.up(changed) == "update"
    shown = cluster.indexes["chunks-1"]
    assert shown["settings"]["index.default_pipeline"] == "embed-2"
    assert shown["mappings"]["_meta"]["search_weight"] == 0.5


def test_another_dimension_or_cluster_replaces(index: Engine) -> None:
    index.up(INDEX)
    wider = {"properties": {"embedding": {**VECTOR, "dimension": 768}}}
    assert index.diff({**INDEX, "mappings": wider}).replaces == ["mappings"]
    assert index.diff({**INDEX, "endpoint": "https://elsewhere:9200"}).replaces == ["endpoint"]
    assert index.diff({**INDEX, "endpoint": "https://same:9200"}).replaces == []


def test_a_lost_index_is_named(index: Engine, cluster: Cluster) -> None:
    index.up(INDEX)
    cluster.indexes.clear()
    with pytest.raises(ProviderError, match="index 'chunks-1' was deleted"):
        index.up(INDEX)
    assert index.refresh() is None


def test_the_alias_moves_and_keeps_a_generation(
    alias: Engine, index: Engine, cluster: Cluster, services: FakeServices
) -> None:
    index.up(INDEX)
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    second = Engine("customrag:opensearch:Index", services)
    second.up({**INDEX, "indexName": "chunks-2"})
    with pytest.raises(ProviderError, match="contains 0 chunks, but the ingest reported 7"):
        alias.up({**ALIAS, "indexName": "chunks-2"})
    assert cluster.aliases["chunks"] == {"chunks-1"}
    cluster.indexes["chunks-2"]["count"] = 7
    alias.up({**ALIAS, "indexName": "chunks-2"})
    assert alias.state is not None
    generations = alias.state.outputs["generations"]
    assert [item["index_name"] for item in generations] == ["chunks-2", "chunks-1"]
    cluster.aliases["chunks"] = {"chunks-1"}
    assert alias.up({**ALIAS, "indexName": "chunks-2"}) == "update"
    alias.destroy()
    assert cluster.indexes == {}


def test_a_former_index_and_its_model_are_found(
    alias: Engine, index: Engine, cluster: Cluster, services: FakeServices
) -> None:
    model = {"model_version": "m1", "model_uri": "oss://artifacts/training/1/model/"}
    services.oss.put_bytes(f"{model['model_uri']}config.json", b"{}")
    index.up({**INDEX, "mappings": {**INDEX["mappings"], "_meta": model}})
    cluster.indexes["chunks-1"]["count"] = 7
    alias.up(ALIAS)
    request = sdk.InvokeRequest(
        "customrag:opensearch:getGeneration",
        encode_map({**ADDRESS, "alias": "chunks", "indexName": "chunks-1"}),
    )
    found = decode_map(asyncio.run(alias.provider.invoke(request)).return_value or {})
    assert (found["indexName"], found["modelVersion"]) == ("chunks-1", "m1")
    assert found["modelUri"] == model["model_uri"]


@pytest.mark.parametrize(
    ("changes", "name", "reason"),
    [
        ({"settings": None}, "settings", "lacks index.knn true"),
        ({"settings": {"index": {"knn": False}}}, "settings", "lacks index.knn true"),
        (
            {"mappings": {"properties": {"e": {"type": "dense_vector"}}}},
            "mappings",
            "write knn_vector",
        ),
        ({"indexName": "Chunks", "alias": None}, "indexName", "allowed are at most 255 bytes"),
        ({"caCertificate": "ca.pem"}, "caCertificate", "not the path of its file"),
    ],
)
def test_an_input_that_cannot_work_fails_the_check(
    index: Engine, changes: dict[str, Any], name: str, reason: str
) -> None:
    assert reason in index.check({**INDEX, **changes})["failures"][name]


def test_settings_that_are_not_known_yet_pass_the_check(index: Engine) -> None:
    assert index.check({**INDEX, "settings": {"index": UNKNOWN}})["failures"] == {}
    words = {"properties": {"text": {"type": "text"}}}
    assert index.check({**INDEX, "mappings": words, "settings": None})["failures"] == {}
