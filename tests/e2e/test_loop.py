"""The whole loop of a user: up, ask, drift, change, refusal, down.

What it cannot prove: that answers are good (`make eval`), and that Alibaba Cloud accepts the same
program.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.e2e import sample
from tests.e2e.checkout import Checkout, Finished, wait_until
from tests.e2e.cloud import INGEST_JOB, TRAINING_JOB, Cloud, kill_tree
from tests.e2e.network import ConnectionWatch, is_this_machine, listening

pytestmark = pytest.mark.e2e

# Two nodes of the embedding service, because one fails later.
CONFIGURATION = {"trainingNumTrainEpochs": "1", "embeddingNodes": "2"}
UP_SECONDS = 900.0
QUESTION = "How long is the warranty on the flume board?"
SOURCE = "docs/20-warranty.md"
# All different, because the edge caches answers.
OTHER_QUESTIONS = (
    "What does alarm W2 tell me?",
    "How do I clear alarm W7?",
    "How do I prime the dosing pump?",
    "What does a service code mean?",
)


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """Return a mapping in which a step keeps facts for a later step."""
    return {}


def _up(private: Checkout) -> Finished:
    return private.start_up(timeout_seconds=UP_SECONDS).wait()


def _nothing_to_do(private: Checkout) -> None:
    private.pulumi("preview", "--stack", "local", "--expect-no-changes").check()


def _operations(private: Checkout) -> dict[str, str]:
    """Return the operation that a preview plans for each changed resource, by name."""
    done = private.pulumi("preview", "--stack", "local", "--json").check()
    steps = json.loads(done.output[done.output.index("{\n") :])["steps"]
    return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] != "same"}


def _refreshed(private: Checkout) -> dict[str, str]:
    """Run `pulumi refresh`; return its sign for each resource with drift, by name."""
    done = private.pulumi("refresh", "--stack", "local", "--yes", "--skip-preview").check()
    lines = re.findall(r"^ +([~-]) +\S+ +(\S+) +(?:updated|deleted)", done.output, re.MULTILINE)
    return {name: sign for sign, name in lines}


ATTACHED = {"attachmentCount", "roleName"}
"""Outputs of policies and instances that an attachment changes after their creation."""


def _without_attached(resources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            **resource,
            "outputs": {
                key: value
                for key, value in (resource["outputs"] or {}).items()
                if key not in ATTACHED
            },
        }
        for name, resource in resources.items()
    }


def test_up_succeeds_with_a_summary(private: Checkout, facts: dict[str, Any]) -> None:
    facts["files"] = private.files()
    with ConnectionWatch(private) as watch:
        done = _up(private).check()
    facts["strangers"] = watch.strangers
    assert "documents 8 whole; 8 chunks indexed, 8 documents embedded by the last" in done.words
    assert re.search(r"^training   kept the (tuned|base) model", done.output, re.MULTILINE)
    assert "17 questions trained on, 9 held out" in done.words
    assert re.search(r"^time +\d+:\d\d in all, pulumi", done.output, re.MULTILINE)
    assert re.search(
        r"^chat page +http://127\.\d+\.\d+\.\d+:8787/#code=\S+$", done.output, re.MULTILINE
    )
    assert "Asked: What does alarm W1 tell me?" in done.output
    assert "Sources:" in done.output


def test_the_local_stack_connects_to_this_machine_only(
    private: Checkout, facts: dict[str, Any]
) -> None:
    assert facts["strangers"] == []
    for process in private.processes():
        for connection in process.net_connections("inet"):
            assert is_this_machine(connection.laddr.ip), (process.cmdline(), connection)


def test_a_question_is_answered_with_its_source(private: Checkout, cloud: Cloud) -> None:
    bucket = cloud.outputs()["buckets"]["corpus"]
    answer, _, sources = private.make("ask", Q=QUESTION).check().words.partition("Sources:")
    assert "five years" in answer
    assert f"oss://{bucket}/corpus/{SOURCE} " in sources


def test_a_second_up_changes_nothing_and_a_refresh_finds_no_drift(
    private: Checkout, cloud: Cloud
) -> None:
    before = cloud.exported()
    done = _up(private).check()
    assert "nothing has changed" in done.output
    after = cloud.exported()
    assert _without_attached(after) == _without_attached(before)
    # The refresh of the second update has recorded them, so another one finds nothing new.
    private.pulumi("refresh", "--stack", "local", "--yes", "--expect-no-changes").check()
    assert cloud.exported() == after


def test_refresh_finds_a_deleted_object_and_a_deleted_index(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    outputs = cloud.outputs()
    facts["training job"] = cloud.exported()["embedding-model"]["outputs"]["jobId"]
    cloud.bucket(outputs["buckets"]["corpus"]).delete_object(f"corpus/{SOURCE}")
    with cloud.search(outputs["elasticsearch_url"]) as client:
        client.indices.delete(index=outputs["index_name"])
        client.indices.create(index="another")
        client.indices.put_alias(index="another", name=outputs["index_alias"])
    report = private.make("drift", STACK="local")
    assert report.code != 0
    assert (
        "| `knowledge` | `knowledge` (customrag:elasticsearch:Index) | is gone |" in report.output
    )
    assert "| `corpus` | `corpus` (customrag:oss:Corpus) | was changed |" in report.output
    assert "embedding-model" not in report.output
    drift = _refreshed(private)
    assert drift["corpus"] == "~"
    assert drift["knowledge"] == "-"
    assert drift["knowledge-alias"] == "~"
    assert "embedding-model" not in drift


def test_the_next_up_repairs_the_drift(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    _up(private).check()
    outputs = cloud.outputs()
    with cloud.search(outputs["elasticsearch_url"]) as client:
        assert list(client.indices.get_alias(name=outputs["index_alias"])) == [
            outputs["index_name"]
        ]
        client.indices.delete(index="another")
    indexed = cloud.indexed(outputs["elasticsearch_url"], outputs["index_name"])
    assert indexed == {f"docs/{name}": 1 for name in sample.DOCUMENTS}
    assert cloud.exported()["embedding-model"]["outputs"]["jobId"] == facts["training job"]
    assert len(cloud.jobs(TRAINING_JOB)) == 1
    _nothing_to_do(private)


def test_a_preview_names_the_changed_documents_and_does_not_retrain(
    private: Checkout, checkout: Any
) -> None:
    docs = private.corpus / "docs"
    warranty = docs / "20-warranty.md"
    warranty.write_text(warranty.read_text("utf-8").replace("five years", "seven years"), "utf-8")
    shutil.copy2(checkout.checkout / "examples/corpus/docs/09-drip-ledger.md", docs)
    (docs / "16-mobile-app.md").unlink()
    shown = private.make("preview").check().output
    assert "corpus: 1 changed, 1 added, 1 removed; 6 unchanged" in shown
    for sign, name in (("~", "20-warranty"), ("+", "09-drip-ledger"), ("-", "16-mobile-app")):
        assert re.search(rf"^ +{re.escape(sign)} docs/{name}\.md", shown, re.MULTILINE), shown
    named = set(re.findall(r"docs/[\w.-]+", shown))
    assert named == {
        f"docs/{name}.md" for name in ("20-warranty", "09-drip-ledger", "16-mobile-app")
    }
    # The edge gets a new version, so that it does not return cached answers.
    changed = ("corpus", "knowledge-ingest", "edge")
    assert _operations(private) == dict.fromkeys(changed, "update")


def test_the_next_up_embeds_only_changed_documents(
    private: Checkout, cloud: Cloud, facts: dict[str, Any]
) -> None:
    _up(private).check()
    outputs = cloud.outputs()
    ingest = outputs["ingest"]
    assert ingest == {
        "documents": 8,
        "chunks": 8,
        "embedded_documents": 2,
        "unchanged_documents": 6,
        "removed_documents": 1,
        "read_whole": 8,
        "read_in_part": 0,
        "unread": 0,
        "set_aside": [],
        "in_part": [],
        "unknown_languages": {},
    }
    expected = {*sample.DOCUMENTS, "09-drip-ledger.md"} - {"16-mobile-app.md"}
    indexed = cloud.indexed(outputs["elasticsearch_url"], outputs["index_name"])
    assert indexed == {f"docs/{name}": 1 for name in expected}
    assert cloud.exported()["embedding-model"]["outputs"]["jobId"] == facts["training job"]
    keys = _object_keys(cloud, outputs)
    assert keys == {f"docs/{name}" for name in expected} | {"manifest.json", "questions.jsonl"}


def _object_keys(cloud: Cloud, outputs: dict[str, Any]) -> set[str]:
    listed = cloud.bucket(outputs["buckets"]["corpus"]).list_objects_v2("corpus/", max_keys=1000)
    return {entry.key.removeprefix("corpus/") for entry in listed.object_list}


def test_answers_follow_the_documents(private: Checkout) -> None:
    answer = private.make("ask", Q=QUESTION).check().words
    assert "seven years" in answer
    assert "five years" not in answer
    gone = private.make("ask", Q="How many phones can be paired?").check().output
    assert "16-mobile-app" not in gone


def test_questions_are_answered_while_an_embedding_node_is_down(
    private: Checkout, cloud: Cloud
) -> None:
    """Kill its service during questions, then stop the node, as a failed zone does."""
    urls = cloud.outputs()["embedding_urls"]
    assert len(set(urls)) == 2
    resources = cloud.exported()
    zones = {
        resources[name]["inputs"]["availabilityZone"]
        for name in ("embedding-node", "embedding-node-2")
    }
    assert len(zones) == 2
    # The first node: an application with only one URL would use it.
    node = resources["embedding-node"]["id"]
    first, second, *rest = OTHER_QUESTIONS
    asked = [private.start_make("ask", Q=first, timeout_seconds=120.0)]
    kill_tree(cloud.pid(lambda name: name == f"ecs/{node}/customrag-embedding"))
    asked.append(private.start_make("ask", Q=second, timeout_seconds=120.0))
    cloud.ecs("StopInstances", node)
    assert not _is_healthy(urls[0])
    answers = [running.wait() for running in asked]
    answers += [private.make("ask", Q=question) for question in rest]
    for answer in answers:
        assert "Sources:" in answer.check().words
    cloud.ecs("StartInstances", node)
    wait_until(lambda: _is_healthy(urls[0]), "the node answers again", 120.0)


def _is_healthy(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{url}/health", trust_env=False).status_code == httpx.codes.OK
    return False


def test_an_unreadable_file_is_skipped_with_its_reason_and_nothing_else_is_lost(
    private: Checkout, cloud: Cloud
) -> None:
    sample.add_corrupt_pdf(private.corpus, "41-scan.pdf")
    done = _up(private).check()
    assert "1 unread;" in done.words
    assert "- docs/41-scan.pdf: the PDF is damaged" in done.words
    outputs = cloud.outputs()
    ingest = outputs["ingest"]
    assert [entry["document"] for entry in ingest["set_aside"]] == ["docs/41-scan.pdf"]
    assert ingest["set_aside"][0]["reason"]
    assert (ingest["documents"], ingest["chunks"], ingest["embedded_documents"]) == (8, 8, 0)
    indexed = cloud.indexed(outputs["elasticsearch_url"], outputs["index_name"])
    assert len(indexed) == 8
    assert "docs/41-scan.pdf" not in indexed
    listed = private.make("documents").check()
    assert "8 whole, 0 part, 1 unread, 0 skipped" in listed.words
    assert "unread - docs/41-scan.pdf ! the PDF is damaged" in listed.words
    _nothing_to_do(private)


def test_a_wrong_dimension_is_refused_before_any_change(private: Checkout, cloud: Cloud) -> None:
    before, jobs = cloud.exported(), len(cloud.jobs(INGEST_JOB))
    key = "customrag:embeddingDimension"
    private.pulumi("config", "set", key, "768", "--stack", "local").check()
    refused = _up(private)
    private.pulumi("config", "rm", key, "--stack", "local").check()
    assert refused.code != 0
    assert "embeddingDimension is 768; all-MiniLM-L6-v2 makes embeddings" in refused.words
    assert cloud.exported() == before
    assert len(cloud.jobs(INGEST_JOB)) == jobs


def test_down_leaves_no_process_no_port_and_no_file(
    private: Checkout, facts: dict[str, Any]
) -> None:
    prefix = private.platform().loopback_prefix
    assert listening(prefix)
    done = private.make("down", timeout_seconds=300.0).check()
    assert str(private.paths.cache) in done.output
    assert private.processes() == []
    assert listening(prefix) == []
    assert private.files() == facts["files"]
