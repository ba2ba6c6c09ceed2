"""The whole program under mocks: types, names, inputs. Cannot prove how the cloud behaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.conftest import CLOUD_CONFIG, LOCAL_CONFIG, Recorder

Run = Callable[..., Recorder]


def test_local_program_declares_every_part(run_program: Run) -> None:
    recorder = run_program(LOCAL_CONFIG)
    counts: dict[str, int] = {}
    for args in recorder.declared:
        counts[args.typ] = counts.get(args.typ, 0) + 1
    assert counts["alicloud:oss/bucket:Bucket"] == 2
    assert counts["alicloud:ecs/instance:Instance"] == 2
    assert counts["alicloud:ram/role:Role"] == 4
    assert counts["customrag:pai:DlcJob"] == 1
    assert counts["customrag:rag:IngestRun"] == 1
    assert counts["customrag:elasticsearch:Alias"] == 1


@pytest.mark.parametrize("config", [LOCAL_CONFIG, CLOUD_CONFIG], ids=["local", "cloud"])
def test_first_preview_works_while_every_computed_output_is_unknown(
    run_program: Run, config: dict[str, str]
) -> None:
    recorder = run_program(config, preview=True)
    assert "customrag:elasticsearch:Alias" in {args.typ for args in recorder.declared}


def test_a_stack_without_elasticsearch_needs_no_password_for_it(run_program: Run) -> None:
    config = {key: value for key, value in CLOUD_CONFIG.items() if key != "elasticsearchPassword"}
    given = {**config, "searchEngines": "opensearch", "opensearchPassword": "Secret-5678"}
    for preview in (False, True):
        recorder = run_program(given, preview=preview)
        assert len(recorder.of_type("customrag:opensearch:Alias")) == 1


def test_a_local_stack_answers_with_the_language_model_that_is_given(run_program: Run) -> None:
    def chat(**config: str) -> tuple[str, str]:
        recorder = run_program({**LOCAL_CONFIG, **config})
        nodes = recorder.of_type("alicloud:ecs/instance:Instance")
        (data,) = [node["userData"] for name, node in nodes.items() if "chat" in name]
        return base64.b64decode(data).decode(), str(recorder.of_type("alicloud:kms/secret:Secret"))

    own, keys = chat()
    assert "http://127.83.0.4:8080/compatible-mode/v1" in own
    assert "sk-local" in keys
    given, keys = chat(llmBaseUrl="http://127.0.0.1:11434/v1", llmModel="qwen3:4b")
    assert "http://127.0.0.1:11434/v1" in given
    assert "qwen3:4b" in given
    assert "sk-local" not in keys
    _, keys = chat(llmBaseUrl="http://127.0.0.1:11434/v1", llmApiKey="sk-mine")
    assert "sk-mine" in keys


def test_local_and_cloud_programs_declare_the_same_resources(run_program: Run) -> None:
    local = {(args.typ, args.name) for args in run_program(LOCAL_CONFIG).declared}
    cloud = {(args.typ, args.name) for args in run_program(CLOUD_CONFIG).declared}
    assert local == cloud


def test_buckets_are_private_versioned_and_encrypted(run_program: Run) -> None:
    recorder = run_program(CLOUD_CONFIG)
    blocks = recorder.of_type("alicloud:oss/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert [inputs["blockPublicAccess"] for inputs in blocks.values()] == [True] * 2
    acls = recorder.of_type("alicloud:oss/bucketAcl:BucketAcl")
    assert {inputs["acl"] for inputs in acls.values()} == {"private"}
    versioning = recorder.of_type("alicloud:oss/bucketVersioning:BucketVersioning")
    assert {inputs["status"] for inputs in versioning.values()} == {"Enabled"}
    encryption = recorder.of_type(
        "alicloud:oss/bucketServerSideEncryption:BucketServerSideEncryption"
    )
    assert {inputs["sseAlgorithm"] for inputs in encryption.values()} == {"AES256"}


def test_no_resource_has_a_public_address(run_program: Run) -> None:
    recorder = run_program(CLOUD_CONFIG)
    for inputs in recorder.of_type("alicloud:ecs/instance:Instance").values():
        assert inputs["internetMaxBandwidthOut"] == 0
    (cluster,) = recorder.of_type("alicloud:elasticsearch/instance:Instance").values()
    assert cluster["enablePublic"] is False
    assert cluster["privateWhitelists"] == ["10.20.0.0/16"]


def test_no_policy_grants_all_actions_of_a_service(run_program: Run) -> None:
    recorder = run_program(CLOUD_CONFIG)
    for name, inputs in recorder.of_type("alicloud:ram/policy:Policy").items():
        for statement in json.loads(inputs["policyDocument"])["Statement"]:
            assert all(not action.endswith("*") for action in statement["Action"]), name
            assert "*" not in statement["Resource"], name


def test_no_secret_is_in_user_data_or_in_a_job(run_program: Run) -> None:
    recorder = run_program(CLOUD_CONFIG)
    texts = [
        base64.b64decode(inputs["userData"]).decode()
        for inputs in recorder.of_type("alicloud:ecs/instance:Instance").values()
    ]
    for typ in ("customrag:pai:DlcJob", "customrag:rag:IngestRun"):
        texts += [json.dumps(inputs) for inputs in recorder.of_type(typ).values()]
    for text in texts:
        assert "Secret-1234" not in text
        assert "sk-secret" not in text


def test_every_taggable_resource_carries_the_standard_tags(run_program: Run) -> None:
    recorder = run_program(CLOUD_CONFIG)
    tagged = [args for args in recorder.declared if "tags" in args.inputs]
    assert len(tagged) > 15
    for args in tagged:
        tags: dict[str, Any] = args.inputs["tags"]
        assert {"project", "stack", "owner", "cost-center", "managed-by"} <= tags.keys(), args.name


def test_a_local_stack_uses_the_local_plugin_and_a_cloud_stack_does_not(run_program: Run) -> None:
    local = run_program(LOCAL_CONFIG).of_type("pulumi:providers:alicloud")["alicloud"]
    cloud = run_program(CLOUD_CONFIG).of_type("pulumi:providers:alicloud")["alicloud"]
    assert "sharedCredentialsFile" in local
    assert cloud.keys() <= {"region"}


def test_a_changed_document_changes_ingest_but_not_training(
    run_program: Run, corpus_dir: Any
) -> None:
    before = run_program(LOCAL_CONFIG)
    (corpus_dir / "docs" / "a.md").write_text("# A\n\nThe pump runs at 60 bar.\n")
    after = run_program(LOCAL_CONFIG)
    jobs = "customrag:pai:DlcJob", "customrag:rag:IngestRun"
    assert before.of_type(jobs[0]) == after.of_type(jobs[0])
    assert before.of_type(jobs[1]) != after.of_type(jobs[1])


def test_a_pinned_index_is_served_by_its_own_model_and_others_stay(
    run_program: Run,
) -> None:
    recorder = run_program({**LOCAL_CONFIG, "pinnedIndex": "customrag-former"})
    assert recorder.of_type("customrag:elasticsearch:Index") == {}
    (run,) = recorder.of_type("customrag:rag:IngestRun").values()
    assert (run["documents"], run["indexName"]) == ({}, "customrag-former")
    assert run["userCommand"].endswith(" --as-it-is")
    (alias,) = recorder.of_type("customrag:elasticsearch:Alias").values()
    assert (alias["indexName"], alias["keepIndices"]) == ("customrag-former", 1)
    node = recorder.of_type("alicloud:ecs/instance:Instance")["embedding-node"]
    text = base64.b64decode(node["userData"]).decode()
    assert "oss://artifacts/training/former/model/" in text
    (url,) = alias["meta"]["embedding_urls"]
    assert url.startswith("http://unknown-yet.embedding-node.")
    # The training job is unchanged, so that unpinning trains nothing.
    job = "customrag:pai:DlcJob"
    assert recorder.of_type(job) == run_program(LOCAL_CONFIG).of_type(job)


@pytest.mark.parametrize("engines", ["opensearch", "opensearch,elasticsearch"])
def test_an_index_of_opensearch_can_be_pinned_where_it_serves(
    run_program: Run, engines: str
) -> None:
    pinned = {"searchEngines": engines, "pinnedIndex": "customrag-former"}
    recorder = run_program({**LOCAL_CONFIG, **pinned})
    assert recorder.of_type("customrag:opensearch:Index") == {}
    (alias,) = recorder.of_type("customrag:opensearch:Alias").values()
    assert alias["indexName"] == "customrag-former"
    runs = recorder.of_type("customrag:rag:IngestRun")
    assert runs["opensearch-knowledge-ingest"]["userCommand"].endswith(" --as-it-is")
    # The other engine has an index of its own, which stays as it is.
    others = recorder.of_type("customrag:elasticsearch:Alias").values()
    assert "customrag-former" not in [other["indexName"] for other in others]
    node = recorder.of_type("alicloud:ecs/instance:Instance")["embedding-node"]
    text = base64.b64decode(node["userData"]).decode()
    assert "oss://artifacts/training/former/model/" in text


def test_pinning_an_index_of_the_present_model_replaces_no_node(
    run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"modelVersion": "0123456789ab", "modelUri": "oss://artifacts/elsewhere/"}
    monkeypatch.setattr(
        "tests.infra.conftest.answer_of", lambda token, arguments: {**arguments, **answer}
    )
    pinned = run_program({**LOCAL_CONFIG, "pinnedIndex": "customrag-former"})
    node = "alicloud:ecs/instance:Instance"
    assert pinned.of_type(node) == run_program(LOCAL_CONFIG).of_type(node)


def test_a_first_preview_works_with_a_pinned_index(
    run_program: Run,
) -> None:
    recorder = run_program({**LOCAL_CONFIG, "pinnedIndex": "customrag-former"}, preview=True)
    assert "customrag:elasticsearch:Alias" in {args.typ for args in recorder.declared}


def test_tear_down_does_not_look_up_the_pinned_index(
    run_program: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(token: str, arguments: Any) -> Any:
        raise AssertionError(token)

    monkeypatch.setattr("tests.infra.conftest.answer_of", refuse)
    run_program({**LOCAL_CONFIG, "pinnedIndex": "customrag-former", "tearDown": "test"})
