"""`make up` of a stack in the cloud: one preflight, then one update that does not repeat it.

What it cannot prove: that the engine hands its environment on to the program.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from guardrails import preflight_mark
from tools import lifecycle, setup
from tools.actions import Request
from tools.paths import Paths

Started = list[tuple[list[str], Mapping[str, str]]]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """What is run, with its environment; the CLI knows one secret."""
    record: Started = []
    pulumi = tmp_path / "pulumi"
    pulumi.write_text('#!/bin/sh\n[ "$3" = customrag:llmApiKey ] && echo sk-of-the-stack\n')
    pulumi.chmod(0o755)
    (tmp_path / "checkout").mkdir()
    ready = SimpleNamespace(cli=SimpleNamespace(path=pulumi), environment=dict(os.environ))
    monkeypatch.setattr(setup, "set_up", lambda *_: ready)

    def shown(words: Sequence[object], *, cwd: Path, environment: Mapping[str, str]) -> int:
        record.append(([str(word) for word in words], environment))
        return 0

    monkeypatch.setattr(lifecycle, "run_shown", shown)
    return record


def up(paths: Paths) -> int:
    return lifecycle.up(paths, Request(stack="dev"), lifecycle.Options())


def test_the_update_is_told_that_the_preflight_was_made(paths: Paths, started: Started) -> None:
    assert up(paths) == 0
    (preflight, before), (update, after) = started
    assert preflight[1:] == [
        *("-m", "guardrails.preflight", "--stack", "dev", "--unless-switched-off"),
    ]
    assert update[1:4] == ["up", "--stack", "dev"]
    assert preflight_mark.VARIABLE not in before
    assert preflight_mark.holds(after[preflight_mark.VARIABLE], "dev", datetime.now(UTC))


def test_the_preflight_has_the_stacks_own_key_and_the_update_has_not(
    paths: Paths, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    up(paths)
    (words, before), (_, after) = started
    assert before["DASHSCOPE_API_KEY"] == "sk-of-the-stack"
    assert "sk-of-the-stack" not in " ".join(words)
    assert "DASHSCOPE_API_KEY" not in after


def test_nothing_is_updated_where_the_preflight_fails(
    paths: Paths, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_preflight", lambda *_: 1)
    assert up(paths) == 1
    assert started == []


MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stack", "later", "held"),
    [
        ("dev", timedelta(), True),
        ("dev", preflight_mark.HOLDS_FOR, True),
        ("dev", preflight_mark.HOLDS_FOR + timedelta(seconds=1), False),
        ("dev", timedelta(seconds=-1), False),
        ("prod", timedelta(), False),
    ],
)
def test_a_mark_speaks_for_its_stack_and_for_a_while(
    stack: str, later: timedelta, held: bool
) -> None:
    assert preflight_mark.holds(preflight_mark.mark("dev", MADE), stack, MADE + later) is held


@pytest.mark.parametrize("text", ["", "dev", "dev yes", "dev 2026-11-21T12:00:00"])
def test_what_is_no_mark_speaks_for_nothing(text: str) -> None:
    assert not preflight_mark.holds(text, "dev", MADE)
