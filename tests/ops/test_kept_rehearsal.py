"""`make rehearse KEEP=1`: the stack is left up, to be looked at; without it, it is taken down.

That a rehearsal really stays up is seen by hand only (docs/how-to/gpu-out-of-stock.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.engine import Engine, EngineError
from ops.rehearse import story as stories
from tools import edge, lifecycle, setup, teardown
from tools.paths import Paths


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the halves of a rehearsal that were taken."""
    taken: list[str] = []
    monkeypatch.setattr(stories, "_go", lambda *_: taken.append("go"))
    monkeypatch.setattr(stories, "_end", lambda *_: taken.append("end"))
    return taken


def story(tmp_path: Path) -> stories.Story:
    engine = Engine(stack="rehearse-dev", logs=tmp_path)
    return stories.Story(stack="dev", engine=engine, home=tmp_path, show=lambda _: None)


@pytest.mark.parametrize(("keep", "expected"), [(False, ["go", "end"]), (True, ["go"])])
def test_tear_down_runs_unless_the_stack_is_kept(
    tmp_path: Path, taken: list[str], keep: bool, expected: list[str]
) -> None:
    stories.run(story(tmp_path), {}, keep=keep)
    assert taken == expected


def test_tear_down_runs_after_a_failure(
    tmp_path: Path, taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise EngineError("no")

    monkeypatch.setattr(stories, "_go", fail)
    with pytest.raises(EngineError):
        stories.run(story(tmp_path), {})
    assert taken == ["end"]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("code", [0, 1])
def test_files_on_this_machine_are_removed_unless_the_rehearsal_is_kept(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keep: bool,
    code: int,
) -> None:
    commands: list[tuple[Any, ...]] = []
    removed: list[Paths] = []

    def run(*words: Any) -> int:
        commands.append(words)
        return code

    def remove(own: Paths) -> int:
        removed.append(own)
        return 0

    monkeypatch.setattr(edge, "is_needed", lambda *_: False)
    monkeypatch.setattr(setup, "set_up_tools", lambda *_, **__: {})
    monkeypatch.setattr(setup, "set_up_stack", lambda *_: {})
    monkeypatch.setattr(lifecycle, "run_module", run)
    monkeypatch.setattr(teardown, "remove", remove)
    paths = Paths(checkout=tmp_path, cache=tmp_path / "cache")
    assert lifecycle.rehearse(paths, "dev", keep=keep) == code
    assert ("--keep" in commands[0]) is keep
    assert bool(removed) is not keep
    assert ("make down STACK=rehearse-dev" in capsys.readouterr().out) is keep
