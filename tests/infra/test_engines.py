"""A stack with one engine or both: which one serves, and what is declared in each."""

from __future__ import annotations

import base64
import re
from functools import cache

import pytest

from guardrails.declare import Declared, declare
from tests.support.stacks import named, of_type

BOTH, OTHER_WAY, ALONE = "elasticsearch,opensearch", "opensearch,elasticsearch", "opensearch"
ALIASES = ("customrag:elasticsearch:Alias", "customrag:opensearch:Alias")


@cache
def declared(engines: str, **more: str) -> list[Declared]:
    """Return what `dev` declares with these engines."""
    return declare("dev", config={"searchEngines": engines, **more})


def _inputs(items: list[Declared], type_name: str) -> dict[str, object]:
    (found,) = of_type(items, f"customrag:opensearch:{type_name}").values()
    return dict(found)


def _chat_settings(items: list[Declared]) -> str:
    template = named(items, "chat-template", "alicloud:ecs/ecsLaunchTemplate:EcsLaunchTemplate")
    return base64.b64decode(template["userData"]).decode()


def test_a_stack_has_elasticsearch_alone_by_default() -> None:
    items = declare("dev")
    assert not [item for item in items if item.type.startswith("customrag:opensearch:")]
    assert re.search(r"CUSTOMRAG_SEARCH_ENGINE\W+elasticsearch", _chat_settings(items))


def test_a_stack_with_opensearch_alone_declares_nothing_of_elasticsearch() -> None:
    items = declared(ALONE)
    assert not [item.urn for item in items if "elasticsearch" in item.type]
    assert len(of_type(items, "customrag:opensearch:Alias")) == 1
    (run,) = of_type(items, "customrag:rag:IngestRun").values()
    assert run["envs"]["CUSTOMRAG_SEARCH_ENGINE"] == "opensearch"
    assert re.search(r"CUSTOMRAG_SEARCH_ENGINE\W+opensearch", _chat_settings(items))
    policies = of_type(items, "alicloud:ram/policy:Policy").values()
    assert not any("elasticsearch" in policy["policyDocument"] for policy in policies)
    assert not [item.urn for item in items if item.name.startswith("alarms-search-")]


def test_with_both_engines_each_has_an_index_that_a_job_fills() -> None:
    items = declared(BOTH)
    assert [len(of_type(items, alias)) for alias in ALIASES] == [1, 1]
    runs = of_type(items, "customrag:rag:IngestRun")
    found = {name: run["envs"]["CUSTOMRAG_SEARCH_ENGINE"] for name, run in runs.items()}
    assert found == {
        "knowledge-ingest": "elasticsearch",
        "opensearch-knowledge-ingest": "opensearch",
    }


def test_the_index_of_opensearch_is_filled_through_the_pipeline_of_the_model() -> None:
    items = declared(BOTH)
    pipeline = _inputs(items, "IngestPipeline")
    index = of_type(items, "customrag:opensearch:Index")["opensearch-knowledge"]
    (processor,) = pipeline["body"]["processors"]  # type: ignore[index]
    assert processor["text_embedding"]["field_map"] == {"windows": {"text": "embedding"}}
    assert index["settings"]["index"]["default_pipeline"] == "unknown-yet.engine-model-documents.id"
    windows = index["mappings"]["properties"]["windows"]
    assert windows["properties"]["embedding"]["type"] == "knn_vector"
    assert "windows" in index["mappings"]["_source"]["excludes"]


def test_the_cluster_takes_models_from_the_stacks_own_bucket_only() -> None:
    settings = _inputs(declared(BOTH), "ClusterSettings")["settings"]
    pattern = settings["plugins.ml_commons.trusted_url_regex"]  # type: ignore[index]
    bucket, host = "customrag-dev-artifacts-", "oss-cn-hangzhou-internal.aliyuncs.com"
    (found,) = {
        item.inputs["bucket"]
        for item in declared(BOTH)
        if item.type == "alicloud:oss/bucket:Bucket" and "artifacts" in item.inputs["bucket"]
    }
    assert found.startswith(bucket)
    assert re.fullmatch(pattern, f"https://{found}.{host}/training/1/model.zip?signature=1")
    assert not re.fullmatch(pattern, f"https://other.{host}/training/1/model.zip")
    assert not re.fullmatch(pattern, f"https://{found}xoss-cn-hangzhou-internal.aliyuncs.com/1")


@pytest.mark.parametrize(
    ("engines", "user", "read"),
    [
        (BOTH, "elastic", "elasticsearch-password"),
        (OTHER_WAY, "reader", "opensearch-reader"),
        (ALONE, "reader", "opensearch-reader"),
    ],
)
def test_the_first_engine_serves_the_application(engines: str, user: str, read: str) -> None:
    items = declared(engines)
    code = _chat_settings(items)
    assert re.search(rf"CUSTOMRAG_SEARCH_USERNAME\W+{user}\b", code)
    assert f"customrag-dev-{read}" in code
    policy = named(items, "identity-chat-policy", "alicloud:ram/policy:Policy")["policyDocument"]
    assert f"customrag-dev-{read}" in policy
    others = {"elasticsearch-password", "opensearch-reader"} - {read}
    assert not any(f"customrag-dev-{other}" in policy for other in others)


def test_only_the_index_that_serves_has_token_vectors() -> None:
    kinds = {
        "elasticsearch": "customrag:elasticsearch:Index",
        "opensearch": "customrag:opensearch:Index",
    }
    for engines in (BOTH, OTHER_WAY):
        for engine, type_name in kinds.items():
            (index,) = of_type(declared(engines), type_name).values()
            served = engines.startswith(engine)
            assert ("token_vectors" in index["mappings"]["_meta"]) is served


def test_opensearch_can_call_the_embedding_node_instead() -> None:
    items = declared(BOTH, opensearchModel="service")
    model, connector = _inputs(items, "Model"), _inputs(items, "Connector")
    assert model["functionName"] == "remote"
    (action,) = connector["actions"]  # type: ignore[misc]
    assert action["url"].endswith("/v1/embeddings")
    rules = of_type(items, "alicloud:ecs/securityGroupRule:SecurityGroupRule")
    assert "network-embedding-from-opensearch" in rules
    assert "network-embedding-from-opensearch" not in of_type(
        declared(BOTH), "alicloud:ecs/securityGroupRule:SecurityGroupRule"
    )


def test_a_lost_opensearch_node_raises_an_alarm() -> None:
    alarms = of_type(declared(BOTH), "alicloud:cms/alarm:Alarm")
    assert {"alarms-opensearch-data-1-cpu", "alarms-opensearch-data-1-disk"} <= alarms.keys()
