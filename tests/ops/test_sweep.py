"""Which stacks the sweeper removes, which it leaves, and what it does when one fails."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.engine import Engine, EngineError
from ops.teardown import sweep as sweeper
from ops.teardown.removal import FAILURES, Removal, StackState
from ops.teardown.sweep import verdict
from tests.ops.test_removal import resource

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)
PAST, FUTURE = "2026-11-24T12:00:00Z", "2026-11-24T14:00:00Z"
OURS = {"stack": "pr-7", "environment": "pr", "expires-at": PAST}


def _state(*expirations: str, **more: Any) -> StackState:
    values: dict[str, Any] = {
        "resources": [resource("a")],
        "environments": frozenset({"pr"}),
        "expirations": frozenset(expirations),
        **more,
    }
    return StackState(**values)


def test_pull_request_stack_is_swept_when_its_time_is_over() -> None:
    found = verdict("pr-7", _state(PAST), NOW, [OURS])
    assert (found.sweep, found.alarming) == (True, False)


def test_stack_is_left_until_its_time_is_over() -> None:
    found = verdict("pr-7", _state(FUTURE), NOW)
    assert (found.sweep, found.alarming) == (False, False)


def test_latest_of_several_expiry_times_counts() -> None:
    assert not verdict("pr-7", _state(PAST, FUTURE), NOW).sweep


def test_expiry_time_set_in_the_cloud_counts() -> None:
    found = verdict("pr-7", _state(PAST), NOW, [OURS, {**OURS, "expires-at": FUTURE}])
    assert (found.sweep, found.alarming) == (False, False)


@pytest.mark.parametrize("stack", ["dev", "prod", "pr-", "local"])
def test_other_stacks_are_not_swept_whatever_their_tags(stack: str) -> None:
    assert not verdict(stack, _state("2020-01-01T00:00:00Z"), NOW).sweep


@pytest.mark.parametrize("environments", [{"prod"}, {"pr", "prod"}])
def test_stack_with_a_resource_of_another_environment_is_left_and_reported(
    environments: set[str],
) -> None:
    found = verdict("pr-7", _state(PAST, environments=frozenset(environments)), NOW)
    assert (found.sweep, found.alarming) == (False, True)


@pytest.mark.parametrize(
    "edited", [{"stack": "dev"}, {"environment": "dev"}, {"environment": ""}, {"stack": ""}]
)
def test_stack_with_edited_tags_is_left_and_reported(
    edited: Mapping[str, str],
) -> None:
    found = verdict("pr-7", _state(PAST), NOW, [OURS, {**OURS, **edited}])
    assert (found.sweep, found.alarming) == (False, True)
    assert "that are tagged" in found.why


@pytest.mark.parametrize("expirations", [(), ("soon",), (PAST, "soon")])
def test_stack_without_an_expiry_time_is_left_and_reported(
    expirations: tuple[str, ...],
) -> None:
    found = verdict("pr-7", _state(*expirations), NOW)
    assert (found.sweep, found.alarming) == (False, True)


def test_empty_stack_is_swept() -> None:
    assert verdict("pr-7", _state(resources=[]), NOW).sweep


class Backend:
    """Stacks whose time is over, of which some cannot be read or removed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **failing: Exception) -> None:
        self.failing, self.removed = failing, list[str]()
        monkeypatch.setattr(sweeper, "stacks", lambda _engine: ["pr-1", "pr-2", "pr-3"])
        monkeypatch.setattr(sweeper, "state_of", self.state_of)
        monkeypatch.setattr(sweeper, "remove", self.remove)
        monkeypatch.setattr(sweeper, "orphans", lambda _known, _region_id: [])
        monkeypatch.setattr(sweeper, "_seen", lambda _stack, _state: [])

    def state_of(self, engine: Engine) -> StackState:
        self._fail("state", engine.stack)
        return _state(PAST)

    def remove(self, removal: Removal) -> int:
        self._fail("remove", removal.stack)
        self.removed.append(removal.stack)
        removal.unproven = ""
        return 0

    def _fail(self, what: str, stack: str) -> None:
        error = self.failing.get(what)
        if error is not None and stack == "pr-2":
            raise error


@pytest.mark.parametrize("where", ["state", "remove"])
@pytest.mark.parametrize("error", [EngineError("locked"), ValueError("no JSON"), OSError("gone")])
def test_broken_or_locked_stack_does_not_stop_the_sweep(
    where: str,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert isinstance(error, FAILURES)
    backend = Backend(monkeypatch, **{where: error})
    assert sweeper.sweep(NOW) == 1
    assert backend.removed == ["pr-1", "pr-3"]
    told = capsys.readouterr().out
    assert f"pr-2: the sweep failed: {error}" in told
    assert "look at pr-2" in told


def test_tags_in_the_cloud_are_used_when_the_backend_lists_no_stack(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CLI lists none, if the state of one is broken."""
    backend = Backend(monkeypatch, state=EngineError("failed to load checkpoint"))

    def broken(_engine: Engine) -> list[str]:
        raise EngineError("EOF")

    seen = [("arn", {"stack": name}) for name in ("pr-3", "dev", "pr-1", "pr-2", "pr-1")]
    monkeypatch.setattr(sweeper, "stacks", broken)
    monkeypatch.setattr(sweeper, "tagged", lambda _account, _tags: seen)
    assert sweeper.sweep(NOW) == 1
    assert backend.removed == ["pr-1", "pr-3"]
    assert "look at the backend, pr-2" in capsys.readouterr().out


def test_sweep_without_problems_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(monkeypatch)
    assert sweeper.sweep(NOW) == 0
    assert backend.removed == ["pr-1", "pr-2", "pr-3"]


def test_state_that_is_not_valid_json_is_an_error_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "ask", lambda _self, *_words: "{")
    with pytest.raises(EngineError, match="state of stack pr-7 is not valid JSON"):
        Engine(stack="pr-7", logs=tmp_path).resources()
