"""What a probe finds, and what it leaves behind.

Run against a cluster in memory; what a real one answers is shown by ``test_real_cluster``.
"""

from __future__ import annotations

from typing import Any

import pytest

from pluginhost import ProviderError
from providers.plugin.probe import VECTOR_INDEX_KINDS
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices
from tests.providers.probed_cluster import LICENCE, ProbedCluster

INPUTS: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "elastic",
    "password": "secret",
    "analyzers": ["english", "ik_smart"],
}
AVAILABLE = {"available": True, "reason": ""}


@pytest.fixture
def cluster() -> ProbedCluster:
    return ProbedCluster()


@pytest.fixture
def capabilities(cluster: ProbedCluster) -> Engine:
    services = FakeServices(FakeOss(), FakeDlc(), lambda endpoint: cluster.client())
    return Engine("customrag:elasticsearch:Capabilities", services)


def _outputs(engine: Engine) -> dict[str, Any]:
    assert engine.state is not None
    return engine.state.outputs


def test_a_cluster_that_accepts_everything_can_fuse(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.refused["text_similarity_reranker"] = (
        404,
        "Inference endpoint not found [customrag-probe-missing]",
    )
    capabilities.up(INPUTS)
    found = _outputs(capabilities)
    assert found["serverVersion"] == "8.17.4"
    assert found["vectorIndexKinds"] == dict.fromkeys(VECTOR_INDEX_KINDS, AVAILABLE)
    assert found["analyzersFound"] == {"english": AVAILABLE, "ik_smart": AVAILABLE}
    reranker = found["features"].pop("text_similarity_reranker")
    assert reranker["available"]
    assert "no model was tried" in reranker["reason"]
    assert set(map(str, found["features"].values())) == {str(AVAILABLE)}
    assert (found["fusion"], found["fusionReason"]) == ("server", "the cluster accepts RRF")


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (403, LICENCE, "the licence refuses RRF"),
        (400, "unknown retriever [rrf]", "the cluster does not know RRF"),
        (400, "too many clauses", "the cluster refuses RRF: too many clauses"),
    ],
)
def test_a_refusal_of_rrf_means_fusion_in_the_client(
    capabilities: Engine, cluster: ProbedCluster, status: int, reason: str, words: str
) -> None:
    cluster.refused["rrf"] = (status, reason)
    capabilities.up(INPUTS)
    found = _outputs(capabilities)
    assert found["features"]["rrf"] == {"available": False, "reason": reason}
    assert (found["fusion"], found["fusionReason"]) == ("client", words)


@pytest.mark.parametrize("stage", ["mapping", "write", "search"])
def test_a_kind_of_vector_index_may_be_refused_late(
    capabilities: Engine, cluster: ProbedCluster, stage: str
) -> None:
    if stage == "write":
        cluster.refused_writes["bbq_hnsw"] = "no licence"
    else:
        refused = "bbq_hnsw" if stage == "mapping" else "bbq_hnsw search"
        cluster.refused[refused] = (403, "no licence")
    capabilities.up(INPUTS)
    kinds = _outputs(capabilities)["vectorIndexKinds"]
    assert kinds["bbq_hnsw"] == {"available": False, "reason": "no licence"}
    assert kinds["int8_hnsw"] == AVAILABLE


def test_an_analyzer_that_is_missing_is_named(capabilities: Engine, cluster: ProbedCluster) -> None:
    cluster.refused["ik_smart"] = (400, "failed to find global analyzer [ik_smart]")
    capabilities.up(INPUTS)
    found = _outputs(capabilities)["analyzersFound"]
    assert [name for name, item in found.items() if not item["available"]] == ["ik_smart"]


def test_a_search_that_finds_nothing_is_not_available(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.finds = False
    capabilities.up(INPUTS)
    assert "did not find" in _outputs(capabilities)["features"]["script_score"]["reason"]


def test_a_licence_that_lapses_is_drift_after_a_refresh(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    capabilities.up(INPUTS)
    assert _outputs(capabilities)["fusion"] == "server"
    cluster.refused["rrf"] = (403, LICENCE)
    capabilities.refresh()
    assert _outputs(capabilities)["fusion"] == "client"


def test_two_probes_of_the_same_cluster_find_the_same(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.refused["search_template"] = (
        400,
        "no handler found for uri [/customrag-probe-0123456789ab/_search/template]",
    )
    capabilities.up(INPUTS)
    before = _outputs(capabilities)
    assert "0123456789ab" not in before["features"]["search_template"]["reason"]
    capabilities.refresh()
    assert _outputs(capabilities) == before
    assert capabilities.up(INPUTS) == "same"


@pytest.mark.parametrize("stage", ["", "rrf", "bbq_hnsw", "ik_smart"])
def test_the_index_of_the_probe_is_deleted_whatever_happens(
    capabilities: Engine, cluster: ProbedCluster, stage: str
) -> None:
    cluster.refused = {stage: (400, "no")} if stage else {}
    capabilities.up(INPUTS)
    assert cluster.made == 1
    assert cluster.indexes == {}


def test_a_wrong_password_is_an_error_and_no_finding(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.refused["rrf"] = (401, "unable to authenticate user [elastic]")
    with pytest.raises(ProviderError, match=r"Probe rrf: .*HTTP 401"):
        capabilities.up(INPUTS)
    assert cluster.indexes == {}


def test_what_an_interrupted_probe_left_is_deleted_by_the_next(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.dies_at = "linear"
    with pytest.raises(ProviderError, match="starting"):
        capabilities.up(INPUTS)
    (left,) = cluster.indexes
    cluster.dies_at, cluster.down_for = "", 0
    cluster.age(left, 2 * 3600)
    capabilities.up(INPUTS)
    assert cluster.indexes == {}
    assert f"index {left}, left by an interrupted probe, was deleted" in capabilities.log


def test_an_index_of_a_running_probe_or_of_another_program_stays(
    capabilities: Engine, cluster: ProbedCluster
) -> None:
    cluster.add_index("customrag-probe-running", {"_meta": {"customrag_probe": True}})
    cluster.add_index("customrag-probe-theirs", {})
    cluster.age("customrag-probe-theirs", 2 * 3600)
    capabilities.up(INPUTS)
    capabilities.destroy()
    assert sorted(cluster.indexes) == ["customrag-probe-running", "customrag-probe-theirs"]


def test_a_password_does_not_appear_in_what_is_found(capabilities: Engine) -> None:
    capabilities.up(INPUTS)
    found = {key: value for key, value in _outputs(capabilities).items() if key != "password"}
    assert "secret" not in str(found)
