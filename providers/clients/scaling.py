"""Scaling groups: what they have, and rolling refreshes of their instances.

Owns calls to ESS 2022-02-22 that no Pulumi resource makes and waits for. Groups are made by
``alicloud.ess.ScalingGroup``. Source:
https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-startinstancerefresh and
the models of ``alibabacloud_ess20220222`` 1.13 (read 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .errors import ClientError, NotFoundError
from .generic import GenericClient

__all__ = ["Member", "Refresh", "ScalingClient", "ScalingGroup", "TemplateVersion"]

VERSION: Final = "2022-02-22"
ACTIVE_STATUSES: Final = frozenset(
    {
        *("Pending", "InProgress", "Paused", "CheckpointPause", "Cancelling"),
        "RollbackInProgress",
    }
)
_NO_NEED: Final = "InvalidInstance.NoInstanceNeedBeRefreshed"
_PAGE_SIZE: Final = 50


@dataclass(frozen=True, kw_only=True)
class TemplateVersion:
    """One version of a launch template."""

    template_id: str
    version: str


@dataclass(frozen=True, kw_only=True)
class ScalingGroup:
    """A group: how many instances it is to have, and what they are made from."""

    desired: int
    template: TemplateVersion


@dataclass(frozen=True, kw_only=True)
class Member:
    """An instance of a group.

    Attributes:
        lifecycle_state: e.g. ``Pending``, ``InService``, ``Removing``.
    """

    instance_id: str
    lifecycle_state: str
    healthy: bool
    template: TemplateVersion

    @property
    def leaving(self) -> bool:
        """Whether it is on its way out of the group."""
        return self.lifecycle_state.startswith("Removing")


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """A rolling refresh of a group's instances."""

    task_id: str
    status: str
    desired: TemplateVersion
    finished: int = 0
    total: int = 0
    detail: str = ""

    @property
    def active(self) -> bool:
        """Whether it is not over."""
        return self.status in ACTIVE_STATUSES


class ScalingClient:
    """The service behind one endpoint.

    Args:
        client: Calls its operations.
        region_id: e.g. ``cn-hangzhou``.
    """

    def __init__(self, client: GenericClient, region_id: str) -> None:
        self._client = client
        self._region_id = region_id

    def group(self, group_id: str) -> ScalingGroup:
        """Return the group (DescribeScalingGroups).

        Raises:
            NotFoundError: There is no such group.
        """
        body = self._rpc("DescribeScalingGroups", {"ScalingGroupIds.1": group_id})
        found = body.get("ScalingGroups") or []
        if not found:
            raise NotFoundError(
                "there is no such group", operation=f"DescribeScalingGroups {group_id}"
            )
        (group,) = found
        return ScalingGroup(desired=_desired(group), template=_template(group))

    def members(self, group_id: str) -> list[Member]:
        """Return the group's instances (DescribeScalingInstances, every page)."""
        found: list[Member] = []
        page = 1
        while True:
            body = self._rpc(
                "DescribeScalingInstances",
                {"ScalingGroupId": group_id, "PageNumber": page, "PageSize": _PAGE_SIZE},
            )
            entries = body.get("ScalingInstances") or []
            found += [_member(entry) for entry in entries]
            if not entries or len(found) >= int(body.get("TotalCount") or 0):
                return found
            page += 1

    def refreshes(self, group_id: str) -> list[Refresh]:
        """Return the group's refreshes, the newest first (DescribeInstanceRefreshes)."""
        body = self._rpc("DescribeInstanceRefreshes", {"ScalingGroupId": group_id})
        tasks = body.get("InstanceRefreshTasks") or []
        tasks.sort(key=lambda task: str(task.get("StartTime") or ""), reverse=True)
        return [_refresh(task) for task in tasks]

    def start_refresh(
        self, group_id: str, desired: TemplateVersion, *, min_healthy: int, max_healthy: int
    ) -> str | None:
        """Begin to replace instances of other versions (StartInstanceRefresh).

        A group has one refresh at a time, so a second call starts no second one.

        Returns:
            The refresh's id; None if there is nothing to replace.
        """
        try:
            body = self._rpc(
                "StartInstanceRefresh",
                {
                    "ScalingGroupId": group_id,
                    "DesiredConfiguration.LaunchTemplateId": desired.template_id,
                    "DesiredConfiguration.LaunchTemplateVersion": desired.version,
                    "MinHealthyPercentage": min_healthy,
                    "MaxHealthyPercentage": max_healthy,
                    "SkipMatching": "true",
                },
            )
        except ClientError as error:
            if error.code == _NO_NEED:
                return None
            raise
        return str(body["InstanceRefreshTaskId"])

    def roll_back(self, group_id: str, task_id: str) -> None:
        """Return to what the group had before a refresh (RollbackInstanceRefresh)."""
        self._rpc(
            "RollbackInstanceRefresh",
            {"ScalingGroupId": group_id, "InstanceRefreshTaskId": task_id},
        )

    def cancel(self, group_id: str, task_id: str) -> None:
        """End a refresh where it is (CancelInstanceRefresh)."""
        self._rpc(
            "CancelInstanceRefresh",
            {"ScalingGroupId": group_id, "InstanceRefreshTaskId": task_id},
        )

    def _rpc(self, action: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._client.rpc(action, VERSION, {"RegionId": self._region_id, **parameters})


def _desired(group: dict[str, Any]) -> int:
    given = group.get("DesiredCapacity")
    return int(group["MinSize"] if given is None else given)


def _template(entry: dict[str, Any]) -> TemplateVersion:
    return TemplateVersion(
        template_id=str(entry.get("LaunchTemplateId") or ""),
        version=str(entry.get("LaunchTemplateVersion") or ""),
    )


def _member(entry: dict[str, Any]) -> Member:
    return Member(
        instance_id=str(entry["InstanceId"]),
        lifecycle_state=str(entry.get("LifecycleState") or ""),
        healthy=entry.get("HealthStatus") == "Healthy",
        template=_template(entry),
    )


def _refresh(task: dict[str, Any]) -> Refresh:
    return Refresh(
        task_id=str(task["InstanceRefreshTaskId"]),
        status=str(task.get("Status") or ""),
        desired=_template(task.get("DesiredConfiguration") or {}),
        finished=int(task.get("FinishedUpdateCapacity") or 0),
        total=int(task.get("TotalNeedUpdateCapacity") or 0),
        detail=str(task.get("Detail") or ""),
    )
