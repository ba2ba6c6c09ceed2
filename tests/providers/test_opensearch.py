"""Life cycle of a model where the cluster fails, hangs or forgets.

Run against a cluster in memory; that ml-commons answers so is shown by ``opensearch_engine``.
"""

from __future__ import annotations

import json
import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pluginhost import UNKNOWN, ProviderError
from providers.clients import opensearch
from providers.clients.credentials import credentials_provider
from providers.clients.oss import OssClient
from providers.plugin.opensearch_errors import explain
from tests.providers.fake_opensearch import OpenSearchCluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

HASH = "a" * 64
CLUSTER: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "deployer",
    "password": "secret",
}
MODEL: dict[str, Any] = {
    **CLUSTER,
    "modelName": "embedding",
    "modelGroupId": "group-1",
    "modelUri": "oss://models/m.zip",
    "modelContentHashValue": HASH,
    "modelConfig": {
        "model_type": "bert",
        "embedding_dimension": 384,
        "framework_type": "sentence_transformers",
        "unknown_key": "left out by the cluster",
    },
}


@pytest.fixture
def cluster() -> OpenSearchCluster:
    return OpenSearchCluster()


@pytest.fixture
def services(cluster: OpenSearchCluster) -> FakeServices:
    oss = FakeOss("models")
    oss.put_bytes("oss://models/m.zip", b"zip")
    return FakeServices(oss, FakeDlc(), cluster.client)


@pytest.fixture
def model(services: FakeServices) -> Engine:
    return Engine("customrag:opensearch:Model", services)


def failures(engine: Engine, inputs: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = engine.check(inputs)["failures"]
    return found


def test_a_model_is_registered_and_deployed(model: Engine, cluster: OpenSearchCluster) -> None:
    assert model.preview(MODEL)["modelId"] is UNKNOWN
    model.up(MODEL)
    assert model.state is not None
    assert model.state.outputs["modelId"] == "model-1"
    assert cluster.models["model-1"]["model_state"] == "DEPLOYED"
    assert any(line.startswith("registering model embedding") for line in model.host.statuses)
    assert any(line.startswith("deploying model embedding") for line in model.host.statuses)


def test_the_presigned_url_is_in_neither_state_nor_messages(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    model.up({**MODEL, "ossEndpoint": "oss-internal.example.com"})
    url = cluster.bodies[0]["url"]
    assert url.startswith("https://models.oss-internal.example.com/m.zip?")
    assert model.state is not None
    assert "signature" not in json.dumps(model.state.outputs)
    cluster.scripts["register"] = ["FAILED"]
    cluster.errors["register"] = f"Server returned HTTP response code: 403 for URL: {url}"
    with pytest.raises(ProviderError, match=r"oss://models/m\.zip") as caught:
        model.up({**MODEL, "modelName": "other", "ossEndpoint": "oss-internal.example.com"})
    assert "hush" not in str(caught.value) + model.log + "".join(model.host.statuses)
    assert "refused the URL of the zip" in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (None, "models.oss-cn-hangzhou.aliyuncs.com"),
        ("oss-cn-hangzhou-internal.aliyuncs.com", "models.oss-cn-hangzhou-internal.aliyuncs.com"),
    ],
)
def test_a_presigned_url_is_signed_by_version_4_for_its_endpoint(
    endpoint: str | None, host: str
) -> None:
    oss = OssClient(
        "https://oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou", credentials_provider("key", "hush")
    )
    url = urlsplit(oss.presigned_url("oss://models/a/m.zip", 900, endpoint=endpoint))
    assert (url.scheme, url.netloc, url.path) == ("https", host, "/a/m.zip")
    query = parse_qs(url.query)
    assert query["x-oss-signature-version"] == ["OSS4-HMAC-SHA256"]
    assert query["x-oss-expires"] == ["900"]
    assert "hush" not in url.query


