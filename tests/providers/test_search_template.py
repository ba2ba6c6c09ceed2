"""Life cycle of a stored search, against a cluster in memory.

What a real one answers for a stored script is shown by ``test_real_cluster``. No engine here has
search applications: their answers have the shapes of Elastic's documentation.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.providers.fake_cluster import Cluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

SOURCE = '{"query": {"match": {"text": "{{text}}"}}}'
INPUTS: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "elastic",
    "password": "secret",
    "templateId": "chunks-words",
    "source": SOURCE,
    "kind": "stored_script",
    "alias": "chunks",
}
APPLICATION = {**INPUTS, "kind": "search_application"}


class StoringCluster(Cluster):
    """A cluster with stored scripts and search applications."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: dict[str, Any] = {}
        self.applications: dict[str, Any] = {}

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        path = urlsplit(target).path.strip("/")
        name = path.rpartition("/")[2]
        if path.startswith("_scripts/"):
            return self._on(self.scripts, method, name, body)
        if path.startswith("_application/search_application/"):
            return self._on(self.applications, method, name, body)
        return super().answer(method, target, body)

    def _on(
        self, stored: dict[str, Any], method: str, name: str, body: Any
    ) -> tuple[int, dict[str, Any]]:
        if method == "PUT":
            stored[name] = body
            return 200, {"acknowledged": True}
        if name not in stored:
            return 404, {"_id": name, "found": False}
        if method == "DELETE":
            del stored[name]
            return 200, {"acknowledged": True}
        return 200, {"_id": name, "found": True, **stored[name]}


@pytest.fixture
def cluster() -> StoringCluster:
    return StoringCluster()


@pytest.fixture
def template(cluster: StoringCluster) -> Engine:
    services = FakeServices(FakeOss(), FakeDlc(), lambda endpoint: cluster.client())
    return Engine("customrag:elasticsearch:SearchTemplate", services)


def test_a_script_is_stored_and_shows_no_drift(template: Engine, cluster: StoringCluster) -> None:
    template.up(INPUTS)
    assert cluster.scripts == {"chunks-words": {"script": {"lang": "mustache", "source": SOURCE}}}
    template.refresh()
    assert template.up(INPUTS) == "same"


def test_a_search_application_searches_the_alias(template: Engine, cluster: StoringCluster) -> None:
    template.up(APPLICATION)
    script = {"lang": "mustache", "source": SOURCE}
    assert cluster.applications == {
        "chunks-words": {"indices": ["chunks"], "template": {"script": script}}
    }
    template.refresh()
    assert template.up(APPLICATION) == "same"


def test_a_cluster_that_accepts_neither_gets_nothing(
    template: Engine, cluster: StoringCluster
) -> None:
    nothing = {**INPUTS, "kind": "none"}
    template.up(nothing)
    template.refresh()
    assert template.up(nothing) == "same"
    template.destroy()
    assert cluster.requests == []


@pytest.mark.parametrize("inputs", [INPUTS, APPLICATION], ids=["script", "application"])
def test_a_source_changed_by_hand_is_drift_and_comes_back(
    template: Engine, cluster: StoringCluster, inputs: dict[str, Any]
) -> None:
    template.up(inputs)
    stored = cluster.scripts or cluster.applications
    found = stored["chunks-words"]
    (found.get("template") or found)["script"]["source"] = "{}"
    template.refresh()
    assert list(template.diff(inputs).detailed_diff) == ["source"]
    assert template.up(inputs) == "update"
    template.refresh()
    assert template.up(inputs) == "same"


def test_a_deleted_script_is_noticed(template: Engine, cluster: StoringCluster) -> None:
    template.up(INPUTS)
    cluster.scripts.clear()
    assert template.refresh() is None


def test_a_licence_that_lapses_makes_an_application_a_script(
    template: Engine, cluster: StoringCluster
) -> None:
    template.up(APPLICATION)
    assert template.up(INPUTS) == "update"
    assert (list(cluster.scripts), cluster.applications) == (["chunks-words"], {})


@pytest.mark.parametrize("inputs", [INPUTS, APPLICATION], ids=["script", "application"])
def test_delete_removes_it_and_a_missing_one_is_success(
    template: Engine, cluster: StoringCluster, inputs: dict[str, Any]
) -> None:
    template.up(inputs)
    template.destroy()
    assert (cluster.scripts, cluster.applications) == ({}, {})
    template.up(inputs)
    cluster.scripts.clear()
    cluster.applications.clear()
    template.destroy()


def test_another_id_replaces(template: Engine) -> None:
    template.up(INPUTS)
    assert template.diff({**INPUTS, "templateId": "chunks-other"}).replaces == ["templateId"]


@pytest.mark.parametrize("name", ["Chunks", "-a", "a b", "a/b"])
def test_an_id_with_other_characters_fails_the_check(template: Engine, name: str) -> None:
    assert "allowed" in template.check({**INPUTS, "templateId": name})["failures"]["templateId"]


def test_an_unknown_kind_fails_the_check(template: Engine) -> None:
    assert "allowed" in template.check({**INPUTS, "kind": "script"})["failures"]["kind"]
