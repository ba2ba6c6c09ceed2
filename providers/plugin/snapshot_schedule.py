"""Life cycle of ``customrag:elasticsearch:SnapshotSchedule``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provider_facts.quartz import ScheduleError, check_schedule
from providers.clients.elasticsearch_instances import SnapshotSetting
from providers.clients.errors import NotFoundError
from providers.declaration import inputs_of
from providers.plugin.framework import (
    Call,
    Failure,
    Handler,
    Values,
)
from providers.snapshots import SnapshotSchedule, SnapshotScheduleArgs

__all__ = ["SnapshotScheduleHandler"]


class SnapshotScheduleHandler(Handler):
    """An instance's automatic snapshots; the id is the instance's."""

    token = SnapshotSchedule.token
    inputs = inputs_of(SnapshotScheduleArgs)

    def check(self, inputs: Values) -> Iterator[Failure]:
        schedule = inputs.get("schedule")
        if isinstance(schedule, str):
            try:
                check_schedule(schedule)
            except ScheduleError as error:
                yield Failure("schedule", f"is {schedule!r}, which is not valid: {error}")

    def create(self, inputs: Values, call: Call) -> tuple[str, dict[str, Any]]:
        _set(inputs, call)
        return str(inputs["instanceId"]), {}

    def read(self, inputs: Values, olds: Values, call: Call) -> tuple[Values, Values] | None:
        instance_id = str(inputs.get("instanceId") or call.resource_id)
        try:
            setting = call.services.elasticsearch_instances.snapshot_setting(instance_id)
        except NotFoundError:
            return None
        if not setting.enable:
            return None
        return {"instanceId": instance_id, "schedule": setting.schedule}, {}

    def update(self, olds: Values, inputs: Values, call: Call) -> dict[str, Any]:
        _set(inputs, call)
        return {}

    def delete(self, inputs: Values, olds: Values, call: Call) -> None:
        instance_id = str(inputs["instanceId"])
        try:
            call.services.elasticsearch_instances.set_snapshots(
                instance_id, SnapshotSetting(enable=False)
            )
        except NotFoundError:
            return


def _set(inputs: Values, call: Call) -> None:
    setting = SnapshotSetting(enable=True, schedule=str(inputs["schedule"]))
    call.services.elasticsearch_instances.set_snapshots(str(inputs["instanceId"]), setting)
