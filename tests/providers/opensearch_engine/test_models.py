"""Settings, groups and models on a real OpenSearch 2.19.1 with ml-commons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy.exceptions import NotFoundError

from pluginhost import ProviderError
from tests.providers.fakes import Engine, FakeServices
from tests.providers.opensearch_engine.support import engine_for, model_id, wanted
from tests.support.small_model import (
    MODEL_CONFIG,
    SmallModel,
    write_small_model,
    write_zip,
)

pytestmark = pytest.mark.opensearch

CONNECTION = ("endpoint", "username", "password", "caCertificate")


@pytest.fixture(scope="module")
def small(folder: Path) -> SmallModel:
    return write_small_model(folder / "small.zip")


@pytest.fixture
def inputs(
    settings: Engine, cluster: dict[str, Any], group: str, small: SmallModel
) -> dict[str, Any]:
    return {
        **cluster,
        "modelName": "small",
        "modelGroupId": group,
        "modelUri": f"file://{small.path}",
        "modelContentHashValue": small.sha256,
        "modelConfig": MODEL_CONFIG,
        "timeoutSeconds": 120,
    }


@pytest.fixture
def model(services: FakeServices, inputs: dict[str, Any]) -> Iterator[Engine]:
    engine = engine_for("Model", services)
    yield engine
    engine.destroy()


def test_settings_are_set_and_reset(
    services: FakeServices, cluster: dict[str, Any], client: Any
) -> None:
    def persistent() -> dict[str, Any]:
        shown = client.cluster.get_settings(params={"flat_settings": "true"})
        return {key: value for key, value in shown["persistent"].items() if "ml_commons" in key}

    engine = engine_for("ClusterSettings", services)
    first = {
        "plugins.ml_commons.max_model_on_node": 7,
        "plugins.ml_commons.trusted_connector_endpoints_regex": ["^http://10\\..*$"],
    }
    engine.up({**cluster, "settings": first})
    engine.refresh()
    assert engine.up({**cluster, "settings": first}) == "same"
    name = "plugins.ml_commons.max_model_on_node"
    client.cluster.put_settings(body={"transient": {name: 8}})
    engine.refresh()
    assert engine.up({**cluster, "settings": first}) == "update"
    assert persistent()[name] == "7"
    assert engine.up({**cluster, "settings": {name: 9}}) == "update"
    assert persistent() == {name: "9"}
    engine.destroy()
    assert persistent() == {}


def test_a_setting_that_does_not_exist_is_an_error(
    services: FakeServices, cluster: dict[str, Any]
) -> None:
    engine = engine_for("ClusterSettings", services)
    with pytest.raises(ProviderError, match="not recognized"):
        engine.up({**cluster, "settings": {"plugins.ml_commons.nonsense": 1}})


def test_a_certificate_of_another_authority_is_refused(
    services: FakeServices, cluster: dict[str, Any]
) -> None:
    engine = engine_for("ClusterSettings", services)
    with pytest.raises(ProviderError, match="Set ca_certificate to the PEM text"):
        engine.up({**cluster, "caCertificate": None, "settings": {"a.b": 1}})


def test_a_group_is_adopted_renamed_and_recreated(
    services: FakeServices, cluster: dict[str, Any], client: Any
) -> None:
    engine = engine_for("ModelGroup", services)
    inputs = {**cluster, "groupName": "adopted"}
    engine.up(inputs)
    assert engine.state is not None
    group_id = engine.state.outputs["modelGroupId"]
    engine.state = None
    engine.up({**inputs, "description": "d"})
    assert engine.state.outputs["modelGroupId"] == group_id  # type: ignore[unreachable]
    assert engine.up({**inputs, "groupName": "renamed", "description": "d"}) == "update"
    engine.refresh()
    assert engine.up({**inputs, "groupName": "renamed", "description": "d"}) == "same"
    client.plugins.ml.delete_model_group(model_group_id=group_id)
    assert engine.up(inputs) == "replace"
    client.plugins.ml.delete_model_group(model_group_id=engine.state.outputs["modelGroupId"])
    assert engine.refresh() is None


def test_a_group_goes_with_a_model_that_an_interrupted_update_left(
    services: FakeServices, inputs: dict[str, Any], client: Any
) -> None:
    group, model = engine_for("ModelGroup", services), engine_for("Model", services)
    group.up({**{key: inputs[key] for key in CONNECTION}, "groupName": "left"})
    assert group.state is not None
    model.up({**inputs, "modelGroupId": group.state.outputs["modelGroupId"]})
    left = model_id(model)
    with pytest.raises(
        ProviderError, match=rf"{left} is deployed\. .*run `pulumi up`, which adopts it"
    ):
        group.destroy()
    client.plugins.ml.undeploy_model(model_id=left)
    group.destroy()
    with pytest.raises(NotFoundError):
        client.plugins.ml.get_model(model_id=left)


def test_a_deployed_model_gives_the_vectors_of_torch(
    model: Engine, inputs: dict[str, Any], client: Any, small: SmallModel
) -> None:
    model.up(inputs)
    answer = client.plugins.ml.predict(
        algorithm_name="text_embedding",
        model_id=model_id(model),
        body={
            "text_docs": ["clear the alarm"],
            "return_number": True,
            "target_response": ["sentence_embedding"],
        },
    )
    vector = answer["inference_results"][0]["output"][0]["data"]
    assert vector == pytest.approx(small.embed("clear the alarm"), abs=1e-4)
    model.refresh()
    assert model.up(inputs) == "same"


def test_a_model_is_adopted_and_not_registered_twice(
    model: Engine, inputs: dict[str, Any], client: Any
) -> None:
    model.up(inputs)
    first = model_id(model)
    model.state = None
    model.up(inputs)
    assert model_id(model) == first
    assert "adopted" in model.log


def test_another_hash_or_config_replaces_the_model(
    model: Engine, inputs: dict[str, Any], client: Any, folder: Path
) -> None:
    model.up(inputs)
    first = model_id(model)
    other = write_small_model(folder / "other.zip", seed=1)
    changed = {
        **inputs,
        "modelUri": f"file://{other.path}",
        "modelContentHashValue": other.sha256,
    }
    assert not model.diff(changed).delete_before_replace
    assert model.up(changed) == "replace"
    second = model_id(model)
    configured = {**changed, "modelConfig": {**MODEL_CONFIG, "all_config": '{"a": 1}'}}
    assert model.up(configured) == "replace"
    assert len({first, second, model_id(model)}) == 3
    found = client.plugins.ml.search_models(body={"query": {"term": {"name.keyword": "small"}}})
    ids = {hit["_id"] for hit in found["hits"]["hits"] if "chunk_number" not in hit["_source"]}
    assert ids == {model_id(model)}


@pytest.mark.parametrize("refresh", [True, False])
def test_an_undeployed_model_is_deployed_again(
    model: Engine, inputs: dict[str, Any], client: Any, refresh: bool
) -> None:
    model.up(inputs)
    first = model_id(model)
    client.plugins.ml.undeploy_model(model_id=first)
    if refresh:
        state = model.refresh()
        assert state is not None
        assert state.outputs["state"] == "UNDEPLOYED"
    assert list(model.diff(inputs).detailed_diff) == ["state"]
    assert model.up(inputs) == "update"
    assert model_id(model) == first
    assert "is UNDEPLOYED, because" in model.log


@pytest.mark.parametrize("refresh", [True, False])
def test_a_deleted_model_is_registered_again(
    model: Engine, inputs: dict[str, Any], client: Any, refresh: bool
) -> None:
    model.up(inputs)
    first = model_id(model)
    client.plugins.ml.undeploy_model(model_id=first)
    client.plugins.ml.delete_model(model_id=first)
    if refresh:
        assert model.refresh() is None
    assert model.up(inputs) == ("create" if refresh else "replace")
    assert model_id(model) != first


def test_a_description_changes_in_place(model: Engine, inputs: dict[str, Any], client: Any) -> None:
    model.up(inputs)
    assert model.up({**inputs, "description": "new"}) == "update"
    assert client.plugins.ml.get_model(model_id=model_id(model))["description"] == "new"


def test_a_wrong_hash_leaves_no_model(model: Engine, inputs: dict[str, Any], client: Any) -> None:
    with pytest.raises(ProviderError, match=r"differs from model_content_hash_value"):
        model.up({**inputs, "modelContentHashValue": "0" * 64})
    assert model.state is None
    found = client.plugins.ml.search_models(body={"query": {"term": {"name.keyword": "small"}}})
    assert found["hits"]["total"]["value"] == 0


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tokenizer.json": b"{}"}, "the zip has no model file"),
        ({"model.pt": b"x"}, "the zip has no tokenizer.json"),
        ({"a.pt": b"x", "b.pt": b"x", "tokenizer.json": b"{}"}, "several model files"),
    ],
)
def test_a_broken_zip_is_named(
    model: Engine,
    inputs: dict[str, Any],
    folder: Path,
    files: dict[str, bytes],
    message: str,
) -> None:
    digest = write_zip(folder / "broken.zip", files)
    broken = {"modelUri": f"file://{folder}/broken.zip", "modelContentHashValue": digest}
    with pytest.raises(ProviderError, match=message):
        model.up({**inputs, **broken})


def test_a_file_that_is_not_a_torchscript_stays_registered_and_is_replaced(
    model: Engine, inputs: dict[str, Any], folder: Path
) -> None:
    digest = write_zip(folder / "junk.zip", {"model.pt": b"junk", "tokenizer.json": b"{}"})
    junk = {"modelUri": f"file://{folder}/junk.zip", "modelContentHashValue": digest}
    with pytest.raises(ProviderError, match="libtorch of the cluster cannot load"):
        model.up({**inputs, **junk})
    assert model.state is not None
    assert model.state.outputs["state"] == "DEPLOY_FAILED"
    assert model.up(inputs) == "replace"
    model_id(model)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"disk_free_space_threshold": "9000gb"}, "too little free disk"),
        ({"jvm_heap_memory_threshold": 1}, "too little free memory"),
        ({"allow_registering_model_via_url": False}, "does not register models by URL"),
        ({"trusted_url_regex": "^https://x/$"}, "does not trust the URL"),
        ({"only_run_on_ml_node": True}, "no node may run models"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_the_cluster_does_not_allow_is_named(
    model: Engine,
    settings: Engine,
    inputs: dict[str, Any],
    cluster: dict[str, Any],
    folder: Path,
    setting: dict[str, Any],
    message: str,
) -> None:
    settings.up({**cluster, "settings": wanted(folder, **setting)})
    with pytest.raises(ProviderError, match=message):
        model.up(inputs)
    settings.up({**cluster, "settings": wanted(folder)})
    model.up(inputs)
    model_id(model)


def test_delete_removes_the_model_and_tolerates_its_absence(
    model: Engine, inputs: dict[str, Any], client: Any
) -> None:
    model.up(inputs)
    state, deleted = model.state, model_id(model)
    model.destroy()
    with pytest.raises(NotFoundError):
        client.plugins.ml.get_model(model_id=deleted)
    model.state = state
    model.destroy()
