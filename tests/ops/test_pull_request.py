"""What CI's environment gives to a pull request's stack."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import yaml

from ops import pull_request
from ops.declared import DeclaredError
from ops.engine import Engine, EngineError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class ScriptedEngine:
    """Takes what it is asked; secrets are kept apart."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.asked: list[tuple[str, ...]] = []
        self.secrets: dict[str, str] = {}

    def ask(self, *words: str, secret: str = "") -> str:
        if secret:
            self.secrets[words[-1]] = secret
            return ""
        self.asked.append(words)
        if self.refusal and words[:2] == ("stack", "init"):
            raise EngineError(self.refusal)
        return ""


@pytest.fixture
def stack_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stacks").mkdir()
    monkeypatch.setattr(pull_request, "ROOT", tmp_path)
    return tmp_path / "stacks" / "Pulumi.pr-7.yaml"


def prepare(environment: dict[str, str]) -> ScriptedEngine:
    engine = ScriptedEngine()
    pull_request.prepare("pr-7", cast(Engine, engine), environment, NOW)
    return engine


def test_account_and_network_come_from_the_environment(stack_file: Path) -> None:
    prepare(
        {
            "CUSTOMRAG_SET_accountId": "1234567890123456",
            "CUSTOMRAG_SET_existingVpcId": "vpc-1",
            "CUSTOMRAG_SET_existingVswitchIds": "[vsw-1, vsw-2]",
        }
    )
    config = yaml.safe_load(stack_file.read_text())["config"]
    assert config["customrag:accountId"] == "1234567890123456"
    assert config["customrag:existingVpcId"] == "vpc-1"
    assert config["customrag:existingVswitchIds"] == ["vsw-1", "vsw-2"]
    assert config["customrag:expiresAt"] == "2026-11-24T12:00:00Z"


def test_unset_variable_changes_nothing(stack_file: Path) -> None:
    prepare({"CUSTOMRAG_SET_existingVpcId": ""})
    assert "customrag:existingVpcId" not in yaml.safe_load(stack_file.read_text())["config"]


def test_broken_list_is_refused_before_the_stack_is_created(stack_file: Path) -> None:
    with pytest.raises(DeclaredError, match=r"write it like \[vsw-1, vsw-2\]"):
        prepare({"CUSTOMRAG_SET_existingVswitchIds": "[vsw-1, vsw-2"})
    assert not stack_file.exists()


def test_secret_is_in_no_file(stack_file: Path) -> None:
    engine = prepare({"CUSTOMRAG_SECRET_llmApiKey": "sk-1"})
    assert engine.secrets == {"customrag:llmApiKey": "sk-1"}
    assert "sk-1" not in stack_file.read_text()


def test_existing_stack_is_used(stack_file: Path) -> None:
    engine = ScriptedEngine("error: stack 'organization/customrag/pr-7' already exists")
    pull_request.prepare("pr-7", cast(Engine, engine), {"CUSTOMRAG_SECRET_llmApiKey": "s"}, NOW)
    assert engine.secrets


@pytest.mark.usefixtures("stack_file")
def test_stack_that_cannot_be_created_is_an_error() -> None:
    with pytest.raises(EngineError, match="AccessDenied"):
        pull_request.prepare("pr-7", cast(Engine, ScriptedEngine("AccessDenied")), {}, NOW)


def test_another_stack_is_refused() -> None:
    with pytest.raises(DeclaredError, match="pr-<number>"):
        pull_request.prepare("prod", cast(Engine, ScriptedEngine()), {}, NOW)
