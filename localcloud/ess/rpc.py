"""ESS 2022-02-22 over RPC: describe groups, and refresh their instances.

Source: https://api.aliyun.com/document/Ess/2022-02-22/StartInstanceRefresh,
.../RollbackInstanceRefresh, .../DescribeScalingInstances (2026-11).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcApi, RpcCall, numbered_names
from localcloud.ecs.launch_templates import instance_inputs
from localcloud.ecs.workers import instances_of
from localcloud.ess import state
from localcloud.ess.workers import fleets_of

API: Final = RpcApi("ess", "Ess", "2022-02-22")
_DESIRED: Final = "DesiredConfiguration.LaunchTemplate"
_MAX_IDS: Final = 20
_PAGE: Final = ("PageNumber", "PageSize")
_REFRESH: Final = ("ScalingGroupId", "InstanceRefreshTaskId")


@API.action(
    "DescribeScalingGroups",
    *(*numbered_names("ScalingGroupIds", _MAX_IDS), *_PAGE),
    notes="filter: ids",
)
def scaling_groups(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeScalingGroups."""
    _authorise(call, "DescribeScalingGroups")
    wanted = call.listed("ScalingGroupIds")
    found = [
        _group(call.context, key, group)
        for key, group in call.context.store.table(state.GROUPS).items()
        if not wanted or key in wanted
    ]
    fields, page = call.page(found, 1_000_000)
    return {**fields, "ScalingGroups": page}


