"""ESS 2022-02-22 over RPC: describe groups, scale them, and refresh their instances.

Source: https://api.aliyun.com/document/Ess/2022-02-22/StartInstanceRefresh,
.../RollbackInstanceRefresh, .../DescribeScalingInstances, .../ExecuteScalingRule (2026-11).
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any, Final

from localcloud.core.errors import CloudError, not_supported
from localcloud.core.resources import Context
from localcloud.core.rpc import RpcAction, RpcCall, numbered_names
from localcloud.ecs.launch_templates import instance_inputs
from localcloud.ecs.workers import instances_of
from localcloud.ess import state
from localcloud.ess.workers import fleets_of

VERSION: Final = "2022-02-22"
_DESIRED: Final = "DesiredConfiguration.LaunchTemplate"
_MAX_IDS: Final = 20
_PAGE: Final = ("PageNumber", "PageSize")


class EssApi:
    """The operations of one local stack's ESS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def scaling_groups(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeScalingGroups."""
        self._authorise(call, "DescribeScalingGroups")
        wanted = call.listed("ScalingGroupIds")
        found = [
            self._group(key, group)
            for key, group in self._store.table(state.GROUPS).items()
            if not wanted or key in wanted
        ]
        return {**_page(call, found), "ScalingGroups": _slice(call, found)}

    def scaling_instances(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeScalingInstances."""
        self._authorise(call, "DescribeScalingInstances")
        group_id = call.required("ScalingGroupId")
        self._require(group_id)
        found = [
            self._instance(key, member)
            for key, member in state.members_of(self._store, group_id).items()
        ]
        return {**_page(call, found), "ScalingInstances": _slice(call, found)}

    def refreshes(self, call: RpcCall) -> dict[str, Any]:
        """Answer DescribeInstanceRefreshes, with the newest first."""
        self._authorise(call, "DescribeInstanceRefreshes")
        group_id = call.required("ScalingGroupId")
        wanted = call.listed("InstanceRefreshTaskIds")
        found = [
            (refresh["started_at"], self._refresh(key, refresh))
            for key, refresh in self._store.table(state.REFRESHES).items()
            if refresh["group_id"] == group_id and (not wanted or key in wanted)
        ]
        tasks = [task for _, task in sorted(found, key=lambda entry: entry[0], reverse=True)]
        return {"InstanceRefreshTasks": tasks, "TotalCount": len(tasks), "MaxResults": len(tasks)}

    def start_refresh(self, call: RpcCall) -> dict[str, Any]:
        """Answer StartInstanceRefresh with another version of a launch template."""
        self._authorise(call, "StartInstanceRefresh")
        group_id = call.required("ScalingGroupId")
        with fleets_of(self._context).lock, self._store.transaction():
            group = self._require(group_id)
            if state.active_refresh(self._store, group_id) is not None:
                raise CloudError(
                    "OperationDenied.InstanceRefreshInProgress",
                    f"{group_id} has an instance refresh in progress; wait for its end or cancel "
                    "it.",
                )
            refresh = self._new_refresh(call, group_id, group)
            key = self._context.ids.new("ir-bp1", 17)
            self._store.table(state.REFRESHES).put(key, refresh)
        return {"InstanceRefreshTaskId": key}

    def _new_refresh(self, call: RpcCall, group_id: str, group: dict[str, Any]) -> dict[str, Any]:
        source = {"template_id": group["template_id"], "version": group["version"]}
        desired = {
            "template_id": call.parameters.get(f"{_DESIRED}Id", source["template_id"]),
            "version": call.parameters.get(f"{_DESIRED}Version", source["version"]),
        }
        if not desired["version"].isdigit():
            raise not_supported(f"{_DESIRED}Version {desired['version']!r}", "use a number")
        vswitches = group["inputs"]["vswitchIds"]
        instance_inputs(self._context, desired["template_id"], desired["version"], vswitches[0])
        members = state.members_of(self._store, group_id)
        skip = call.parameters.get("SkipMatching", "true").lower() == "true"
        matching = state.Configuration(desired["template_id"], desired["version"])
        outdated = [key for key, member in members.items() if not matching.matches(member)]
        if not (outdated if skip else members):
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
            "skip_matching": skip,
            "renewed": [] if skip else sorted(members),
            "total": len(outdated if skip else members),
            "started_at": time.time(),
        }

    def rollback_refresh(self, call: RpcCall) -> dict[str, Any]:
        """Answer RollbackInstanceRefresh: remove the members with the desired configuration."""
        return self._stop_refresh(call, "RollbackInstanceRefresh", "RollbackInProgress")

    def cancel_refresh(self, call: RpcCall) -> dict[str, Any]:
        """Answer CancelInstanceRefresh: all members stay."""
        return self._stop_refresh(call, "CancelInstanceRefresh", "Cancelled")

    def _stop_refresh(self, call: RpcCall, action: str, status: str) -> dict[str, Any]:
        self._authorise(call, action)
        group_id, key = call.required("ScalingGroupId"), call.required("InstanceRefreshTaskId")
        table = self._store.table(state.REFRESHES)
        with fleets_of(self._context).lock, self._store.transaction():
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
            table.put(key, {**refresh, "status": status, "renewed": []})
        return {}

    def execute_rule(self, call: RpcCall) -> dict[str, Any]:
        """Answer ExecuteScalingRule for a simple rule."""
        self._authorise(call, "ExecuteScalingRule")
        ari = call.required("ScalingRuleAri")
        rule = next((r for r in self._store.table(state.RULES).values() if r["ari"] == ari), None)
        if rule is None:
            raise CloudError(
                "InvalidScalingRuleAri.NotFound", f"The rule {ari!r} does not exist.", 404
            )
        if rule.get("scalingRuleType", "SimpleScalingRule") != "SimpleScalingRule":
            raise CloudError(
                "InvalidScalingRuleType.NotSupported",
                f"{ari} is a {rule['scalingRuleType']}; only a SimpleScalingRule can be executed.",
            )
        group_id, value = rule["scalingGroupId"], int(rule["adjustmentValue"])
        with fleets_of(self._context).lock:
            group = self._require(group_id)
            desired = _adjusted(int(group["desired"]), rule["adjustmentType"], value)
            lowest, highest = int(group["inputs"]["minSize"]), int(group["inputs"]["maxSize"])
            desired = min(max(desired, lowest), highest)
            self._store.table(state.GROUPS).put(group_id, {**group, "desired": desired})
        return {"ScalingActivityId": self._context.ids.new("asa-bp1", 17)}

    def _authorise(self, call: RpcCall, action: str) -> None:
        self._context.access.require(call.principal, f"ess:{action}", "acs:ess:*:*:*")

    def _require(self, group_id: str) -> dict[str, Any]:
        group = self._store.table(state.GROUPS).get(group_id)
        if group is None:
            raise CloudError(
                "InvalidScalingGroupId.NotFound",
                f"The scaling group {group_id!r} does not exist.",
                404,
            )
        return group

    def _group(self, key: str, group: dict[str, Any]) -> dict[str, Any]:
        inputs = group["inputs"]
        states = [member["state"] for member in state.members_of(self._store, key).values()]
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

    def _instance(self, key: str, member: dict[str, Any]) -> dict[str, Any]:
        instance = instances_of(self._context).get(key)
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

    def _refresh(self, key: str, refresh: dict[str, Any]) -> dict[str, Any]:
        target = state.Configuration(**refresh["desired"])
        members = state.members_of(self._store, refresh["group_id"]).values()
        left = [item for item in members if not target.matches(item)]
        return {
            "InstanceRefreshTaskId": key,
            "ScalingGroupId": refresh["group_id"],
            "RegionId": self._context.platform.region_id,
            "Status": refresh["status"],
            "Detail": refresh.get("detail", ""),
            "MinHealthyPercentage": refresh["min_healthy"],
            "MaxHealthyPercentage": refresh["max_healthy"],
            "SkipMatching": refresh["skip_matching"],
            "TotalNeedUpdateCapacity": refresh["total"],
            "FinishedUpdateCapacity": max(0, refresh["total"] - len(left)),
            "DesiredConfiguration": {
                "LaunchTemplateId": refresh["desired"]["template_id"],
                "LaunchTemplateVersion": refresh["desired"]["version"],
            },
            "StartTime": _time(refresh["started_at"]),
            "EndTime": _time(refresh["ended_at"]) if "ended_at" in refresh else "",
        }


def actions(context: Context) -> tuple[RpcAction, ...]:
    """Return the operations of ESS."""
    api = EssApi(context)
    refresh = {"ScalingGroupId", "InstanceRefreshTaskId"}
    starting = {
        *("ScalingGroupId", "MinHealthyPercentage", "MaxHealthyPercentage", "SkipMatching"),
        *(f"{_DESIRED}Id", f"{_DESIRED}Version"),
    }
    described = {
        "DescribeScalingGroups": (
            {*numbered_names("ScalingGroupIds", _MAX_IDS), *_PAGE},
            api.scaling_groups,
        ),
        "DescribeScalingInstances": ({"ScalingGroupId", *_PAGE}, api.scaling_instances),
        "DescribeInstanceRefreshes": (
            {"ScalingGroupId", "MaxResults", *numbered_names("InstanceRefreshTaskIds", _MAX_IDS)},
            api.refreshes,
        ),
        "StartInstanceRefresh": (starting, api.start_refresh),
        "RollbackInstanceRefresh": (refresh, api.rollback_refresh),
        "CancelInstanceRefresh": (refresh, api.cancel_refresh),
        "ExecuteScalingRule": ({"ScalingRuleAri"}, api.execute_rule),
    }
    return tuple(
        RpcAction(name=name, version=VERSION, parameters=frozenset(own), answer=answer)
        for name, (own, answer) in described.items()
    )


def _adjusted(desired: int, kind: str, value: int) -> int:
    if kind == "TotalCapacity":
        return value
    if kind == "QuantityChangeInCapacity":
        return desired + value
    change = math.ceil(abs(desired * value / 100))
    return desired + (change if value >= 0 else -change)


def _page(call: RpcCall, found: list[Any]) -> dict[str, Any]:
    return {
        "TotalCount": len(found),
        "PageNumber": call.number("PageNumber", 1, 1, 1_000_000),
        "PageSize": call.number("PageSize", 10, 1, 1_000_000),
    }


def _slice(call: RpcCall, found: list[Any]) -> list[Any]:
    page = _page(call, found)
    start = (page["PageNumber"] - 1) * page["PageSize"]
    return found[start : start + page["PageSize"]]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")
