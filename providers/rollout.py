"""``customrag:ess:Rollout``: the instances of a scaling group are of one template version."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .wire import Out, with_plugin

DEFAULT_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
class RolloutArgs:
    """Arguments of ``Rollout``.

    Attributes:
        scaling_group_id: The group; another one is another rollout.
        launch_template_id: What its instances are to be made from.
        launch_template_version: The version's number. A preview does not know the next one yet.
        content_digest: Changes with what the version holds: that is what a preview shows.
        min_healthy_percentage: Of the capacity, at least so many stay in service, 0 to 100.
            Default 100: no request is turned away.
        max_healthy_percentage: Of the capacity, at most so many exist at a time, 100 to 200.
            Default 200: new ones first, then the old ones go.
        timeout_seconds: Then the group goes back to the version it had, and the update fails.
            Default 1,800.
    """

    scaling_group_id: pulumi.Input[str]
    launch_template_id: pulumi.Input[str]
    launch_template_version: pulumi.Input[str]
    content_digest: pulumi.Input[str]
    min_healthy_percentage: pulumi.Input[int] = 100
    max_healthy_percentage: pulumi.Input[int] = 200
    timeout_seconds: pulumi.Input[int] = DEFAULT_TIMEOUT_SECONDS


class Rollout(pulumi.CustomResource):
    """A group whose instances are all in service and of one version.

    Why it exists: ``alicloud.ess.InstanceRefresh`` starts a refresh and does not wait for it, fails
    after five minutes when there is nothing to refresh (as after a first deployment), and takes
    nothing back. This one ends with the new version in service, or with the old one. Delete it when
    the group goes; it leaves the instances alone.

    Attributes:
        instance_refresh_task_id: The refresh that brought the version; None when none was needed.
        instance_ids: The instances in service when it was done.
    """

    scaling_group_id = Out[str]("scalingGroupId")
    launch_template_version = Out[str]("launchTemplateVersion")
    instance_refresh_task_id = Out[str | None]("instanceRefreshTaskId")
    instance_ids = Out[list[str]]("instanceIds")

    def __init__(
        self, name: str, args: RolloutArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "scalingGroupId": args.scaling_group_id,
            "launchTemplateId": args.launch_template_id,
            "launchTemplateVersion": args.launch_template_version,
            "contentDigest": args.content_digest,
            "minHealthyPercentage": args.min_healthy_percentage,
            "maxHealthyPercentage": args.max_healthy_percentage,
            "timeoutSeconds": args.timeout_seconds,
            "instanceRefreshTaskId": None,
            "instanceIds": None,
        }
        super().__init__("customrag:ess:Rollout", name, props, with_plugin(opts))
