"""A rehearsal begins with nothing and leaves nothing; its removal is not cut short."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tools import edge, lifecycle, setup
from tools.actions import Request
from tools.errors import StackError
from tools.paths import Paths

NAME = "rehearse-dev"


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths = Paths(checkout=tmp_path / "checkout", cache=tmp_path / "cache")
    paths.stack_file.parent.mkdir(parents=True)
    monkeypatch.setattr(edge, "is_wanted", lambda *_: False)
    monkeypatch.setattr(setup, "set_up_tools", lambda *_, **__: {})
    return paths


def test_a_rehearsal_clears_away_what_a_killed_one_left(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = paths.of(NAME)
    left = (own.state / ".pulumi" / "locks" / "a.json", own.platform_file, own.stack_file)
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    begun: list[bool] = []

    def set_up(*_: Any) -> tuple[None, dict[str, str]]:
        begun.append(any(file.exists() for file in left))
        return None, {}

    monkeypatch.setattr(setup, "set_up_stack", set_up)
    monkeypatch.setattr(lifecycle, "_run", lambda *_: 0)
    assert lifecycle.rehearse(paths, Request(stack="dev"), lifecycle.Options()) == 0
    assert begun == [False]
    assert "an earlier rehearsal is still here" in capsys.readouterr().out
    assert not own.home.exists()


def test_a_rehearsal_at_work_is_not_cleared_away(paths: Paths) -> None:
    own = paths.of(NAME)
    own.state.mkdir(parents=True)
    with (
        setup.only_one(own),
        pytest.raises(StackError, match="is at work"),
    ):
        lifecycle.rehearse(paths, Request(stack="dev"), lifecycle.Options())
    assert own.state.exists()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_removal_of_a_rehearsal_is_not_cut_short(
    signum: signal.Signals, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[Paths] = []

    def remove(own: Paths) -> int:
        os.kill(os.getpid(), signum)
        removed.append(own)
        return 0

    def interrupted(*_: Any) -> tuple[None, dict[str, str]]:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "set_up_stack", interrupted)
    monkeypatch.setattr(lifecycle, "remove_from_this_machine", remove)
    before = signal.getsignal(signum)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.rehearse(paths, Request(stack="dev"), lifecycle.Options())
    assert removed == [paths.of(NAME)]
    assert signal.getsignal(signum) is before
