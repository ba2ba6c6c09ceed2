"""Scaling groups: instances that really start, serve, drain and end."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from localcloud.core.errors import CloudError
from localcloud.ecs.workers import instances_of
from tests.localcloud.alb.support import make_balancer
from tests.localcloud.ess.conftest import SERVICES
from tests.localcloud.ess.support import (
    GROUP,
    TEMPLATE,
    Fleet,
    Load,
    group_inputs,
    make_fleet,
    template_inputs,
)
from tests.localcloud.running import lives, running_stack, until


def start_refresh(fleet: Fleet, version: str) -> str:
    """Begin to replace what is not of that version; the task's id."""
    answer = fleet.call(
        "StartInstanceRefresh",
        **{
            "ScalingGroupId": fleet.group_id,
            "MinHealthyPercentage": 100,
            "MaxHealthyPercentage": 200,
            "DesiredConfiguration.LaunchTemplateId": fleet.template_id,
            "DesiredConfiguration.LaunchTemplateVersion": version,
        },
    )
    return str(answer["InstanceRefreshTaskId"])


def test_rolling_refresh_drops_no_request(fleet: Fleet) -> None:
    fleet.serving(b"one")
    first = fleet.in_service(1)
    version = fleet.new_version("two")
    with Load(fleet.balancer) as load:
        task = start_refresh(fleet, version)
        until(lambda: fleet.refresh_status(task) == "Successful", "the refresh is done")
        until(lambda: load.answers["two"] > 3, "the new version answers")
    assert load.failures == []
    assert load.answers["one"] > 0
    assert not fleet.in_service(1, version) & first
    group = fleet.call("DescribeScalingGroups")["ScalingGroups"][0]
    assert group["LaunchTemplateVersion"] == version


def test_refresh_to_unhealthy_version_keeps_old_members_and_can_roll_back(
    fleet: Fleet,
) -> None:
    fleet.serving(b"one")
    first = fleet.in_service(1)
    version = fleet.new_version("broken", health=503)
    task = start_refresh(fleet, version)
    until(lambda: len(fleet.members()) == 2, "the new member is there")
    assert fleet.balancer.ask("/").body == b"one"
    fleet.call("RollbackInstanceRefresh", ScalingGroupId=fleet.group_id, InstanceRefreshTaskId=task)
    until(lambda: fleet.refresh_status(task) == "RollbackSuccessful", "it is rolled back")
    assert fleet.in_service(1, "1") == first


def test_group_spreads_over_zones_and_shrinks_to_max_size(fleet: Fleet) -> None:
    fleet.update(minSize=2)
    members = fleet.in_service(2)
    vswitches = {member["vswitch_id"] for member in fleet.members().values()}
    assert vswitches == set(fleet.balancer.vswitch_ids)
    fleet.update(minSize=0, maxSize=1)
    assert fleet.in_service(1) <= members
    fleet.update(minSize=0, maxSize=1, desiredCapacity=0)
    fleet.in_service(0)
    assert instances_of(fleet.context).all() == []


def test_stopped_member_is_replaced(fleet: Fleet) -> None:
    (first,) = fleet.in_service(1)
    instances = instances_of(fleet.context)
    inputs = instances.require(first)["inputs"]
    instances.update(first, {**inputs, "status": "Stopped"})
    until(lambda: instances.get(first) is None, "the stopped member is gone")
    assert first not in fleet.in_service(1)


def test_deleted_group_leaves_no_instance_and_no_process(fleet: Fleet) -> None:
    (member,) = fleet.in_service(1)
    status = fleet.context.supervisor.status(f"ecs/{member}/web")
    process = psutil.Process(status.pid)
    handler = fleet.balancer.stack.handler(GROUP)
    handler.delete(fleet.group_id, {}, fleet.context)
    assert not lives(process)
    assert instances_of(fleet.context).all() == []
    assert handler.read(fleet.group_id, {}, fleet.context) is None


def test_next_daemon_adopts_members(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, leave_processes=True) as stack:
        fleet = make_fleet(make_balancer(stack))
        members = fleet.in_service(1)
        template, group, security = fleet.template_id, fleet.group_id, fleet.security_group_id
        before = fleet.balancer
    with running_stack(home, SERVICES) as stack:
        before.stack = stack
        again = Fleet(before, template, group, security)
        again.serving(b"one")
        assert again.in_service(1) == members


def test_protected_group_is_not_deleted(fleet: Fleet) -> None:
    fleet.update(groupDeletionProtection=True)
    handler = fleet.balancer.stack.handler(GROUP)
    with pytest.raises(CloudError, match="OperationDenied"):
        handler.delete(fleet.group_id, {}, fleet.context)
    fleet.in_service(1)


def test_refresh_with_nothing_to_change_is_refused(settled: Fleet) -> None:
    settled.in_service(1)
    with pytest.raises(Exception, match="NoInstanceNeedBeRefreshed"):
        settled.call("StartInstanceRefresh", ScalingGroupId=settled.group_id)


def test_template_change_creates_a_version_and_no_change_does_not(fleet: Fleet) -> None:
    handler = fleet.balancer.stack.handler(TEMPLATE)
    same = template_inputs(fleet.security_group_id, "one")
    assert handler.update(fleet.template_id, {}, same, fleet.context)["latestVersionNumber"] == 1
    assert fleet.new_version("two") == "2"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"vswitchIds": ["vsw-none"]}, "InvalidVSwitchId.NotFound"),
        ({"launchTemplateVersion": "7"}, "InvalidLaunchTemplateVersion.NotFound"),
        ({"launchTemplateVersion": "Latest"}, "LocalCloud.NotSupported"),
        ({"scalingGroupName": "chat"}, "InvalidScalingGroupName.Duplicate"),
    ],
)
def test_invalid_group_is_refused(settled: Fleet, changes: dict[str, object], code: str) -> None:
    inputs = {**group_inputs(settled.balancer, settled.template_id), "scalingGroupName": "other"}
    with pytest.raises(CloudError) as caught:
        settled.balancer.stack.make(GROUP, {**inputs, **changes})
    assert caught.value.code == code


def test_next_daemon_continues_a_refresh(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_stack(home, SERVICES, leave_processes=True) as stack:
        fleet = make_fleet(make_balancer(stack))
        fleet.serving(b"one")
        version = fleet.new_version("two")
        task = start_refresh(fleet, version)
        until(lambda: len(fleet.members()) == 2, "the new member is there")
    # As after a crash: only the store knows the unfinished refresh.
    with running_stack(home, SERVICES) as stack:
        fleet.balancer.stack = stack
        until(lambda: fleet.refresh_status(task) == "Successful", "the refresh is done")
        fleet.serving(b"two")
        assert len(instances_of(fleet.context).all()) == 1
        assert fleet.in_service(1, version)


def test_member_follows_the_template_and_has_the_group_tag(settled: Fleet) -> None:
    (member,) = settled.in_service(1)
    inputs = instances_of(settled.context).require(member)["inputs"]
    assert inputs["httpTokens"] == "required"
    assert inputs["instanceType"] == "ecs.g7.large"
    assert inputs["tags"] == {
        "project": "customrag",
        "acs:autoscaling:scalingGroupId": settled.group_id,
    }
