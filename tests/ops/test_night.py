"""When it is night, and which nodes are then stopped."""

from __future__ import annotations

from datetime import datetime

import pytest

from ops.night import __main__ as command
from ops.night.hours import Night, NightError
from ops.night.nodes import Node, to_change
from providers.clients.errors import AccessDeniedError, ConflictError


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2026-11-24T19:59:59+08:00", False),
        ("2026-11-24T20:00:00+08:00", True),
        ("2026-11-25T03:00:00+08:00", True),
        ("2026-11-25T08:00:00+08:00", False),
        ("2026-11-24T13:00:00+00:00", True),
    ],
)
def test_night_crosses_midnight_in_its_time_zone(at: str, night: bool) -> None:
    hours = Night.parse("20:00-08:00 Asia/Shanghai")
    assert hours.holds(datetime.fromisoformat(at)) is night


def test_night_may_be_within_one_day() -> None:
    hours = Night.parse("01:00-05:30 UTC")
    assert hours.holds(datetime.fromisoformat("2026-11-24T05:29:00+00:00"))
    assert not hours.holds(datetime.fromisoformat("2026-11-24T05:30:00+00:00"))


@pytest.mark.parametrize(
    "text", ["", "20:00-08:00", "20-8 UTC", "25:00-08:00 UTC", "20:00-08:00 Mars/Olympus"]
)
def test_other_forms_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(NightError, match="such as 20:00-08:00 Asia/Shanghai"):
        Night.parse(text)


def _node(status: str, *, grouped: bool = False) -> Node:
    return Node(instance_id="i-1", name="n", instance_type="t", status=status, grouped=grouped)


def test_running_nodes_are_stopped_at_night_and_started_by_day() -> None:
    nodes = [_node("Running"), _node("Stopped"), _node("Starting")]
    assert [node.status for node in to_change(nodes, night=True)] == ["Running"]
    assert [node.status for node in to_change(nodes, night=False)] == ["Stopped"]


def test_node_of_a_scaling_group_is_left_alone() -> None:
    assert to_change([_node("Running", grouped=True)], night=True) == []


def test_failing_stack_does_not_stop_the_other_stacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turned: list[str] = []

    def one(stack: str, now: datetime) -> int:
        turned.append(stack)
        if stack == "a":
            raise AccessDeniedError("no stock")
        return 0

    monkeypatch.setattr(command, "_stacks", lambda: ["a", "b"])
    monkeypatch.setattr(command, "_one", one)
    assert command.main([]) == 1
    assert turned == ["a", "b"]
    assert "a: no stock" in capsys.readouterr().err


def test_node_that_cannot_start_does_not_stop_the_others_and_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("sold-out", "in-stock")
    nodes = [
        Node(instance_id=f"i-{name}", name=name, instance_type="t", status="Stopped")
        for name in names
    ]
    asked: list[dict[str, str]] = []

    class Ecs:
        def rpc(self, action: str, version: str, parameters: dict[str, str]) -> None:
            assert action == "StartInstances"
            asked.append(parameters)
            if parameters["InstanceId.1"] == "i-sold-out":
                raise ConflictError("sold out", code="OperationDenied.NoStock")

    values = {"customrag:nightHours": "20:00-08:00 UTC", "customrag:regionId": "cn-hangzhou"}
    monkeypatch.setattr(command, "declared_values", lambda _stack: values)
    monkeypatch.setattr(command, "gpu_nodes", lambda *_: nodes)
    monkeypatch.setattr("ops.account.Account.client", lambda *_: Ecs())
    assert command.main(["--stack", "dev", "--now", "2026-11-24T12:00:00Z"]) == 1
    assert [parameters["InstanceId.1"] for parameters in asked] == ["i-sold-out", "i-in-stock"]
    told = capsys.readouterr().out.splitlines()
    assert "could not be started: sold out (code OperationDenied.NoStock)" in told[0]
    assert told[1].endswith("(t, i-in-stock) started")
