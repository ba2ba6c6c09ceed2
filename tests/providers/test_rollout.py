"""A rollout against a service in memory, and against the local cloud's real instances."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pluginhost import UNKNOWN, ProviderError
from providers.clients.errors import NotFoundError
from providers.clients.scaling import Member, Refresh, ScalingGroup, TemplateVersion
from providers.plugin.services import CloudServices
from tests.localcloud.alb.support import make_balancer
from tests.localcloud.ess.support import Fleet, Load, make_fleet
from tests.localcloud.running import running_stack
from tests.providers.conftest import provider_config
from tests.providers.fakes import Engine, FakeServices

TOKEN = "customrag:ess:Rollout"


def version(number: str) -> TemplateVersion:
    """Return a version of the one template."""
    return TemplateVersion(template_id="lt-1", version=number)


@dataclasses.dataclass
class FakeScaling:
    """A group of one instance whose refreshes advance one step with each read.

    Attributes:
        steps: Statuses that a refresh goes through.
    """

    template: TemplateVersion = dataclasses.field(default_factory=lambda: version("1"))
    steps: list[str] = dataclasses.field(default_factory=lambda: ["InProgress", "Successful"])
    started: list[str] = dataclasses.field(default_factory=list)
    cancelled: list[str] = dataclasses.field(default_factory=list)
    rolled_back: list[str] = dataclasses.field(default_factory=list)
    tasks: list[Refresh] = dataclasses.field(default_factory=list)
    state: str = "InService"
    gone: bool = False

    def group(self, group_id: str) -> ScalingGroup:
        if self.gone:
            raise NotFoundError("gone", operation=f"DescribeScalingGroups {group_id}")
        return ScalingGroup(desired=1, template=self.template)

    def members(self, group_id: str) -> list[Member]:
        return [
            Member(
                instance_id="i-1", lifecycle_state=self.state, healthy=True, template=self.template
            )
        ]

    def refreshes(self, group_id: str) -> list[Refresh]:
        if self.tasks and self.tasks[0].active and self.steps:
            self.tasks[0] = dataclasses.replace(self.tasks[0], status=self.steps.pop(0))
            if self.tasks[0].status == "Successful":
                self.template = self.tasks[0].desired
        return list(self.tasks)

    def start_refresh(
        self, group_id: str, desired: TemplateVersion, *, min_healthy: int, max_healthy: int
    ) -> str | None:
        self.started.append(desired.version)
        self.tasks.insert(
            0, Refresh(task_id=f"ir-{len(self.tasks) + 1}", status="Pending", desired=desired)
        )
        return self.tasks[0].task_id

    def roll_back(self, group_id: str, task_id: str) -> None:
        self.rolled_back.append(task_id)
        self.steps = ["RollbackInProgress", "RollbackSuccessful"]

    def cancel(self, group_id: str, task_id: str) -> None:
        self.cancelled.append(task_id)
        self.steps = ["Cancelled"]


def inputs(number: str = "1", **changes: Any) -> dict[str, Any]:
    """Return inputs of a rollout."""
    return {
        "scalingGroupId": "asg-1",
        "launchTemplateId": "lt-1",
        "launchTemplateVersion": number,
        "contentDigest": f"digest-{number}",
        "timeoutSeconds": 60,
        **changes,
    }


def engine_of(scaling: FakeScaling) -> Engine:
    """Return the engine's steps with that service."""
    return Engine(TOKEN, FakeServices(oss=None, dlc=None, scaling=scaling))


def test_first_deployment_waits_for_the_instances_and_refreshes_nothing() -> None:
    scaling = FakeScaling(state="Pending")
    engine = engine_of(scaling)

    def in_service(now: float) -> None:
        scaling.state = "InService"

    engine.clock.on_wait = in_service
    assert engine.up(inputs()) == "create"
    assert scaling.started == []
    assert engine.state is not None
    assert engine.state.outputs["instanceIds"] == ["i-1"]


def test_another_version_is_refreshed_to_once_and_waited_for() -> None:
    scaling = FakeScaling()
    engine = engine_of(scaling)
    engine.up(inputs())
    assert engine.up(inputs("2")) == "update"
    assert scaling.started == ["2"]
    assert scaling.template == version("2")
    assert engine.up(inputs("2")) == "same"


def test_preview_shows_changed_content_though_it_does_not_know_the_version_yet() -> None:
    engine = engine_of(FakeScaling())
    engine.up(inputs())
    changed = inputs("1", contentDigest="digest-2")
    assert engine.diff(changed).diffs == ["contentDigest"]
    assert engine.preview(changed)["instanceIds"] is UNKNOWN


