"""Which stacks are protected, what a failed removal says, and what counts as a leak."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ops.engine import Engine, EngineError, NoStackError
from ops.events import Change, Outcome
from ops.teardown import __main__ as command
from ops.teardown import leaks
from ops.teardown.leaks import Left, report
from ops.teardown.removal import Refused, Removal, StackState, protection, remove
from providers.clients.errors import AccessDeniedError


def resource(name: str, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:dev::customrag::alicloud:oss/bucket:Bucket::{name}",
        "type": "alicloud:oss/bucket:Bucket",
        "custom": True,
        "id": f"id-of-{name}",
        "inputs": {},
        **more,
    }


def test_stack_with_nothing_protected_needs_no_consent() -> None:
    state = StackState(resources=[resource("a")], environments=frozenset({"dev"}))
    assert protection(state) == []


@pytest.mark.parametrize(
    "protected",
    [
        resource("a", protect=True),
        resource("a", inputs={"deletionProtection": True}),
        resource("a", inputs={"deletionProtectionEnabled": True}),
        resource("a", inputs={"groupDeletionProtection": True}),
        resource("a", inputs={"deletionProtectionConfig": {"enabled": True}}),
        resource("a", inputs={"deletionProtection": "Enabled"}),
    ],
)
def test_protected_resource_protects_its_stack(protected: dict[str, Any]) -> None:
    assert protection(StackState(resources=[protected])) == ["1 of its resources are protected: a"]


@pytest.mark.parametrize("environments", [{"prod"}, {"dev", "prod"}])
def test_prod_is_protected_whatever_its_resources_say(environments: set[str]) -> None:
    state = StackState(resources=[], environments=frozenset(environments))
    assert protection(state) == ["its environment is prod"]


class StateOnly(Engine):
    """An engine that has a state, and nothing may be done with."""

    def resources(self) -> list[dict[str, Any]]:
        return [resource("a", protect=True)]

    def ask(self, *arguments: str, stack: bool = True, secret: str = "") -> str:
        raise AssertionError(arguments)


@pytest.mark.parametrize("consent", ["", "yes", "prod"])
def test_protected_stack_is_not_removed_without_its_own_name(consent: str, tmp_path: Path) -> None:
    engine = StateOnly(stack="dev", logs=tmp_path)
    with pytest.raises(Refused, match=r"stack dev is protected.*CONSENT=dev"):
        remove(Removal(stack="dev", engine=engine, consent=consent))


class Failing(Engine):
    """An engine whose stack has one resource, which cannot be deleted.

    Deleting it is refused, or its protection cannot be lifted.
    """

    @property
    def protected(self) -> bool:
        return self.stack.endswith("-protected")

    def resources(self) -> list[dict[str, Any]]:
        return [resource("a", inputs={"deletionProtection": self.protected, "forceDestroy": True})]

    def run(self, name: str, command: str, *arguments: str, shown: bool = False) -> Outcome:
        assert command == ("up" if self.protected else "destroy"), arguments
        return Outcome(code=1, duration_seconds=0.0, errors=["DependencyViolation"])

    def ask(self, *arguments: str, stack: bool = True, secret: str = "") -> str:
        raise AssertionError(arguments)


def _removed(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: list[Left] | Exception
) -> tuple[int, Removal, list[str]]:
    def check(*_: Any, **__: Any) -> list[Left]:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("ops.teardown.removal.leak_check", check)
    monkeypatch.setattr("ops.teardown.removal._stop_jobs", lambda *_: None)
    said: list[str] = []
    engine = Failing(stack=stack, logs=tmp_path)
    removal = Removal(stack=stack, engine=engine, consent=stack, say=said.append)
    return remove(removal), removal, said


@pytest.mark.parametrize("stack", ["none", "none-protected"])
def test_leak_check_runs_after_a_failure_and_lists_what_is_left(
    stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [Left(what="bucket a", how="by its name")]
    code, removal, said = _removed(stack, tmp_path, monkeypatch, left)
    assert code == 1
    assert "DependencyViolation" in "\n".join(said)
    assert "leak check: 1 left that should be gone" in removal.report()


def test_many_errors_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [f"refused {number % 20}" for number in range(40)]
    monkeypatch.setattr(
        Failing, "run", lambda *_: Outcome(code=1, duration_seconds=0.0, errors=errors)
    )
    said = _removed("none", tmp_path, monkeypatch, [])[2]
    assert sum("refused" in line for line in said) == 12
    assert f"  and 8 more, in {tmp_path}" in said


def test_retained_resources_do_not_count_as_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(name: str) -> Change:
        return Change(operation="delete", type="alicloud:oss/bucket:Bucket", name=name)

    there = [resource(name, inputs={"forceDestroy": True}) for name in ("a", "b")]
    there[1]["retainOnDelete"] = True
    done = Outcome(code=0, duration_seconds=0.0, changes=[change("a"), change("b")])
    monkeypatch.setattr(Failing, "resources", lambda _self: there)
    monkeypatch.setattr(Failing, "run", lambda *_: done)
    code, _, said = _removed("none", tmp_path, monkeypatch, [])
    assert code == 0
    assert said[-1] == "deleted 1 resources, kept 1"


def test_refused_leak_check_is_not_reported_as_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = AccessDeniedError("not authorized", code="NoPermission")
    code, removal, _ = _removed("none", tmp_path, monkeypatch, refused)
    assert code == 1
    assert "leaks are possible" in removal.report()
    assert "NoPermission" in removal.report()
    assert "nothing is left" not in removal.report()


def test_removal_without_a_leak_check_is_not_reported_as_clean(tmp_path: Path) -> None:
    removal = Removal(stack="none", engine=Failing(stack="none", logs=tmp_path))
    assert "leaks are possible" in removal.report()


def test_failed_deletion_fails_even_if_no_leak_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _removed("pr-7", tmp_path, monkeypatch, [])[0] == 1


def test_ending_the_protection_leaves_no_value_in_the_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = tmp_path / "stacks" / "Pulumi.none-protected.yaml"
    declared.parent.mkdir()
    declared.write_text("config: {}\n")
    monkeypatch.setattr("ops.teardown.removal.ROOT", tmp_path)
    given: list[str] = []

    def run(engine: Failing, name: str, command: str, *arguments: str) -> Outcome:
        given.extend(arguments)
        copy = Path(arguments[arguments.index("--config-file") + 1])
        assert copy.read_text() == "config: {}\n"
        assert copy != declared
        return Outcome(code=1, duration_seconds=0.0)

    monkeypatch.setattr(Failing, "run", run)
    _removed("none-protected", tmp_path, monkeypatch, [])
    assert "customrag:tearDown=none-protected" in given
    assert declared.read_text() == "config: {}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["stacks"]


def test_retained_and_planned_resources_are_listed_and_are_not_leaks() -> None:
    planned = Left(what="secret", how="by its tags", planned="2026-12-24")
    retained = Left(what="bucket", how="by its name", retained=True)
    text = report([planned, retained])
    assert not planned.is_leak
    assert not retained.is_leak
    assert "nothing is left that should be gone" in text
    assert "deleted by itself on 2026-12-24" in text
    assert "retained, as declared" in text


def test_leaks_are_listed_first() -> None:
    retained = Left(what="bucket", how="by its name", retained=True)
    lines = report([retained, Left(what="node", how="by its tags")]).splitlines()
    assert lines[0].startswith("leak      node")
    assert lines[-1].startswith("leak check: 1 left that should be gone; see docs/how-to/")


@pytest.mark.parametrize(("stack", "code"), [("pr-7", 2), ("dev", 1)])
def test_only_a_pull_request_stack_may_already_be_removed(
    stack: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sweeper may have been quicker: then the leak check has the word."""

    def gone(engine: Engine) -> None:
        raise NoStackError(f"no stack named {engine.stack!r} found")

    monkeypatch.setattr(Engine, "resources", gone)
    monkeypatch.setattr(leaks, "main", lambda _arguments: 2)
    assert command.main(["--stack", stack]) == code
    told = capsys.readouterr()
    assert ("there is no stack pr-7" in told.out) is (stack == "pr-7")
    assert ("no stack named 'dev' found" in told.err) is (stack == "dev")


def test_missing_stack_is_recognised_in_the_output_of_the_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\necho \"error: no stack named 'pr-7' found\" >&2\nexit 6\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(NoStackError):
        Engine(stack="pr-7", logs=tmp_path).resources()
    with pytest.raises(EngineError) as other:
        Engine(stack="pr-77", logs=tmp_path).resources()
    assert not isinstance(other.value, NoStackError)
