"""Faults around OpenSearch: updates killed in every wait, a full disk, a lost node, certificates.

Each time the same command finishes the work, or says what to do, and no question fails silently.
What it cannot prove: that data outlives a real disk's end, and what systemd of a real node does.
"""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import TransportError

from localcloud.core.accounts import unprivileged_prefix
from providers.clients.shortages import DISK, READ_ONLY_SETTING
from tests.e2e import sample
from tests.e2e.behind import Behind, Resource
from tests.e2e.checkout import Checkout, Finished, Running, wait_until
from tests.e2e.cloud import INGEST_JOB, TRAINING_JOB, Cloud

pytestmark = [pytest.mark.e2e, pytest.mark.opensearch]

CONFIGURATION = {"trainingNumTrainEpochs": "1", "searchEngines": "opensearch"}
UP_SECONDS = 1800.0
MODEL = "customrag-local-embedding"
ENGINE = "org.opensearch.bootstrap.OpenSearch"
QUESTION = "How long is the warranty on the flume board?"
ROUTING = "cluster.routing.allocation.disk"
FULL = {f"{ROUTING}.watermark.{name}": "1%" for name in ("low", "high", "flood_stage")}
"""Settings with which any disk counts as full."""
OFTEN = {f"{ROUTING}.reroute_interval": "1s", "cluster.info.update.interval": "10s"}
"""Settings with which the cluster looks often at its disks."""
BREAKER = {"plugins.ml_commons.disk_free_space_threshold": "9000gb"}
SEARCH_SECONDS = 60.0
"""Within this time, a question has an answer or an error."""


@pytest.fixture(scope="module", autouse=True)
def _can_run(private: Checkout) -> None:
    if os.geteuid() == 0 and not unprivileged_prefix(private.folder):
        pytest.skip("root needs user namespaces for the engine, and this machine forbids them")


def _models(opensearch: OpenSearch) -> list[dict[str, Any]]:
    """Return the models of the stack's name, without their pieces; none before there are any."""
    body = {
        "query": {
            "bool": {
                "filter": [{"term": {"name.keyword": MODEL}}],
                "must_not": [{"exists": {"field": "chunk_number"}}],
            }
        }
    }
    with suppress(TransportError):
        answer = opensearch.plugins.ml.search_models(body=body)
        return [{**hit["_source"], "id": hit["_id"]} for hit in answer["hits"]["hits"]]
    return []


def _pieces(opensearch: OpenSearch) -> set[str]:
    """Return the models to which pieces in the cluster belong."""
    body = {"size": 1000, "query": {"exists": {"field": "chunk_number"}}, "_source": ["model_id"]}
    hits = opensearch.plugins.ml.search_models(body=body)["hits"]["hits"]
    return {hit["_source"].get("model_id") or hit["_id"].rpartition("_")[0] for hit in hits}


def _kill(private: Checkout, up: Running, *victims: psutil.Process) -> Finished:
    """Kill processes of an update with `kill -9`, and wait for the end of the update."""
    assert victims
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    done = up.wait()
    assert done.code != 0
    assert "Traceback" not in done.output
    wait_until(lambda: not private.engine_children(), "the engine's children are gone", 180.0)
    return done


def test_an_update_is_killed_while_it_waits_for_the_cluster(private: Checkout) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    waits = "alicloud:ecs:RamRoleAttachment opensearch-data-1-role creating"
    up.until(lambda: waits in up.output() and bool(private.running(ENGINE)), "a starting engine")
    done = _kill(private, up, private.engine())
    assert "data-1 has joined the cluster" not in done.output


def test_the_next_is_killed_while_the_model_is_registered(private: Checkout, cloud: Cloud) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    up.until(lambda: "engine-model-group created" in up.output(), "the model is next")
    with cloud.opensearch("deployer") as opensearch:
        up.until(
            lambda: [one["model_state"] for one in _models(opensearch)] == ["REGISTERING"],
            "a model that is being registered",
        )
        _kill(private, up, private.engine())


