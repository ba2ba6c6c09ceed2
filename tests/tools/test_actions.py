"""The commands of the make targets, with a recording stand-in for the CLI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import actions, cli, lifecycle
from tools.errors import StackError, ToolError
from tools.paths import Paths

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")
    paths.stack_file.parent.mkdir(parents=True)
    paths.program_file.write_text("name: customrag\n")
    return paths


@pytest.fixture
def calls(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which a CLI on PATH writes its arguments."""
    record = tmp_path / "calls"
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.parent.mkdir()
    pulumi.write_text(
        f'#!/bin/sh\nif [ "$1" = version ]; then echo v{cli.VERSION}; exit; fi\n'
        f'echo "$@" >> "{record}"\n'
    )
    pulumi.chmod(0o755)
    (pulumi.parent / cli.HOST_NAME).write_bytes(b"\x7fELF")
    monkeypatch.setenv("PATH", f"{pulumi.parent}{os.pathsep}{os.environ['PATH']}")
    return record


def test_down_of_a_cloud_stack_runs_ops_teardown_and_deletes_no_file(
    paths: Paths, tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "started"
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text(f'#!/bin/sh\necho "$@" >> "{record}"\n')
    paths.python.chmod(0o755)
    cloud_file = paths.stack_file.with_name("Pulumi.dev.yaml")
    for file in (cloud_file, paths.stack_file, paths.home / "kept"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    assert lifecycle.down(paths, "dev", "dev") == 0
    # A fresh runner has no customrag plugin, which deletes the customrag resources.
    assert "plugin install resource customrag" in calls.read_text()
    assert record.read_text() == "-m ops.teardown --stack dev --consent dev\n"
    assert cloud_file.exists()
    assert paths.stack_file.exists()
    assert (paths.home / "kept").exists()


def test_down_without_a_local_stack_is_success_and_does_not_run_pulumi(
    paths: Paths, calls: Path
) -> None:
    assert actions.down(paths, "local") == 0
    assert not calls.exists()
    assert not paths.private.exists()


def test_down_removes_a_local_stack_whose_state_cannot_be_read(
    paths: Paths, calls: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = paths.state / ".pulumi" / "stacks" / "customrag" / "local.json"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_text("not a checkpoint")
    assert actions.down(paths, "local") == 0
    assert "`pulumi destroy` failed" in capsys.readouterr().out
    assert not paths.private.exists()


def test_asking_without_a_stack_is_an_error_that_names_make_up(paths: Paths) -> None:
    with pytest.raises(StackError, match="make up"):
        actions.ask_question(paths, "local", "What?")


def test_an_empty_question_is_an_error_that_says_how_to_ask(paths: Paths) -> None:
    with pytest.raises(ToolError, match="make ask Q="):
        actions.ask_question(paths, "local", " ")


def test_logs_of_a_cloud_stack_are_an_error_that_names_the_log_project(paths: Paths) -> None:
    with pytest.raises(StackError, match="log project"):
        actions.logs(paths, "dev", "")


def test_evaluation_without_a_corpus_is_an_error_that_names_the_option(paths: Paths) -> None:
    with pytest.raises(ToolError, match="make eval CORPUS="):
        actions.evaluate(paths, None)


def test_evaluation_runs_with_the_options_of_the_local_stack(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = tmp_path / "started"
    paths.python.parent.mkdir(parents=True)
    paths.python.write_text(f'#!/bin/sh\necho "$@" >> "{record}"\n')
    paths.python.chmod(0o755)
    monkeypatch.setattr(actions.setup, "set_up_tools", lambda *arguments: True)
    monkeypatch.setenv("CUSTOMRAG_ELASTICSEARCH_URL", "http://127.0.0.1:9")
    assert actions.evaluate(paths, tmp_path / "mine") == 0
    assert record.read_text() == (
        f"-m ops.evaluate --corpus {tmp_path / 'mine'} --work-dir {paths.cache / 'eval'}\n"
    )


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_the_exit_code_of_a_command_is_returned_as_a_shell_does(
    program: str, code: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", program]
    assert actions.run_shown(command, cwd=tmp_path, environment=os.environ) == code


def test_quotes_and_dollars_in_a_question_reach_the_command_unchanged(tmp_path: Path) -> None:
    record = tmp_path / "python"
    record.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    record.chmod(0o755)
    question = """Is "it" $HOME; `ls` or 'this'?"""
    done = subprocess.run(
        ["make", "--no-print-directory", "ask", f"PYTHON={record}", f"Q={question}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == question


def test_help_lists_every_target() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):.*", makefile, flags=re.MULTILINE)
    assert {"help", "up", "down", "cost", "preview-comment", "drift"} <= set(targets)
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(targets)
    assert max(map(len, done.stdout.splitlines())) <= 80