@API.action("DescribeScalingInstances", "ScalingGroupId", *_PAGE, notes="filter: group")
def scaling_instances(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeScalingInstances."""
    _authorise(call, "DescribeScalingInstances")
    group_id = call.required("ScalingGroupId")
    _require(group_id, call.context)
    found = [
        _instance(call.context, key, member)
        for key, member in state.members_of(call.context.store, group_id).items()
    ]
    fields, page = call.page(found, 1_000_000)
    return {**fields, "ScalingInstances": page}


@API.action("DescribeInstanceRefreshes", "ScalingGroupId", notes="in one page")
def refreshes(call: RpcCall) -> dict[str, Any]:
    """Answer DescribeInstanceRefreshes, with the newest first."""
    _authorise(call, "DescribeInstanceRefreshes")
    group_id = call.required("ScalingGroupId")
    found = [
        (refresh["started_at"], _refresh(call.context, key, refresh))
        for key, refresh in call.context.store.table(state.REFRESHES).items()
        if refresh["group_id"] == group_id
    ]
    tasks = [task for _, task in sorted(found, key=lambda entry: entry[0], reverse=True)]
    return {"InstanceRefreshTasks": tasks, "TotalCount": len(tasks), "MaxResults": len(tasks)}


@API.action(
    "StartInstanceRefresh",
    *("ScalingGroupId", "MinHealthyPercentage", "MaxHealthyPercentage", "SkipMatching"),
    *(f"{_DESIRED}Id", f"{_DESIRED}Version"),
    notes="to a numbered version of a launch template; no checkpoints; a member serves once "
    "the load balancer reports it healthy",
)
def start_refresh(call: RpcCall) -> dict[str, Any]:
    """Answer StartInstanceRefresh with another version of a launch template."""
    _authorise(call, "StartInstanceRefresh")
    group_id = call.required("ScalingGroupId")
    with fleets_of(call.context).lock, call.context.store.transaction():
        group = _require(group_id, call.context)
        if state.active_refresh(call.context.store, group_id) is not None:
            raise CloudError(
                "OperationDenied.InstanceRefreshInProgress",
                f"{group_id} has an instance refresh in progress; wait for its end or cancel it.",
            )
        refresh = _new_refresh(call, group_id, group)
        key = call.context.ids.new("ir-bp1", 17)
        call.context.store.table(state.REFRESHES).put(key, refresh)
    return {"InstanceRefreshTaskId": key}


def _new_refresh(call: RpcCall, group_id: str, group: dict[str, Any]) -> dict[str, Any]:
    source = {"template_id": group["template_id"], "version": group["version"]}
    desired = {
        "template_id": call.parameters.get(f"{_DESIRED}Id", source["template_id"]),
        "version": call.parameters.get(f"{_DESIRED}Version", source["version"]),
    }
    if not desired["version"].isdigit():
        raise not_supported(f"{_DESIRED}Version {desired['version']!r}", "use a number")
    vswitches = group["inputs"]["vswitchIds"]
    instance_inputs(call.context, desired["template_id"], desired["version"], vswitches[0])
    members = state.members_of(call.context.store, group_id)
    if call.parameters.get("SkipMatching", "true") != "true":
        raise not_supported("SkipMatching=false", "use true")
    matching = state.Configuration(desired["template_id"], desired["version"])
    outdated = [key for key, member in members.items() if not matching.matches(member)]
    if not outdated:
        raise CloudError(
            "InvalidInstance.NoInstanceNeedBeRefreshed",
            f"Every instance of {group_id} already has the desired configuration.",
        )
    return {
        "group_id": group_id,
        "status": "InProgress",
        "source": source,
        "desired": desired,
        "min_healthy": call.number("MinHealthyPercentage", 80, 0, 100),
        "max_healthy": call.number("MaxHealthyPercentage", 120, 100, 200),
        "total": len(outdated),
        "started_at": time.time(),
    }


@API.action("RollbackInstanceRefresh", *_REFRESH)
def rollback_refresh(call: RpcCall) -> dict[str, Any]:
    """Answer RollbackInstanceRefresh: remove the members with the desired configuration."""
    return _stop_refresh(call, "RollbackInstanceRefresh", "RollbackInProgress")


@API.action("CancelInstanceRefresh", *_REFRESH, notes="at once")
def cancel_refresh(call: RpcCall) -> dict[str, Any]:
    """Answer CancelInstanceRefresh: all members stay."""
    return _stop_refresh(call, "CancelInstanceRefresh", "Cancelled")


def _stop_refresh(call: RpcCall, action: str, status: str) -> dict[str, Any]:
    _authorise(call, action)
    group_id, key = call.required("ScalingGroupId"), call.required("InstanceRefreshTaskId")
    table = call.context.store.table(state.REFRESHES)
    with fleets_of(call.context).lock, call.context.store.transaction():
        refresh = table.get(key)
        if refresh is None or refresh["group_id"] != group_id:
            raise CloudError(
                "InvalidInstanceRefreshTaskId.NotFound",
                f"The refresh {key!r} does not exist.",
                404,
            )
        if refresh["status"] not in ("Pending", "InProgress"):
            raise CloudError(
                "OperationDenied.InstanceRefreshStatus",
                f"{key} is {refresh['status']}; only a refresh in progress can be stopped.",
            )
        table.put(key, {**refresh, "status": status})
    return {}


def _authorise(call: RpcCall, action: str) -> None:
    call.authorise(f"ess:{action}", "acs:ess:*:*:*")


def _require(group_id: str, context: Context) -> dict[str, Any]:
    group = context.store.table(state.GROUPS).get(group_id)
    if group is None:
        raise CloudError(
            "InvalidScalingGroupId.NotFound",
            f"The scaling group {group_id!r} does not exist.",
            404,
        )
    return group


def _group(context: Context, key: str, group: dict[str, Any]) -> dict[str, Any]:
    inputs = group["inputs"]
    states = [member["state"] for member in state.members_of(context.store, key).values()]
    return {
        "ScalingGroupId": key,
        "ScalingGroupName": inputs.get("scalingGroupName", key),
        "LifecycleState": "Active",
        "MinSize": inputs["minSize"],
        "MaxSize": inputs["maxSize"],
        "DesiredCapacity": group["desired"],
        "LaunchTemplateId": group["template_id"],
        "LaunchTemplateVersion": group["version"],
        "TotalCapacity": len(states),
        "ActiveCapacity": states.count("InService"),
        "PendingCapacity": states.count("Pending"),
        "RemovingCapacity": states.count("Removing"),
        "GroupDeletionProtection": bool(inputs.get("groupDeletionProtection")),
        "CreationTime": group["created_at"],
        "Tags": [
            {"TagKey": name, "TagValue": value}
            for name, value in sorted((inputs.get("tags") or {}).items())
        ],
    }


def _instance(context: Context, key: str, member: dict[str, Any]) -> dict[str, Any]:
    instance = instances_of(context).get(key)
    running = instance is not None and instance["status"] == "Running"
    return {
        "InstanceId": key,
        "ScalingGroupId": member["group_id"],
        "LifecycleState": member["state"],
        "HealthStatus": "Healthy" if running else "Unhealthy",
        "LaunchTemplateId": member["template_id"],
        "LaunchTemplateVersion": member["version"],
        "CreationType": "AutoCreated",
        "CreationTime": _time(member["created_at"]),
        "PrivateIpAddress": instance["address"] if instance else "",
    }


def _refresh(context: Context, key: str, refresh: dict[str, Any]) -> dict[str, Any]:
    target = state.Configuration(**refresh["desired"])
    members = state.members_of(context.store, refresh["group_id"]).values()
    left = [item for item in members if not target.matches(item)]
    return {
        "InstanceRefreshTaskId": key,
        "ScalingGroupId": refresh["group_id"],
        "RegionId": context.platform.region_id,
        "Status": refresh["status"],
        "Detail": refresh.get("detail", ""),
        "MinHealthyPercentage": refresh["min_healthy"],
        "MaxHealthyPercentage": refresh["max_healthy"],
        "SkipMatching": True,
        "TotalNeedUpdateCapacity": refresh["total"],
        "FinishedUpdateCapacity": max(0, refresh["total"] - len(left)),
        "DesiredConfiguration": {
            "LaunchTemplateId": refresh["desired"]["template_id"],
            "LaunchTemplateVersion": refresh["desired"]["version"],
        },
        "StartTime": _time(refresh["started_at"]),
        "EndTime": _time(refresh["ended_at"]) if "ended_at" in refresh else "",
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
