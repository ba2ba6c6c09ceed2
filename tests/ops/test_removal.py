"""Which stacks are protected, what is stopped and swept, and what counts as a leak. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.engine import Engine
from ops.teardown.leaks import Left, report
from ops.teardown.removal import Refused, Removal, StackState, protection, remove
from ops.teardown.sweep import verdict

NOW = datetime(2026, 11, 24, 13, tzinfo=UTC)


def resource(name: str, **more: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:dev::customrag::alicloud:oss/bucket:Bucket::{name}",
        "type": "alicloud:oss/bucket:Bucket",
        "custom": True,
        "id": f"id-of-{name}",
        "inputs": {},
        **more,
    }


def test_a_stack_with_nothing_protected_needs_no_consent() -> None:
    assert protection(StackState(resources=[resource("a")], environment="dev")) == []


@pytest.mark.parametrize(
    "protected",
    [
        resource("a", protect=True),
        resource("a", inputs={"deletionProtection": True}),
        resource("a", inputs={"deletionProtectionEnabled": True}),
        resource("a", inputs={"groupDeletionProtection": True}),
        resource("a", inputs={"deletionProtectionConfig": {"enabled": True}}),
    ],
)
def test_a_protected_resource_protects_its_stack(protected: dict[str, Any]) -> None:
    assert protection(StackState(resources=[protected])) == ["1 of its resources are: a"]


def test_prod_is_protected_whatever_its_resources_say() -> None:
    assert protection(StackState(resources=[], environment="prod")) == ["its environment is prod"]


class StateOnly(Engine):
    """An engine that has a state, and nothing may be done with."""

    def resources(self) -> list[dict[str, Any]]:
        return [resource("a", protect=True)]

    def ask(self, *arguments: str, stack: bool = True) -> str:
        raise AssertionError(arguments)


@pytest.mark.parametrize("consent", ["", "yes", "prod"])
def test_a_protected_stack_is_not_removed_without_its_own_name(
    consent: str, tmp_path: Path
) -> None:
    engine = StateOnly(stack="dev", logs=tmp_path)
    with pytest.raises(Refused, match=r"stack dev is protected.*CONSENT=dev"):
        remove(Removal(stack="dev", engine=engine, consent=consent))


def _state(**more: Any) -> StackState:
    values: dict[str, Any] = {"resources": [resource("a")], "environment": "pr", **more}
    return StackState(**values)


def test_a_pull_requests_stack_is_swept_when_its_time_is_over() -> None:
    found = verdict("pr-7", _state(expires_at="2026-11-24T12:00:00Z"), NOW)
    assert (found.sweep, found.alarming) == (True, False)


def test_it_is_left_while_it_has_time() -> None:
    found = verdict("pr-7", _state(expires_at="2026-11-24T14:00:00Z"), NOW)
    assert (found.sweep, found.alarming) == (False, False)


@pytest.mark.parametrize("stack", ["dev", "prod", "pr-", "local"])
def test_no_other_stack_is_swept_even_if_its_tags_say_so(stack: str) -> None:
    assert not verdict(stack, _state(expires_at="2020-01-01T00:00:00Z"), NOW).sweep


def test_one_whose_resources_are_of_another_environment_is_left_and_somebody_called() -> None:
    found = verdict("pr-7", _state(environment="prod", expires_at="2020-01-01T00:00:00Z"), NOW)
    assert (found.sweep, found.alarming) == (False, True)


@pytest.mark.parametrize("expires_at", ["", "soon"])
def test_one_that_does_not_say_when_it_ends_is_left_and_somebody_called(expires_at: str) -> None:
    found = verdict("pr-7", _state(expires_at=expires_at), NOW)
    assert (found.sweep, found.alarming) == (False, True)


def test_an_empty_one_is_swept() -> None:
    assert verdict("pr-7", _state(resources=[]), NOW).sweep


def test_what_is_retained_or_deletes_itself_is_told_and_is_no_leak() -> None:
    planned = Left(what="secret", how="by its tags", planned="2026-12-24")
    retained = Left(what="bucket", how="by its name", retained=True)
    text = report([planned, retained])
    assert not planned.is_leak
    assert not retained.is_leak
    assert "nothing is left that should be gone" in text
    assert "deleted by itself on 2026-12-24" in text
    assert "retained, as declared" in text


def test_a_leak_is_told_first() -> None:
    retained = Left(what="bucket", how="by its name", retained=True)
    lines = report([retained, Left(what="node", how="by its tags")]).splitlines()
    assert lines[0].startswith("leak      node")
    assert lines[-1] == "leak check: 1 left that should be gone"
