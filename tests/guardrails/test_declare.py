"""`guardrails.declare`: what it reports and what it refuses, without engine or network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guardrails.declare import (
    DeclareError,
    declare,
    is_unknown,
    listing,
    stack_config,
    stack_file,
)
from guardrails.placeholders import UnknownTypeError, outputs_of, unknown
from stack_config.config import ConfigError
from tests.support.stacks import declared, named

INSTANCE = "alicloud:ecs/instance:Instance"
ROOT = Path(__file__).resolve().parents[2]


def test_a_value_built_from_an_unknown_output_is_unknown() -> None:
    node = named(declared("dev"), "embedding-node", INSTANCE)
    assert node["vswitchId"] == "unknown-yet.network-vswitch-cn-hangzhou-h.id"
    assert is_unknown(node["vswitchId"])
    assert not is_unknown(node["instanceType"])


def test_the_listing_has_a_line_for_each_resource_under_its_component() -> None:
    resources = declared("dev")
    lines = listing(resources).splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert [line.split()[-1] for line in lines if line.startswith(" ")] == [
        item.name for item in resources
    ]
    assert sorted(set(heads)) == sorted({item.component for item in resources})
    assert "  alicloud:kms:Secret                     search-password" in lines


def test_a_preview_declares_the_same_resources_with_fewer_known_values() -> None:
    known, unknown_yet = declared("dev"), declared("dev", preview=True)
    assert [item.urn for item in known] == [item.urn for item in unknown_yet]
    index = named(unknown_yet, "knowledge", "customrag:elasticsearch:Index")
    assert is_unknown(index["endpoint"])


def test_urns_have_the_types_of_all_parents_except_the_stack() -> None:
    (node,) = [
        item for item in declared("dev") if item.name == "embedding-node" and item.type == INSTANCE
    ]
    types = (
        "customrag:nodes:EmbeddingNode$customrag:nodes:ServiceNode$alicloud:ecs/instance:Instance"
    )
    assert node.urn == f"urn:pulumi:dev::customrag::{types}::embedding-node"
    assert node.component == "embedding-node"
    assert node.parent.endswith("customrag:nodes:ServiceNode::embedding-node")


def test_secret_inputs_are_recorded() -> None:
    (secret,) = [item for item in declared("dev") if item.name == "search-password"]
    assert "secretData" in secret.secrets


def test_protection_is_recorded() -> None:
    buckets = [item for item in declared("prod") if item.type == "alicloud:oss/bucket:Bucket"]
    assert buckets
    assert all(item.protect for item in buckets)
    assert not any(item.protect for item in declared("dev"))


def test_the_result_has_no_path_of_this_machine() -> None:
    text = json.dumps([item.inputs for item in declared("dev")])
    # The checkout itself may be below that folder.
    assert "/tmp/" not in text.replace(str(ROOT), "")


def test_given_config_overrides_the_stacks_file() -> None:
    found = declare("dev", config={"embeddingInstanceType": "ecs.gn7i-c16g1.4xlarge"})
    assert named(found, "embedding-node", INSTANCE)["instanceType"] == "ecs.gn7i-c16g1.4xlarge"


def test_the_engine_of_the_caller_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_MONITOR", "127.0.0.1:9")
    monkeypatch.setenv("PULUMI_CONFIG", '{"customrag:owner": "engine"}')
    found = declare("pr-7", template=True)
    assert named(found, "network", "alicloud:vpc/network:Network")["tags"]["owner"] != "engine"


def test_an_invalid_configuration_is_a_config_error_with_the_key() -> None:
    with pytest.raises(ConfigError, match=r"customrag:trainingSeed is 'x'; give a whole number"):
        declare("dev", config={"trainingSeed": "x"})


def test_a_failing_program_is_an_error_with_its_output() -> None:
    with pytest.raises(DeclareError, match="it must be a range inside"):
        declare("dev", config={"cidrBlock": "8.8.0.0/16"})


def test_a_stack_without_a_file_is_an_error_that_lists_the_stacks() -> None:
    with pytest.raises(ConfigError, match=r"stack 'staging' has no file.*dev.*prod"):
        stack_file("staging")


def test_a_pull_request_stack_uses_the_template_until_it_has_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "stacks"
    folder.mkdir()
    template, own = folder / "pr.template.yaml", folder / "Pulumi.pr-7.yaml"
    template.write_text("config: {}\n")
    assert stack_file("pr-7", tmp_path) == template
    own.write_text("config: {}\n")
    assert stack_file("pr-7", tmp_path) == own
    assert stack_file("pr-7", tmp_path, template=True) == template


def test_config_values_are_text_and_encrypted_ones_are_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text(
        "config:\n  customrag:zoneIds: {type: array, default: [a, b]}\n"
        "  customrag:trainingSeed: {type: integer, default: 42}\n"
        "  customrag:owner: {type: string}\n"
    )
    (tmp_path / "stacks" / "Pulumi.x.yaml").write_text(
        "encryptionsalt: v1:abc\nconfig:\n  customrag:forceDestroy: true\n"
        "  customrag:llmApiKey: {secure: v1:abc}\n  aws:region: elsewhere\n"
    )
    assert stack_config("x", tmp_path) == {
        "zoneIds": '["a", "b"]',
        "trainingSeed": "42",
        "forceDestroy": "true",
    }


def test_a_mapping_as_a_config_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("config: {}\n")
    (tmp_path / "stacks" / "Pulumi.x.yaml").write_text("config:\n  customrag:owner: {a: 1}\n")
    with pytest.raises(ConfigError, match=r"customrag:owner is \{'a': 1\}"):
        stack_config("x", tmp_path)


def test_the_command_line_prints_a_line_for_each_resource() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "guardrails.declare", "--stack", "pr-7", "--set", "owner=me"],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(" ")]
    assert len(lines) == len(declared("pr-7"))
    assert any(line.split()[0] == "alicloud:vpc:Network" for line in lines)


@pytest.mark.parametrize(
    "token",
    [
        "alicloud:oss/bukket:Bukket",
        "alicloud:nothing/here:Here",
        "aws:s3/bucket:Bucket",
        "customrag:oss:Nothing",
    ],
)
def test_an_unknown_type_is_refused(token: str) -> None:
    with pytest.raises(UnknownTypeError, match=r"'it' is of type"):
        outputs_of(token, "it", {})


def test_placeholders_have_the_type_of_the_output_and_inputs_are_kept() -> None:
    outputs = outputs_of(INSTANCE, "node", {"instanceType": "ecs.g7.large"})
    assert outputs["instanceType"] == "ecs.g7.large"
    assert outputs["privateIp"] == unknown("node", "privateIp")
    assert outputs["cpu"] == 0
    assert outputs["securityGroups"] == []