def test_a_zip_that_does_not_exist_is_named(model: Engine, services: FakeServices) -> None:
    services.oss.delete("oss://models/m.zip")
    with pytest.raises(ProviderError, match=r"oss://models/m.zip does not exist\. Upload"):
        model.up(MODEL)


def test_a_lost_reply_does_not_register_twice(model: Engine, cluster: OpenSearchCluster) -> None:
    cluster.lost_replies = 1

    def goes_on(now: float) -> None:
        for task_id in list(cluster.tasks):
            cluster.answer("GET", f"_plugins/_ml/tasks/{task_id}", None)

    model.clock.on_wait = goes_on
    model.up(MODEL)
    assert len(cluster.bodies) == 1


def test_a_task_that_hangs_does_not_hold_up_a_model_that_is_ready(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.hangs = True
    model.up(MODEL)
    assert model.state is not None
    assert model.state.outputs["state"] == "DEPLOYED"
    assert model.clock.now < 60


def test_a_registration_that_runs_is_adopted(model: Engine, cluster: OpenSearchCluster) -> None:
    cluster.scripts["register"] = ["RUNNING"]
    with pytest.raises(ProviderError, match=r"still RUNNING after 900 s\. The cluster goes on"):
        model.up(MODEL)
    assert model.state is not None
    assert model.state.failed
    cluster.tasks["task-1"]["script"] = ["COMPLETED"]
    model.clock.on_wait = lambda now: cluster.answer("GET", "_plugins/_ml/tasks/task-1", None)
    assert model.up(MODEL) == "update"
    assert len(cluster.bodies) == 1
    assert model.state.outputs["modelId"] == "model-1"  # type: ignore[unreachable]


def test_a_half_registered_model_that_nothing_continues_is_removed(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.scripts["register"] = ["RUNNING"]
    with pytest.raises(ProviderError):
        model.up(MODEL)
    cluster.tasks["task-1"]["runs"] = False
    cluster.scripts["register"] = ["COMPLETED"]
    model.state = None
    model.up(MODEL)
    assert list(cluster.models) == ["model-2"]
    assert "half-registered" in model.log


def test_ctrl_c_ends_the_wait_and_destroy_removes_the_model(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.scripts["register"] = ["RUNNING"]
    model.clock.on_wait = lambda now: model.host.cancelled.set()
    with pytest.raises(ProviderError, match="cancelled: registering model embedding"):
        model.up(MODEL)
    model.host.cancelled.clear()
    model.clock.on_wait = None
    cluster.tasks["task-1"]["runs"] = False
    model.destroy()
    assert cluster.models == {}


def test_a_partly_failed_deployment_keeps_the_model_and_names_the_reason(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.scripts["deploy"] = ["COMPLETED_WITH_ERROR"]
    cluster.errors["deploy"] = json.dumps({"node-2": "Failed to save pytorch index file"})
    with pytest.raises(ProviderError, match=r"PARTIALLY_DEPLOYED: the nodes lack libtorch"):
        model.up(MODEL)
    assert model.state is not None
    assert model.state.outputs["state"] == "PARTIALLY_DEPLOYED"
    cluster.scripts["deploy"] = ["COMPLETED"]
    assert model.up(MODEL) == "update"
    assert "is PARTIALLY_DEPLOYED, because some of its nodes do not hold it" in model.log
    assert len(cluster.bodies) == 1


def test_a_model_that_the_nodes_still_deploy_for_a_killed_run_is_deployed_after_that(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.scripts["deploy"] = ["FAILED"]
    cluster.errors["deploy"] = json.dumps({"node-1": "Duplicate deploy model task"})
    model.clock.on_wait = lambda now: cluster.scripts.update(deploy=["COMPLETED"])
    model.up(MODEL)
    assert model.state is not None
    assert model.state.outputs["state"] == "DEPLOYED"


def test_a_model_of_the_same_name_with_other_content_is_not_adopted(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    model.up(MODEL)
    for changed in (
        {"modelContentHashValue": "b" * 64},
        {"modelConfig": {**MODEL["modelConfig"], "pooling_mode": "cls"}},
    ):
        assert model.diff({**MODEL, **changed}).replaces
        assert model.up({**MODEL, **changed}) == "replace"
        assert model.up(MODEL) == "replace"
    assert len(cluster.bodies) == 5
    assert len(cluster.models) == 1


def test_another_place_of_the_same_content_changes_nothing(model: Engine) -> None:
    model.up(MODEL)
    assert model.up({**MODEL, "modelUri": "oss://models/moved.zip"}) == "same"


def test_an_unreachable_cluster_does_not_hold_up_an_update_that_changes_nothing(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    model.up(MODEL)
    cluster.down, asked = True, len(cluster.requests)
    assert model.up(MODEL) == "same"
    assert len(cluster.requests) == asked + 1


def test_another_address_of_the_same_cluster_updates_in_place(
    model: Engine, cluster: OpenSearchCluster
) -> None:
    model.up(MODEL)
    moved = {**MODEL, "endpoint": "http://cluster-2:9200"}
    assert not model.diff(moved).replaces
    cluster.models.clear()
    assert model.diff(moved).replaces == ["endpoint"]
    assert model.diff({**MODEL, "endpoint": UNKNOWN}).replaces == ["endpoint"]


@pytest.mark.parametrize(
    ("changes", "name", "reason"),
    [
        ({"modelUri": "ftp://host/m.zip"}, "modelUri", "allowed are oss://"),
        ({"modelUri": "oss:///m.zip"}, "modelUri", "is not an OSS URI"),
        ({"modelContentHashValue": "12"}, "modelContentHashValue", "give the SHA-256"),
        ({"modelConfig": None}, "modelConfig", "is required with the function name"),
        ({"connectorId": "c"}, "connectorId", "is not allowed with the function name"),
        ({"functionName": "remote"}, "connectorId", "is required with the function name"),
        ({"caCertificate": "/etc/ca.pem"}, "caCertificate", "not the path of its file"),
        ({"timeoutSeconds": 0}, "timeoutSeconds", "allowed is 1 or more"),
    ],
)
def test_an_input_that_cannot_work_fails_the_check(
    model: Engine, changes: dict[str, Any], name: str, reason: str
) -> None:
    assert reason in failures(model, {**MODEL, **changes})[name]


def test_inputs_that_are_not_known_yet_pass_the_check(model: Engine) -> None:
    unknown = dict.fromkeys(("modelUri", "modelContentHashValue", "modelConfig"), UNKNOWN)
    assert failures(model, {**MODEL, **unknown, "modelGroupId": UNKNOWN}) == {}


def test_settings_need_full_names(services: FakeServices) -> None:
    engine = Engine("customrag:opensearch:ClusterSettings", services)
    for settings in ({"plugins": {"ml_commons": {}}}, {"a.b": {"c": 1}}):
        assert "full names" in failures(engine, {**CLUSTER, "settings": settings})["settings"]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("model content changed", "differs from model_content_hash_value"),
        ('{"n":"Disk Circuit Breaker is open, please check"}', "too little free disk"),
        ("Failed to Validate Access for ModelId x", "before ml-commons 2.15"),
        ("Unknown builtin op: aten::scaled_dot_product_attention", "libtorch of the cluster"),
        ("Remote inference host name has private ip address: h", "private_ip_enabled"),
        ('"a text"', '"a text"'),
        ("another error", "another error"),
    ],
)
def test_an_error_of_the_cluster_is_explained(error: str, meaning: str) -> None:
    assert meaning in explain(error)


def test_a_ca_certificate_that_is_not_one_is_refused() -> None:
    with pytest.raises(ssl.SSLError):
        opensearch.client("https://cluster:9200", "u", "p", "not a certificate")
