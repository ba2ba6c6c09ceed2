"""Life cycle of ``customrag:ess:Rollout``: refresh a group's instances, wait, or roll back.

A running refresh to the same version is adopted and never started twice. So the next update
continues an interrupted one. Nothing here creates or removes an instance itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pluginhost import ProviderError
from providers.clients.errors import ClientError, NotFoundError
from providers.clients.scaling import Member, Refresh, TemplateVersion
from providers.declaration import inputs_of
from providers.plugin.framework import (
    Call,
    Failure,
    Handler,
    Values,
)
from providers.rollout import Rollout, RolloutArgs

__all__ = ["RolloutHandler"]

_POLL_SECONDS: Final = 2.0
_ROLL_BACK_SECONDS: Final = 900.0


class RolloutHandler(Handler):
    """Brings a scaling group to one version of its launch template."""

    token = Rollout.token
    inputs = inputs_of(RolloutArgs)
    outputs = ("instanceRefreshTaskId", "instanceIds")
    needed = ("scalingGroupId",)

    def check(self, inputs: Values) -> Iterator[Failure]:
        version = inputs.get("launchTemplateVersion")
        if isinstance(version, str) and not version.isdigit():
            yield Failure(
                "launchTemplateVersion",
                f"is {version!r}; give a number, because ESS rolls back to numbered versions only",
            )

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        return str(inputs["scalingGroupId"]), _Rolling(inputs, call).run()

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        try:
            group = call.services.scaling.group(str(inputs["scalingGroupId"]))
        except NotFoundError:
            return None
        present = {
            **inputs,
            "launchTemplateId": group.template.template_id,
            "launchTemplateVersion": group.template.version,
        }
        return present, self.kept(olds)

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        return _Rolling(inputs, call).run()

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        """Do nothing, because the group owns the instances."""


class _Rolling:
    """One rollout, from the present instances to one version in service."""

    def __init__(self, inputs: Values, call: Call) -> None:
        self._call = call
        self._scaling = call.services.scaling
        self._group_id = str(inputs["scalingGroupId"])
        self._wanted = TemplateVersion(
            template_id=str(inputs["launchTemplateId"]),
            version=str(inputs["launchTemplateVersion"]),
        )
        self._min_healthy = int(inputs["minHealthyPercentage"])
        self._max_healthy = int(inputs["maxHealthyPercentage"])
        self._seconds = call.timeout_seconds or float(inputs["timeoutSeconds"])

    def run(self) -> dict[str, Any]:
        deadline = self._call.clock() + self._seconds
        task_id: str | None = None
        while True:
            # In this order, because the members change until the refresh has ended.
            refresh = self._latest(task_id)
            members = [
                member for member in self._scaling.members(self._group_id) if not member.leaving
            ]
            if refresh is not None and not refresh.active and refresh.status != "Successful":
                raise ProviderError(
                    f"the refresh {refresh.task_id} of {self._group_id} is {refresh.status}"
                    + (f": {refresh.detail}" if refresh.detail else "")
                    + "; correct the launch template or the code, and run the update again"
                )
            if refresh is None or not refresh.active:
                if self._serves(members):
                    return {
                        "instanceRefreshTaskId": task_id,
                        "instanceIds": sorted(member.instance_id for member in members),
                    }
                if any(member.template != self._wanted for member in members):
                    refresh = self._begin()
            task_id = refresh.task_id if refresh is not None else task_id
            self._call.status(_progress(refresh, members))
            if self._call.clock() >= deadline:
                self._give_up(refresh)
            self._call.wait(_POLL_SECONDS)

    def _latest(self, task_id: str | None) -> Refresh | None:
        """Return this rollout's refresh, or a running one to adopt."""
        for refresh in self._scaling.refreshes(self._group_id):
            if refresh.task_id == task_id:
                return refresh
            if task_id is None and refresh.active:
                if refresh.desired == self._wanted and not refresh.status.startswith("Rollback"):
                    return refresh
                self._stop_other(refresh)
        return None

    def _stop_other(self, refresh: Refresh) -> None:
        """Cancel a refresh to another version that an earlier update left running."""
        if refresh.status in ("Cancelling", "RollbackInProgress"):
            return
        self._call.log(
            f"cancelling the refresh {refresh.task_id} to version {refresh.desired.version}: this "
            f"update needs version {self._wanted.version}"
        )
        self._scaling.cancel(self._group_id, refresh.task_id)

    def _begin(self) -> Refresh | None:
        if any(refresh.active for refresh in self._scaling.refreshes(self._group_id)):
            return None
        task_id = self._scaling.start_refresh(
            self._group_id,
            self._wanted,
            min_healthy=self._min_healthy,
            max_healthy=self._max_healthy,
        )
        if task_id is None:
            return None
        self._call.log(f"refresh {task_id} brings every instance to version {self._wanted.version}")
        return Refresh(task_id=task_id, status="InProgress", desired=self._wanted)

    def _serves(self, members: list[Member]) -> bool:
        desired = self._scaling.group(self._group_id).desired
        return len(members) >= desired and all(
            member.template == self._wanted
            and member.lifecycle_state == "InService"
            and member.healthy
            for member in members
        )

    def _give_up(self, refresh: Refresh | None) -> None:
        """Fail, after a rollback to the former version.

        Raises:
            ProviderError: Always.
        """
        version = self._wanted.version
        if refresh is None:
            raise ProviderError(
                f"{self._group_id} does not have all its instances in service after "
                f"{self._seconds:.0f} s. Read the log of their boot (cloud-init-output.log), "
                "correct the error and run the update again."
            )
        self._call.log(f"rolling back: version {version} is not in service", "warning")
        outcome = self._roll_back(refresh)
        raise ProviderError(
            f"version {version} was not in service after {self._seconds:.0f} s; {outcome}. Read "
            "the log of the new instances' boot (cloud-init-output.log), correct the error and "
            "run the update again."
        )

    def _roll_back(self, refresh: Refresh) -> str:
        deadline = self._call.clock() + _ROLL_BACK_SECONDS
        try:
            self._scaling.roll_back(self._group_id, refresh.task_id)
            while self._call.clock() < deadline:
                (found,) = [
                    item
                    for item in self._scaling.refreshes(self._group_id)
                    if item.task_id == refresh.task_id
                ]
                if not found.active:
                    return f"the refresh {refresh.task_id} is {found.status}"
                self._call.status(f"rolling back: {found.status}")
                self._call.wait(_POLL_SECONDS)
        except ClientError as error:
            return f"the rollback failed ({error})"
        return f"the rollback has not finished after {_ROLL_BACK_SECONDS:.0f} s"


def _progress(refresh: Refresh | None, members: list[Member]) -> str:
    if refresh is not None and refresh.active:
        return f"refresh {refresh.status}: {refresh.finished} of {refresh.total} instances"
    ready = sum(member.lifecycle_state == "InService" for member in members)
    return f"{ready} of {len(members)} instances in service"