def test_the_next_loses_its_plugin_while_the_model_is_deployed(
    private: Checkout, cloud: Cloud
) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    with cloud.opensearch("deployer") as opensearch:
        up.until(
            lambda: [one["model_state"] for one in _models(opensearch)] == ["DEPLOYING"],
            "a model that is being deployed",
        )
        _kill(private, up, *private.running("providers"))


def test_the_next_is_killed_while_the_documents_are_ingested(private: Checkout) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    up.until(
        lambda: bool(private.running("rag.ingest", CUSTOMRAG_SEARCH_ENGINE="opensearch")),
        "the ingest job of OpenSearch",
    )
    _kill(private, up, private.engine())


def test_the_last_finishes_and_nothing_was_done_twice(private: Checkout, cloud: Cloud) -> None:
    done = private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert "Sources:" in done.output
    outputs = cloud.outputs()
    inside = outputs["opensearch_inside"]
    with cloud.opensearch("deployer") as opensearch:
        (model,) = _models(opensearch)
        assert (model["id"], model["model_state"]) == (inside["model_id"], "DEPLOYED")
        assert _pieces(opensearch) == {model["id"]}
        assert opensearch.plugins.ml.search_model_group(body={})["hits"]["total"]["value"] == 1
        answer = opensearch.search(
            index=inside["index_alias"],
            body={
                "size": 0,
                "aggs": {"documents": {"terms": {"field": "document_key", "size": 1000}}},
            },
        )
    buckets = answer["aggregations"]["documents"]["buckets"]
    found = {bucket["key"]: bucket["doc_count"] for bucket in buckets}
    assert found == {f"docs/{name}": 1 for name in sample.DOCUMENTS}
    assert [job.status for job in cloud.jobs(TRAINING_JOB)] == ["Succeeded"]
    assert [(job.status, job.restart_times) for job in cloud.jobs(INGEST_JOB)] == [("Succeeded", 0)]
    private.pulumi("preview", "--stack", "local", "--expect-no-changes").check()


@pytest.fixture(scope="module")
def chat(private: Checkout, cloud: Cloud) -> Iterator[httpx.Client]:
    """Return a client of the edge with a token, whose questions reach the application."""
    token = private.make("token").check().output.strip()
    headers = {"Authorization": f"Bearer {token}", "Cache-Control": "no-cache"}
    url = cloud.outputs()["edge_url"]
    with httpx.Client(base_url=url, headers=headers, timeout=SEARCH_SECONDS) as client:
        yield client


def _is_answered(chat: httpx.Client) -> bool:
    """Ask; an error is in the application's form, and says that the search is why."""
    answer = chat.post("/api/ask", json={"question": QUESTION})
    body = answer.json()
    if answer.is_success:
        assert "five years" in body["answer"], body
        return True
    assert body["error"]["code"] == "search_unavailable", body
    assert body["error"]["message"]
    return False


def _set(opensearch: OpenSearch, settings: Mapping[str, Any]) -> None:
    opensearch.cluster.put_settings(body={"persistent": dict(settings)})


def _plain_up(private: Checkout) -> Finished:
    return private.pulumi("up", "--stack", "local", "--yes", "--skip-preview", "--suppress-outputs")


def _add_document(private: Checkout) -> None:
    text = "# Winter storage\n\nKeep the trays dry in winter, and the pump without water."
    (private.corpus / "docs" / "winter.md").write_text(text, encoding="utf-8")


def test_a_full_disk_stops_writes_and_no_questions_and_the_update_says_what_to_do(
    private: Checkout, cloud: Cloud, chat: httpx.Client
) -> None:
    index = cloud.outputs()["opensearch_inside"]["index_name"]
    assert _is_answered(chat)
    with cloud.opensearch("deployer") as opensearch:
        _set(opensearch, {**FULL, **OFTEN})

        def is_read_only() -> bool:
            found = opensearch.indices.get_settings(index=index, flat_settings=True)
            return found[index]["settings"].get(READ_ONLY_SETTING) == "true"

        wait_until(is_read_only, "the index takes no writes", 90.0)
    assert _is_answered(chat)
    report = private.make("drift", STACK="local")
    assert report.code != 0
    assert "(customrag:opensearch:Index) | was changed |" in report.output
    assert READ_ONLY_SETTING in report.output
    _add_document(private)
    failed = _plain_up(private)
    assert failed.code != 0
    assert str(DISK) in failed.words
    assert [job.restart_times for job in cloud.jobs(INGEST_JOB) if not job.succeeded] == [0]


