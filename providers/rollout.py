"""``customrag:ess:Rollout``: brings a scaling group to one version of its launch template."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from .wire import Out, with_plugin

__all__ = ["DEFAULT_TIMEOUT_SECONDS", "Rollout", "RolloutArgs"]

DEFAULT_TIMEOUT_SECONDS = 1800


@dataclass(frozen=True, kw_only=True)
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
            fails. Default 1,800.
    """

    scaling_group_id: pulumi.Input[str]
    launch_template_id: pulumi.Input[str]
    launch_template_version: pulumi.Input[str]
    content_digest: pulumi.Input[str]
    min_healthy_percentage: pulumi.Input[int] = 100
    max_healthy_percentage: pulumi.Input[int] = 200
    timeout_seconds: pulumi.Input[int] = DEFAULT_TIMEOUT_SECONDS


class Rollout(pulumi.CustomResource):
    """A scaling group with all instances in service, and all of one version.

    Why it exists: ``alicloud.ess.InstanceRefresh`` starts a refresh and does not wait for it, fails
    after five minutes when there is nothing to refresh (for example after a first deployment), and
    cannot roll back. This resource ends with the new version in service, or with the old one.
    Delete it together with the group; its deletion does not touch the instances.

    Attributes:
        instance_refresh_task_id: The refresh to this version; None if no refresh was needed.
        instance_ids: The instances in service at the end of the rollout.
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
