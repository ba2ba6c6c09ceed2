"""Pipelines of OpenSearch: their bodies, and the form that each version reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pluginhost import UNKNOWN, ProviderError
from providers import opensearch_bodies as bodies
from rag.engines.opensearch import normalization
from tests.providers.fake_opensearch import OpenSearchCluster
from tests.providers.fakes import Engine, FakeDlc, FakeOss, FakeServices

CLUSTER: dict[str, Any] = {
    "endpoint": "http://cluster:9200",
    "username": "deployer",
    "password": "secret",
}
INGEST: dict[str, Any] = {
    **CLUSTER,
    "pipelineName": "embed",
    "body": bodies.ingest_pipeline(bodies.text_embedding("model-1", {"text": "embedding"})),
}
SEARCH: dict[str, Any] = {
    **CLUSTER,
    "pipelineName": "fuse",
    "body": bodies.search_pipeline(phase_results=[bodies.score_ranker(rank_constant=40)]),
}


@pytest.fixture
def cluster() -> OpenSearchCluster:
    return OpenSearchCluster()


@pytest.fixture
def services(cluster: OpenSearchCluster) -> FakeServices:
    return FakeServices(FakeOss(), FakeDlc(), cluster.client)


@pytest.fixture(params=["IngestPipeline", "SearchPipeline"])
def pipeline(request: pytest.FixtureRequest, services: FakeServices) -> Engine:
    return Engine(f"customrag:opensearch:{request.param}", services)


@pytest.fixture
def search(services: FakeServices) -> Engine:
    return Engine("customrag:opensearch:SearchPipeline", services)


def inputs_of(engine: Engine) -> dict[str, Any]:
    return INGEST if "Ingest" in engine.token else SEARCH


def test_the_data_plane_fuses_by_the_same_pipeline_as_the_program() -> None:
    assert normalization(0.3) == bodies.search_pipeline(
        phase_results=[bodies.normalization(weights=[0.7, 0.3])]
    )


def test_a_password_that_the_nodes_do_not_know_yet_is_tried_again(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.refusals = 6
    pipeline.up(inputs_of(pipeline))
    assert cluster.pipelines


def test_a_wrong_password_is_reported_with_what_to_do(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.refusals = 1000
    with pytest.raises(ProviderError, match="take a changed one from KMS within a minute"):
        pipeline.up(inputs_of(pipeline))


def test_a_pipeline_is_created_refreshed_and_deleted(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    inputs = inputs_of(pipeline)
    pipeline.up(inputs)
    pipeline.refresh()
    assert pipeline.up(inputs) == "same"
    assert pipeline.diff({**inputs, "pipelineName": "other"}).replaces == ["pipelineName"]
    pipeline.destroy()
    assert cluster.pipelines == {}


def test_a_pipeline_that_is_gone_is_recreated_and_its_deletion_is_success(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    pipeline.up(inputs_of(pipeline))
    state = pipeline.state
    cluster.pipelines.clear()
    assert pipeline.refresh() is None
    pipeline.state = state
    pipeline.destroy()


def test_a_pipeline_left_by_a_killed_engine_is_adopted(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    pipeline.up(inputs_of(pipeline))
    pipeline.state = None
    pipeline.up(inputs_of(pipeline))
    assert pipeline.host.messages[-1][0] == "info"
    assert "exists: adopted" in pipeline.log


def test_a_pipeline_with_another_body_is_overwritten_with_a_warning(
    search: Engine, cluster: OpenSearchCluster
) -> None:
    cluster.pipelines["_search/pipeline/fuse"] = {"request_processors": []}
    search.up(SEARCH)
    assert search.host.messages[-1] == ("warning", "search pipeline fuse exists: overwritten")


def test_a_change_by_hand_is_drift(search: Engine, cluster: OpenSearchCluster) -> None:
    search.up(SEARCH)
    ranker = cluster.pipelines["_search/pipeline/fuse"]["phase_results_processors"][0]
    ranker["score-ranker-processor"]["combination"]["parameters"]["rank_constant"] = 60
    search.refresh()
    (path,) = search.diff(SEARCH).detailed_diff
    assert path.endswith('["score-ranker-processor"].combination.rank_constant')
    assert search.up(SEARCH) == "update"


def test_values_that_the_cluster_adds_are_not_drift(
    search: Engine, cluster: OpenSearchCluster
) -> None:
    search.up(SEARCH)
    body = cluster.pipelines["_search/pipeline/fuse"]
    body["version"] = 1
    body["phase_results_processors"][0]["score-ranker-processor"]["tag"] = "x"
    search.refresh()
    assert search.up(SEARCH) == "same"


@pytest.mark.parametrize(
    ("version", "combination"),
    [
        ("2.19.1", {"technique": "rrf", "parameters": {"rank_constant": 40}}),
        ("3.0.0", {"technique": "rrf", "parameters": {"rank_constant": 40}}),
        ("3.1.0", {"technique": "rrf", "rank_constant": 40}),
        ("3.10.0", {"technique": "rrf", "rank_constant": 40}),
    ],
)
@pytest.mark.parametrize("old_form", [False, True])
def test_rank_fusion_has_the_form_of_the_version(
    search: Engine,
    cluster: OpenSearchCluster,
    version: str,
    combination: dict[str, Any],
    old_form: bool,
) -> None:
    cluster.version, inputs = version, SEARCH
    if old_form:
        given = {"technique": "rrf", "parameters": {"rank_constant": 40}}
        ranker = {"score-ranker-processor": {"combination": given}}
        inputs = {**SEARCH, "body": bodies.search_pipeline(phase_results=[ranker])}
    search.up(inputs)
    written = cluster.pipelines["_search/pipeline/fuse"]["phase_results_processors"][0]
    assert written["score-ranker-processor"]["combination"] == combination
    search.refresh()
    assert search.up(inputs) == "same"


def test_weights_of_rank_fusion_need_version_3_1(
    search: Engine, cluster: OpenSearchCluster
) -> None:
    weighed = bodies.search_pipeline(phase_results=[bodies.score_ranker(60, [0.3, 0.7])])
    with pytest.raises(ProviderError, match=r"reads from 3\.1; the cluster has 2\.19"):
        search.up({**SEARCH, "body": weighed})
    cluster.version = "3.1.0"
    search.up({**SEARCH, "body": weighed})


def test_a_body_without_processors_fails_the_check(pipeline: Engine) -> None:
    checked = pipeline.check({**inputs_of(pipeline), "body": {"description": "d"}})
    assert "it needs" in checked["failures"]["body"]


def test_a_model_that_is_not_known_yet_updates_in_place(
    pipeline: Engine, cluster: OpenSearchCluster
) -> None:
    inputs = inputs_of(pipeline)
    pipeline.up(inputs)
    name = next(iter(inputs["body"]))
    unknown = {**inputs, "body": {**inputs["body"], name: [{"a": {"model_id": UNKNOWN}}]}}
    difference = pipeline.diff(unknown)
    assert difference.changes
    assert not difference.replaces


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: bodies.text_embedding("m", {}, batch_size=0), "batch_size is 0"),
        (lambda: bodies.normalization("z"), "min_max, l2, z_score"),
        (lambda: bodies.normalization(combination="sum"), "combination is 'sum'"),
        (lambda: bodies.normalization(weights=[0.5, 0.6]), "add up to 1"),
        (lambda: bodies.normalization(weights=[-0.5, 1.5]), "numbers from 0 to 1"),
        (lambda: bodies.score_ranker(0), "allowed is 1 to 10000"),
    ],
)
def test_a_value_that_opensearch_refuses_is_refused(
    build: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_bodies_have_the_names_of_the_api() -> None:
    assert bodies.search_pipeline(
        response=[
            bodies.rerank("m", ["text"]),
            bodies.retrieval_augmented_generation("m", ["text"], system_prompt="p"),
        ]
    ) == {
        "response_processors": [
            {
                "rerank": {
                    "ml_opensearch": {"model_id": "m"},
                    "context": {"document_fields": ["text"]},
                }
            },
            {
                "retrieval_augmented_generation": {
                    "model_id": "m",
                    "context_field_list": ["text"],
                    "system_prompt": "p",
                }
            },
        ]
    }
    assert bodies.normalization("l2", weights=[0.25, 0.75]) == {
        "normalization-processor": {
            "normalization": {"technique": "l2"},
            "combination": {
                "technique": "arithmetic_mean",
                "parameters": {"weights": [0.25, 0.75]},
            },
        }
    }
    assert bodies.model_settings(trusted_url_regex="^https://x/.*$", private_connectors=True) == {
        "plugins.ml_commons.allow_registering_model_via_url": True,
        "plugins.ml_commons.trusted_url_regex": "^https://x/.*$",
        "plugins.ml_commons.only_run_on_ml_node": True,
        "plugins.ml_commons.connector.private_ip_enabled": True,
    }


def test_an_openai_action_sends_a_name_and_a_key_on_request() -> None:
    full = bodies.openai_embedding("https://x/v1/embeddings", model="text-embedding-v4")
    assert full["request_body"] == '{ "input": ${parameters.input}, "model": "text-embedding-v4" }'
    assert full["headers"]["Authorization"] == "Bearer ${credential.key}"
    bare = bodies.openai_embedding("http://x/v1/embeddings", with_key=False)
    assert bare["request_body"] == '{ "input": ${parameters.input} }'
    assert "Authorization" not in bare["headers"]