def test_an_update_waits_for_the_disk_and_says_why_its_ingest_waits(
    private: Checkout, cloud: Cloud, chat: httpx.Client
) -> None:
    up = private.start_up(timeout_seconds=UP_SECONDS)
    with cloud.opensearch("deployer") as opensearch:
        up.until(lambda: "takes no writes: The disk of a node" in up.output(), "the warning")
        _set(opensearch, {**dict.fromkeys(FULL), **BREAKER})
        up.until(lambda: "waiting: The disk of an" in cloud.job_log(INGEST_JOB), "a waiting ingest")
        _set(opensearch, dict.fromkeys({**BREAKER, **OFTEN}))
    up.wait().check()
    with cloud.opensearch("reader") as opensearch:
        alias = cloud.outputs()["index_alias"]
        assert opensearch.count(index=alias)["count"] == len(sample.DOCUMENTS) + 1


def _node(private: Checkout) -> tuple[Behind, Resource]:
    behind = Behind(private)
    (found,) = [
        item
        for item in behind.resources()
        if (item.type, item.name) == ("alicloud:ecs/instance:Instance", "opensearch-data-1")
    ]
    return behind, found


def test_questions_fail_with_an_error_while_the_node_is_stopped_and_it_is_named(
    private: Checkout, cloud: Cloud, chat: httpx.Client
) -> None:
    _, node = _node(private)
    cloud.ecs("StopInstances", node.id)
    assert not _is_answered(chat)
    done = private.start_up(timeout_seconds=UP_SECONDS).wait()
    assert done.code != 0
    assert f"ECS instance {node.id}, the OpenSearch node" in done.words
    assert "is Stopped. Start it" in done.words


def test_a_lost_node_is_drift_and_comes_back_with_its_data_and_its_model(
    private: Checkout, cloud: Cloud, chat: httpx.Client
) -> None:
    behind, node = _node(private)
    behind.delete(node)
    report = private.make("drift", STACK="local")
    assert report.code != 0
    assert "`opensearch-data-1` (alicloud:ecs/instance:Instance) | is gone |" in report.output
    jobs = len(cloud.jobs(INGEST_JOB))
    private.start_up(timeout_seconds=UP_SECONDS).wait().check()
    assert _is_answered(chat)
    assert len(cloud.jobs(INGEST_JOB)) == jobs
    with cloud.opensearch("deployer") as opensearch:
        (model,) = _models(opensearch)

        def embeds() -> bool:
            with suppress(TransportError):
                body = {"text_docs": [QUESTION]}
                ml = opensearch.plugins.ml
                ml.predict(algorithm_name="text_embedding", model_id=model["id"], body=body)
                return True
            return False

        # ml-commons, or the node program, deploys it again.
        wait_until(embeds, "the model embeds", 120.0)


def test_a_renewed_certificate_interrupts_no_question(
    private: Checkout, cloud: Cloud, chat: httpx.Client
) -> None:
    address = urlsplit(cloud.outputs()["opensearch_url"])
    at = (str(address.hostname), int(address.port or 0))
    before = ssl.get_server_certificate(at)
    shown = private.pulumi("stack", "--stack", "local", "--show-urns").check().output
    (urn,) = [
        line.partition("URN: ")[2]
        for line in shown.splitlines()
        if line.endswith("tls:Certificate::opensearch-node")
    ]
    # As docs/how-to/opensearch-cluster.md says.
    arguments = ("--yes", "--skip-preview", "--suppress-outputs", "--replace", urn)
    private.pulumi("up", "--stack", "local", *arguments).check()

    def is_renewed() -> bool:
        assert _is_answered(chat)
        return ssl.get_server_certificate(at) != before

    wait_until(is_renewed, "the node shows its new certificate", 90.0)
    assert _is_answered(chat)