def test_refresh_that_a_killed_update_began_is_taken_up() -> None:
    scaling = FakeScaling()
    engine = engine_of(scaling)
    engine.up(inputs())
    scaling.tasks = [Refresh(task_id="ir-9", status="InProgress", desired=version("2"))]
    engine.up(inputs("2"))
    assert scaling.started == []
    assert engine.state is not None
    assert engine.state.outputs["instanceRefreshTaskId"] == "ir-9"


def test_refresh_to_another_version_is_ended_first() -> None:
    scaling = FakeScaling()
    engine = engine_of(scaling)
    engine.up(inputs())
    scaling.tasks = [Refresh(task_id="ir-9", status="InProgress", desired=version("2"))]
    scaling.steps = []

    def go_on(now: float) -> None:
        if not scaling.steps and scaling.started:
            scaling.steps = ["InProgress", "Successful"]

    engine.clock.on_wait = go_on
    engine.up(inputs("3"))
    assert scaling.cancelled == ["ir-9"]
    assert scaling.started == ["3"]


def test_version_that_never_serves_is_rolled_back_and_fails_the_update() -> None:
    scaling = FakeScaling(steps=["InProgress"])
    engine = engine_of(scaling)
    engine.up(inputs())
    with pytest.raises(ProviderError, match=r"version 2 was not in service.*RollbackSuccessful"):
        engine.up(inputs("2"))
    assert scaling.rolled_back == ["ir-1"]
    assert scaling.template == version("1")


def test_a_failed_refresh_is_reported_with_its_reason() -> None:
    scaling = FakeScaling(steps=["Failed"])
    engine = engine_of(scaling)
    engine.up(inputs())
    with pytest.raises(ProviderError, match="ir-1 of asg-1 is Failed"):
        engine.up(inputs("2"))


def test_first_deployment_that_never_serves_fails_with_where_to_look() -> None:
    engine = engine_of(FakeScaling(state="Pending"))
    with pytest.raises(ProviderError, match=r"cloud-init-output\.log"):
        engine.up(inputs())


def test_refresh_tells_what_the_group_is_made_from_now() -> None:
    scaling = FakeScaling()
    engine = engine_of(scaling)
    engine.up(inputs())
    scaling.template = version("7")
    engine.refresh()
    assert engine.state is not None
    assert engine.state.inputs["launchTemplateVersion"] == "7"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"minHealthyPercentage": 101}, "minHealthyPercentage"),
        ({"maxHealthyPercentage": 99}, "maxHealthyPercentage"),
        ({"launchTemplateVersion": "Latest"}, "launchTemplateVersion"),
        ({"timeoutSeconds": 1}, "timeoutSeconds"),
    ],
)
def test_input_that_ess_would_refuse_is_refused(changes: dict[str, Any], named: str) -> None:
    found = engine_of(FakeScaling()).check(inputs(**changes))
    assert list(found["failures"]) == [named]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Yield a group of one real instance behind a load balancer."""
    with running_stack(tmp_path / "home", ["vpc", "ecs", "cas", "alb", "ess"]) as stack:
        yield make_fleet(make_balancer(stack))


def test_local_rollout_drops_no_request_and_a_broken_one_is_taken_back(fleet: Fleet) -> None:
    config = {
        **provider_config(fleet.balancer.stack),
        "essEndpoint": fleet.context.platform.endpoints["api"],
    }
    engine = Engine(TOKEN, CloudServices(config))  # type: ignore[arg-type]  # the real ones
    engine.clock.wait = wait_really(engine)  # type: ignore[method-assign]
    engine.provider._wait = engine.clock.wait
    given = {
        **inputs(),
        "scalingGroupId": fleet.group_id,
        "launchTemplateId": fleet.template_id,
        "timeoutSeconds": 600,
    }
    engine.up(given)
    fleet.serving(b"one")
    second = fleet.new_version("two")
    with Load(fleet.balancer) as load:
        engine.up({**given, "launchTemplateVersion": second, "contentDigest": "2"})
        fleet.serving(b"two")
        third = fleet.new_version("broken", health=503)
        broken = {**given, "launchTemplateVersion": third, "timeoutSeconds": 30}
        with pytest.raises(ProviderError, match="RollbackSuccessful"):
            engine.up({**broken, "contentDigest": "3"})
    assert load.failures == []
    assert set(load.answers) == {"one", "two"}
    fleet.in_service(1, second)


def wait_really(engine: Engine) -> Any:
    """Let time pass ten times as fast for the rollout as it does: it polls every 2 seconds."""
    import threading

    pause = threading.Event()

    def wait(seconds: float) -> None:
        engine.clock.now += seconds
        pause.wait(seconds / 4)

    return wait
