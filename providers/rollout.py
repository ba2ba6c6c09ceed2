"""``customrag:ess:Rollout``: brings a scaling group to one version of its launch template."""

from __future__ import annotations

import pulumi

from .declaration import Resource, argument, arguments
from .wire import Out

__all__ = ["Rollout", "RolloutArgs"]


@arguments
class RolloutArgs:
    """Arguments of ``Rollout``.

    Attributes:
        scaling_group_id: The group; a change replaces the resource.
        launch_template_id: The launch template of its instances.
        launch_template_version: The version's number. A preview does not know the next one yet.
        content_digest: Changes with the version's content, so that a preview shows the change.
        min_healthy_percentage: The percentage of the capacity that stays in service, at least; 0 to
            100. Default 100: no request is refused.
        max_healthy_percentage: The percentage of the capacity that exists at a time, at most; 100
            to 200. Default 200: the new instances start before the old ones stop.
        timeout_seconds: After this time the group returns to its former version, and the update
            fails; 30 to 14,400. Default 1,800.
    """

    scaling_group_id: pulumi.Input[str] = argument("string", effect="replace")
    launch_template_id: pulumi.Input[str] = argument("string")
    launch_template_version: pulumi.Input[str] = argument("string")
    content_digest: pulumi.Input[str] = argument("string")
    # These decide how a rollout happens; a change of them does not start one.
    min_healthy_percentage: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=100, bounds=(0, 100)
    )
    max_healthy_percentage: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=200, bounds=(100, 200)
    )
    timeout_seconds: pulumi.Input[int] = argument(
        "integer", effect="ignore", default=1800, bounds=(30, 14_400)
    )


class Rollout(Resource[RolloutArgs]):
    """A scaling group with all instances in service, and all of one version.

    Why it exists: ``alicloud.ess.InstanceRefresh`` starts a refresh and does not wait for it, fails
    after five minutes when there is nothing to refresh (for example after a first deployment), and
    cannot roll back. This resource ends with the new version in service, or with the old one.
    Delete it together with the group; its deletion does not touch the instances.

    Attributes:
        instance_refresh_task_id: The refresh to this version; None if no refresh was needed.
        instance_ids: The instances in service at the end of the rollout.
    """

    token = "customrag:ess:Rollout"  # noqa: S105 - a type token
    instance_refresh_task_id = Out[str | None]()
    instance_ids = Out[list[str]]()
