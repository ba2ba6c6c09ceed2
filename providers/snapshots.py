"""``customrag:elasticsearch:SnapshotSchedule``: when an instance is copied to OSS."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .wire import Out, with_plugin


@dataclass(frozen=True, kw_only=True)
class SnapshotScheduleArgs:
    """Arguments of ``SnapshotSchedule``.

    Attributes:
        instance_id: The Elasticsearch instance, ``es-cn-…``.
        schedule: When, as Quartz writes it, in the region's own time: ``0 0 1 ? * * *`` is every
            day at one.
    """

    instance_id: pulumi.Input[str]
    schedule: pulumi.Input[str]


class SnapshotSchedule(pulumi.CustomResource):
    """The automatic snapshots of an Elasticsearch instance, kept by the service in OSS.

    Why it exists: ``alicloud.elasticsearch.Instance`` has no input for them; the service has
    UpdateSnapshotSetting. Delete it to stop them; snapshots that were taken stay until the service
    drops them.
    """

    instance_id = Out[str]("instanceId")
    schedule = Out[str]("schedule")

    def __init__(
        self, name: str, args: SnapshotScheduleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {"instanceId": args.instance_id, "schedule": args.schedule}
        super().__init__("customrag:elasticsearch:SnapshotSchedule", name, props, with_plugin(opts))
