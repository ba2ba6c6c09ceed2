"""Missing values of a stack's file are reported, and the rest is still checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.declare import encrypted_keys
from guardrails.preflight.prepare import SECRET, SET, prepare
from ops import pull_request
from stack_config.config import ConfigError

OPEN = ["accountId", "chatCertificateId", "elasticsearchPassword", "llmApiKey"]


def unset(*names: str) -> list[str]:
    return [f"customrag:{name}" for name in names]


def test_every_missing_value_of_dev_is_reported() -> None:
    prepared = prepare("dev", {}, {})
    assert [line.about for line in prepared.lines] == unset(*OPEN)
    assert all(
        f"customrag:{name}" in line.do for name, line in zip(OPEN, prepared.lines, strict=True)
    )
    assert "--secret" in prepared.lines[-1].do


def test_a_pr_stack_takes_missing_values_from_variables() -> None:
    given = {
        f"{SET}accountId": "1111222233334444",
        f"{SET}existingVpcId": "vpc-1",
        f"{SET}existingVswitchIds": "[vsw-1, vsw-2]",
        f"{SECRET}elasticsearchPassword": "one",
        f"{SECRET}llmApiKey": "two",
    }
    prepared = prepare("pr-1", {}, given)
    assert prepared.lines == ()
    assert prepared.subject.account_id == "1111222233334444"
    assert prepared.subject.config.existing.vswitch_ids == ("vsw-1", "vsw-2")


def test_a_pr_stack_is_advised_to_set_variables() -> None:
    dos = [line.do for line in prepare("pr-1", {}, {}).lines]
    assert [f"{SET}accountId" in dos[0], f"{SECRET}llmApiKey" in dos[-1]] == [True, True]
    assert not any("pulumi config" in do for do in dos)


def test_other_stacks_ignore_the_variables() -> None:
    assert prepare("dev", {}, {f"{SET}accountId": "1111222233334444"}).subject.account_id == ""


def test_preflight_and_pr_up_use_the_same_variables() -> None:
    assert (SET, SECRET) == (pull_request.SET, pull_request.SECRET)


def test_an_unencrypted_secret_is_reported_and_not_shown() -> None:
    prepared = prepare("dev", {"llmApiKey": "sk-plain"}, {})
    line = prepared.lines[-1]
    assert "unencrypted" in line.found
    assert "sk-plain" not in repr(prepared.lines)


def test_a_local_cloud_needs_no_secrets() -> None:
    prepared = prepare("dev", {}, {}, on_local_cloud=True)
    assert [line.about for line in prepared.lines] == unset("accountId", "chatCertificateId")


def test_a_stack_is_asked_for_the_passwords_of_its_engines_only() -> None:
    prepared = prepare("dev", {"searchEngines": "opensearch"}, {})
    expected = unset("accountId", "chatCertificateId", "llmApiKey", "opensearchPassword")
    assert [line.about for line in prepared.lines] == expected


def test_an_encrypted_value_counts_as_set(tmp_path: Path) -> None:
    file = tmp_path / "stacks" / "Pulumi.dev.yaml"
    file.parent.mkdir()
    file.write_text("config:\n  customrag:owner: us\n  customrag:llmApiKey:\n    secure: v1:x:y\n")
    assert encrypted_keys("dev", tmp_path) == {"llmApiKey"}


@pytest.mark.parametrize("text", ["[vsw-1", "[a: b: c]"])
def test_an_invalid_list_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a list"):
        prepare("pr-1", {}, {f"{SET}existingVswitchIds": text})
