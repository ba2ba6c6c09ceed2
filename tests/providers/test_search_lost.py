"""An index and its alias when the cluster or its instance is lost between two updates."""

from __future__ import annotations

import pytest

from pluginhost import ProviderError
from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine, FakeServices
from tests.providers.search_cluster import ALIAS, INDEX, alias, cluster, index, services

__all__ = ["alias", "cluster", "index", "services"]


class _Instances:
    """The instances that exist."""

    def __init__(self, *ids: str) -> None:
        self.ids = set(ids)

    def exists(self, instance_id: str) -> bool:
        return instance_id in self.ids


def _lose_instance(services: FakeServices, cluster: Cluster) -> None:
    services.elasticsearch_instances.ids.clear()
    cluster.down_for = 10_000


@pytest.mark.parametrize("step", ["refresh", "destroy"])
@pytest.mark.parametrize("made", ["index", "alias"])
def test_a_deleted_instance_takes_its_indices_along(
    request: pytest.FixtureRequest,
    services: FakeServices,
    cluster: Cluster,
    made: str,
    step: str,
) -> None:
    services.elasticsearch_instances = _Instances("es-cn-1")
    cluster.add_index("chunks-1") if made == "alias" else None
    engine: Engine = request.getfixturevalue(made)
    inputs = INDEX if made == "index" else {**ALIAS, "expectedChunks": None}
    engine.up({**inputs, "instanceId": "es-cn-1"})
    _lose_instance(services, cluster)
    if step == "refresh":
        assert engine.refresh() is None
    else:
        engine.destroy()


def test_an_instance_that_does_not_answer_is_not_taken_for_deleted(
    index: Engine, services: FakeServices, cluster: Cluster
) -> None:
    services.elasticsearch_instances = _Instances("es-cn-1")
    index.up({**INDEX, "instanceId": "es-cn-1"})
    cluster.down_for = 10_000
    with pytest.raises(ProviderError, match="GetIndex chunks-1"):
        index.refresh()


def test_an_update_without_a_refresh_does_not_go_on_with_a_lost_index(
    index: Engine, cluster: Cluster
) -> None:
    index.up(INDEX)
    cluster.indexes.clear()
    with pytest.raises(ProviderError, match=r"index 'chunks-1' was deleted\. Run `pulumi refresh`"):
        index.up(INDEX)
    index.refresh()
    assert index.up(INDEX) == "create"


def test_an_update_without_a_refresh_names_an_instance_that_was_deleted(
    index: Engine, services: FakeServices, cluster: Cluster
) -> None:
    services.elasticsearch_instances = _Instances("es-cn-1")
    index.up({**INDEX, "instanceId": "es-cn-1"})
    _lose_instance(services, cluster)
    with pytest.raises(ProviderError, match="instance es-cn-1, with index 'chunks-1' in it"):
        index.up({**INDEX, "instanceId": "es-cn-1"})


@pytest.mark.parametrize("made", ["index", "alias"])
def test_an_unreachable_cluster_does_not_hold_up_an_update_that_changes_nothing(
    request: pytest.FixtureRequest, cluster: Cluster, made: str
) -> None:
    cluster.add_index("chunks-1") if made == "alias" else None
    engine: Engine = request.getfixturevalue(made)
    inputs = INDEX if made == "index" else {**ALIAS, "expectedChunks": None}
    engine.up(inputs)
    cluster.down_for, asked = 10_000, len(cluster.requests)
    assert engine.up(inputs) == "same"
    assert len(cluster.requests) <= asked + 1


@pytest.mark.parametrize("targets", [set(), {"chunks-9"}])
def test_an_update_without_a_refresh_moves_the_alias_back(
    alias: Engine, cluster: Cluster, targets: set[str]
) -> None:
    cluster.add_index("chunks-1")
    cluster.add_index("chunks-9")
    inputs = {**ALIAS, "expectedChunks": None}
    alias.up(inputs)
    cluster.aliases["chunks"] = targets
    assert alias.up(inputs) == "update"
    assert cluster.aliases["chunks"] == {"chunks-1"}


def test_an_index_moves_to_another_instance_when_its_own_was_deleted(
    index: Engine, services: FakeServices, cluster: Cluster
) -> None:
    services.elasticsearch_instances = _Instances("es-cn-1", "es-cn-2")
    index.up({**INDEX, "instanceId": "es-cn-1"})
    _lose_instance(services, cluster)
    moved = {**INDEX, "endpoint": "http://elsewhere:9200", "instanceId": "es-cn-2"}
    assert index.up(moved) == "replace"
