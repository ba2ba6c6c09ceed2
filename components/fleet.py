"""A service on several nodes: a scaling group in all zones that rolls over to new versions.

Owns: the launch template, the group with its lifecycle hooks and scaling rule, and the rollout.
Does not own: the load balancer (`components.load_balancer`), role, network, code, image. APIs: ECS
2014-05-26 launch templates and ESS 2022-02-22, https://www.alibabacloud.com/help/en/auto-scaling,
read 2026-11-21.

A change creates a new version of the template. `providers.Rollout` brings it to the instances, new
ones first, and rolls it back if they do not come into service. The group ignores the version in its
declaration, because ESS changes the group's version after a successful rollout.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

import pulumi
from pulumi_alicloud import ecs, ess

import providers
from components.load_balancer import DRAIN_SECONDS, Zones
from components.nodes import SYSTEM_DISK_GIB, Code, Machine, ServiceArgs, service_user_data
from components.outputs import once
from components.scope import Scope

__all__ = ["FleetSize", "ServiceFleet", "ServiceFleetArgs"]

_MOST_INSTANCES = 2000
# LifecycleHook, HeartbeatTimeout: 30 to 21,600. The longest time that a new instance may take to
# boot, fetch its code and start before it joins the server group.
_WARM_UP_SECONDS = 300
# Average CPU use that the scaling rule targets.
_CPU_PERCENT = 60
# Beyond the time that a new node takes to start and an old one to finish.
_ROLLOUT_SLACK_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class FleetSize:
    """Number of instances.

    Attributes:
        min_instances: Smallest number, 1 or more.
        max_instances: Largest number. If it is larger than `min_instances`, a rule scales the group
            by CPU use.
    """

    min_instances: int = 1
    max_instances: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.min_instances <= self.max_instances <= _MOST_INSTANCES:
            raise ValueError(
                f"min_instances is {self.min_instances} and max_instances {self.max_instances}; "
                f"both must be 1 to {_MOST_INSTANCES}, and min_instances must not be larger"
            )


@dataclass(frozen=True, kw_only=True)
class ServiceFleetArgs:
    """Arguments of `ServiceFleet`.

    Attributes:
        scope: Names, region and tags of the stack.
        service: What every node runs.
        code: Where its code is.
        machine: What every node is made of.
        zones: VPC and vSwitches; the instances are spread over them.
        server_group_id: ALB server group that the instances join.
        size: Number of instances.
        ready_hook: Runs after every rollout. Default: none.
        deletion_protection: Pulumi and the cloud refuse to delete the group. Default: they do.
    """

    scope: Scope
    service: ServiceArgs
    code: Code
    machine: Machine
    zones: Zones
    server_group_id: pulumi.Input[str]
    size: FleetSize = field(default_factory=FleetSize)
    ready_hook: pulumi.ResourceHook | None = None
    deletion_protection: bool = True

    def __post_init__(self) -> None:
        if not self.zones.vswitch_ids:
            raise ValueError("zones.vswitch_ids is empty; a scaling group needs at least one")


class ServiceFleet(pulumi.ComponentResource):
    """A scaling group whose nodes all run one version.

    Attributes:
        rolled_out: The group's id, known once every instance is in service with the declared
            version.
    """

    rolled_out: pulumi.Output[str]

    def __init__(
        self, name: str, args: ServiceFleetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("customrag:nodes:ServiceFleet", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        user_data = service_user_data(args.scope, args.service, args.code, args.machine.log_agent)
        template = self._template(user_data)
        version = template.latest_version_number.apply(lambda number: str(int(number)))
        group = self._group(template, version)
        held = self._hooks(group)
        if args.size.max_instances > args.size.min_instances:
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
                timeout_seconds=_WARM_UP_SECONDS * 2 + DRAIN_SECONDS * 2 + _ROLLOUT_SLACK_SECONDS,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=held, hooks=hooks),
        )
        self.rolled_out = once(group.id, rollout.id)
        self.register_outputs({"scaling_group_id": group.id})

    def _template(self, user_data: pulumi.Output[str]) -> ecs.EcsLaunchTemplate:
        args = self._args
        return ecs.EcsLaunchTemplate(
            f"{self._name}-template",
            launch_template_name=args.scope.naming.physical(args.service.name),
            version_description=f"customrag {args.service.name}: {args.service.module}",
            update_default_version_number=True,
            description=f"customrag {args.service.name}: {args.service.module}",
            instance_name=args.scope.naming.physical(args.service.name),
            instance_type=args.machine.instance_type,
            instance_charge_type="PostPaid",
            image_id=args.machine.image_id,
            network_type="vpc",
            vpc_id=args.zones.vpc_id,
            security_group_ids=list(args.machine.security_group_ids),
            internet_max_bandwidth_out=0,
            ram_role_name=args.machine.ram_role_name,
            http_endpoint="enabled",
            http_tokens="required",
            security_enhancement_strategy="Active",
            system_disk=ecs.EcsLaunchTemplateSystemDiskArgs(
                category="cloud_essd",
                size=SYSTEM_DISK_GIB,
                encrypted=True,
                kms_key_id=args.machine.disk_kms_key_id,
                delete_with_instance=True,
            ),
            user_data=user_data,
            tags=dict(args.scope.tags),
            template_tags=dict(args.scope.tags),
            opts=self._child,
        )

    def _group(
        self, template: ecs.EcsLaunchTemplate, version: pulumi.Output[str]
    ) -> ess.ScalingGroup:
        args = self._args
        return ess.ScalingGroup(
            self._name,
            scaling_group_name=args.scope.naming.physical(args.service.name),
            min_size=args.size.min_instances,
            max_size=args.size.max_instances,
            vswitch_ids=list(args.zones.vswitch_ids.values()),
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
            tags=dict(args.scope.tags),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # A rollout changes these after the new version is in service.
                ignore_changes=["launchTemplateId", "launchTemplateVersion"],
            ),
        )

    def _hooks(self, group: ess.ScalingGroup) -> list[pulumi.Resource]:
        """Give an instance time to start before its first request and to finish its last one.

        Source: https://help.aliyun.com/document_detail/207450.htm, read 2026-11-21: without a hook,
        an instance joins its server group, and is released, at once.
        """
        args = self._args
        return [
            ess.LifecycleHook(
                f"{self._name}-{role}",
                scaling_group_id=group.id,
                name=args.scope.naming.physical(f"{args.service.name}-{role}"),
                lifecycle_transition=transition,
                heartbeat_timeout=seconds,
                default_result="CONTINUE",
                opts=self._child,
            )
            for role, transition, seconds in (
                ("warm-up", "SCALE_OUT", _WARM_UP_SECONDS),
                ("drain", "SCALE_IN", DRAIN_SECONDS),
            )
        ]

    def _scale(self, group: ess.ScalingGroup) -> None:
        args = self._args
        ess.ScalingRule(
            f"{self._name}-cpu",
            scaling_group_id=group.id,
            scaling_rule_name=args.scope.naming.physical(f"{args.service.name}-cpu"),
            scaling_rule_type="TargetTrackingScalingRule",
            metric_name="CpuUtilization",
            target_value=_CPU_PERCENT,
            estimated_instance_warmup=_WARM_UP_SECONDS,
            disable_scale_in=False,
            opts=self._child,
        )

    def _digest(self, user_data: pulumi.Output[str]) -> pulumi.Output[str]:
        """Return a digest of a version's content; a preview knows it before the version exists."""
        args = self._args
        held = pulumi.Output.all(
            user_data=user_data,
            instance_type=args.machine.instance_type,
            image_id=args.machine.image_id,
            role=args.machine.ram_role_name,
            groups=list(args.machine.security_group_ids),
            key=args.machine.disk_kms_key_id,
            disk=SYSTEM_DISK_GIB,
            tags=dict(args.scope.tags),
        )
        return held.apply(
            lambda values: hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[
                :16
            ]
        )
