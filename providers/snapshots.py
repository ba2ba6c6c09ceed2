"""``customrag:elasticsearch:SnapshotSchedule``: an instance's automatic snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .wire import Out, with_plugin

__all__ = ["SnapshotSchedule", "SnapshotScheduleArgs"]


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleArgs:
    """Arguments of ``SnapshotSchedule``.

    Attributes:
        instance_id: The Elasticsearch instance, ``es-cn-…``.
        schedule: A Quartz cron expression in the region's own time: ``0 0 1 ? * * *`` is every day
            at one.
    """

    instance_id: pulumi.Input[str]
    schedule: pulumi.Input[str]


class SnapshotSchedule(pulumi.CustomResource):
    """The automatic snapshots of an Elasticsearch instance, kept by the service in OSS.

    Why it exists: ``alicloud.elasticsearch.Instance`` has no input for them, but the service has
    the operation UpdateSnapshotSetting. Delete it to stop the snapshots; existing snapshots stay
    until the service deletes them.
    """

    instance_id = Out[str]("instanceId")
    schedule = Out[str]("schedule")

    def __init__(
        self, name: str, args: SnapshotScheduleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"instanceId": args.instance_id, "schedule": args.schedule}
        super().__init__("customrag:elasticsearch:SnapshotSchedule", name, props, with_plugin(opts))
