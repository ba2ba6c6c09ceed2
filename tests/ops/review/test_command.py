"""`python -m ops.review`: what it prints and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.review import __main__ as command
from ops.review import previews, reviewing
from ops.review.changes import Change, Kind
from ops.review.comment import Review
from ops.review.previews import Planned
from tests.ops.review.support import resource


def review_of(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    def review(stack: str, tree: Path, commit: str, *, how: str = "auto") -> Review:
        return Review(stack=stack, basis=f"{how}.", **more)

    monkeypatch.setattr(reviewing, "review", review)


def drift_of(monkeypatch: pytest.MonkeyPatch, found: Planned) -> None:
    monkeypatch.setattr(previews, "refresh", lambda *_, **__: found)


def test_comment_goes_to_standard_output_and_to_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    review_of(monkeypatch)
    file = tmp_path / "comment.md"
    words = ["comment", "--stack", "dev", "--base", "HEAD", "--output", str(file)]
    assert command.main(words) == 0
    assert capsys.readouterr().out == file.read_text()
    assert file.read_text().startswith("<!-- customrag-preview: dev -->")


def test_change_that_must_not_be_merged_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    review_of(monkeypatch, violations=["`rule`: no"])
    assert command.main(["comment", "--stack", "dev", "--base", "HEAD"]) == 1


def test_unknown_base_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["comment", "--stack", "dev", "--base", "no-such-branch"]) == 2
    assert "BASE=no-such-branch" in capsys.readouterr().err


def test_only_touched_stacks_are_reviewed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    review_of(monkeypatch)
    monkeypatch.setattr(reviewing, "touched", lambda tree: ["dev", "pr-1"])
    assert command.main(["comment", "--stack", "all", "--base", "HEAD"]) == 0
    text = capsys.readouterr().out
    assert "customrag-preview: dev" in text
    assert "customrag-preview: pr-1" in text
    assert "customrag-preview: prod" not in text
    assert command.main(["changed", "--base", "HEAD", "--json"]) == 0
    assert capsys.readouterr().out == '["dev", "pr-1"]\n'
    assert command.main(["changed", "--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "dev\npr-1\n"


def test_review_without_touched_stacks_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reviewing, "touched", lambda tree: [])
    assert command.main(["comment", "--stack", "all", "--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "No stack changes.\n"


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (Planned(), 0),
        (Planned(changes=[Change(kind=Kind.DELETE, resource=resource("t:t:T", "a"))]), 1),
        (Planned(problems=["no login"]), 2),
    ],
    ids=["none", "drifted", "not asked"],
)
def test_exit_status_of_the_drift_report(
    monkeypatch: pytest.MonkeyPatch, found: Planned, status: int
) -> None:
    drift_of(monkeypatch, found)
    assert command.main(["drift", "--stack", "dev"]) == status
