"""Life cycle of ``customrag:elasticsearch:SnapshotSchedule``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from provider_facts.quartz import ScheduleError, check_schedule
from providers.clients.elasticsearch_instances import SnapshotSetting
from providers.clients.errors import NotFoundError
from providers.plugin.framework import (
    Call,
    Difference,
    Failure,
    Handler,
    Input,
    compare,
)

__all__ = ["SnapshotScheduleHandler"]


class SnapshotScheduleHandler(Handler):
    """An instance's automatic snapshots; the id is the instance's."""

    token: ClassVar[str] = "customrag:elasticsearch:SnapshotSchedule"  # noqa: S105 - a type token
    inputs: ClassVar[Mapping[str, Input]] = {
        "instanceId": Input(kind="string", effect="replace", required=True),
        "schedule": Input(kind="string", required=True),
    }

    def check(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        schedule = inputs.get("schedule")
        if isinstance(schedule, str):
            try:
                check_schedule(schedule)
            except ScheduleError as error:
                yield Failure("schedule", f"is {schedule!r}, which is not valid: {error}")

    def diff(
        self,
        old_inputs: Mapping[str, Any],
        olds: Mapping[str, Any],
        news: Mapping[str, Any],
        call: Call,
    ) -> Difference:
        return Difference(changes=tuple(compare(self.inputs, old_inputs, news)))

    def preview_create(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def preview_update(self, olds: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def create(self, inputs: Mapping[str, Any], call: Call) -> tuple[str, dict[str, Any]]:
        _set(inputs, call)
        return str(inputs["instanceId"]), {}

    def read(
        self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        instance_id = str(inputs.get("instanceId") or call.resource_id)
        try:
            setting = call.services.elasticsearch_instances.snapshot_setting(instance_id)
        except NotFoundError:
            return None
        if not setting.enable:
            return None
        return {"instanceId": instance_id, "schedule": setting.schedule}, {}

    def update(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], call: Call
    ) -> dict[str, Any]:
        _set(inputs, call)
        return {}

    def delete(self, inputs: Mapping[str, Any], olds: Mapping[str, Any], call: Call) -> None:
        instance_id = str(inputs["instanceId"])
        try:
            call.services.elasticsearch_instances.set_snapshots(
                instance_id, SnapshotSetting(enable=False)
            )
        except NotFoundError:
            return


def _set(inputs: Mapping[str, Any], call: Call) -> None:
    setting = SnapshotSetting(enable=True, schedule=str(inputs["schedule"]))
    call.services.elasticsearch_instances.set_snapshots(str(inputs["instanceId"]), setting)
