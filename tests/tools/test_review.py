"""The commands and backends of `make cost`, `preview-comment`, `changed-stacks` and `drift`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools import cli, review, setup
from tools.paths import Paths

PULUMI = cli.Cli(path=Path("/opt/pulumi/bin/pulumi"), version=(3, 259, 0), brings_host=True)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")
    found.python.parent.mkdir(parents=True)
    found.python.touch()
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], str]]:
    """Record the words and the backend of each command."""
    found: list[tuple[list[str], str]] = []

    def run_module(paths: Paths, environment: Mapping[str, str], *words: str) -> int:
        found.append((list(words), environment.get("OF_STACK", "")))
        return 7

    def set_up_stack(paths: Paths, stack: str, display: object) -> dict[str, str]:
        return {"OF_STACK": stack}

    monkeypatch.setattr(review, "run_module", run_module)
    monkeypatch.setattr(cli, "find", lambda paths: PULUMI)
    monkeypatch.setattr(setup, "set_up_stack", set_up_stack)
    for name in ("PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "no-login"))
    return found


def run(paths: Paths, *words: str) -> int | None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    review.add_commands(commands)
    commands.add_parser("up")
    return review.run(paths, parser.parse_args(words))


def test_a_preflight_needs_no_pulumi(
    paths: Paths, started: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "find", lambda paths: pytest.fail("a CLI was looked for"))
    assert run(paths, "preflight", "--stack", "dev") == 7
    assert started == [(["guardrails.preflight", "--stack", "dev"], "")]


def test_cost_needs_no_backend(paths: Paths, started: list[tuple[list[str], str]]) -> None:
    assert run(paths, "cost", "--stack", "prod", "--json") == 7
    assert started == [(["guardrails.cost", "--stack", "prod", "--json"], "")]


def test_a_comment_without_a_login_compares_declarations(
    paths: Paths, started: list[tuple[list[str], str]]
) -> None:
    assert run(paths, "preview-comment", "--stack", "dev", "--base", "main") == 7
    words = ["ops.review", "comment", "--stack", "dev", "--base", "main", "--how", "declared"]
    assert started == [(words, "")]


def test_a_comment_with_a_login_may_use_the_engine(
    paths: Paths, started: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    assert run(paths, "preview-comment", "--stack", "dev", "--output", "c.md") == 7
    assert started == [(["ops.review", "comment", "--stack", "dev", "--output", "c.md"], "dev")]


def test_all_stacks_are_compared_by_their_declarations(
    paths: Paths, started: list[tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "token")
    run(paths, "preview-comment", "--stack", "all")
    assert started[0][0][-2:] == ["--how", "declared"]


def test_drift_uses_the_stacks_backend(paths: Paths, started: list[tuple[list[str], str]]) -> None:
    assert run(paths, "drift", "--stack", "prod") == 7
    assert started == [(["ops.review", "drift", "--stack", "prod"], "prod")]


def test_changed_stacks_are_named_without_a_backend(
    paths: Paths, started: list[tuple[list[str], str]]
) -> None:
    assert run(paths, "changed-stacks", "--base", "v1") == 7
    assert run(paths, "changed-stacks", "--json") == 7
    words = [words for words, _ in started]
    assert words == [["ops.review", "changed", "--base", "v1"], ["ops.review", "changed", "--json"]]
    assert {backend for _, backend in started} == {""}


def test_other_commands_are_not_handled(paths: Paths, started: list[tuple[list[str], str]]) -> None:
    assert run(paths, "up") is None
    assert started == []
