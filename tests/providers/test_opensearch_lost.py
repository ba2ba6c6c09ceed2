"""What is inside an OpenSearch cluster whose node is lost, stopped, or out of disk."""

from __future__ import annotations

from typing import Any

import pytest

from pluginhost import ProviderError
from providers.clients.shortages import READ_ONLY_SETTING
from tests.providers.fake_cluster import Cluster
from tests.providers.fake_opensearch import OpenSearchCluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.providers.test_opensearch_indices import INDEX

ADDRESS: dict[str, Any] = {
    "endpoint": "https://cluster:9200",
    "username": "deployer",
    "password": "secret",
    "instanceId": "i-1",
}
INPUTS: dict[str, dict[str, Any]] = {
    "ModelGroup": {**ADDRESS, "groupName": "models"},
    "Model": {
        **ADDRESS,
        "modelName": "embedding",
        "modelGroupId": "group-1",
        "modelUri": "oss://models/m.zip",
        "modelContentHashValue": "a" * 64,
        "modelConfig": {"model_type": "bert"},
    },
    "SearchPipeline": {
        **ADDRESS,
        "pipelineName": "rrf",
        "body": {"phase_results_processors": [{"score-ranker-processor": {}}]},
    },
}


class Instances:
    """ECS instances by id."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = statuses

    def status(self, instance_id: str) -> str | None:
        return self.statuses.get(instance_id)


@pytest.fixture
def cluster() -> OpenSearchCluster:
    return OpenSearchCluster()


@pytest.fixture
def services(cluster: OpenSearchCluster) -> FakeServices:
    oss = FakeOss("models")
    oss.put_bytes("oss://models/m.zip", b"zip")
    return FakeServices(
        oss, FakeDlc(), cluster.client, ecs_instances=Instances(**{"i-1": "Running"})
    )


@pytest.fixture(params=list(INPUTS))
def made(request: pytest.FixtureRequest, services: FakeServices) -> Engine:
    engine = Engine(f"customrag:opensearch:{request.param}", services)
    engine.up(INPUTS[request.param])
    return engine


@pytest.mark.parametrize("step", ["refresh", "destroy"])
def test_a_deleted_node_takes_what_is_in_the_cluster_along(
    made: Engine, services: FakeServices, cluster: OpenSearchCluster, step: str
) -> None:
    services.ecs_instances.statuses.clear()
    cluster.unreachable = True
    if step == "refresh":
        assert made.refresh() is None
    else:
        made.destroy()


def test_a_stopped_node_is_named_with_what_to_do(
    made: Engine, services: FakeServices, cluster: OpenSearchCluster
) -> None:
    services.ecs_instances.statuses["i-1"] = "Stopped"
    cluster.unreachable = True
    with pytest.raises(
        ProviderError, match=r"i-1, the OpenSearch node at .* is Stopped\. Start it"
    ):
        made.refresh()


def test_a_running_node_that_does_not_answer_is_an_error(
    made: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.unreachable = True
    with pytest.raises(ProviderError, match="cannot reach the cluster"):
        made.refresh()


@pytest.mark.parametrize("made", ["Model", "SearchPipeline"], indirect=True)
def test_a_replaced_node_that_answers_is_read(made: Engine, services: FakeServices) -> None:
    services.ecs_instances.statuses.clear()
    assert made.refresh() is not None


@pytest.mark.parametrize("made", ["Model", "SearchPipeline"], indirect=True)
def test_an_update_waits_until_the_node_shows_a_certificate_of_a_new_authority(
    made: Engine, cluster: OpenSearchCluster
) -> None:
    assert made.state is not None
    cluster.unreachable = True

    def come_back(now: float) -> None:
        cluster.unreachable = now < 60

    made.clock.on_wait = come_back
    changed = {"caCertificate": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}
    assert made.up({**made.state.inputs, **changed}) == "update"
    assert any("certificate of the new authority" in line for line in made.host.statuses)


@pytest.fixture
def search() -> Cluster:
    return Cluster()


@pytest.fixture
def instances() -> Instances:
    return Instances(**{"i-1": "Running"})


@pytest.fixture
def index(search: Cluster, instances: Instances) -> Engine:
    services = FakeServices(
        FakeOss(), FakeDlc(), search.opensearch_client(), ecs_instances=instances
    )
    engine = Engine("customrag:opensearch:Index", services)
    engine.up({**INDEX, "instanceId": "i-1"})
    return engine


def test_an_update_that_replaces_the_node_does_not_take_the_index_for_lost(
    index: Engine, instances: Instances
) -> None:
    instances.statuses.clear()
    assert index.up({**INDEX, "instanceId": "i-2"}) == "same"


def test_an_index_without_writes_is_drift_until_the_disk_has_room(
    index: Engine, search: Cluster
) -> None:
    settings = search.indexes["chunks-1"]["settings"]
    settings[READ_ONLY_SETTING] = "true"
    state = index.refresh()
    assert state is not None
    assert state.inputs["settings"][READ_ONLY_SETTING] == "true"
    assert "The disk of a node is nearly full" in index.log
    with pytest.raises(ProviderError, match=r"takes no writes\. .* Raise customrag:opensearchDisk"):
        index.up(INDEX)
    index.refresh()
    index.clock.on_wait = lambda now: settings.pop(READ_ONLY_SETTING, None)
    assert index.up(INDEX) == "update"
    index.refresh()
    assert index.up(INDEX) == "same"
