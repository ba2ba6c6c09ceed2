"""A service on several nodes: a scaling group over all zones, rolled over when what runs changes.

Owns: the launch template, the group with its hooks and its rule, the rollout. Does not own: what
stands before it (`components.load_balancer`), role, network, code, image. APIs: ECS 2014-05-26
launch templates and ESS 2022-02-22, https://www.alibabacloud.com/help/en/auto-scaling, read
2026-11-21.

A change of what runs is a new version of the template; `providers.Rollout` brings it to the
instances, new ones first, and takes it back when they do not come into service. The group itself
ignores the version: its own changes when a rollout has succeeded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs, ess

import providers
from components.naming import Naming
from components.nodes import LogAgent, ServiceArgs, service_user_data
from components.outputs import once

__all__ = ["ServiceFleet", "ServiceFleetArgs"]

# LifecycleHook: HeartbeatTimeout, 30 to 21,600.
_SHORTEST_HOOK_SECONDS = 30
_LONGEST_HOOK_SECONDS = 21_600
_MOST_INSTANCES = 2000
# Beyond the time that a node takes to start and the old one to finish.
_ROLLOUT_SLACK_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class ServiceFleetArgs:
    """Arguments of `ServiceFleet`.

    Attributes:
        naming: Makes physical names.
        service: What every node runs.
        instance_type: ECS instance type.
        image_id: Image with Python 3.11 or newer.
        vpc_id: The VPC of the vSwitches.
        vswitch_ids: Zone id to vSwitch; instances are spread over them.
        security_group_ids: Who may reach the nodes.
        ram_role_name: The role whose credentials they get from instance metadata.
        code_uri: `oss://bucket/code/.../customrag-<hash>.zip`.
        oss_endpoint: URL of OSS as the nodes see it.
        region_id: Region of the code's bucket.
        server_group_id: ALB server group that the instances join.
        requirements: pip requirements the image must have; what it lacks is installed at boot.
        min_instances: At least so many.
        max_instances: At most so many; more than `min_instances`: scaled by `cpu_percent`.
        cpu_percent: Average CPU use that the scaling rule aims at, 1 to 100.
        warm_up_seconds: How long a new instance is held back from the server group at most, 30 to
            21,600: it has to boot, fetch its code and start.
        drain_seconds: How long one that goes is kept after it has left the server group, 30 to
            21,600; not less than the server group's own draining.
        system_disk_size_gib: 20 to 2,048 GiB. Encrypted, deleted with the node.
        system_disk_kms_key_id: See `ServiceNodeArgs`.
        log_agent: See `ServiceNodeArgs`.
        ready_hook: Runs after every rollout. Default: none.
        deletion_protection: The cloud refuses to delete the group. Default: it does.
        tags: Tags of the group, the template, and every instance.
    """

    naming: Naming
    service: ServiceArgs
    instance_type: str
    image_id: str
    vpc_id: pulumi.Input[str]
    vswitch_ids: Mapping[str, pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    ram_role_name: pulumi.Input[str]
    code_uri: pulumi.Input[str]
    oss_endpoint: str
    region_id: str
    server_group_id: pulumi.Input[str]
    requirements: Sequence[str] = ()
    min_instances: int = 1
    max_instances: int = 1
    cpu_percent: int = 60
    warm_up_seconds: int = 300
    drain_seconds: int = 300
    system_disk_size_gib: int = 40
    system_disk_kms_key_id: pulumi.Input[str] | None = None
    log_agent: LogAgent | None = None
    ready_hook: pulumi.ResourceHook | None = None
    deletion_protection: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.min_instances <= self.max_instances <= _MOST_INSTANCES:
            raise ValueError(
                f"min_instances is {self.min_instances} and max_instances {self.max_instances}; "
                f"give 1 to {_MOST_INSTANCES}, the smaller first"
            )
        if not 1 <= self.cpu_percent <= 100:
            raise ValueError(f"cpu_percent is {self.cpu_percent}; give 1 to 100")
        for name in ("warm_up_seconds", "drain_seconds"):
            seconds = getattr(self, name)
            if not _SHORTEST_HOOK_SECONDS <= seconds <= _LONGEST_HOOK_SECONDS:
                raise ValueError(
                    f"{name} is {seconds}; give {_SHORTEST_HOOK_SECONDS} to {_LONGEST_HOOK_SECONDS}"
                )
        if not 20 <= self.system_disk_size_gib <= 2048:
            raise ValueError(
                f"system_disk_size_gib is {self.system_disk_size_gib}; ECS takes 20 to 2048"
            )
        if not self.vswitch_ids or not self.security_group_ids:
            raise ValueError("vswitch_ids and security_group_ids need one entry at least")


class ServiceFleet(pulumi.ComponentResource):
    """As many nodes as are wanted, all of one version once it is done.

    Attributes:
        scaling_group_id: The group.
        rolled_out: The group's id, known once every instance in it is in service and of the
            declared version.
    """

    scaling_group_id: pulumi.Output[str]
    rolled_out: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceFleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:nodes:ServiceFleet", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        user_data = service_user_data(
            args.service,
            code_uri=args.code_uri,
            oss_endpoint=args.oss_endpoint,
            region_id=args.region_id,
            requirements=args.requirements,
            log_agent=args.log_agent,
        )
        template = self._template(user_data)
        version = template.latest_version_number.apply(lambda number: str(int(number)))
        group = self._group(template, version)
        held = self._hooks(group)
        if args.max_instances > args.min_instances:
            self._scale(group)
        hooks = (
            pulumi.ResourceHookBinding(
                after_create=[args.ready_hook], after_update=[args.ready_hook]
            )
            if args.ready_hook is not None
            else None
        )
        rollout = providers.Rollout(
            f"{name}-rollout",
            providers.RolloutArgs(
                scaling_group_id=group.id,
                launch_template_id=template.id,
                launch_template_version=version,
                content_digest=self._digest(user_data),
                timeout_seconds=args.warm_up_seconds * 2
                + args.drain_seconds * 2
                + _ROLLOUT_SLACK_SECONDS,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=held, hooks=hooks),
        )
        self.scaling_group_id = group.id
        self.rolled_out = once(group.id, rollout.id)
        self.register_outputs({"scaling_group_id": self.scaling_group_id})

    def _template(self, user_data: pulumi.Output[str]) -> ecs.EcsLaunchTemplate:
        args = self._args
        return ecs.EcsLaunchTemplate(
            f"{self._name}-template",
            launch_template_name=args.naming.physical(args.service.name),
            version_description=f"customrag {args.service.name}: {args.service.module}",
            update_default_version_number=True,
            description=f"customrag {args.service.name}: {args.service.module}",
            instance_name=args.naming.physical(args.service.name),
            instance_type=args.instance_type,
            instance_charge_type="PostPaid",
            image_id=args.image_id,
            network_type="vpc",
            vpc_id=args.vpc_id,
            security_group_ids=list(args.security_group_ids),
            internet_max_bandwidth_out=0,
            ram_role_name=args.ram_role_name,
            http_endpoint="enabled",
            http_tokens="required",
            security_enhancement_strategy="Active",
            system_disk=ecs.EcsLaunchTemplateSystemDiskArgs(
                category="cloud_essd",
                size=args.system_disk_size_gib,
                encrypted=True,
                kms_key_id=args.system_disk_kms_key_id,
                delete_with_instance=True,
            ),
            user_data=user_data,
            tags=dict(args.tags),
            template_tags=dict(args.tags),
            opts=self._child,
        )

    def _group(
        self, template: ecs.EcsLaunchTemplate, version: pulumi.Output[str]
    ) -> ess.ScalingGroup:
        args = self._args
        return ess.ScalingGroup(
            self._name,
            scaling_group_name=args.naming.physical(args.service.name),
            min_size=args.min_instances,
            max_size=args.max_instances,
            vswitch_ids=list(args.vswitch_ids.values()),
            multi_az_policy="BALANCE",
            health_check_type="ECS",
            removal_policies=["OldestScalingConfiguration", "OldestInstance"],
            launch_template_id=template.id,
            launch_template_version=version,
            alb_server_groups=[
                ess.ScalingGroupAlbServerGroupArgs(
                    alb_server_group_id=args.server_group_id, port=args.service.port, weight=100
                )
            ],
            group_deletion_protection=args.deletion_protection,
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # A rollout moves it on, and only once the new version is in service.
                ignore_changes=["launchTemplateId", "launchTemplateVersion"],
            ),
        )

    def _hooks(self, group: ess.ScalingGroup) -> list[pulumi.Resource]:
        """Time for an instance to start before it is asked, and to finish after it is not.

        Source: https://help.aliyun.com/document_detail/207450.htm, read 2026-11-21: without one an
        instance joins its server group, and is released, at once.
        """
        args = self._args
        return [
            ess.LifecycleHook(
                f"{self._name}-{role}",
                scaling_group_id=group.id,
                name=args.naming.physical(f"{args.service.name}-{role}"),
                lifecycle_transition=transition,
                heartbeat_timeout=seconds,
                default_result="CONTINUE",
                opts=self._child,
            )
            for role, transition, seconds in (
                ("warm-up", "SCALE_OUT", args.warm_up_seconds),
                ("drain", "SCALE_IN", args.drain_seconds),
            )
        ]

    def _scale(self, group: ess.ScalingGroup) -> None:
        args = self._args
        ess.ScalingRule(
            f"{self._name}-cpu",
            scaling_group_id=group.id,
            scaling_rule_name=args.naming.physical(f"{args.service.name}-cpu"),
            scaling_rule_type="TargetTrackingScalingRule",
            metric_name="CpuUtilization",
            target_value=args.cpu_percent,
            estimated_instance_warmup=args.warm_up_seconds,
            disable_scale_in=False,
            opts=self._child,
        )

    def _digest(self, user_data: pulumi.Output[str]) -> pulumi.Output[str]:
        """What a version holds: a preview knows it before there is a version of that number."""
        args = self._args
        held = pulumi.Output.all(
            user_data=user_data,
            instance_type=args.instance_type,
            image_id=args.image_id,
            role=args.ram_role_name,
            groups=list(args.security_group_ids),
            key=args.system_disk_kms_key_id,
            disk=args.system_disk_size_gib,
            tags=dict(args.tags),
        )
        return held.apply(
            lambda values: hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[
                :16
            ]
        )
