"""`make up` of a stack in the cloud: one preflight, then one update that does not repeat it.

What it cannot prove: that the engine passes its environment on to the program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from guardrails import preflight_mark
from ops.engine import Engine
from ops.stack import update

# Adds its arguments, the preflight's mark and the model's key to a record.
RECORD = """\
#!/bin/sh
[ "$3" = customrag:llmApiKey ] && echo sk-of-the-stack && exit
echo "$1 $2|$CUSTOMRAG_PREFLIGHT_MADE|$DASHSCOPE_API_KEY|$*" >> "{record}"
exit {code}
"""


def _up(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> tuple[int, list[str]]:
    """Bring up stack dev with stand-ins for Pulumi and Python; return the code and the record."""
    record = folder / "record"
    for name, its_code in (("pulumi", 0), ("python", code)):
        (folder / name).write_text(RECORD.format(record=record, code=its_code))
        (folder / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    variables: Mapping[str, str] = {**os.environ, "PATH": path}
    engine = Engine(stack="dev", logs=folder / "logs", environment=variables)
    found = update.up_in_the_cloud(engine, yes=False)
    return found, record.read_text().splitlines()


def test_update_knows_that_the_preflight_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, (preflight, up) = _up(tmp_path, monkeypatch)
    assert code == 0
    command, mark, _, words = preflight.split("|")
    assert (command, mark) == ("-m guardrails.preflight", "")
    assert words.endswith("--stack dev --unless-switched-off")
    _, mark, _, words = up.split("|")
    assert words.startswith("up --stack dev ")
    assert "--policy-pack" in words
    assert "--yes" not in words
    assert preflight_mark.holds(mark, "dev", datetime.now(UTC))


def test_preflight_has_the_key_of_the_stack_and_the_update_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (preflight, up) = _up(tmp_path, monkeypatch)
    assert preflight.split("|")[2] == "sk-of-the-stack"
    assert "sk-of-the-stack" not in preflight.split("|")[3]
    assert up.split("|")[2] == ""


def test_nothing_is_updated_when_the_preflight_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, record = _up(tmp_path, monkeypatch, code=1)
    assert code == 1
    assert len(record) == 1


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
def test_mark_is_valid_for_its_stack_and_for_a_while(
    stack: str, later: timedelta, held: bool
) -> None:
    assert preflight_mark.holds(preflight_mark.mark("dev", MADE), stack, MADE + later) is held


@pytest.mark.parametrize("text", ["", "dev", "dev yes", "dev 2026-11-21T12:00:00"])
def test_text_that_is_not_a_mark_is_not_valid(text: str) -> None:
    assert not preflight_mark.holds(text, "dev", MADE)
