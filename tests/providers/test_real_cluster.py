"""Index and alias on a real Elasticsearch: what it shows of a mapping is not taken for drift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pluginhost import ProviderError
from providers.clients import elasticsearch
from rag.index import SETTINGS, mappings
from rag.query import TEMPLATES
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.support.elasticsearch import ElasticsearchServer

pytestmark = pytest.mark.elasticsearch

META = {"model_version": "abc", "embedding_urls": ["http://10.0.0.1:8000"]}
NAMES = ("providers-1", "providers-2")
# Every parameter that a cluster leaves out of what it shows when it has its default.
DEFAULTS: dict[str, Any] = {
    "dynamic": True,
    "properties": {
        "text": {"type": "text", "norms": True, "index": True, "store": False},
        "key": {"type": "keyword", "doc_values": True},
        "object": {"type": "object", "enabled": True, "properties": {"n": {"type": "long"}}},
    },
}


@pytest.fixture
def inputs(elasticsearch_server: ElasticsearchServer) -> Iterator[dict[str, Any]]:
    yield {
        "endpoint": elasticsearch_server.url,
        "username": elasticsearch_server.username,
        "password": elasticsearch_server.password,
        "indexName": NAMES[0],
        "mappings": mappings(384, META),
        "settings": dict(SETTINGS),
    }
    client = elasticsearch_server.client()
    for name in NAMES:
        client.options(ignore_status=404).indices.delete(index=name)
    client.close()


@pytest.fixture
def services() -> Iterator[FakeServices]:
    clients: list[Any] = []

    def search(endpoint: str, username: str, password: str) -> Any:
        clients.append(elasticsearch.client(endpoint, username, password))
        return clients[-1]

    made = FakeServices(FakeOss(), FakeDlc())
    made.elasticsearch = search  # type: ignore[method-assign]
    yield made
    for client in clients:
        client.close()


@pytest.fixture
def index(services: FakeServices) -> Engine:
    return Engine("customrag:elasticsearch:Index", services)


@pytest.mark.parametrize("mapping", [mappings(384, META), DEFAULTS], ids=["ours", "defaults"])
def test_a_refresh_after_a_create_shows_no_drift(
    index: Engine, inputs: dict[str, Any], mapping: dict[str, Any]
) -> None:
    index.up({**inputs, "mappings": mapping})
    index.refresh()
    assert index.up({**inputs, "mappings": mapping}) == "same"


def test_an_index_is_adopted_by_the_engine_that_lost_it(
    index: Engine, inputs: dict[str, Any]
) -> None:
    index.up(inputs)
    assert index.state is not None
    uuid = index.state.outputs["uuid"]
    index.state = None
    index.up(inputs)
    assert index.state is not None
    assert index.state.outputs["uuid"] == uuid


def test_meta_and_dynamic_settings_change_in_place(index: Engine, inputs: dict[str, Any]) -> None:
    index.up(inputs)
    assert index.state is not None
    uuid = index.state.outputs["uuid"]
    changed = {
        **inputs,
        "mappings": mappings(384, {**META, "embedding_urls": ["http://10.0.0.2:8000"]}),
        "settings": {"index": {**SETTINGS["index"], "refresh_interval": "5s"}},
    }
    assert index.up(changed) == "update"
    index.refresh()
    assert index.up(changed) == "same"
    assert index.state.outputs["uuid"] == uuid


def test_another_dimension_replaces_the_index(index: Engine, inputs: dict[str, Any]) -> None:
    index.up(inputs)
    assert index.diff({**inputs, "mappings": mappings(768, META)}).replaces == ["mappings"]
    assert index.up({**inputs, "mappings": mappings(768, META)}) == "replace"


def test_the_alias_moves_between_complete_indexes_only(
    index: Engine,
    inputs: dict[str, Any],
    services: FakeServices,
    elasticsearch_server: ElasticsearchServer,
) -> None:
    index.up(inputs)
    second = Engine("customrag:elasticsearch:Index", services)
    second.up({**inputs, "indexName": NAMES[1]})
    client = elasticsearch_server.client()
    client.index(index=NAMES[1], document={"text": "one"})
    alias = Engine("customrag:elasticsearch:Alias", services)
    cluster = {key: inputs[key] for key in ("endpoint", "username", "password")}
    named = {**cluster, "alias": "providers-alias", "indexName": NAMES[0], "expectedChunks": 0}
    alias.up(named)
    with pytest.raises(ProviderError, match="contains 1 chunks, but the ingest reported 2"):
        alias.up({**named, "indexName": NAMES[1], "expectedChunks": 2})
    assert list(client.indices.get_alias(name="providers-alias")) == [NAMES[0]]
    alias.up({**named, "indexName": NAMES[1], "expectedChunks": 1})
    assert list(client.indices.get_alias(name="providers-alias")) == [NAMES[1]]
    alias.destroy()
    alias.state = None
    index.destroy()
    second.destroy()
    assert not client.indices.exists(index=",".join(NAMES))
    client.close()


def test_an_alias_goes_back_to_its_former_generation_and_forward_again(
    inputs: dict[str, Any], services: FakeServices, elasticsearch_server: ElasticsearchServer
) -> None:
    client = elasticsearch_server.client()
    cluster = {key: inputs[key] for key in ("endpoint", "username", "password")}
    alias = Engine("customrag:elasticsearch:Alias", services)

    def made(name: str, url: str = "http://10.0.0.1:8000") -> Engine:
        index = Engine("customrag:elasticsearch:Index", services)
        meta = {**META, "embedding_urls": [url]}
        index.up(
            {**inputs, "indexName": name, "alias": "providers", "mappings": mappings(384, meta)}
        )
        return index

    def named(index_name: str, **more: Any) -> None:
        alias.up(
            {**cluster, "alias": "providers", "indexName": index_name, "keepIndices": 1, **more}
        )
        assert list(client.indices.get_alias(name="providers")) == [index_name]

    def shown() -> list[str]:
        assert alias.state is not None
        return [item["index_name"] for item in alias.state.outputs["generations"]]

    client.indices.create(index="providers-of-somebody-else")
    try:
        first = made(NAMES[0])
        named(NAMES[0])
        client.index(index=NAMES[0], document={"text": "one"}, refresh=True)
        second = made(NAMES[1])
        named(NAMES[1])
        first.destroy()
        assert shown() == [NAMES[1], NAMES[0]]

        named(NAMES[0], meta={"embedding_urls": ["http://10.0.0.2:8000"]})
        second.destroy()
        assert shown() == [NAMES[0], NAMES[1]]
        body = client.indices.get_mapping(index="providers")[NAMES[0]]
        assert body["mappings"]["_meta"]["embedding_urls"] == ["http://10.0.0.2:8000"]
        assert body["mappings"]["properties"]["windows"]["properties"]["embedding"]["dims"] == 384
        assert client.count(index="providers")["count"] == 1
        alias.refresh()
        inputs_now = alias.state.inputs if alias.state is not None else {}
        assert alias.up(inputs_now) == "same"

        again = made(NAMES[1], "http://10.0.0.3:8000")
        assert "adopted" in again.log
        named(NAMES[1])
        alias.up({**cluster, "alias": "providers", "indexName": NAMES[1], "keepIndices": 0})
        assert not client.indices.exists(index=NAMES[0])
        alias.destroy()
        again.destroy()
        assert not client.indices.exists(index=NAMES[1])
        assert client.indices.exists(index="providers-of-somebody-else")
    finally:
        client.options(ignore_status=404).indices.delete(index="providers-of-somebody-else")
        client.close()


def test_a_wrong_password_is_reported_in_the_clusters_words(
    index: Engine, inputs: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError, match="unable to authenticate"):
        index.up({**inputs, "password": "wrong"})


def test_a_probe_finds_what_this_build_lacks_and_leaves_nothing(
    inputs: dict[str, Any], services: FakeServices, elasticsearch_server: ElasticsearchServer
) -> None:
    probed = Engine("customrag:elasticsearch:Capabilities", services)
    cluster = {key: inputs[key] for key in ("endpoint", "username", "password")}
    probed.up({**cluster, "analyzers": ["whitespace", "ik_smart"]})
    assert probed.state is not None
    found = probed.state.outputs
    assert found["serverVersion"].startswith("8.")
    accepted = {name for name, item in found["features"].items() if item["available"]}
    assert accepted == {"knn", "search_template"}
    assert found["features"]["rrf"]["reason"] == "unknown retriever [rrf]"
    assert "painless" in found["features"]["script_score"]["reason"]
    assert all(item["available"] for item in found["vectorIndexKinds"].values())
    assert found["analyzersFound"]["whitespace"]["available"]
    assert "ik_smart" in found["analyzersFound"]["ik_smart"]["reason"]
    assert (found["fusion"], found["fusionReason"]) == ("client", "the cluster does not know RRF")
    probed.refresh()
    assert probed.state.outputs == found
    client = elasticsearch_server.client()
    left = client.indices.get(index="customrag-probe-*", expand_wildcards="all")
    assert dict(left) == {}
    client.close()


def test_a_stored_search_is_kept_and_searches(
    inputs: dict[str, Any],
    index: Engine,
    services: FakeServices,
    elasticsearch_server: ElasticsearchServer,
) -> None:
    index.up(inputs)
    template = Engine("customrag:elasticsearch:SearchTemplate", services)
    cluster = {key: inputs[key] for key in ("endpoint", "username", "password")}
    named = {
        **cluster,
        "templateId": "providers-words",
        "source": TEMPLATES["words"],
        "kind": "stored_script",
        "alias": NAMES[0],
    }
    template.up(named)
    template.refresh()
    assert template.up(named) == "same"
    client = elasticsearch_server.client()
    client.index(index=NAMES[0], document={"terms": "one two"}, refresh=True)
    params = {"terms": [{"query": "two", "weight": 1.0}]}
    found = client.search_template(index=NAMES[0], id="providers-words", params=params)
    assert found["hits"]["total"]["value"] == 1
    client.put_script(id="providers-words", script={"lang": "mustache", "source": "{}"})
    template.refresh()
    assert template.up(named) == "update"
    template.destroy()
    assert not client.options(ignore_status=404).get_script(id="providers-words")["found"]
    client.close()
