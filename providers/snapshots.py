"""``customrag:elasticsearch:SnapshotSchedule``: an instance's automatic snapshots."""

from __future__ import annotations

import pulumi

from .declaration import Resource, argument, arguments

__all__ = ["SnapshotSchedule", "SnapshotScheduleArgs"]


@arguments
class SnapshotScheduleArgs:
    """Arguments of ``SnapshotSchedule``.

    Attributes:
        instance_id: The Elasticsearch instance, ``es-cn-…``.
        schedule: A Quartz cron expression in the region's own time: ``0 0 1 ? * * *`` is every day
            at one.
    """

    instance_id: pulumi.Input[str] = argument("string", effect="replace")
    schedule: pulumi.Input[str] = argument("string")


class SnapshotSchedule(Resource[SnapshotScheduleArgs]):
    """The automatic snapshots of an Elasticsearch instance, kept by the service in OSS.

    Why it exists: ``alicloud.elasticsearch.Instance`` has no input for them, but the service has
    the operation UpdateSnapshotSetting. Delete it to stop the snapshots; existing snapshots stay
    until the service deletes them.
    """

    token = "customrag:elasticsearch:SnapshotSchedule"  # noqa: S105 - a type token
