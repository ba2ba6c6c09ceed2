"""A rehearsal starts and ends without leftovers, and a signal does not interrupt its removal."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.tools.engine import is_running, wait_until
from tools import edge, lifecycle, setup, teardown
from tools.errors import StackError
from tools.paths import Paths

NAME = "rehearse-dev"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths = Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")
    paths.stack_file.parent.mkdir(parents=True)
    monkeypatch.setattr(edge, "is_needed", lambda *_: False)
    monkeypatch.setattr(setup, "set_up_tools", lambda *_, **__: {})
    return paths


def test_a_rehearsal_removes_the_leftovers_of_a_killed_one(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = paths.of(NAME)
    left = (own.state / ".pulumi" / "locks" / "a.json", own.platform_file, own.stack_file)
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    begun: list[bool] = []

    def set_up(*_: Any) -> dict[str, str]:
        begun.append(any(file.exists() for file in left))
        return {}

    monkeypatch.setattr(setup, "set_up_stack", set_up)
    monkeypatch.setattr(lifecycle, "run_module", lambda *_: 0)
    assert lifecycle.rehearse(paths, "dev") == 0
    assert begun == [False]
    assert "an earlier rehearsal still exists" in capsys.readouterr().out
    assert not own.home.exists()


def test_a_rehearsal_in_progress_is_not_removed(paths: Paths) -> None:
    own = paths.of(NAME)
    own.state.mkdir(parents=True)
    with (
        setup.only_one(own),
        pytest.raises(StackError, match="is at work"),
    ):
        lifecycle.rehearse(paths, "dev")
    assert own.state.exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_does_not_interrupt_the_removal_of_a_rehearsal(
    signum: signal.Signals, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Paths] = []

    def remove(own: Paths) -> int:
        os.kill(os.getpid(), signum)
        removed.append(own)
        return 0

    def interrupted(*_: Any) -> dict[str, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "set_up_stack", interrupted)
    monkeypatch.setattr(teardown, "remove", remove)
    before = signal.getsignal(signum)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.rehearse(paths, "dev")
    assert removed == [paths.of(NAME)]
    assert signal.getsignal(signum) is before


def test_ending_make_ends_its_command(tmp_path: Path) -> None:
    """A cancelled job gets SIGTERM, and a rehearsal must not continue without its make."""
    pid_file = tmp_path / "pid"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho $$ > "{pid_file}"\nexec sleep 600\n')
    python.chmod(0o755)
    words = ["make", "rehearse", "STACK=dev", f"PYTHON={python}"]
    make = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()), "the command started")
        pid = int(pid_file.read_text())
        make.terminate()
        wait_until(lambda: not is_running(pid), "the command ended")
    finally:
        make.kill()
        make.wait()
        with suppress(OSError, ValueError):
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
