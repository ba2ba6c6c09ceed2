"""Both engines in one stack, OpenSearch first, then OpenSearch alone.

What it cannot prove: how good either ranking is (`make eval`).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import pytest
from opensearchpy.exceptions import TransportError

from localcloud.core.accounts import unprivileged_prefix
from tests.e2e import sample
from tests.e2e.checkout import Checkout, wait_until, words_of
from tests.e2e.cloud import Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.opensearch]

CONFIGURATION = {
    "trainingNumTrainEpochs": "1",
    "searchEngines": "opensearch,elasticsearch",
}
UP_SECONDS = 1800.0
QUESTION = "How long is the warranty on the flume board?"
SOURCE = "docs/20-warranty.md"


@pytest.fixture(scope="module", autouse=True)
def _can_run(private: Checkout) -> None:
    if os.geteuid() == 0 and not unprivileged_prefix(private.folder):
        pytest.skip("root needs user namespaces for the engine, and this machine forbids them")


def _neural(model_id: str) -> dict[str, Any]:
    """Return the query for the passages with the windows that are nearest to the question."""
    asked = {"query_text": QUESTION, "model_id": model_id, "k": 5}
    windows = {"neural": {"windows.embedding": asked}}
    return {"nested": {"path": "windows", "score_mode": "max", "query": windows}}


def _operations(private: Checkout) -> dict[str, str]:
    """Return the operation that a preview plans for each changed resource, by name."""
    done = private.pulumi("preview", "--stack", "local", "--json").check()
    steps = json.loads(done.output[done.output.index("{\n") :])["steps"]
    return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}


def test_up_fills_an_index_in_each_engine(private: Checkout, cloud: Cloud) -> None:
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "Sources:" in done.output
    outputs = cloud.outputs()
    expected = {f"docs/{name}": 1 for name in sample.DOCUMENTS}
    assert outputs["search_engine"] == "opensearch"
    assert outputs["ingest"]["chunks"] == len(expected)
    with cloud.search(outputs["elasticsearch_url"]) as client:
        (index,) = client.indices.get_alias(name=outputs["index_alias"])
    assert cloud.indexed(outputs["elasticsearch_url"], index) == expected
    with cloud.opensearch("reader") as opensearch:
        assert opensearch.count(index=outputs["index_alias"])["count"] == len(expected)


def test_a_question_is_answered_from_opensearch(private: Checkout, cloud: Cloud) -> None:
    answer, _, sources = private.make("ask", Q=QUESTION).check().words.partition("Sources:")
    assert "five years" in answer
    assert SOURCE in sources


@pytest.mark.parametrize("fusion", ["normalization", "rrf"])
def test_the_cluster_embeds_a_question_and_fuses_both_searches(cloud: Cloud, fusion: str) -> None:
    inside = cloud.outputs()["opensearch_inside"]
    words = {"match": {"terms": "warranti flume board"}}
    body = {"query": {"hybrid": {"queries": [words, _neural(inside["model_id"])]}}}
    with cloud.opensearch("reader") as opensearch:
        found = opensearch.search(
            index=inside["index_alias"],
            body={**body, "_source": ["document_key"], "size": 5},
            params={"search_pipeline": inside["search_pipelines"][fusion]},
        )
    assert found["hits"]["hits"][0]["_source"]["document_key"] == SOURCE


def test_nothing_changes_without_a_change(private: Checkout) -> None:
    private.pulumi("preview", "--stack", "local", "--expect-no-changes").check()
    private.pulumi("refresh", "--stack", "local", "--yes", "--expect-no-changes").check()


def test_a_model_that_is_no_longer_deployed_is_drift_and_deployed_again(
    private: Checkout, cloud: Cloud
) -> None:
    model_id = cloud.outputs()["opensearch_inside"]["model_id"]
    path = f"/_plugins/_ml/models/{model_id}"
    with cloud.opensearch("deployer") as opensearch:
        opensearch.transport.perform_request("POST", f"{path}/_undeploy")
        assert _operations(private) == {"engine-model-model": "update"}
        report = private.make("drift", STACK="local")
        assert report.code != 0
        assert "(customrag:opensearch:Model) | was changed |" in report.output
        private.start_up(timeout_seconds=UP_SECONDS).wait().check()
        found: Any = opensearch.transport.perform_request("GET", path)
        assert found["model_state"] == "DEPLOYED"


def test_a_lost_engine_process_comes_back_with_its_model(cloud: Cloud) -> None:
    """Systemd starts it again, and the node deploys what the engine could not."""
    inside = cloud.outputs()["opensearch_inside"]
    (engine,) = cloud.checkout.running("org.opensearch.bootstrap.OpenSearch")
    engine.kill()
    with cloud.opensearch("reader") as opensearch:

        def answers() -> bool:
            with suppress(TransportError):
                query = _neural(inside["model_id"])
                found = opensearch.search(index=inside["index_alias"], body={"query": query})
                return bool(found["hits"]["hits"])
            return False

        wait_until(answers, "a query with the cluster's own model", 240)


def test_opensearch_alone_answers_and_leaves_nothing_of_elasticsearch(
    private: Checkout, cloud: Cloud
) -> None:
    private.pulumi(
        *("config", "set", "customrag:searchEngines", "opensearch", "--stack", "local")
    ).check()
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "opensearch serves the application" in done.words
    outputs = cloud.outputs()
    assert (outputs["elasticsearch_url"], outputs["search_templates"]) == ("", {})
    assert private.running("org.opensearch.bootstrap.OpenSearch")
    assert not [
        process
        for process in private.processes()
        if "org.elasticsearch.bootstrap.Elasticsearch" in " ".join(words_of(process))
    ]
    resources = private.pulumi("stack", "--stack", "local").check().output
    assert ":opensearch:" in resources
    assert ":elasticsearch" not in resources
    answer, _, sources = private.make("ask", Q=QUESTION).check().words.partition("Sources:")
    assert ("five years" in answer, SOURCE in sources) == (True, True)
    private.pulumi("preview", "--stack", "local", "--expect-no-changes").check()
    private.make("status").check()
    listed = private.make("documents").check().output
    assert SOURCE in listed
