"""What a stack declares, as the rooms of `ops` read it, and what a rehearsal replaces of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ops.declared import (
    DeclaredError,
    declared_values,
    is_pull_request,
    with_defaults,
    write_stack_file,
)
from ops.rehearse.overlay import replacements

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.dev.yaml").write_text(
        "config:\n  customrag:owner: us\n  customrag:llmApiKey:\n    secure: v1:abc\n"
    )
    (folder / "pr.template.yaml").write_text("config:\n  customrag:environment: pr\n")
    return tmp_path


def test_stack_file_is_read_without_its_secrets(root: Path) -> None:
    assert declared_values("dev", root=root) == {"customrag:owner": "us"}


def test_pull_request_stack_is_created_from_the_template_for_three_days(root: Path) -> None:
    assert declared_values("pr-7", root=root, now=NOW) == {
        "customrag:environment": "pr",
        "customrag:expiresAt": "2026-11-24T12:00:00Z",
    }


def test_pull_request_stack_with_a_file_keeps_its_expiry(root: Path) -> None:
    (root / "stacks/Pulumi.pr-7.yaml").write_text("config:\n  customrag:expiresAt: 'then'\n")
    assert declared_values("pr-7", root=root, now=NOW) == {"customrag:expiresAt": "then"}


def test_stack_without_a_file_is_refused_and_the_message_lists_the_files(root: Path) -> None:
    with pytest.raises(DeclaredError, match=r"stacks/Pulumi\.staging\.yaml.*files for dev"):
        declared_values("staging", root=root)


@pytest.mark.parametrize(
    ("stack", "is_one"),
    [("pr-7", True), ("rehearse-pr-7", True), ("pr-", False), ("pr-0", False), ("prod", False)],
)
def test_only_pr_and_a_number_names_a_pull_request_stack(stack: str, is_one: bool) -> None:
    assert is_pull_request(stack) is is_one


def test_rewritten_stack_file_keeps_its_encryption(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text("encryptionsalt: v1:abc\nconfig:\n  customrag:owner: before\n")
    write_stack_file(path, {"customrag:owner": "after"}, remark="Made by a test.")
    assert yaml.safe_load(path.read_text()) == {
        "encryptionsalt": "v1:abc",
        "config": {"customrag:owner": "after"},
    }


def _replaced(stack: str, **overrides: str) -> dict[str, object]:
    found = replacements(
        with_defaults(declared_values(stack)),
        account_id="1000000000000001",
        certificate_id="7-cn-hangzhou",
        corpus_dir="/a/copy",
        overrides=overrides,
    )
    return {item.key: item.value for item in found}


@pytest.mark.parametrize("stack", ["dev", "prod", "pr-1"])
def test_rehearsal_replaces_only_values_that_need_the_cloud(stack: str) -> None:
    assert _replaced(stack).keys() <= {
        "platform",
        "accountId",
        "imageId",
        "trainingImage",
        "embeddingModel",
        "llmModel",
        "elasticsearchProtocol",
        "chatCertificateId",
        "corpusDir",
    }


def test_value_replaced_by_the_user_is_listed_with_the_others() -> None:
    assert _replaced("dev", trainingNumTrainEpochs="1")["trainingNumTrainEpochs"] == "1"


def test_unknown_key_in_set_is_refused() -> None:
    with pytest.raises(DeclaredError, match="SET has 'trainingEpochs', which is not a config key"):
        _replaced("dev", trainingEpochs="1")
